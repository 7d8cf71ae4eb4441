"""Archiving and dropping days: what is in the file, what the manifest says, and what is refused."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from declared import CLICKS, LEAVING, MATCH_LOG
from lifecycle.archive_scenes import (
    DAY,
    GRACE,
    LATER,
    NOW,
    Make,
    at,
    file_rows,
    files,
    fill_clicks,
    fill_log,
    flip_a_bit,
    rows_in,
)
from psycopg import Connection
from psycopg.rows import dict_row

from trackai_pipelines.database.partitions import detached_days, partition_days
from trackai_pipelines.domain import Table
from trackai_pipelines.lifecycle.archive.arrow_rows import tally_of
from trackai_pipelines.lifecycle.archive.drop import drop_day
from trackai_pipelines.lifecycle.archive.export import archive_day
from trackai_pipelines.lifecycle.archive.manifest import archives, remove_strays
from trackai_pipelines.lifecycle.archive.parquet_files import batches_of_file
from trackai_pipelines.lifecycle.archive.restore import restore_day
from trackai_pipelines.lifecycle.archive.store import ArchiveDamaged, ArchiveError, Store


def test_a_day_of_the_log(connection: Connection[Any], store: Store, make: Make) -> None:
    fill_log(connection, 1_000)
    with connection.cursor(row_factory=dict_row) as cursor:
        expected = cursor.execute("SELECT * FROM trackai.match_log ORDER BY conversion_id").fetchall()
    archive = make(MATCH_LOG)
    assert sorted(file_rows(store, archive), key=lambda row: row["conversion_id"]) == expected
    assert archives(connection) == [archive]
    assert files(store) == ["match_log/2026/match_log_20260105.1.parquet"] == [archive.path]
    content = (Path(store.root) / archive.path).read_bytes()
    assert (archive.bytes, archive.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert (archive.rows, archive.state, archive.part) == (1_000, "verified", 1)
    times = [row["created_at"] for row in expected]
    assert (archive.first_row_at, archive.last_row_at) == (min(times), max(times))
    assert (archive.verified_at, archive.keep_until) == (NOW, NOW + GRACE)
    assert (archive.checksum, archive.dropped_at) == (summed(expected), None)
    # Out of the table, and still in the database.
    assert DAY in detached_days(connection, "match_log")
    assert connection.execute("SELECT count(*) FROM trackai.match_log").fetchone() == (0,)
    assert rows_in(connection, "match_log_20260105").total() == 1_000


def summed(rows: list[dict[str, Any]]) -> str:
    """The checksum as its definition says: of each row's values with tabs between, numbers and times as integers."""
    import struct
    from datetime import UTC, datetime

    def text(value: Any) -> str:
        if value is None:
            return "\\N"
        if isinstance(value, float):
            return str(struct.unpack("<q", struct.pack("<d", value))[0])
        if isinstance(value, datetime):
            return str((value - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1))
        return str(value)

    lines = ("\t".join(map(text, row.values())) for row in rows)
    hashes = (int.from_bytes(hashlib.md5(line.encode()).digest()[8:], "little") for line in lines)
    return f"{sum(hashes) % 2**64:016x}"


def test_the_checksum_knows_no_order_and_every_value(connection: Connection[Any], store: Store, make: Make) -> None:
    fill_log(connection, 500)
    archive = make(MATCH_LOG)
    whole = pa.Table.from_batches(batches_of_file(store, archive.path))
    shuffled = whole.take(pa.array([(n * 77) % 500 for n in range(500)]))
    assert tally_of(shuffled.to_batches(max_chunksize=7), "created_at").digits == archive.checksum
    for name in whole.column_names:
        place = whole.column_names.index(name)
        moved = whole.set_column(
            place, whole.schema.field(name), pa.chunked_array([whole[name].combine_chunks()[::-1]])
        )
        if moved != whole:
            assert tally_of(moved.combine_chunks().to_batches(), "created_at").digits != archive.checksum, name
    # Two values that change places between columns are other values.
    left, right = (pa.record_batch({"a": [a], "b": [b], "t": [NOW]}) for a, b in (("x\t", "y"), ("x", "\ty")))
    assert tally_of([left], "t").digits != tally_of([right], "t").digits


