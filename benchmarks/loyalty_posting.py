"""What posting sales of creators costs: from a sync's reports to the ledger, and again without news.

What belongs here: a tenant whose creators have a report a day. What does not: evaluating days (loyalty_evaluating.py).
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from benchmarks.database import Database, backend_cpu_seconds, benchmark_sql
from benchmarks.figures import Figure, Scale, row, short
from trackai_pipelines.database.connection import connect
from trackai_pipelines.loyalty.posting import post

TENANT = "posts"
"""Its id stands in an entry and in its four index entries: 25 characters instead of 5 take 100 bytes more."""
CREATORS = {"small": 100, "medium": 10_000, "full": 30_000}
_DAYS = 10
_NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def run(scale: Scale, database: Database) -> Iterator[Figure]:
    """Yield microseconds of a backend an entry, entries a second by the clock, and bytes an entry."""
    entries = CREATORS[scale] * _DAYS
    title = f"Loyalty: posting {short(entries)} sales of creators"
    with connect(database.url, name="benchmark") as connection:
        connection.execute(benchmark_sql("loyalty_reports"), {"creators": CREATORS[scale], "days": _DAYS})
        with connection.transaction(force_rollback=True):
            size = "SELECT pg_total_relation_size('trackai.sales_ledger')"
            (before,) = connection.execute(size).fetchone() or (0,)

            def timed(case: str, ask: Callable[[], int], expected: int) -> Iterator[Figure]:
                used, begun = backend_cpu_seconds(connection) or 0, time.monotonic()
                if ask() != expected:
                    raise RuntimeError(f"{case} made another number of entries than {expected:,}")
                seconds, used = time.monotonic() - begun, (backend_cpu_seconds(connection) or 0) - used
                yield from row(title, case, {"CPU us an entry": used / entries * 1e6, "entries/s": entries / seconds})

            yield from timed("posting", lambda: post(connection, TENANT, _NOW).entries, entries)
            (after,) = connection.execute(size).fetchone() or (0,)
            yield Figure(title, "posting", "bytes an entry", (after - before) / entries, at_most=340)
            yield from timed("again, without news", lambda: post(connection, TENANT, _NOW).entries, 0)
