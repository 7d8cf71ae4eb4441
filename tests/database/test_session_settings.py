"""Whatever a role or a database sets, our sessions read and write values in one way."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from declared import TABLES
from delivery.scenes import insert_sales, send_due
from psycopg import Connection, sql

from trackai_pipelines.capi_sandbox.server import sandbox
from trackai_pipelines.database.arrow import record_batches
from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.migrate import is_current, migrate
from trackai_pipelines.database.partitions import create_partitions_ahead
from trackai_pipelines.delivery.account import account_for
from trackai_pipelines.delivery.backlog import backlog_of
from trackai_pipelines.delivery.story import dispatch_story
from trackai_pipelines.web.pool import connection_pool

HOSTILE = {
    "datestyle": "SQL, DMY",
    "intervalstyle": "iso_8601",
    "timezone": "America/Sao_Paulo",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "standard_conforming_strings": "off",
    "search_path": "nowhere",
    "client_encoding": "LATIN1",
}
MOMENT = datetime(2026, 2, 1, 3, 4, 5, 678901, UTC)
READ = r"""
    SELECT timestamptz '2026-02-01 03:04:05.678901+00',
           '02/01/2026'::date::text,
           '2026-02-01 01:00+00'::timestamptz::date,
           interval '90 days 01:02:03',
           '\x00ff5c'::bytea,
           0.1::float8 + 0.2::float8,
           'a\nb',
           'ação ✓',
           %s::text,
           to_regclass('tenants') IS NULL
"""
VALUES = (
    MOMENT,
    "2026-02-01",
    MOMENT.date(),
    timedelta(days=90, hours=1, minutes=2, seconds=3),
    b"\x00\xff\\",
    0.1 + 0.2,
    "a\\nb",
    "ação ✓",
    "ação ✓",
    True,
)

Set = Callable[[str, str, dict[str, str]], None]


@pytest.fixture
def impose(server_url: str) -> Iterator[Set]:
    """`impose(url, "role", settings)` sets them for the role in this database, or for the whole `database`."""
    with connect(server_url) as admin:

        def alter(url: str, who: str, settings: dict[str, str]) -> None:
            with connect(url) as there:
                database, role = there.info.dbname, there.info.user
            target = sql.SQL("DATABASE {}").format(sql.Identifier(database))
            if who == "role":
                target = sql.SQL("ROLE {} IN ").format(sql.Identifier(role)) + target
            for name, value in settings.items():
                given = sql.SQL(", ").join(sql.Literal(one) for one in value.split(", "))
                admin.execute(sql.SQL("ALTER {} SET {} TO {}").format(target, sql.Identifier(name), given))

        yield alter


@pytest.mark.parametrize("who", ["database", "role"])
@pytest.mark.parametrize("setting", [*HOSTILE, "all"])
def test_a_setting_of_a_role_or_a_database_changes_nothing(
    database_url: str, impose: Set, who: str, setting: str
) -> None:
    impose(database_url, who, HOSTILE if setting == "all" else {setting: HOSTILE[setting]})
    with connect(database_url) as connection:
        assert connection.execute(READ, ("ação ✓",)).fetchone() == VALUES
    with connection_pool(database_url, seconds=5) as pool, pool.connection() as connection:
        assert connection.execute(READ, ("ação ✓",)).fetchone() == VALUES


def test_archives_are_read_alike(database_url: str, impose: Set) -> None:
    impose(database_url, "database", HOSTILE)
    query = sql.SQL(
        "SELECT {}::timestamptz AS at, 'ação ✓' AS word, 1.10::numeric::text AS amount, {}::timestamptz::text"
    )
    with record_batches(database_url, query.format(sql.Literal(MOMENT), sql.Literal(MOMENT))) as batches:
        (row,) = batches.read_all().to_pylist()
    assert list(row.values()) == [MOMENT, "ação ✓", "1.10", "2026-02-01 03:04:05.678901+00"]


def test_a_database_is_migrated_and_delivered_from_under_hostile_settings(
    empty_database_url: str, impose: Set, server_url: str
) -> None:
    impose(empty_database_url, "database", HOSTILE)
    assert migrate(empty_database_url)
    assert is_current(empty_database_url)
    with connect(empty_database_url) as connection, sandbox() as box:
        create_partitions_ahead(connection, TABLES, today=datetime.now(UTC).date())
        connection.execute(
            "INSERT INTO trackai.tenants (id, slug, name, pixel_id) VALUES ('t-acme', 'acme', 'Açaí', '1001')"
        )
        sales = insert_sales(connection, "t-acme", 3, value="49.90")
        _delivered(empty_database_url, connection, box.base_url, sales)
        assert [float(event["custom_data"]["value"]) for event in box.payloads()] == [49.9] * 3


def _delivered(url: str, connection: Connection, base_url: str, sales: list[int]) -> None:
    assert [one.events for one in backlog_of(connection, now=datetime.now(UTC))] == [3]
    assert send_due(url, base_url).requests == 1
    assert dict(account_for(connection).totals) == {"sent": 3}
    story = dispatch_story(connection, "t-acme", sales[0])
    assert story is not None
    assert story.verdict.startswith("Sent")