@pytest.mark.parametrize("table", [MATCH_LOG, CLICKS])
def test_an_empty_day_has_no_archive(
    connection: Connection[Any], database_url: str, store: Store, table: Table
) -> None:
    fill_log(connection, 0)
    assert archive_day(connection, database_url, store, table, DAY, grace=GRACE) is None
    assert archives(connection) == []
    assert files(store) == []


def test_archiving_a_partition_again_gives_the_same(connection: Connection[Any], store: Store, make: Make) -> None:
    fill_log(connection, 10)
    first = make(MATCH_LOG)
    assert make(MATCH_LOG, clock=at(LATER)) == first
    assert files(store) == [first.path]


def test_late_clicks_are_another_part(
    connection: Connection[Any], database_url: str, store: Store, make: Make, add_tenant: Callable[..., str]
) -> None:
    tenant = add_tenant("shop")
    fill_clicks(connection, tenant, 100)
    first = make(CLICKS)
    assert archive_day(connection, database_url, store, CLICKS, DAY, grace=GRACE) is None
    fill_clicks(connection, tenant, 30, first=1_000)
    second = make(CLICKS)
    assert (first.part, first.rows, second.part, second.rows) == (1, 100, 2, 30)
    assert {row["id"] for row in file_rows(store, second)} == set(range(1_000, 1_030))
    assert drop_day(connection, store, LEAVING[first.table_name], first, clock=at(LATER)) == 100
    assert connection.execute("SELECT count(*), min(id) FROM trackai.clicks").fetchone() == (30, 1_000)
    assert drop_day(connection, store, LEAVING[second.table_name], second, clock=at(LATER)) == 30
    assert [archive.state for archive in archives(connection, "clicks")] == ["dropped", "dropped"]


def test_late_clicks_beside_a_damaged_file(
    connection: Connection[Any], database_url: str, store: Store, make: Make, add_tenant: Callable[..., str]
) -> None:
    tenant = add_tenant("shop")
    fill_clicks(connection, tenant, 100)
    first = make(CLICKS)
    fill_clicks(connection, tenant, 30, first=1_000)
    flip_a_bit(Path(store.root) / first.path)
    # The file is given up: all of the day is archived anew.
    second = make(CLICKS)
    assert (second.part, second.rows) == (2, 130)
    assert archives(connection) == [second]
    connection.execute("UPDATE trackai.archives SET dropped_at = %s", (LATER,))
    fill_clicks(connection, tenant, 30, first=2_000)
    flip_a_bit(Path(store.root) / second.path)
    with pytest.raises(ArchiveDamaged, match="Some of its rows are not in the database"):
        make(CLICKS)


def test_rows_stay_until_their_time(connection: Connection[Any], store: Store, make: Make) -> None:
    fill_log(connection, 10)
    archive = make(MATCH_LOG)
    with pytest.raises(ArchiveError, match="stay until 2026-04-27 03:00 UTC"):
        drop_day(connection, store, LEAVING[archive.table_name], archive, clock=at(LATER - timedelta(microseconds=1)))
    assert drop_day(connection, store, LEAVING[archive.table_name], archive, clock=at(LATER)) == 10
    (dropped,) = archives(connection)
    assert dropped == replace(archive, state="dropped", dropped_at=LATER)
    assert detached_days(connection, "match_log") == []
    with pytest.raises(ArchiveError, match="is dropped"):
        drop_day(connection, store, LEAVING[dropped.table_name], dropped, clock=at(LATER))


