"""Touches that were stored before their table got another layout are there afterwards."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import Connection, sql

from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.statements import shipped

_DAY = "conversion_touchpoints_2026050{}"
_TOUCHES = """
    INSERT INTO {}
    VALUES ('t', 7, 1, %(day)s, NULL, '2026-04-30 12:00Z', 'spring', 'paid_social', 'browser',
            1, 0, 0, 0.333333333, 0.4, 0.304, 1, 0.333333334, 0),
           ('t', 7, 2, %(day)s, 8, '2026-05-01 12:00Z', '(none)', 'direct', 'matched',
            0, 1, 1, 0.666666667, 0.6, 0.696, 0, 0.666666666, 1)
"""
_DAYS = """
    SELECT c.relname, obj_description(c.oid, 'pg_class'), pg_get_expr(c.relpartbound, c.oid)
    FROM pg_class c
    WHERE c.relkind = 'r' AND c.relname LIKE 'conversion_touchpoints_%'
    ORDER BY c.relname
"""


@pytest.fixture
def before(empty_database_url: str) -> Iterator[Connection[Any]]:
    """A database with the schema of before, with an attached and a detached day of two touches each."""
    with connect(empty_database_url) as connection:
        for file in sorted(shipped("sql/migrations").glob("*.sql")):
            if file.stem.endswith("touches_in_fewer_bytes"):
                break
            connection.execute(file.read_text(encoding="utf-8"))
        connection.execute(
            "CREATE TABLE trackai.conversion_touchpoints_20260501 PARTITION OF trackai.conversion_touchpoints"
            " FOR VALUES FROM ('2026-05-01') TO ('2026-05-02')"
        )
        connection.execute(
            "CREATE TABLE trackai.conversion_touchpoints_20260502 (LIKE trackai.conversion_touchpoints INCLUDING ALL)"
        )
        connection.execute("COMMENT ON TABLE trackai.conversion_touchpoints_20260502 IS 'Half of it'")
        for day in (1, 2):
            connection.execute(sql.SQL(_TOUCHES).format(of_day(day)), {"day": f"2026-05-0{day}"})
        yield connection


def of_day(day: int) -> sql.Identifier:
    return sql.Identifier("trackai", _DAY.format(day))


def rows(connection: Connection[Any], day: int) -> list[Any]:
    return connection.execute(sql.SQL("SELECT to_jsonb(t) FROM {} t ORDER BY position").format(of_day(day))).fetchall()


def test_every_touch_stays(before: Connection[Any]) -> None:
    days, stored = before.execute(_DAYS).fetchall(), [rows(before, day) for day in (1, 2)]
    (file,) = shipped("sql/migrations").glob("*touches_in_fewer_bytes.sql")
    with before.transaction():
        before.execute(file.read_text(encoding="utf-8"))
    assert before.execute(_DAYS).fetchall() == days
    assert [rows(before, day) for day in (1, 2)] == stored
    assert before.execute("SELECT count(*) FROM trackai.conversion_touchpoints").fetchone() == (2,)
    with pytest.raises(psycopg.errors.UniqueViolation):
        before.execute("INSERT INTO trackai.conversion_touchpoints SELECT * FROM trackai.conversion_touchpoints")
    # The detached day can be attached as it is.
    before.execute(
        "ALTER TABLE trackai.conversion_touchpoints ATTACH PARTITION trackai.conversion_touchpoints_20260502"
        " FOR VALUES FROM ('2026-05-02') TO ('2026-05-03')"
    )
    assert before.execute("SELECT count(*) FROM trackai.conversion_touchpoints").fetchone() == (4,)
