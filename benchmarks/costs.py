"""What it costs to decide the same conversions again and again, by the project's own drain or by something else.

What belongs here: putting conversions back and deciding them under measurement. What does not: sizes and comparisons.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from psycopg import Connection

from benchmarks.database import Database, backend_cpu_seconds, clear, count, settle, wal_position
from benchmarks.processes import begin_together, in_processes, peak_megabytes
from trackai_pipelines.database.connection import connect
from trackai_pipelines.matching.drain import drain


class Worked(NamedTuple):
    """What one worker process did, and what it took."""

    conversions: int
    seconds: float
    cpu_seconds: float | None
    """CPU time of the server's process; None where that cannot be seen."""
    peak_mb: float


Work = Callable[[Database], list[Worked]]
"""Decides what waits, in worker processes."""


@dataclass(frozen=True)
class Cost:
    """What deciding some conversions cost, all workers together."""

    conversions: int
    seconds: float
    wal_bytes: int
    cpu_seconds: float | None
    peak_mb: float
    """Resident memory of the largest worker process."""

    @property
    def rate(self) -> float:
        """Conversions a second."""
        return self.conversions / self.seconds

    @property
    def cpu_micros(self) -> float | None:
        """Microseconds of the server's CPU time a conversion."""
        return None if self.cpu_seconds is None else 1e6 * self.cpu_seconds / self.conversions


def cost_of(database: Database, work: Work, *, repeats: int = 1) -> Cost:
    """The median, by time, of doing the work `repeats` times, each from the start, on a server that has settled."""
    costs = sorted((_once(database, work) for _ in range(repeats)), key=lambda cost: cost.seconds)
    return costs[statistics.median_low(range(repeats))]


def _once(database: Database, work: Work) -> Cost:
    with connect(database.url, name="benchmark") as connection:
        queue_all(connection)
        settle(connection)
    return as_it_is(database, work)


def as_it_is(database: Database, work: Work) -> Cost:
    """Do the work once with what waits, on the server as it stands."""
    with connect(database.url, name="benchmark") as connection:
        before = wal_position(connection)
        workers = work(database)
        wal = wal_position(connection) - before
    conversions, seconds, cpu, peak = zip(*workers, strict=True)
    known = [used for used in cpu if used is not None]
    return Cost(sum(conversions), max(seconds), wal, sum(known) if known else None, max(peak))


def queue_all(connection: Connection[Any], *, keep_its_pages: bool = False) -> None:
    """Forget all results and queue every conversion as new, perhaps behind the dead rows of an emptied queue."""
    clear(connection, kept=["match_queue"] if keep_its_pages else [])
    connection.execute(
        "INSERT INTO trackai.match_queue (tenant_id, conversion_id) SELECT tenant_id, id FROM trackai.conversions"
    )


def drains(workers: int) -> Work:
    """So many drains at once, each in a process of its own; everything must be decided afterwards."""

    def work(database: Database) -> list[Worked]:
        done = in_processes(_drain, [(database.url,)] * workers)
        with connect(database.url, name="benchmark") as connection:
            waiting = count(connection, "SELECT count(*) FROM trackai.match_queue")
            decided = count(connection, "SELECT count(*) FROM trackai.matched_attributions")
            sold = count(connection, "SELECT count(*) FROM trackai.conversions")
        if waiting or not sold == decided == sum(worker.conversions for worker in done):
            raise RuntimeError(
                f"{decided:,} of {sold:,} conversions are decided and {waiting:,} wait: the drain is broken"
            )
        return done

    return work


def _drain(url: str) -> Worked:
    with connect(url, name="benchmark drain") as connection:
        return timed(connection, lambda: drain(connection, run_id="benchmark").conversions)


def timed(connection: Connection[Any], decide: Callable[[], int]) -> Worked:
    """Measure `decide`, which returns the conversions it decided, in this worker process, over this connection."""
    before = backend_cpu_seconds(connection)
    begin_together()
    begun = time.perf_counter()
    conversions = decide()
    seconds = time.perf_counter() - begun
    after = backend_cpu_seconds(connection)
    cpu = None if before is None or after is None else after - before
    return Worked(conversions, seconds, cpu, peak_megabytes())
