"""What it costs to read the gates by the moment of the sale: the statement that matches, with settings in periods.

What belongs here: the statement with 1, 2 and 30 periods a tenant, next to itself with the settings of now. All are
measured in turn, batch by batch, in one run, and rolled back. What does not: whole drains (throughput).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any, LiteralString

from psycopg import Connection

from benchmarks.database import Database, backend_cpu_seconds, benchmark_sql, settle
from benchmarks.figures import Figure, Scale
from benchmarks.world import add_sales, have_world
from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.statements import statement
from trackai_pipelines.matching.batch_size import BATCH_SIZE

_TITLE = "Flags: matching reads the settings of the sale"
_TENANTS = 500
_PERIODS = {1: None, 2: 1.05, 30: 1.25}
"""Periods a tenant, and how many times the CPU time of the statement that reads `tenants` they may take."""


@dataclass(frozen=True)
class _Sizes:
    clicks: int
    batches: int
    rounds: int


SIZES = {
    "small": _Sizes(clicks=2_000, batches=1, rounds=1),
    "medium": _Sizes(clicks=200_000, batches=4, rounds=5),
    "full": _Sizes(clicks=1_000_000, batches=20, rounds=15),
}


def run(scale: Scale, database: Database) -> Iterator[Figure]:
    """Yield the CPU time of a conversion, and the ratio to the settings of now, for each number of periods."""
    sizes = SIZES[scale]
    have_world(database, clicks=sizes.clicks, tenants=_TENANTS)
    with connect(database.url, name="benchmark") as connection:
        add_sales(connection, 1, sizes.batches * BATCH_SIZE)
        settle(connection)
        for periods, at_most in _PERIODS.items():
            _divide_settings(connection, periods)
            before, after = _side_by_side(connection, sizes)
            case = f"{periods} periods a tenant" if periods > 1 else "1 period a tenant"
            yield Figure(_TITLE, case, "CPU µs a row", 1e6 * after / BATCH_SIZE)
            yield Figure(_TITLE, case, "times the settings of now", after / before, at_most=at_most)
        # Another benchmark must find the settings as they were.
        _divide_settings(connection, 1)


def _divide_settings(connection: Connection[Any], periods: int) -> None:
    connection.execute("DELETE FROM trackai.matching_settings")
    connection.execute(benchmark_sql("divide_settings"), {"periods": periods})
    connection.execute("VACUUM (ANALYZE) trackai.matching_settings, trackai.tenants")


def _side_by_side(connection: Connection[Any], sizes: _Sizes) -> tuple[float, float]:
    """Return the CPU seconds of a batch by the settings of now and by those of the sale: medians over the rounds."""
    of_sale = statement("matching/match_batch")
    head, _, rest = of_sale.partition("    LEFT JOIN LATERAL (")
    _, found, tail = rest.partition(") s ON true\n")
    assert found, "match_batch.sql reads the settings in another form: change this benchmark, too"
    of_now = head + "    JOIN trackai.tenants s ON s.id = q.tenant_id\n" + tail
    seconds: dict[str, list[float]] = {of_now: [], of_sale: []}
    for number in range(sizes.rounds + 1):
        # Whoever comes second finds the caches warm, so they take turns; the first round only warms them.
        for name in (of_now, of_sale) if number % 2 else (of_sale, of_now):
            seconds[name].append(_batches(connection, name, sizes.batches) / sizes.batches)
        settle(connection)
    return median(seconds[of_now][1:]), median(seconds[of_sale][1:])


def _batches(connection: Connection[Any], match: LiteralString, batches: int) -> float:
    """Match so many batches, forget the results, and return the CPU seconds of the matching statement."""
    used = 0.0
    with connection.transaction(force_rollback=True):
        connection.execute(statement("matching/keep_to_indexes"))
        for _ in range(batches):
            claimed = connection.execute(
                statement("matching/claim_batch"), {"after": "", "batch_size": BATCH_SIZE}
            ).fetchall()
            tenant_ids, conversion_ids, causes = (list(column) for column in zip(*claimed, strict=True))
            given = {"tenant_ids": tenant_ids, "conversion_ids": conversion_ids, "causes": causes}
            begun = backend_cpu_seconds(connection) or 0.0
            connection.execute(match, {**given, "run_id": "benchmark", "now": None})
            used += (backend_cpu_seconds(connection) or 0.0) - begun
    return used
