"""Archiving and dropping days: what is in the file, what the manifest says, and what is refused."""

import hashlib
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import fsspec  # type: ignore[import-untyped]
import pyarrow as pa
import pytest
from declared import CLICKS, LEAVING, MATCH_LOG
from fsspec.implementations.memory import MemoryFileSystem  # type: ignore[import-untyped]
from lifecycle.archive_scenes import DAY, GRACE, LATER, NOW, at, file_rows, fill_clicks, fill_log, rows_in
from psycopg import Connection
from psycopg.rows import dict_row

from trackai_pipelines.database.partitions import detached_days, partition_days
from trackai_pipelines.domain import Table
from trackai_pipelines.lifecycle.archive.drop import drop_day
from trackai_pipelines.lifecycle.archive.export import archive_day
from trackai_pipelines.lifecycle.archive.files import batches_of_file
from trackai_pipelines.lifecycle.archive.manifest import OWNER, Archive, archives, remove_strays
from trackai_pipelines.lifecycle.archive.restore import restore_day
from trackai_pipelines.lifecycle.archive.rewrite import rewrite_archive
from trackai_pipelines.lifecycle.archive.rows import tally_of
from trackai_pipelines.lifecycle.archive.store import ArchiveDamaged, ArchiveError, Store, open_store

Make = Callable[..., Archive]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "archive"))


@pytest.fixture
def make(connection: Connection[Any], database_url: str, store: Store) -> Make:
    """`make(MATCH_LOG)` archives the day."""

    def archived(table: Table, **options: Any) -> Archive:
        made = archive_day(connection, database_url, store, table, DAY, **{"grace": GRACE, "clock": at(NOW), **options})
        assert made is not None
        return made

    return archived


def files(store: Store) -> list[str]:
    """All but the one that says whose archive it is."""
    found = (path for path in Path(store.root).rglob("*") if path.is_file() and path.name != OWNER)
    return sorted(str(path.relative_to(store.root)) for path in found)


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
    _flip_a_bit(Path(store.root) / first.path)
    # The file is given up: all of the day is archived anew.
    second = make(CLICKS)
    assert (second.part, second.rows) == (2, 130)
    assert archives(connection) == [second]
    connection.execute("UPDATE trackai.archives SET dropped_at = %s", (LATER,))
    fill_clicks(connection, tenant, 30, first=2_000)
    _flip_a_bit(Path(store.root) / second.path)
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


def _flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("damage", [_truncate, _flip_a_bit, Path.unlink])
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


@pytest.mark.processes
@pytest.mark.parametrize("size", [0, 4_096, 40_000])
def test_a_full_disk_loses_nothing(connection: Connection[Any], database_url: str, store: Store, size: int) -> None:
    fill_log(connection, 3_000)
    # The kernel refuses to let any file of that process grow larger.
    script = (
        "import resource, sys, datetime\n"
        "from trackai_pipelines.database.connection import connect\n"
        "from trackai_pipelines.lifecycle.archive.export import archive_day\n"
        "from trackai_pipelines.lifecycle.archive.store import ArchiveError, open_store\n"
        "from trackai_pipelines.domain import tables_of\n"
        "from trackai_pipelines.domains import DOMAINS\n"
        "MATCH_LOG = {table.name: table for table in tables_of(DOMAINS)}['match_log']\n"
        "url, folder, size = sys.argv[1], sys.argv[2], int(sys.argv[3])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))\n"
        "with connect(url) as connection:\n"
        "    try:\n"
        "        archive_day(connection, url, open_store(folder), MATCH_LOG, datetime.date(2026, 1, 5),\n"
        "                    grace=datetime.timedelta(days=7))\n"
        "    except ArchiveError as error:\n"
        "        print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, database_url, store.root, str(size)], capture_output=True, text=True, check=True
    )
    assert f"The archive at {store.root}/ is full" in done.stdout, done.stderr
    assert "match_log of 2026-01-05 was not archived. Its rows are still in the database" in done.stdout
    assert "run `trackai retention`" in done.stdout
    assert files(store) == []
    assert archives(connection) == []
    made = archive_day(connection, database_url, store, MATCH_LOG, DAY, grace=GRACE)
    assert made is not None
    assert made.rows == 3_000


def test_a_device_without_space(connection: Connection[Any], store: Store, make: Make) -> None:
    fill_log(connection, 100)
    half = Path(store.root) / "match_log/2026/match_log_20260105.1.parquet.half"
    half.parent.mkdir(parents=True)
    half.symlink_to("/dev/full")
    with pytest.raises(ArchiveError, match=r"No space left on device.*still in the database"):
        make(MATCH_LOG)
    assert files(store) == []
    assert make(MATCH_LOG).rows == 100


def test_an_archive_that_is_not_a_folder(connection: Connection[Any], store: Store, make: Make) -> None:
    fill_log(connection, 100)
    Path(store.root).write_text("in the way")
    with pytest.raises(ArchiveError, match=r"could not be written.*Mend the place that TRACKAI_ARCHIVE_DIR names"):
        make(MATCH_LOG)
    assert archives(connection) == []