def test_dropped_clicks_leave_their_attributions(
    connection: Connection[Any], store: Store, make: Make, add_tenant: Callable[..., str]
) -> None:
    tenant, other = add_tenant("shop"), add_tenant("other")
    fill_clicks(connection, tenant, 6_000)
    fill_clicks(connection, other, 5)
    fill_clicks(connection, tenant, 7, day=DAY + timedelta(days=1), first=10_000)
    connection.execute(
        "INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, click_id, strategy, matched_at)"
        " SELECT %s, n, n, 'fbc', '2026-01-06 00:00:01+00'::timestamptz FROM generate_series(1, 1000) n"
        " UNION ALL SELECT %s, 20000, 10003, 'fbp', '2026-01-07 00:00:01+00'::timestamptz",
        (tenant, tenant),
    )
    archive = make(CLICKS)
    assert drop_day(connection, store, LEAVING[archive.table_name], archive, clock=at(LATER)) == archive.rows == 6_005
    assert connection.execute("SELECT count(*), min(id) FROM trackai.clicks").fetchone() == (7, 10_000)
    attributions = connection.execute(
        "SELECT strategy, matched_at::text, click_id, count(*) FROM trackai.matched_attributions GROUP BY 1, 2, 3"
    ).fetchall()
    assert sorted(attributions) == [
        ("fbc", "2026-01-06 00:00:01+00", None, 1_000),
        ("fbp", "2026-01-07 00:00:01+00", 10_003, 1),
    ]


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize("damage", [_truncate, flip_a_bit, Path.unlink])
@pytest.mark.parametrize("table", [MATCH_LOG, CLICKS])
def test_a_damaged_file_drops_nothing(
    connection: Connection[Any],
    store: Store,
    make: Make,
    add_tenant: Callable[..., str],
    table: Table,
    damage: Callable[[Path], None],
) -> None:
    fill_clicks(connection, add_tenant("shop"), 50)
    fill_log(connection, 50)
    archive = make(table)
    damage(Path(store.root) / archive.path)
    with pytest.raises(ArchiveDamaged, match=f"{archive.sha256}, found .*still in the database, and the next run"):
        drop_day(connection, store, LEAVING[archive.table_name], archive, clock=at(LATER))
    assert archives(connection) == []
    again = make(table)
    assert (again.rows, again.checksum) == (archive.rows, archive.checksum)
    assert drop_day(connection, store, LEAVING[again.table_name], again, clock=at(LATER)) == 50


def test_a_file_that_is_damaged_in_mid_deletion_stays_in_the_manifest(
    connection: Connection[Any], store: Store, make: Make, add_tenant: Callable[..., str]
) -> None:
    fill_clicks(connection, add_tenant("shop"), 50)
    archive = make(CLICKS)
    connection.execute("UPDATE trackai.archives SET dropped_at = %s", (LATER,))
    connection.execute("DELETE FROM trackai.clicks WHERE id <= 20")
    (begun,) = archives(connection)
    path = Path(store.root) / archive.path
    content = path.read_bytes()
    _truncate(path)
    with pytest.raises(ArchiveDamaged, match=r"Some of its rows are not in the database.*from a backup"):
        drop_day(connection, store, LEAVING[begun.table_name], begun, clock=at(LATER))
    assert archives(connection) == [begun]
    assert rows_in(connection, "clicks").total() == 30
    path.write_bytes(content)
    assert drop_day(connection, store, LEAVING[begun.table_name], begun, clock=at(LATER)) == 30


def test_a_partition_that_was_changed_since_is_not_dropped(
    connection: Connection[Any], store: Store, make: Make
) -> None:
    fill_log(connection, 50)
    archive = make(MATCH_LOG)
    connection.execute("DELETE FROM trackai.match_log_20260105 WHERE conversion_id = 7")
    with pytest.raises(ArchiveError, match="other rows than"):
        drop_day(connection, store, LEAVING[archive.table_name], archive, clock=at(LATER))
    assert archives(connection) == []
    assert make(MATCH_LOG).rows == 49


