"""Restoring days: exactly the rows that left, whatever they hold and wherever the restoration finds them."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from declared import CLICKS, DISPATCH_ATTEMPTS, INGEST_REJECTS, MATCH_LOG
from lifecycle.archive_scenes import DAY, GRACE, LATER, NOW, at, file_rows, fill_clicks, fill_log, rows_in
from psycopg import Connection, sql

from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.partitions import create_detached, detached_days, partition_days
from trackai_pipelines.domain import Table
from trackai_pipelines.lifecycle.archive.drop import drop_day
from trackai_pipelines.lifecycle.archive.export import archive_day
from trackai_pipelines.lifecycle.archive.manifest import Archive, archives
from trackai_pipelines.lifecycle.archive.marks import is_half_restored, mark_half_restored
from trackai_pipelines.lifecycle.archive.restore import restore_day
from trackai_pipelines.lifecycle.archive.store import ArchiveDamaged, ArchiveError, Store, open_store
from trackai_pipelines.lifecycle.mover import MoverBusyError, only_mover

Make = Callable[..., Archive]
Restore = Callable[..., int]
KEEP = timedelta(days=30)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "archive"))


@pytest.fixture
def dropped(connection: Connection[Any], database_url: str, store: Store) -> Make:
    """`dropped(MATCH_LOG)` archives the day and drops its rows."""

    def archived(table: Table) -> Archive:
        made = archive_day(connection, database_url, store, table, DAY, grace=GRACE, clock=at(NOW))
        assert made is not None
        drop_day(connection, store, table, made, clock=at(LATER))
        return archives(connection, table.name, DAY)[-1]

    return archived


@pytest.fixture
def restore(connection: Connection[Any], database_url: str, store: Store) -> Restore:
    """`restore(MATCH_LOG)` restores the day."""

    def back(table: Table, **options: Any) -> int:
        return restore_day(connection, database_url, store, table, DAY, **{"keep": KEEP, "clock": at(LATER), **options})

    return back


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
    from trackai_pipelines.lifecycle.archive.files import schema_of_file

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
    _fill_all(connection, add_tenant("shop"))
    before = rows_in(connection, table.name)
    dropped(table)
    alter = sql.SQL("ALTER TABLE {} ADD COLUMN added text NOT NULL DEFAULT 'late'")
    connection.execute(alter.format(sql.Identifier("trackai", table.name)))
    assert restore(table) == before.total()
    assert rows_in(connection, table.name) == {text[:-1] + ",late)": count for text, count in before.items()}


def _fill_all(connection: Connection[Any], tenant: str) -> None:
    fill_log(connection, 50)
    fill_clicks(connection, tenant, 50)
    connection.execute(
        "INSERT INTO trackai.conversions (tenant_id, id, gateway, gateway_event_id, value, currency, occurred_at)"
        " SELECT %s, n, 'stripe', n::text, n, 'BRL', %s FROM generate_series(1, 50) n",
        (tenant, DAY),
    )
    connection.execute(
        "INSERT INTO trackai.dispatch_attempts"
        " (tenant_id, id, event_id, conversion_id, attempt, status, http_status, created_at, completed_at)"
        " SELECT %s, n, 'e' || n, n, 1, 'success', 200, %s, %s FROM generate_series(1, 50) n",
        (tenant, DAY, NOW),
    )
    connection.execute(
        "INSERT INTO trackai.ingest_rejects (tenant_id, source, line, payload, reason, digest, created_at)"
        " SELECT %s, 'clicks.jsonl', n, jsonb_build_object('n', n), 'bad', md5(n::text), %s"
        " FROM generate_series(1, 50) n",
        (tenant, DAY),
    )


def test_a_column_that_is_gone_is_named(
    connection: Connection[Any], add_tenant: Callable[..., str], dropped: Make, restore: Restore
) -> None:
    fill_clicks(connection, add_tenant("shop"), 50)
    dropped(CLICKS)
    connection.execute("ALTER TABLE trackai.clicks DROP COLUMN utm_term")
    with pytest.raises(ArchiveError, match="does not have any more: utm_term"):
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


@pytest.mark.parametrize("table", [MATCH_LOG, CLICKS])
def test_a_damaged_file_changes_nothing(
    connection: Connection[Any],
    store: Store,
    add_tenant: Callable[..., str],
    dropped: Make,
    restore: Restore,
    table: Table,
) -> None:
    fill_log(connection, 100)
    fill_clicks(connection, add_tenant("shop"), 100)
    before = rows_in(connection, table.name)
    archive = dropped(table)
    path = Path(store.root) / archive.path
    content = path.read_bytes()
    for damaged in (content[:-1], content[:100] + b"\x00" + content[101:], b""):
        path.write_bytes(damaged)
        with pytest.raises(ArchiveDamaged, match=f"{path}.*expected SHA-256 {archive.sha256}, found .*Nothing was ch"):
            restore(table)
    path.unlink()
    with pytest.raises(ArchiveDamaged, match="found no such file"):
        restore(table)
    assert archives(connection, table.name) == [archive]
    assert rows_in(connection, table.name).total() == 0
    assert DAY not in detached_days(connection, "match_log") if table is MATCH_LOG else True
    path.write_bytes(content)
    assert restore(table) == 100
    assert rows_in(connection, table.name) == before


def test_half_a_partition_counts_for_nothing(
    connection: Connection[Any], database_url: str, store: Store, dropped: Make, restore: Restore
) -> None:
    fill_log(connection, 100)
    before = rows_in(connection, "match_log")
    dropped(MATCH_LOG)
    for load in (0, 60):
        with connection.transaction():
            create_detached(connection, "match_log", DAY)
            mark_half_restored(connection, "match_log", DAY)
        for number in range(load):
            connection.execute(
                "INSERT INTO trackai.match_log_20260105 VALUES ('t', %s, 1, 'fbc', 'no_key', NULL, 1, NULL, %s)",
                (number, DAY),
            )
        # To archiving it is an empty day.
        assert archive_day(connection, database_url, store, MATCH_LOG, DAY, grace=GRACE) is None
        assert rows_in(connection, "match_log_20260105").total() == 0
        assert [archive.state for archive in archives(connection)] == ["dropped"]
        connection.execute("DROP TABLE trackai.match_log_20260105")
        with connection.transaction():
            create_detached(connection, "match_log", DAY)
            mark_half_restored(connection, "match_log", DAY)
    assert restore(MATCH_LOG) == 100
    assert rows_in(connection, "match_log") == before


def test_rows_that_no_archive_has_are_not_written_over(
    connection: Connection[Any], dropped: Make, restore: Restore
) -> None:
    fill_log(connection, 100)
    dropped(MATCH_LOG)
    fill_log(connection, 3)
    with pytest.raises(ArchiveError, match="with rows that no archive has"):
        restore(MATCH_LOG)
    assert rows_in(connection, "match_log").total() == 3


def test_rows_that_came_again_stand_in_the_way(
    connection: Connection[Any], add_tenant: Callable[..., str], dropped: Make, restore: Restore
) -> None:
    tenant = add_tenant("shop")
    fill_clicks(connection, tenant, 100)
    before = rows_in(connection, "clicks")
    dropped(CLICKS)
    # Its landing file was loaded once more.
    connection.execute(
        "INSERT INTO trackai.clicks (tenant_id, id, external_id, created_at) VALUES (%s, 5000, 'click-7', %s)",
        (tenant, DAY),
    )
    with pytest.raises(ArchiveError, match=r"99 rows with checksum .* instead of 100 .*stand in the way"):
        restore(CLICKS)
    connection.execute("DELETE FROM trackai.clicks WHERE id = 5000")
    assert restore(CLICKS) == 1
    assert rows_in(connection, "clicks") == before


def test_what_rows_refer_to_must_be_there(
    connection: Connection[Any], add_tenant: Callable[..., str], dropped: Make, restore: Restore
) -> None:
    tenant = add_tenant("shop")
    _fill_all(connection, tenant)
    dropped(DISPATCH_ATTEMPTS)
    connection.execute("DELETE FROM trackai.conversions WHERE id = 7")
    with pytest.raises(ArchiveError, match=r"The database refuses archived rows of dispatch_attempts.*foreign key"):
        restore(DISPATCH_ATTEMPTS)
    connection.execute(
        "INSERT INTO trackai.conversions (tenant_id, id, gateway, gateway_event_id, value, currency, occurred_at)"
        " VALUES (%s, 7, 'stripe', '7', 7, 'BRL', %s)",
        (tenant, DAY),
    )
    assert restore(DISPATCH_ATTEMPTS) == 50


def test_a_day_that_was_never_archived(
    connection: Connection[Any], database_url: str, store: Store, add_tenant: Callable[..., str], dropped: Make
) -> None:
    def restore(day: Any) -> int:
        return restore_day(connection, database_url, store, CLICKS, day, keep=KEEP)

    with pytest.raises(ArchiveError, match="never archived, nor any other day of clicks"):
        restore(DAY)
    fill_clicks(connection, add_tenant("shop"), 5)
    dropped(CLICKS)
    with pytest.raises(ArchiveError, match=r"2026-01-06 was never archived. Archived days of clicks: 2026-01-05"):
        restore(DAY + timedelta(days=1))


def test_while_others_move_rows_nothing_is_restored(
    connection: Connection[Any], database_url: str, dropped: Make, restore: Restore
) -> None:
    fill_log(connection, 10)
    dropped(MATCH_LOG)
    with connect(database_url, name="retention") as other, only_mover(other), pytest.raises(MoverBusyError):
        restore(MATCH_LOG)
    assert restore(MATCH_LOG) == 10


def test_a_reader_that_stays_is_waited_for_and_named(
    connection: Connection[Any], database_url: str, dropped: Make, restore: Restore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trackai_pipelines.database import partitions

    monkeypatch.setattr(partitions, "_LOCK_TIMEOUT", "50ms")
    fill_log(connection, 10)
    dropped(MATCH_LOG)
    with connect(database_url, name="reader") as reader, reader.transaction():
        reader.execute("LOCK TABLE trackai.match_log IN SHARE UPDATE EXCLUSIVE MODE")
        with pytest.raises(ArchiveError, match=r"match_log stays locked by others.*goes on from here"):
            restore(MATCH_LOG)
    restore(MATCH_LOG)
    assert rows_in(connection, "match_log").total() == 10