class LyingFileSystem(MemoryFileSystem):  # type: ignore[misc]
    """Keeps something else than it was given, of a Parquet file: one bit."""

    protocol = "lying"
    store: dict[str, Any] = {}  # noqa: RUF012
    pseudo_dirs = [""]  # noqa: RUF012
    place = 0.5
    changed: list[Any] = []  # noqa: RUF012

    def open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        file = super().open(path, mode, **options)
        if mode == "rb" and path.endswith(".parquet") and file not in self.changed:
            self.changed.append(file)
            view = file.getbuffer()
            view[int(len(view) * self.place)] ^= 4
            view.release()
        return file


@pytest.mark.parametrize("place", [0.05, 0.3, 0.5, 0.8, 0.95])
def test_a_disk_that_lies_is_found_out(
    connection: Connection[Any], make: Make, database_url: str, place: float
) -> None:
    fill_log(connection, 2_000)
    fsspec.register_implementation("lying", LyingFileSystem, clobber=True)
    LyingFileSystem.place = place
    with pytest.raises(ArchiveError, match="read back, holds other bytes"):
        archive_day(connection, database_url, open_store("lying://archive"), MATCH_LOG, DAY, grace=GRACE)
    assert archives(connection) == []
    assert [path for path in LyingFileSystem.store if path.endswith(".parquet")] == []
    assert make(MATCH_LOG).rows == 2_000


def test_a_place_that_is_not_local(
    connection: Connection[Any], database_url: str, add_tenant: Callable[..., str]
) -> None:
    store = open_store(f"memory://archive/{database_url[-8:]}")
    assert not store.local
    fill_log(connection, 300)
    fill_clicks(connection, add_tenant("shop"), 300)
    for table in (MATCH_LOG, CLICKS):
        before = rows_in(connection, table.name)
        archive = archive_day(connection, database_url, store, table, DAY, grace=GRACE, clock=at(NOW))
        assert archive is not None
        assert drop_day(connection, store, LEAVING[archive.table_name], archive, clock=at(LATER)) == 300
        (dropped,) = archives(connection, table.name)
        rewrite_archive(connection, store, LEAVING[dropped.table_name], dropped, lambda rows: rows)
        assert not store.exists(archive.path)
        assert restore_day(connection, database_url, store, table, DAY, keep=GRACE) == 300
        assert rows_in(connection, table.name) == before


def test_an_address_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(ArchiveError, match=r'pip install "trackai-pipelines\[s3\]"'):
        open_store("s3://bucket/archive")
    with pytest.raises(ArchiveError, match="begins with carrier-pigeon://"):
        open_store("carrier-pigeon://loft")


def test_a_block_that_fails_leaves_no_file(store: Store) -> None:
    for place in (store, open_store("memory://failing")):
        with pytest.raises(TypeError), place.write("a/b/c") as file:
            file.writelines([b"half", None])
        assert not place.exists("a/b/c")
        with place.write("a/b/c") as file:
            file.write(b"whole")
        assert place.sha256("a/b/c") == hashlib.sha256(b"whole").hexdigest()
        assert place.size("a/b/c") == 5
        place.remove("a/b/c")
        place.remove("a/b/c")
    assert files(store) == []


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


def _forget_ip(rows: pa.Table) -> pa.Table:
    place = rows.column_names.index("ip")
    return rows.set_column(place, rows.schema.field("ip"), pa.nulls(rows.num_rows, pa.string()))


def test_a_rewritten_archive_takes_the_old_ones_place(
    connection: Connection[Any], database_url: str, store: Store, make: Make, add_tenant: Callable[..., str]
) -> None:
    fill_clicks(connection, add_tenant("shop"), 200)
    archive = make(CLICKS)
    drop_day(connection, store, LEAVING[archive.table_name], archive, clock=at(LATER))
    for number in (2, 3):
        (before,) = archives(connection)
        rewrite_archive(connection, store, LEAVING[before.table_name], before, _forget_ip)
        assert files(store) == [f"clicks/2026/clicks_20260105.1.{number}.parquet"]
    (after,) = archives(connection)
    assert after.checksum == before.checksum != archive.checksum
    assert [row["ip"] for row in file_rows(store, after)] == [None] * 200
    assert restore_day(connection, database_url, store, CLICKS, DAY, keep=GRACE) == 200
    left = connection.execute("SELECT count(*), count(ip), count(fbclid) FROM trackai.clicks").fetchone()
    assert left == (200, 0, 200)


@pytest.mark.parametrize("change", [lambda rows: rows.slice(1), lambda rows: rows.drop_columns(["ip"])])
def test_a_rewriting_that_loses_something_is_refused(
    connection: Connection[Any],
    store: Store,
    make: Make,
    add_tenant: Callable[..., str],
    change: Callable[[pa.Table], pa.Table],
) -> None:
    fill_clicks(connection, add_tenant("shop"), 20)
    archive = make(CLICKS)
    with pytest.raises(ValueError, match="must keep its rows and columns"):
        rewrite_archive(connection, store, LEAVING[archive.table_name], archive, change)
    assert archives(connection) == [archive]
    assert files(store) == [archive.path]
    _flip_a_bit(Path(store.root) / archive.path)
    with pytest.raises(ArchiveDamaged):
        rewrite_archive(connection, store, LEAVING[archive.table_name], archive, _forget_ip)


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
