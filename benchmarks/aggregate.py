"""How fast days are aggregated: one busy day, compared with plain GROUP BY scans of the same rows, and a year.

The attributions here have no click: the aggregate does not look at it. What does not belong here: whether the
aggregate is right (tests).
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from benchmarks.database import Database, benchmark_sql, clear
from benchmarks.figures import Figure, Scale, row, short
from benchmarks.processes import begin_together, in_processes, peak_megabytes
from benchmarks.world import add_sales, have_world, triggers_off
from trackai_pipelines.database.connection import connect
from trackai_pipelines.match_rates.aggregate import aggregate_days

CHARTED = ("seconds",)

_TITLE = "Aggregate: daily match rates"
_TENANTS = 100
_LONGEST_PROCESS_MB = 200


@dataclass(frozen=True)
class _Sizes:
    day: int
    """Conversions of the busy day."""
    days: int
    a_day: int
    """Conversions of each of the other days."""
    repeats: int


SIZES = {
    "small": _Sizes(day=1_000, days=3, a_day=50, repeats=1),
    "medium": _Sizes(day=200_000, days=60, a_day=2_000, repeats=1),
    "full": _Sizes(day=1_000_000, days=365, a_day=10_000, repeats=3),
}


def run(scale: Scale, database: Database) -> Iterator[Figure]:
    """Yield the seconds of the scans, of the busy day alone and with a year of others, and of that year."""
    sizes = SIZES[scale]
    busy = datetime.now(UTC).date() - timedelta(days=1)
    first = busy - timedelta(days=sizes.days)
    have_world(database, clicks=0, tenants=_TENANTS)
    with connect(database.url, name="benchmark") as connection:
        clear(connection)
    _add_days(database, [busy], sizes.day, before=0)
    yield from _busy_day(database, sizes, busy, "", at_most=3)
    _add_days(database, [first + timedelta(days=place) for place in range(sizes.days)], sizes.a_day, before=sizes.day)
    seconds, peak = _aggregated(database, first, busy - timedelta(days=1), sizes.days * sizes.a_day)
    yield from _figures(f"{sizes.days} days of {short(sizes.a_day)}", seconds, peak, sizes.days * sizes.a_day)
    yield from _busy_day(database, sizes, busy, f", with {sizes.days} other days")


def _busy_day(
    database: Database, sizes: _Sizes, busy: date, where: str, at_most: float | None = None
) -> Iterator[Figure]:
    """The day's aggregate and the scans; `at_most` bounds the share of the leanest scan."""
    of_day = f"{short(sizes.day)} conversions of a day{where}"
    scans = {
        "GROUP BY": _scan_seconds(database, "plain_group_by", busy, sizes.repeats),
        "GROUP BY, strategies joined": _scan_seconds(database, "plain_group_by_strategy", busy, sizes.repeats),
    }
    for name, seconds in scans.items():
        yield from row(_TITLE, f"{of_day}: {name}", {"seconds": seconds})
    case = f"{of_day}: aggregated"
    days = [_aggregated(database, busy, busy, sizes.day) for _ in range(sizes.repeats)]
    seconds, peak = min(days)
    yield from _figures(case, seconds, peak, sizes.day)
    for (name, floor), bound in zip(scans.items(), (at_most, None), strict=True):
        yield Figure(_TITLE, case, f"times the {name}", seconds / floor, at_most=bound)


def _add_days(database: Database, days: list[date], a_day: int, *, before: int) -> None:
    """Attributed conversions on these days, numbered on from `before`."""
    with connect(database.url, name="benchmark") as connection:
        with triggers_off(connection, "conversions"), triggers_off(connection, "matched_attributions"):
            for place, day in enumerate(days):
                add_sales(connection, before + place * a_day + 1, before + (place + 1) * a_day, day)
            connection.execute(benchmark_sql("attribute_all"))
        connection.execute("VACUUM (ANALYZE) trackai.conversions, trackai.matched_attributions")
        connection.execute("CHECKPOINT")


def _scan_seconds(database: Database, name: str, day: date, repeats: int) -> float:
    taken = []
    with connect(database.url, name="benchmark") as connection:
        for _ in range(repeats):
            begun = time.perf_counter()
            connection.execute(benchmark_sql(name), {"day": day}).fetchall()
            taken.append(time.perf_counter() - begun)
    return min(taken)


def _aggregated(database: Database, first: date, last: date, conversions: int) -> tuple[float, float]:
    """Seconds and peak megabytes of a process that aggregates those days."""
    ((seconds, peak, counted),) = in_processes(_aggregate, [(database.url, first, last)])
    if counted != conversions:
        raise RuntimeError(f"{counted:,} of {conversions:,} conversions were counted: the aggregate is broken")
    return seconds, peak


def _aggregate(url: str, first: date, last: date) -> tuple[float, float, int]:
    with connect(url, name="benchmark") as connection:
        begin_together()
        begun = time.perf_counter()
        counted = sum(totals.conversions for totals in aggregate_days(connection, first, last))
        return time.perf_counter() - begun, peak_megabytes(), counted


def _figures(case: str, seconds: float, peak: float, conversions: int) -> Iterator[Figure]:
    yield from row(_TITLE, case, {"seconds": seconds, "conversions/s": conversions / seconds})
    yield Figure(_TITLE, case, "peak MB", peak, at_most=_LONGEST_PROCESS_MB)
