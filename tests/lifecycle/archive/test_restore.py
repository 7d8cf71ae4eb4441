"""Restoring days: exactly the rows that left, whatever they hold and wherever the restoration finds them."""

from collections.abc import Callable
from typing import Any

import pytest
from declared import CLICKS, DISPATCH_ATTEMPTS, INGEST_REJECTS, MATCH_LOG
from lifecycle.archive_scenes import (
    DAY,
    GRACE,
    KEEP,
    LATER,
    NOW,
    Make,
    Restore,
    at,
    file_rows,
    fill_all,
    fill_clicks,
    fill_log,
    rows_in,
)
from psycopg import Connection, sql

from trackai_pipelines.database.partitions import partition_days
from trackai_pipelines.domain import Table
from trackai_pipelines.lifecycle.archive.drop import drop_day
from trackai_pipelines.lifecycle.archive.export import archive_day
from trackai_pipelines.lifecycle.archive.manifest import archives
from trackai_pipelines.lifecycle.archive.marks import is_half_restored
from trackai_pipelines.lifecycle.archive.store import ArchiveError, Store

# One value a column, then NULL, then the extremes and whatever is easily taken for something else.
ODD: dict[str, tuple[str, list[str | None]]] = {
    "a_text": (
        "text",
        [
            "",
            "NULL",
            "\\N",
            "\\.",
            "a\tb\nc\r\nd\\",
            "\n\\.\n",
            '"quoted", single',
            "ação 🚀 \u2028",
            " ",
            "\\\\n",
            "\x01",
        ],
    ),
    "a_name": ("varchar(20)", ["", "  ends in blanks  "]),
    "a_code": ("character(5)", ["ab", ""]),
    "a_money": ("numeric(18,4)", ["99999999999999.9999", "-99999999999999.9999", "0", "0.0001", "-0.0001"]),
    "a_wide": ("numeric(38,0)", ["99999999999999999999999999999999999999", "-1"]),
    "a_free": (
        "numeric",
        ["NaN", "Infinity", "-Infinity", "1e-30", "1.10", "12345678901234567890123456789012345678901"],
    ),
    "a_float": ("double precision", ["NaN", "Infinity", "-Infinity", "-0", "0.1", "1.7976931348623157e308", "5e-324"]),
    "a_real": ("real", ["NaN", "Infinity", "-0", "0.1", "3.4028235e38", "1e-45"]),
    "a_big": ("bigint", ["9223372036854775807", "-9223372036854775808"]),
    "an_int": ("integer", ["2147483647", "-2147483648"]),
    "a_small": ("smallint", ["32767", "-32768"]),
    "a_flag": ("boolean", ["t", "f"]),
    "a_date": ("date", ["0001-01-01", "9999-12-31", "1969-12-31"]),
    "a_time": (
        "timestamptz",
        ["0001-01-01 00:00+00", "9999-12-31 23:59:59.999999+00", "1969-12-31 23:59:59.999999+00"],
    ),
    "a_wall": ("timestamp", ["2026-03-29 02:30:00.000001", "9999-12-31 23:59:59.999999"]),
    "an_ip": ("inet", ["2001:db8::1", "192.0.2.1/24", "::ffff:192.0.2.1", "0.0.0.0/0"]),
    "a_net": ("cidr", ["2001:db8::/32", "10.0.0.0/8"]),
    "a_json": ("jsonb", ['{"a": [1, 1.0, null, "\\u0001 \\" \\\\ ç"]}', "null", '""', "1e400"]),
    "an_id": ("uuid", ["00000000-0000-0000-0000-000000000000"]),
    "some_bytes": ("bytea", ["\\x", "\\x00ff5c0a"]),
    "a_list": ("text[]", ['{"",NULL,"NULL","a,b\\"c"}', "{}"]),
    "a_span": ("interval", ["1 mon -2 days 03:00:00.000001"]),
}


def _add_odd_columns(connection: Connection[Any], table: str, rows: int) -> None:
    """Give a table's rows these columns: a row has all first values, the next all second ones; every fourth is NULL."""
    for name, (kind, values) in ODD.items():
        column, target = sql.Identifier(name), sql.Identifier("trackai", table)
        connection.execute(sql.SQL("ALTER TABLE {} ADD COLUMN {} {}").format(target, column, sql.SQL(kind)))
        for place, value in enumerate([*values, None]):
            connection.execute(
                sql.SQL("UPDATE {} SET {} = {}::{} WHERE {} % {} = {}").format(
                    target, column, sql.Literal(value), sql.SQL(kind),
                    sql.Identifier("conversion_id" if table == "match_log" else "id"), len(values) + 1, place,
                )
            )  # fmt: skip
    assert rows > max(len(values) for _, values in ODD.values())


