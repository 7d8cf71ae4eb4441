"""What counting checks costs an app that asks at its pace: rows, and time of checks while the database stands still.

What belongs here: rows a second, the slowest checks before and during an outage, and memory. What does not: what a
check costs the processor (flags_checks).

The server is one of its own, because all of its processes are stopped.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, product

import psutil

from benchmarks.database import Database, count, throw_away_database
from benchmarks.figures import Figure, Scale, row, short
from benchmarks.flags_world import KINDS, TENANT, have_flags
from trackai_pipelines.database.cluster import existing_cluster
from trackai_pipelines.database.connection import connect
from trackai_pipelines.flag_values.client import Flags, open_flags
from trackai_pipelines.settings import FlagSettings

_ROWS_TITLE = "Flags: rows of checks"
_OUTAGE_TITLE = "Flags: checks while PostgreSQL stands still"
_KEYS = (*KINDS.values(), "benchmark_quarter")
_USERS = 500
_ASKED = tuple(product((f"user-{number}" for number in range(_USERS)), _KEYS))
_A_SECOND = 10_000
_SLICE_SECONDS = 0.01
_FLUSHES = {"small": 2, "medium": 4, "full": 12}
_OUTAGE_SECONDS = {"small": 1, "medium": 30, "full": 30}
_NEW_USERS = {"small": 100, "medium": 100_000, "full": 100_000}
"""Who come while the database stands still; then twice as many others come."""


def run(scale: Scale, _: Database) -> Iterator[Figure]:
    """Yield the rows a second, then how long checks take and what they hold in memory during an outage."""
    every = FlagSettings().flush_seconds
    with throw_away_database(None) as database, connect(database.url, name="benchmark") as connection:

        def written() -> tuple[int, float]:
            """Return the rows, and when they were taken out of memory."""
            query = "SELECT count(*), extract(epoch FROM max(last_accessed_at)) FROM trackai.feature_flag_usage"
            rows, at = connection.execute(query).fetchall()[0]
            return rows, float(at or 0)

        have_flags(connection)
        with open_flags(database.url, home=database.home) as flags:
            checks = 0
            # From one time that rows are written to another one: the time of whole rows.
            while not (first := written())[0]:
                checks += len(_checked(flags, every / 10))
            begun = time.perf_counter()
            before = _checked(flags, (_FLUSHES[scale] + 0.5) * every)
            while (last := written())[0] == first[0]:
                before += _checked(flags, every / 10)
            seconds = time.perf_counter() - begun
            case = f"{short(len(_KEYS) * _USERS)} keys"
            yield Figure(_ROWS_TITLE, case, "checks/s", len(before) / seconds, at_least=0.95 * _A_SECOND)
            of_rows = (last[0] - first[0]) / (last[1] - first[1])
            yield Figure(_ROWS_TITLE, case, "rows/s", of_rows, at_most=len(_ASKED) / every)
            new_users = _NEW_USERS[scale]
            with _standing_still(database):
                during = _checked(flags, _OUTAGE_SECONDS[scale])
                held = [_megabytes()]
                for first_user, users in ((0, new_users), (new_users, 2 * new_users)):
                    for number in range(first_user, first_user + users):
                        flags.evaluate(_KEYS[0], tenant=TENANT, user=f"new-{number}")
                    held.append(_megabytes())
            checks += len(before) + len(during) + 3 * new_users
        kept = count(connection, "SELECT sum(checks) FROM trackai.feature_flag_usage")
        lost = count(connection, "SELECT coalesce(sum(lost_checks), 0) FROM trackai.feature_flag_usage_gaps")
        if kept + lost != checks:
            raise RuntimeError(f"{kept + lost:,} of {checks:,} checks were counted: counting is broken")
    yield from row(_OUTAGE_TITLE, "before", {"p99 µs": 1e6 * _99th_percentile(before)})
    stopped = f"stopped for {_OUTAGE_SECONDS[scale]} s"
    yield from row(_OUTAGE_TITLE, stopped, {"p99 µs": 1e6 * _99th_percentile(during)})
    ratio = _99th_percentile(during) / _99th_percentile(before)
    yield Figure(_OUTAGE_TITLE, stopped, "times before", ratio, at_most=1.5)
    yield from row(_OUTAGE_TITLE, f"{short(new_users)} new users", {"MB more": held[1] - held[0]})
    yield Figure(_OUTAGE_TITLE, f"{short(2 * new_users)} other new users", "MB more", held[2] - held[1], at_most=5)


def _checked(flags: Flags, seconds: float) -> list[float]:
    """Check at the pace, and return how many seconds each check took by the clock on the wall."""
    took = []
    asked = cycle(_ASKED)
    begun = time.perf_counter()
    for number in range(round(seconds / _SLICE_SECONDS)):
        time.sleep(max(0, begun + number * _SLICE_SECONDS - time.perf_counter()))
        for _ in range(round(_A_SECOND * _SLICE_SECONDS)):
            user, key = next(asked)
            asking = time.perf_counter()
            flags.evaluate(key, tenant=TENANT, user=user, plan="premium", orders=12)
            took.append(time.perf_counter() - asking)
    return took


@contextmanager
def _standing_still(database: Database) -> Iterator[None]:
    """Within the block, no process of the server does anything, nor says that it does not."""
    cluster = existing_cluster(database.home)
    assert cluster is not None
    postmaster = psutil.Process(int((cluster.data / "postmaster.pid").read_text(encoding="utf-8").split()[0]))
    processes = [postmaster, *postmaster.children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def _99th_percentile(took: list[float]) -> float:
    return sorted(took)[len(took) * 99 // 100]


def _megabytes() -> float:
    return float(psutil.Process().memory_info().rss) / 1e6
