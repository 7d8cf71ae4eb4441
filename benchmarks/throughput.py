"""How fast a backlog drains, compared with a worker that takes one row at a time and with bare inserting.

All on one database: the same conversions are decided again and again, each time from empty results and after a
checkpoint. Then the first day of a new database: clicks and sales in bulk, matched before anything was analysed. What
does not belong here: how the cost grows (growth).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.costs import Cost, as_it_is, cost_of, drains
from benchmarks.database import Database, never_analysed
from benchmarks.figures import Figure, Scale, row, short
from benchmarks.row_at_a_time import inserting_remembered, one_by_one, remember_results
from benchmarks.world import add_clicks, add_sales, have_world
from trackai_pipelines.database.connection import connect

CHARTED = ("rows/s",)

_TITLE = "Throughput: draining a backlog"
_FIRST_DAY = "Throughput: the first day, 50 tenants"
_TENANTS = 100
_FIRST_DAY_TENANTS = 50
_CLICKS_A_STATEMENT = 250_000
# The size for which something is promised.
_PROMISED_CLICKS = 10_000_000


@dataclass(frozen=True)
class _Sizes:
    clicks: tuple[int, ...]
    conversions: int
    sample: int
    """Conversions that the worker with one row at a time decides."""
    repeats: int
    first_day: tuple[int, int]
    """Clicks, and then conversions, that are loaded into an empty database."""


SIZES = {
    "small": _Sizes(clicks=(2_000,), conversions=1_000, sample=200, repeats=1, first_day=(2_000, 1_000)),
    "medium": _Sizes(clicks=(1_000_000,), conversions=200_000, sample=10_000, repeats=1, first_day=(300_000, 50_000)),
    "full": _Sizes(
        clicks=(1_000_000, 10_000_000, 50_000_000),
        conversions=1_000_000,
        sample=20_000,
        repeats=3,
        first_day=(3_000_000, 300_000),
    ),
}


def run(scale: Scale, database: Database) -> Iterator[Figure]:
    """Rate, CPU time, log bytes, memory and ratios for each number of clicks, with one and two workers."""
    sizes = SIZES[scale]
    for clicks in sizes.clicks:
        have_world(database, clicks=clicks, tenants=_TENANTS)
        with connect(database.url, name="benchmark") as connection:
            add_sales(connection, 1, sizes.conversions)
            # The first drain finds cold caches; what it writes is what the floor inserts.
            cost_of(database, drains(1))
            remember_results(connection)
        single = cost_of(database, one_by_one(sizes.sample), repeats=sizes.repeats)
        floor = cost_of(database, inserting_remembered, repeats=sizes.repeats)
        if floor.conversions != sizes.conversions or single.conversions != sizes.sample:
            raise RuntimeError("a comparison did not decide all of its conversions")
        yield from _figures(clicks, "one row at a time", single, single, floor)
        yield from _figures(clicks, "floor: no look-ups", floor, single, floor)
        for workers in (1, 2):
            cost = cost_of(database, drains(workers), repeats=sizes.repeats)
            yield from _figures(clicks, f"drain, {workers} worker{'s' if workers > 1 else ''}", cost, single, floor)
    yield from _first_day(database, *sizes.first_day, sizes.sample)


def _first_day(database: Database, clicks: int, conversions: int, sample: int) -> Iterator[Figure]:
    """The first drains find all clicks and all conversions waiting; then the same on an analysed database."""
    have_world(database, clicks=0, tenants=_FIRST_DAY_TENANTS)
    with connect(database.url, name="benchmark") as connection, never_analysed(connection):
        add_clicks(connection, clicks, a_statement=_CLICKS_A_STATEMENT)
        add_sales(connection, 1, conversions)
        first = as_it_is(database, drains(2))
        remember_results(connection)
    single = cost_of(database, one_by_one(min(sample, conversions)))
    floor = cost_of(database, inserting_remembered)
    analysed = cost_of(database, drains(2))
    for who, cost in (
        ("one row at a time", single),
        ("floor: no look-ups", floor),
        ("2 workers, clicks not compared yet, never analysed", first),
        ("2 workers, clicks compared, analysed", analysed),
    ):
        yield from row(_FIRST_DAY, who, {"rows/s": cost.rate, "CPU µs a row": cost.cpu_micros})
        promised = cost is first
        times, floors = cost.rate / single.rate, floor.rate / cost.rate
        yield Figure(_FIRST_DAY, who, "times one row at a time", times, at_least=40 if promised else None)
        yield Figure(_FIRST_DAY, who, "floor's time", floors, at_most=3.5 if promised else None)
        if cost.cpu_micros and analysed.cpu_micros:
            share = cost.cpu_micros / analysed.cpu_micros
            yield Figure(_FIRST_DAY, who, "times analysed, CPU", share, at_most=1.2 if promised else None)


def _figures(clicks: int, who: str, cost: Cost, single: Cost, floor: Cost) -> Iterator[Figure]:
    case = f"{short(clicks)} clicks, {who}"
    yield from row(
        _TITLE,
        case,
        {
            "rows/s": cost.rate,
            "CPU µs a row": cost.cpu_micros,
            "WAL bytes a row": cost.wal_bytes / cost.conversions,
            "peak MB a worker": cost.peak_mb,
        },
    )
    promised = clicks == _PROMISED_CLICKS and who == "drain, 2 workers"
    yield Figure(_TITLE, case, "times one row at a time", cost.rate / single.rate, at_least=40 if promised else None)
    yield Figure(_TITLE, case, "floor's time", floor.rate / cost.rate, at_most=2.5 if promised else None)
