"""How fast days are aggregated: one busy day beside plain GROUP BY scans of the same rows, and a year.

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
    """Seconds of the scans, of the busy day and of the days before it, and the memory that the process took."""
    sizes = SIZES[scale]
    busy = datetime.now(UTC).date() - timedelta(days=1)
    first = busy - timedelta(days=sizes.days)
    _add_days(database, sizes, first)
    scans = {
        "GROUP BY": min(_scan_seconds(database, "plain_group_by", busy) for _ in range(sizes.repeats)),
        "GROUP BY, strategies joined": min(
            _scan_seconds(database, "plain_group_by_strategy", busy) for _ in range(sizes.repeats)
        ),
    }
    for name, seconds in scans.items():
        yield from row(_TITLE, f"{short(sizes.day)} conversions of a day: {name}", {"seconds": seconds})
    days = [_aggregated(database, busy, busy, sizes.day) for _ in range(sizes.repeats)]
    seconds, peak = min(days)
    yield from _figures(f"{short(sizes.day)} conversions of a day: aggregated", seconds, peak, sizes.day)
    for (name, floor), at_most in zip(scans.items(), (3, None), strict=True):
        case = f"{short(sizes.day)} conversions of a day: aggregated"
        yield Figure(_TITLE, case, f"times the {name}", seconds / floor, at_most=at_most)
    seconds, peak = _aggregated(database, first, busy - timedelta(days=1), sizes.days * sizes.a_day)
    yield from _figures(f"{sizes.days} days of {short(sizes.a_day)}", seconds, peak, sizes.days * sizes.a_day)


def _add_days(database: Database, sizes: _Sizes, first: date) -> None:
    have_world(database, clicks=0, tenants=_TENANTS)
    with connect(database.url, name="benchmark") as connection:
        clear(connection)
        with triggers_off(connection, "conversions"), triggers_off(connection, "matched_attributions"):
            for place in range(sizes.days):
                add_sales(connection, place * sizes.a_day + 1, (place + 1) * sizes.a_day, first + timedelta(days=place))
            before = sizes.days * sizes.a_day
            add_sales(connection, before + 1, before + sizes.day, first + timedelta(days=sizes.days))
            connection.execute(benchmark_sql("attribute_all"))
        connection.execute("VACUUM (ANALYZE) trackai.conversions, trackai.matched_attributions")
        connection.execute("CHECKPOINT")


def _scan_seconds(database: Database, name: str, day: date) -> float:
    with connect(database.url, name="benchmark") as connection:
        begun = time.perf_counter()
        connection.execute(benchmark_sql(name), {"day": day}).fetchall()
        return time.perf_counter() - begun


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
