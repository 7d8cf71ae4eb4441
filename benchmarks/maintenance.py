"""How long writers wait while days are made, archived and dropped while a reader is open.

A writer commits a click and a row of the log at a time, a thousand rows a second; a reader has looked at the log and
keeps its transaction open, for half of the time. What does not belong here: how fast rows are archived (archive).
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from psycopg import IsolationLevel, errors

from benchmarks.database import Database, benchmark_sql, clear
from benchmarks.declared import CLICKS, MATCH_LOG, TABLES
from benchmarks.figures import Figure, Scale, row, short
from benchmarks.processes import in_processes
from benchmarks.world import have_world
from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.partitions import create_partitions_ahead, detach_partition, maintain
from trackai_pipelines.lifecycle.archive.drop import drop_day
from trackai_pipelines.lifecycle.archive.export import archive_day
from trackai_pipelines.lifecycle.archive.manifest import archives
from trackai_pipelines.lifecycle.archive.store import open_store
from trackai_pipelines.lifecycle.leaving import leaving

CHARTED = ("p99 ms",)

_TITLE = "Maintenance with a writer of 1,000 rows/s"
_ROWS_A_SECOND = 1_000
_LONGEST_P99_MS = 100
# Clicks leave after 400 days, and the worlds' are younger: the same clock for all.
_LATER = timedelta(days=30)


@dataclass(frozen=True)
class _Sizes:
    rows: int
    """Of each old day, in the log and of clicks."""
    days: int
    idle_seconds: float


SIZES = {
    "small": _Sizes(rows=200, days=1, idle_seconds=0.5),
    "medium": _Sizes(rows=100_000, days=2, idle_seconds=10),
    "full": _Sizes(rows=1_000_000, days=3, idle_seconds=30),
}


def run(scale: Scale, database: Database) -> Iterator[Figure]:
    """Milliseconds from the start of a commit's statements to its end: without maintenance, then with it."""
    sizes = SIZES[scale]
    today = datetime.now(UTC).date()
    old = [today - timedelta(days=back) for back in range(sizes.days + 1, 1, -1)]
    _load(database, sizes, old)
    with _writing(database) as idle:
        time.sleep(sizes.idle_seconds)
    yield from _figures("nothing else runs", idle)
    with _writing(database) as waits:
        # In a process of its own: the writer shall wait for the server, not for this one's interpreter.
        (held_up,) = in_processes(_maintain_with_a_reader, [(database, today, old)])
    yield from _figures(f"{len(old)} days of {short(sizes.rows)} rows leave two tables", waits)
    yield from row(_TITLE, "the reader", {"detaches held up": held_up})


def _load(database: Database, sizes: _Sizes, days: list[date]) -> None:
    have_world(database, clicks=0, tenants=1)
    with connect(database.url, name="benchmark") as connection:
        clear(connection)
        for place, day in enumerate(days):
            create_partitions_ahead(connection, TABLES, today=day, days=0)
            first = 1 + place * sizes.rows
            old = {"day": day, "first": first, "last": first + sizes.rows - 1}
            connection.execute(benchmark_sql("old_day_of_log"), old)
            connection.execute(benchmark_sql("old_day_of_clicks"), old)
        connection.execute("VACUUM (ANALYZE) trackai.clicks, trackai.match_log")


@contextmanager
def _writing(database: Database) -> Iterator[list[float]]:
    """Within the block a writer is at work; afterwards the list has the seconds of each of its commits."""
    taken: list[float] = []
    stop = threading.Event()

    def write() -> None:
        with connect(database.url, name="benchmark writer") as connection:
            due = time.perf_counter()
            while not stop.is_set():
                due += 2 / _ROWS_A_SECOND
                time.sleep(max(0, due - time.perf_counter()))
                # From when it was due: a commit that waits holds up those after it, and they count too.
                with connection.transaction():
                    connection.execute(benchmark_sql("write_click_and_log"), {"fbclid": f"written{len(taken)}"})
                taken.append(time.perf_counter() - due)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield taken
    finally:
        stop.set()
        writer.join()


def _maintain_with_a_reader(database: Database, today: date, old: list[date]) -> int:
    """Everything that maintenance and retention do to the days; return how many detaches the reader held up."""
    held_up = 0
    store = open_store(str(Path(database.home) / "archive"))

    def later() -> datetime:
        return datetime.now(UTC) + _LATER

    with connect(database.url, name="benchmark") as connection:
        with connect(database.url, name="benchmark reader") as reader:
            reader.isolation_level = IsolationLevel.REPEATABLE_READ
            with reader.transaction():
                reader.execute("SELECT count(*) FROM trackai.match_log")
                maintain(connection, TABLES, today=today + _LATER)
                try:
                    detach_partition(connection, MATCH_LOG.name, old[0])
                except errors.LockNotAvailable:
                    held_up += 1
                archive_day(connection, database.url, store, CLICKS, old[0], grace=timedelta(0))
        maintain(connection, TABLES, today=today + _LATER)
        for day in old:
            for table in (MATCH_LOG, CLICKS):
                archive_day(connection, database.url, store, table, day, grace=timedelta(0))
        for archive in archives(connection):
            drop_day(connection, store, leaving(TABLES)[archive.table_name], archive, clock=later)
    return held_up


def _figures(case: str, taken: list[float]) -> Iterator[Figure]:
    in_order = sorted(taken)
    at = {"p50 ms": 0.5, "p99 ms": 0.99, "slowest ms": 1.0}
    values = {name: 1000 * in_order[min(int(share * len(in_order)), len(in_order) - 1)] for name, share in at.items()}
    yield from row(_TITLE, case, {"commits": len(taken), "p50 ms": values["p50 ms"]})
    yield Figure(_TITLE, case, "p99 ms", values["p99 ms"], at_most=_LONGEST_P99_MS)
    yield from row(_TITLE, case, {"slowest ms": values["slowest ms"]})
