"""What a conversion costs as clicks and tenants grow in number: time, and CPU time of the server.

One drain, warm, the same number of conversions every time. The largest world comes first, because another benchmark
may just have left it here. Then what clicks cost that arrive by one statement, mixed from many tenants. What does not
belong here: comparisons with anything but the drain (throughput).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.costs import Cost, cost_of, drains
from benchmarks.database import Database, backend_cpu_seconds, benchmark_sql
from benchmarks.figures import Figure, Scale, row, short
from benchmarks.world import add_clicks, add_sales, have_world
from trackai_pipelines.database.connection import connect
from trackai_pipelines.matching.drain import drain, looks

CHARTED = ("CPU µs a conversion",)

_BY_CLICKS = "Growth: cost as clicks grow, 100 tenants"
_BY_TENANTS = "Growth: cost as tenants grow, skewed shares"
_ARRIVING = "Growth: comparing clicks that one statement inserted"
_TENANTS = 100
# Promised for each click, whatever the mixture.
_ARRIVAL_MICROS = 10


@dataclass(frozen=True)
class _Sizes:
    clicks: tuple[int, ...]
    """Ascending; the number of tenants is varied on the first."""
    tenants: tuple[int, ...]
    conversions: int
    repeats: int
    arriving: tuple[tuple[int, int], ...]
    """Clicks that one statement inserts, and how many tenants they are of."""


SIZES = {
    "small": _Sizes(
        clicks=(1_000, 2_000), tenants=(1, 20), conversions=500, repeats=1, arriving=((1_000, 1), (1_000, 50))
    ),
    "medium": _Sizes(
        clicks=(200_000, 1_000_000),
        tenants=(1, 100, 5_000),
        conversions=100_000,
        repeats=1,
        arriving=((100_000, 1), (100_000, 50), (100_000, 5_000)),
    ),
    "full": _Sizes(
        clicks=(1_000_000, 10_000_000, 50_000_000),
        tenants=(1, 100, 5_000),
        conversions=1_000_000,
        repeats=3,
        arriving=((100_000, 1), (100_000, 5_000), (1_000_000, 1), (1_000_000, 50)),
    ),
}


def run(scale: Scale, database: Database) -> Iterator[Figure]:
    """Microseconds a conversion, and how many times the smallest world's that is."""
    sizes = SIZES[scale]
    costs = {
        clicks: _cost(database, clicks, _TENANTS, sizes.conversions, sizes.repeats) for clicks in reversed(sizes.clicks)
    }
    smallest = costs[sizes.clicks[0]]
    for clicks in sizes.clicks:
        yield from _figures(_BY_CLICKS, f"{short(clicks)} clicks", costs[clicks], smallest, at_most=1.5)
    few = None
    for tenants in sizes.tenants:
        cost = _cost(database, sizes.clicks[0], tenants, sizes.conversions, sizes.repeats)
        few = few or cost
        yield from _figures(_BY_TENANTS, f"{tenants:,} tenant{'s' if tenants > 1 else ''}", cost, few)
    for clicks, tenants in sizes.arriving:
        for waiting in (0, 1, 20):
            yield from _arriving(database, clicks, tenants, waiting)


def _arriving(database: Database, clicks: int, tenants: int, waiting: int) -> Iterator[Figure]:
    """One drain's cost for clicks that nothing, or `waiting` conversions of each tenant, could wait for."""
    have_world(database, clicks=0, tenants=tenants)
    with connect(database.url, name="benchmark") as connection:
        connection.execute(benchmark_sql("insert_waiting"), {"tenants": tenants, "each": waiting})
        drain(connection, run_id="benchmark")
        add_clicks(connection, clicks, a_statement=clicks)
        before, taken = backend_cpu_seconds(connection), 0
        for look in looks(connection, run_id="benchmark"):
            if look.idle:
                break
            taken += 1
        after = backend_cpu_seconds(connection)
    case = f"{short(clicks)} clicks of {tenants:,} tenant{'s' if tenants > 1 else ''}, {waiting} wait in each"
    yield Figure(_ARRIVING, case, "looks", taken)
    if before is not None and after is not None:
        micros = 1e6 * (after - before) / clicks
        yield Figure(_ARRIVING, case, "CPU µs a click", micros, at_most=_ARRIVAL_MICROS)


def _cost(database: Database, clicks: int, tenants: int, conversions: int, repeats: int) -> Cost:
    have_world(database, clicks=clicks, tenants=tenants)
    with connect(database.url, name="benchmark") as connection:
        add_sales(connection, 1, conversions)
    # The first drain finds cold caches.
    cost_of(database, drains(1))
    return cost_of(database, drains(1), repeats=repeats)


def _figures(title: str, case: str, cost: Cost, smallest: Cost, at_most: float | None = None) -> Iterator[Figure]:
    yield from row(
        title,
        case,
        {
            "µs a conversion": 1e6 / cost.rate,
            "CPU µs a conversion": cost.cpu_micros,
            "WAL bytes a conversion": cost.wal_bytes / cost.conversions,
        },
    )
    yield Figure(title, case, "times the smallest", smallest.rate / cost.rate, at_most=at_most)
    if cost.cpu_micros and smallest.cpu_micros:
        yield Figure(title, case, "times the smallest, CPU", cost.cpu_micros / smallest.cpu_micros)
