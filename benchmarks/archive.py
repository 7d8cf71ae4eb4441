"""How fast a day of match_log is archived, read-back included, dropped and restored, and in how much memory.

What does not belong here: how long others wait meanwhile (maintenance).
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from benchmarks.database import Database, benchmark_sql, clear
from benchmarks.declared import MATCH_LOG, TABLES
from benchmarks.figures import Figure, Scale, row, short
from benchmarks.processes import begin_together, in_processes, peak_megabytes
from benchmarks.world import have_world
from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.partitions import create_partitions_ahead

CHARTED = ("rows/s",)

_TENANTS = 100
_LEAST_ROWS_A_SECOND = 150_000
_MOST_MEGABYTES = 300


@dataclass(frozen=True)
class _Sizes:
    rows: int
    repeats: int


SIZES = {
    "small": _Sizes(rows=2_000, repeats=1),
    "medium": _Sizes(rows=500_000, repeats=1),
    "full": _Sizes(rows=2_000_000, repeats=3),
}


def run(scale: Scale, database: Database) -> Iterator[Figure]:
    """Rows a second and peak megabytes of archiving and of restoring, and bytes a row of the file and the table."""
    sizes = SIZES[scale]
    title = f"Archive: {short(sizes.rows)} rows of match_log of one day"
    day = datetime.now(UTC).date() - timedelta(days=100)
    table_bytes = _load(database, sizes.rows, day)
    store = str(Path(database.home) / "archive")
    archived, restored = [], []
    for _ in range(sizes.repeats):
        # In processes of their own, for the memory of each.
        ((seconds, peak, rows, checksum, file_bytes),) = in_processes(_archive, [(database.url, store, day)])
        archived.append((seconds, peak))
        ((seconds, peak, rows_back, checksum_back),) = in_processes(_restore, [(database.url, store, day)])
        restored.append((seconds, peak))
        if not rows == rows_back == sizes.rows:
            raise RuntimeError(f"of {sizes.rows:,} rows {rows:,} were archived and {rows_back:,} restored")
        if checksum != checksum_back:
            raise RuntimeError(f"the archived rows have checksum {checksum}, archived again {checksum_back}")
    seconds, peak = min(archived)
    case = "archived and read back"
    yield Figure(title, case, "rows/s", sizes.rows / seconds, at_least=_LEAST_ROWS_A_SECOND)
    yield Figure(title, case, "peak MB", max(peak for _, peak in archived), at_most=_MOST_MEGABYTES)
    yield from row(title, case, {"bytes a row": file_bytes / sizes.rows})
    seconds, peak = min(restored)
    case = "restored and compared"
    peaks = max(peak for _, peak in restored)
    yield from row(title, case, {"rows/s": sizes.rows / seconds, "peak MB": peaks})
    yield from row(title, case, {"bytes a row": table_bytes / sizes.rows})


def _load(database: Database, rows: int, day: date) -> int:
    """Put the day's rows into their partition; return its size with its indexes."""
    have_world(database, clicks=0, tenants=_TENANTS)
    with connect(database.url, name="benchmark") as connection:
        clear(connection)
        create_partitions_ahead(connection, TABLES, today=day, days=0)
        connection.execute(benchmark_sql("old_day_of_log"), {"day": day, "first": 1, "last": rows})
        connection.execute("VACUUM (ANALYZE) trackai.match_log")
        connection.execute("CHECKPOINT")
        found = connection.execute(
            "SELECT pg_total_relation_size(to_regclass(%s))", [f"trackai.match_log_{day:%Y%m%d}"]
        ).fetchone()
    assert found is not None
    return int(found[0])


def _archive(url: str, folder: str, day: date) -> tuple[float, float, int, str, int]:
    """Seconds of archiving the day and peak megabytes; its rows are dropped afterwards."""
    from trackai_pipelines.lifecycle.archive.drop import drop_day
    from trackai_pipelines.lifecycle.archive.export import archive_day
    from trackai_pipelines.lifecycle.archive.store import open_store

    begin_together()
    store = open_store(folder)
    with connect(url, name="benchmark") as connection:
        begun = time.perf_counter()
        archive = archive_day(connection, url, store, MATCH_LOG, day, grace=timedelta(0))
        seconds, peak = time.perf_counter() - begun, peak_megabytes()
        assert archive is not None
        drop_day(connection, store, MATCH_LOG, archive)
    return seconds, peak, archive.rows, archive.checksum, archive.bytes


def _restore(url: str, folder: str, day: date) -> tuple[float, float, int, str]:
    """Seconds of restoring the day and peak megabytes, and the checksum of the rows as they are now."""
    from trackai_pipelines.lifecycle.archive.arrow_rows import rows_of_day, schema_of, tally_of
    from trackai_pipelines.lifecycle.archive.manifest import archives
    from trackai_pipelines.lifecycle.archive.restore import restore_day
    from trackai_pipelines.lifecycle.archive.store import open_store

    begin_together()
    with connect(url, name="benchmark") as connection:
        begun = time.perf_counter()
        rows = restore_day(connection, url, open_store(folder), MATCH_LOG, day, keep=timedelta(0))
        seconds, peak = time.perf_counter() - begun, peak_megabytes()
        schema = schema_of(connection, MATCH_LOG.name)
        assert [archive.state for archive in archives(connection)] == ["restored"]
    with rows_of_day(url, MATCH_LOG, MATCH_LOG.name, day, schema) as found:
        return seconds, peak, rows, tally_of(found, MATCH_LOG.time_column).digits
