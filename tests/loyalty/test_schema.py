"""The tables of loyalty: what the database itself refuses, and how partitions longer than a day are made."""

from datetime import date, timedelta

import pytest
from declared import TABLES
from psycopg import Connection, errors, sql

from trackai_pipelines.database.partitions import create_partitions_ahead
from trackai_pipelines.database.statements import statement

VIDEOS = [table for table in TABLES if table.name == "videos"]


def _months(connection: Connection) -> list[str]:
    rows = connection.execute(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'trackai.videos'::regclass ORDER BY 1"
    )
    return [name for (name,) in rows]


def test_metrics_is_a_view_and_no_table_has_a_month(connection: Connection) -> None:
    kind = connection.execute("SELECT relkind FROM pg_class WHERE oid = 'trackai.metrics'::regclass").fetchone()
    assert kind == ("v",)
    tables = connection.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
        "WHERE c.relnamespace = 'trackai'::regnamespace AND c.relkind IN ('r', 'p') AND a.attname = 'period'"
    ).fetchall()
    # Its trends are by hours, days and weeks.
    assert {name for (name,) in tables} <= {"campaign_trend_data"}


def _post_anything(connection: Connection) -> None:
    connection.execute("INSERT INTO trackai.tenants (id, slug, name) VALUES ('t-acme', 'acme', 'acme')")
    connection.execute(
        "INSERT INTO trackai.ledger_postings (tenant_id, posting_no, posted_at, entries, amount_by_currency, digest)"
        " VALUES ('t-acme', 1, now(), 1, '{}', repeat('0', 64))"
    )
    connection.execute(
        "INSERT INTO trackai.sales_ledger"
        " (tenant_id, posting_no, source, source_ref, user_id, revision, sale_day, amount, units, currency,"
        " recorded_at)"
        " VALUES ('t-acme', 1, 'adjustment', 'adj:1', 'c1', 1, '2026-03-01', 1, 1, 'USD', now())"
    )


@pytest.mark.parametrize("table", ["sales_ledger", "ledger_postings"])
@pytest.mark.parametrize("change", ["UPDATE {} SET run = run", "DELETE FROM {}", "TRUNCATE {}"])
def test_what_is_posted_is_not_changed(connection: Connection, table: str, change: str) -> None:
    name = sql.Identifier("trackai", table)
    statement = sql.SQL(change.replace("run", "tenant_id")).format(name)
    if change.startswith("TRUNCATE"):
        # Nothing is lost as long as nothing was posted.
        connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(name))
        _post_anything(connection)
        statement += sql.SQL(" CASCADE")
    with pytest.raises(errors.RestrictViolation, match="append-only"):
        connection.execute(statement)


def test_months_of_videos_are_made_ahead_and_none_is_skipped(connection: Connection) -> None:
    for offset in range(0, 800, 7):
        create_partitions_ahead(connection, VIDEOS, today=date(2030, 1, 31) + timedelta(days=offset))
    made = [name for name in _months(connection) if name >= "trackai.videos_203001"]
    wanted = [f"trackai.videos_{2030 + month // 12}{month % 12 + 1:02}" for month in range(len(made))]
    assert made == wanted
    assert len(made) >= 28


def test_a_month_is_made_once_and_takes_its_days(connection: Connection) -> None:
    about = {"parent": "videos", "span": "month", "days": [date(2021, 2, 28), date(2021, 2, 1), None]}
    assert connection.execute(statement("database/make_partitions"), about).fetchall() == [("videos_202102",)]
    assert connection.execute(statement("database/make_partitions"), about).fetchall() == []
    connection.execute("INSERT INTO trackai.tenants (id, slug) VALUES ('t', 't')")
    for day in (date(2021, 2, 1), date(2021, 2, 28)):
        connection.execute(
            "INSERT INTO trackai.videos (tenant_id, video_id, post_date, sync_date) VALUES ('t', %s, %s, now())",
            [day.isoformat(), day],
        )
    assert connection.execute("SELECT count(*) FROM trackai.videos_202102").fetchone() == (2,)
    with pytest.raises(errors.CheckViolation):
        connection.execute(
            "INSERT INTO trackai.videos (tenant_id, video_id, post_date, sync_date) "
            "VALUES ('t', 'v', '2021-03-01', now())"
        )
