"""What a conversion costs as clicks and tenants grow in number: time, and CPU time of the server.

One drain, warm, the same number of conversions every time. The largest world comes first, because another benchmark
may just have left it here. What does not belong here: comparisons with anything but the drain (throughput).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.costs import Cost, cost_of, drains
from benchmarks.database import Database
from benchmarks.figures import Figure, Scale, row, short
from benchmarks.world import add_sales, have_world
from trackai_pipelines.database.connection import connect

CHARTED = ("CPU µs a conversion",)

_BY_CLICKS = "Growth: cost as clicks grow, 100 tenants"
_BY_TENANTS = "Growth: cost as tenants grow, skewed shares"
_TENANTS = 100


@dataclass(frozen=True)
class _Sizes:
    clicks: tuple[int, ...]
    """Ascending; the number of tenants is varied on the first."""
    tenants: tuple[int, ...]
    conversions: int
    repeats: int


SIZES = {
    "small": _Sizes(clicks=(1_000, 2_000), tenants=(1, 20), conversions=500, repeats=1),
    "medium": _Sizes(clicks=(200_000, 1_000_000), tenants=(1, 100, 5_000), conversions=100_000, repeats=1),
    "full": _Sizes(
        clicks=(1_000_000, 10_000_000, 50_000_000), tenants=(1, 100, 5_000), conversions=1_000_000, repeats=3
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
