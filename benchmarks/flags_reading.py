"""What it takes to read flags by SQL, as dashboards and other languages do.

What belongs here: a flag by its key, and the flags that are on: pages and time. What does not: reading them into a
process (flags_checks).
"""

import time
from collections.abc import Iterator
from statistics import median
from typing import Any, LiteralString

from psycopg import Connection

from benchmarks.database import Database
from benchmarks.figures import Figure, Scale
from benchmarks.flags_world import FLAGS, SPLIT, have_flags
from trackai_pipelines.database.connection import connect

_TITLE = f"Flags: read by SQL, of {FLAGS}"
_READS: dict[str, LiteralString] = {
    "a flag by its key": "SELECT * FROM trackai.feature_flags WHERE key = %(key)s",
    "active flags": "SELECT * FROM trackai.v_active_feature_flags",
}
_TIMES = {"small": 10, "medium": 500, "full": 2_000}


def run(scale: Scale, database: Database) -> Iterator[Figure]:
    """Yield for each read the pages, and the time until the rows are here, connection and caches being warm."""
    with connect(database.url, name="benchmark") as connection:
        have_flags(connection)
        connection.execute("VACUUM (ANALYZE) trackai.feature_flags")
        for name, query in _READS.items():
            yield Figure(_TITLE, name, "pages", _pages(connection, query), at_most=3)
            took = sorted(_seconds(connection, query) for _ in range(_TIMES[scale]))
            yield Figure(_TITLE, name, "median ms", 1e3 * median(took), at_most=1)
            yield Figure(_TITLE, name, "p99 ms", 1e3 * took[len(took) * 99 // 100])


def _pages(connection: Connection[Any], query: LiteralString) -> int:
    """Return how many pages the query itself looks at; planning is left out."""
    row = connection.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + query, {"key": SPLIT}).fetchone()
    assert row is not None
    plan = row[0][0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def _seconds(connection: Connection[Any], query: LiteralString) -> float:
    begun = time.perf_counter()
    connection.execute(query, {"key": SPLIT}).fetchall()
    return time.perf_counter() - begun