@pytest.mark.parametrize("table", [MATCH_LOG, CLICKS])
def test_every_value_comes_back_as_it_was(
    connection: Connection[Any],
    add_tenant: Callable[..., str],
    dropped: Make,
    restore: Restore,
    table: Table,
) -> None:
    fill_log(connection, 40)
    fill_clicks(connection, add_tenant("shop"), 40)
    _add_odd_columns(connection, table.name, 40)
    before = rows_in(connection, table.name)
    archive = dropped(table)
    assert rows_in(connection, table.name).total() == 0
    # The session's own habits of writing values change nothing.
    connection.execute("SET extra_float_digits = 0; SET intervalstyle = 'sql_standard'")
    assert restore(table) == 40
    connection.execute("RESET extra_float_digits; RESET intervalstyle")
    assert rows_in(connection, table.name) == before
    (restored,) = archives(connection, table.name)
    assert (restored.state, restored.keep_until, restored.checksum) == ("restored", LATER + KEEP, archive.checksum)


def test_parquet_has_the_types_of_the_table(
    connection: Connection[Any], store: Store, add_tenant: Callable[..., str], dropped: Make
) -> None:
    from trackai_pipelines.lifecycle.archive.parquet_files import schema_of_file

    fill_clicks(connection, add_tenant("shop"), 40)
    _add_odd_columns(connection, "clicks", 40)
    archive = dropped(CLICKS)
    kinds = {field.name: str(field.type) for field in schema_of_file(store, archive.path)}
    assert {name: kinds[name] for name in ODD if kinds[name] != "string"} == {
        "a_money": "decimal128(18, 4)",
        "a_wide": "decimal128(38, 0)",
        "a_float": "double",
        "a_real": "float",
        "a_big": "int64",
        "an_int": "int32",
        "a_small": "int16",
        "a_flag": "bool",
        "a_date": "date32[day]",
        "a_time": "timestamp[us, tz=UTC]",
        "a_wall": "timestamp[us]",
    }
    assert file_rows(store, archive)[0].keys() == kinds.keys()


def test_partition_is_as_good_as_new(
    connection: Connection[Any], dropped: Make, restore: Restore, add_tenant: Callable[..., str]
) -> None:
    fill_log(connection, 100)
    dropped(MATCH_LOG)
    restore(MATCH_LOG)
    assert DAY in partition_days(connection, "match_log")
    assert not is_half_restored(connection, "match_log", DAY)
    indexes = connection.execute(
        "SELECT count(*) FROM pg_index WHERE indrelid = 'trackai.match_log_20260105'::regclass"
    ).fetchone()
    assert indexes == (1,)
    fill_log(connection, 1, tenant="t-late")
    assert rows_in(connection, "match_log").total() == 101


@pytest.mark.parametrize("table", [MATCH_LOG, CLICKS, DISPATCH_ATTEMPTS, INGEST_REJECTS])
def test_columns_that_came_later_get_their_defaults(
    connection: Connection[Any],
    add_tenant: Callable[..., str],
    dropped: Make,
    restore: Restore,
    table: Table,
) -> None:
    fill_all(connection, add_tenant("shop"))
    before = rows_in(connection, table.name)
    dropped(table)
    alter = sql.SQL("ALTER TABLE {} ADD COLUMN added text NOT NULL DEFAULT 'late'")
    connection.execute(alter.format(sql.Identifier("trackai", table.name)))
    assert restore(table) == before.total()
    assert rows_in(connection, table.name) == {text[:-1] + ",late)": count for text, count in before.items()}


def test_a_column_that_is_gone_is_named(
    connection: Connection[Any], add_tenant: Callable[..., str], dropped: Make, restore: Restore
) -> None:
    connection.execute("ALTER TABLE trackai.clicks ADD COLUMN short_lived text")
    fill_clicks(connection, add_tenant("shop"), 50)
    dropped(CLICKS)
    connection.execute("ALTER TABLE trackai.clicks DROP COLUMN short_lived")
    with pytest.raises(ArchiveError, match="does not have any more: short_lived"):
        restore(CLICKS)
    assert rows_in(connection, "clicks").total() == 0


def test_what_was_not_dropped_is_put_back_in_place(
    connection: Connection[Any], database_url: str, store: Store, add_tenant: Callable[..., str], restore: Restore
) -> None:
    fill_log(connection, 100)
    fill_clicks(connection, add_tenant("shop"), 100)
    for table, back in ((MATCH_LOG, 100), (CLICKS, 0)):
        before = rows_in(connection, table.name)
        made = archive_day(connection, database_url, store, table, DAY, grace=GRACE, clock=at(NOW))
        assert made is not None
        assert restore(table, clock=at(NOW)) == back
        assert rows_in(connection, table.name) == before
        (kept,) = archives(connection, table.name)
        assert (kept.state, kept.keep_until) == ("restored", NOW + KEEP)
        # In its time it is archived anew, and that takes the place of this file.
        again = archive_day(connection, database_url, store, table, DAY, grace=GRACE, clock=at(NOW + KEEP))
        assert again is not None
        assert (again.rows, again.checksum) == (made.rows, made.checksum)
        assert archives(connection, table.name) == [again]
        assert not store.exists(made.path)