def test_a_partition_that_is_attached_again_is_not_dropped(
    connection: Connection[Any], store: Store, make: Make
) -> None:
    fill_log(connection, 50)
    archive = make(MATCH_LOG)
    fill_log(connection, 0)
    assert DAY in partition_days(connection, "match_log")
    with pytest.raises(ArchiveError, match="part of its table again"):
        drop_day(connection, store, LEAVING[archive.table_name], archive, clock=at(LATER))
    assert rows_in(connection, "match_log").total() == 50
    fill_log(connection, 5, tenant="t-late")
    assert make(MATCH_LOG).rows == 55


def test_a_day_that_was_restored_is_archived_anew(
    connection: Connection[Any], database_url: str, store: Store, make: Make, add_tenant: Callable[..., str]
) -> None:
    tenant = add_tenant("shop")
    fill_clicks(connection, tenant, 50)
    fill_log(connection, 50)
    for table in (MATCH_LOG, CLICKS):
        first = make(table)
        drop_day(connection, store, LEAVING[first.table_name], first, clock=at(LATER))
        restore_day(connection, database_url, store, table, DAY, keep=timedelta(days=30), clock=at(LATER))
        second = make(table)
        assert (second.part, second.rows, second.checksum) == (2, 50, first.checksum)
        assert archives(connection, table.name) == [second]
        assert not store.exists(first.path)
        assert store.exists(second.path)


def test_files_that_the_manifest_does_not_name_count_for_nothing(
    connection: Connection[Any], store: Store, make: Make, add_tenant: Callable[..., str]
) -> None:
    fill_clicks(connection, add_tenant("shop"), 20)
    folder = Path(store.root) / "clicks/2026"
    folder.mkdir(parents=True)
    (folder / "clicks_20260105.1.parquet").write_bytes(b"left by a killed run")
    archive = make(CLICKS)
    (folder / "clicks_20260105.2.parquet").write_bytes(b"another")
    (folder / "clicks_20260105.1.2.parquet.half").write_bytes(b"half of one")
    (folder / "clicks_20260106.1.parquet").write_bytes(b"another day's")
    assert remove_strays(connection, store, "clicks", DAY) == 2
    assert files(store) == [archive.path, "clicks/2026/clicks_20260106.1.parquet"]
    assert drop_day(connection, store, LEAVING[archive.table_name], archive, clock=at(LATER)) == 20


def test_a_value_without_a_counterpart_is_not_archived_as_another(
    connection: Connection[Any], store: Store, make: Make, add_tenant: Callable[..., str]
) -> None:
    fill_clicks(connection, add_tenant("shop"), 20)
    connection.execute("UPDATE trackai.clicks SET ingested_at = 'infinity' WHERE id = 7")
    with pytest.raises(ArchiveError, match=r"trackai.clicks.ingested_at cannot be archived.*Correct the row"):
        make(CLICKS)
    connection.execute("UPDATE trackai.clicks SET ingested_at = created_at")
    connection.execute("ALTER TABLE trackai.clicks ADD COLUMN worth numeric(10, 2) DEFAULT 'NaN'")
    with pytest.raises(ArchiveError, match=r"trackai.clicks.worth cannot be archived"):
        make(CLICKS)
    assert files(store) == []
    assert archives(connection) == []


def test_an_archive_of_another_database_is_left_alone(
    connection: Connection[Any], database_url: str, store: Store
) -> None:
    fill_log(connection, 20)
    made = archive_day(connection, database_url, store, MATCH_LOG, DAY, grace=GRACE, clock=at(NOW))
    assert made is not None
    held = Path(store.full(made.path)).read_bytes()
    # Another database with such a day.
    connection.execute("DELETE FROM trackai.archives")
    connection.execute("UPDATE trackai.archive_owner SET id = gen_random_uuid()")
    with pytest.raises(ArchiveError, match="belongs to another database"):
        archive_day(connection, database_url, store, MATCH_LOG, DAY, grace=GRACE, clock=at(NOW))
    assert Path(store.full(made.path)).read_bytes() == held
    assert archives(connection) == []