def test_half_of_a_day_deleted_comes_back(
    connection: Connection[Any], database_url: str, store: Store, add_tenant: Callable[..., str], restore: Restore
) -> None:
    fill_clicks(connection, add_tenant("shop"), 100)
    before = rows_in(connection, "clicks")
    archive_day(connection, database_url, store, CLICKS, DAY, grace=GRACE, clock=at(NOW))
    connection.execute("UPDATE trackai.archives SET dropped_at = %s", (LATER,))
    connection.execute("DELETE FROM trackai.clicks WHERE id <= 60")
    assert restore(CLICKS) == 60
    assert rows_in(connection, "clicks") == before
    assert [archive.state for archive in archives(connection)] == ["restored"]


def test_half_of_a_restoration_is_neither_archived_twice_nor_left(
    connection: Connection[Any],
    database_url: str,
    store: Store,
    add_tenant: Callable[..., str],
    dropped: Make,
    restore: Restore,
) -> None:
    tenant = add_tenant("shop")
    fill_clicks(connection, tenant, 6_000)
    before = rows_in(connection, "clicks")
    # With statistics the day is read, and written, in the order of its rows.
    connection.execute("ANALYZE trackai.clicks")
    dropped(CLICKS)
    connection.execute(
        "CREATE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = 'check_violation'; END $$"
    )
    connection.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON trackai.clicks FOR EACH ROW WHEN (NEW.id = 5700)"
        " EXECUTE FUNCTION pg_temp.refuse()"
    )
    with pytest.raises(ArchiveError, match="The database refuses archived rows of clicks of 2026-01-05: refused"):
        restore(CLICKS)
    assert rows_in(connection, "clicks").total() == 5_000
    (half,) = archives(connection)
    assert (half.state, half.keep_until) == ("verified", LATER + KEEP)
    assert archive_day(connection, database_url, store, CLICKS, DAY, grace=GRACE) is None
    connection.execute("DROP TRIGGER refuse ON trackai.clicks")
    assert drop_day(connection, store, CLICKS, half, clock=at(LATER + KEEP)) == 5_000
    assert restore(CLICKS) == 6_000
    assert rows_in(connection, "clicks") == before


def test_a_partition_left_behind_by_a_migration_is_loaded(
    connection: Connection[Any], database_url: str, store: Store, restore: Restore
) -> None:
    fill_log(connection, 100)
    archive_day(connection, database_url, store, MATCH_LOG, DAY, grace=GRACE, clock=at(NOW))
    connection.execute("ALTER TABLE trackai.match_log ADD COLUMN added int NOT NULL DEFAULT 3")
    assert restore(MATCH_LOG, clock=at(NOW)) == 100
    assert connection.execute("SELECT count(*), sum(added) FROM trackai.match_log").fetchone() == (100, 300)
    assert [archive.state for archive in archives(connection)] == ["restored"]


def test_a_partition_that_somebody_dropped_comes_from_its_file(
    connection: Connection[Any], database_url: str, store: Store, restore: Restore
) -> None:
    fill_log(connection, 100)
    before = rows_in(connection, "match_log")
    archive_day(connection, database_url, store, MATCH_LOG, DAY, grace=GRACE, clock=at(NOW))
    connection.execute("DROP TABLE trackai.match_log_20260105")
    assert restore(MATCH_LOG, clock=at(NOW)) == 100
    assert rows_in(connection, "match_log") == before
    connection.execute("DROP TABLE trackai.match_log_20260105")
    assert restore(MATCH_LOG, clock=at(NOW)) == 100
    assert rows_in(connection, "match_log") == before


@pytest.mark.parametrize("table", [MATCH_LOG, CLICKS])
def test_a_day_that_is_back_only_stays_longer(
    connection: Connection[Any], add_tenant: Callable[..., str], dropped: Make, restore: Restore, table: Table
) -> None:
    fill_log(connection, 20)
    fill_clicks(connection, add_tenant("shop"), 20)
    dropped(table)
    assert restore(table) == 20
    assert restore(table, keep=2 * KEEP) == 0
    (archive,) = archives(connection)
    assert (archive.state, archive.keep_until) == ("restored", LATER + 2 * KEEP)


def test_several_parts_come_back_together(
    connection: Connection[Any], add_tenant: Callable[..., str], dropped: Make, restore: Restore
) -> None:
    tenant = add_tenant("shop")
    fill_clicks(connection, tenant, 30)
    before = rows_in(connection, "clicks")
    dropped(CLICKS)
    fill_clicks(connection, tenant, 20, first=500)
    before += rows_in(connection, "clicks")
    dropped(CLICKS)
    fill_clicks(connection, tenant, 10, first=900)
    before += rows_in(connection, "clicks")
    assert restore(CLICKS) == 50
    assert rows_in(connection, "clicks") == before


def test_restored_clicks_are_not_deleted_ones(
    connection: Connection[Any], add_tenant: Callable[..., str], dropped: Make, restore: Restore
) -> None:
    fill_clicks(connection, add_tenant("shop"), 20)
    connection.execute("INSERT INTO trackai.deleted_clicks VALUES ('t-shop', 999)")
    dropped(CLICKS)
    assert connection.execute("SELECT count(*) FROM trackai.deleted_clicks").fetchone() == (21,)
    restore(CLICKS)
    assert connection.execute("SELECT click_id FROM trackai.deleted_clicks").fetchall() == [(999,)]
