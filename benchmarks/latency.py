"""How soon a committed conversion is decided by the real daemon's resident drains, hand-overs and kills included.

From the moment the inserter's commit returned to `matched_at`, by one clock: steady traffic with one drain killed in
it, a burst, and steady traffic again in which all drains are killed at once. What does not belong here: throughput.
"""

import bisect
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from benchmarks.database import Database, count
from benchmarks.figures import Figure, Scale, row
from benchmarks.system import FIRST_SALE, drain_processes, insert_steadily, trackai_up
from benchmarks.world import have_world
from trackai_pipelines.database.connection import connect
from trackai_pipelines.terminal.output import remark

CHARTED = ("p95 ms", "p99 ms", "% steady", "% burst")

_TITLE = "Latency: from commit to matched_at"
_OUTAGE_TITLE = "Latency: all drains killed at once"
_HISTOGRAM = "Latency: histogram"
_TENANTS = 100
_DRAINS = 2
# Later than this is not normal.
_NORMAL_SECONDS = 1.0
# What is slower than normal this long after a kill has another cause.
_RECOVERY_SECONDS = 60
_PATIENCE_SECONDS = 120
_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15)


@dataclass(frozen=True)
class _Phase:
    name: str
    """Its column of the histogram."""
    a_minute: int
    seconds: int
    kill: Literal["none", "one", "all"]
    """Which drains are killed at two thirds of it."""
    bounds: Mapping[str, float]
    """At most, by name of the figure."""

    @property
    def title(self) -> str:
        """An outage by design stands apart from what normal work takes."""
        return _OUTAGE_TITLE if self.kill == "all" else _TITLE

    @property
    def case(self) -> str:
        """Its row of a table."""
        return f"{self.a_minute:,} a minute"


@dataclass(frozen=True)
class _Sizes:
    clicks: int
    life_seconds: int
    """The life of a drain: short, so drains are relieved all the time."""
    phases: tuple[_Phase, ...]


def _phases(steady: int, burst: int, steady_seconds: int, burst_seconds: int, last_seconds: int) -> tuple[_Phase, ...]:
    return (
        _Phase("steady", steady, steady_seconds, "one", {"p95 ms": 1_000, "p99 ms": 5_000}),
        _Phase("burst", burst, burst_seconds, "none", {"p95 ms": 2_000}),
        _Phase("all drains killed", steady, last_seconds, "all", {}),
    )


SIZES = {
    "small": _Sizes(clicks=2_000, life_seconds=15, phases=_phases(600, 1_200, 40, 3, 12)),
    "medium": _Sizes(clicks=200_000, life_seconds=60, phases=_phases(10_000, 60_000, 120, 30, 60)),
    "full": _Sizes(clicks=1_000_000, life_seconds=150, phases=_phases(10_000, 60_000, 600, 120, 60)),
}


def run(scale: Scale, database: Database) -> Iterator[Figure]:
    """Percentiles, histogram, losses, hand-overs and recovery of each phase."""
    sizes = SIZES[scale]
    have_world(database, clicks=sizes.clicks, tenants=_TENANTS)
    first = FIRST_SALE
    with trackai_up(database, drains=_DRAINS, life_seconds=sizes.life_seconds):
        for phase in sizes.phases:
            remark(f"{phase.name}: {phase.case}, {phase.seconds} s")
            committed, killed = _inserted(database, phase, first)
            first += len(committed)
            wait_for_the_last(database, seconds=_PATIENCE_SECONDS)
            yield from _figures(database, phase, committed, killed)


def _inserted(database: Database, phase: _Phase, first: int) -> tuple[dict[int, float], list[float]]:
    """Commit times by id, and when each drain was killed."""
    with ThreadPoolExecutor(1) as pool:
        inserting = pool.submit(insert_steadily, database, first=first, a_minute=phase.a_minute, seconds=phase.seconds)
        killed = []
        if phase.kill != "none":
            time.sleep(phase.seconds * 2 / 3)
            victims = drain_processes(database)
            if not victims:
                raise RuntimeError("no drain that could be killed is at work")
            for victim in victims[:1] if phase.kill == "one" else victims:
                victim.kill()
                killed.append(time.time())
        return inserting.result(), killed


def wait_for_the_last(database: Database, *, seconds: float) -> None:
    """Wait until no conversion waits to be decided, at most so long."""
    deadline = time.monotonic() + seconds
    with connect(database.url, name="benchmark") as connection:
        while count(connection, "SELECT count(*) FROM trackai.match_queue") and time.monotonic() < deadline:
            time.sleep(0.2)


def decided_at(database: Database, committed: Mapping[int, float]) -> dict[int, float]:
    """Return `matched_at` of those conversions that are decided, by id, in seconds since 1970."""
    with connect(database.url, name="benchmark") as connection:
        return dict(
            connection.execute(
                "SELECT conversion_id, extract(epoch FROM matched_at)::float8 FROM trackai.matched_attributions "
                "WHERE conversion_id BETWEEN %s AND %s",
                [min(committed), max(committed)],
            ).fetchall()
        )


def delays(committed: Mapping[int, float], matched: Mapping[int, float]) -> list[float]:
    """Return the seconds from commit to decision, the shortest first."""
    # A batch may begin before the inserter has heard of its commit.
    return sorted(max(0.0, matched[number] - at) for number, at in committed.items() if number in matched)


def percentiles(ordered: Sequence[float]) -> dict[str, float]:
    """Return milliseconds by the name of their figure."""
    names = {50: "p50 ms", 95: "p95 ms", 99: "p99 ms", 100: "slowest ms"}
    return {
        name: 1000 * ordered[min(len(ordered) * percent // 100, len(ordered) - 1)] for percent, name in names.items()
    }


def drains_that_took_part(database: Database, committed: Mapping[int, float]) -> int:
    """Return how many runs decided them."""
    with connect(database.url, name="benchmark") as connection:
        row = connection.execute(
            "SELECT count(DISTINCT run_id) FROM trackai.match_log WHERE conversion_id BETWEEN %s AND %s",
            [min(committed), max(committed)],
        ).fetchone()
    assert row is not None
    return int(row[0])


def _figures(database: Database, phase: _Phase, committed: dict[int, float], killed: list[float]) -> Iterator[Figure]:
    matched = decided_at(database, committed)
    ordered = delays(committed, matched)
    took = max(committed.values()) - min(committed.values())
    # An inserter that fell behind would make it look easy.
    yield Figure(phase.title, phase.case, "a minute", 60 * len(committed) / took, at_least=0.95 * phase.a_minute)
    yield from row(phase.title, phase.case, {"conversions": len(committed)})
    for name, value in percentiles(ordered).items():
        yield Figure(phase.title, phase.case, name, value, at_most=phase.bounds.get(name))
    yield Figure(phase.title, phase.case, "lost", len(committed) - len(ordered), at_most=0)
    drains = drains_that_took_part(database, committed)
    yield from row(phase.title, phase.case, {"drains that took part": drains, "killed": len(killed)})
    if killed:
        recovery = _recovery(committed, matched, killed[-1])
        yield Figure(phase.title, phase.case, "s until normal", recovery, at_most=15)
    yield from _histogram(phase, ordered)


def _recovery(committed: Mapping[int, float], matched: Mapping[int, float], killed_at: float) -> float:
    """Seconds from the kill until the last conversion was decided that took longer than normal because of it."""
    slow = [
        matched[number]
        for number, at in committed.items()
        if number in matched
        and killed_at - _NORMAL_SECONDS <= at <= killed_at + _RECOVERY_SECONDS
        and matched[number] - at > _NORMAL_SECONDS
    ]
    return max(0.0, max(slow, default=killed_at) - killed_at)


def _histogram(phase: _Phase, ordered: list[float]) -> Iterator[Figure]:
    counted = 0
    for bound in _BUCKETS:
        within = bisect.bisect_right(ordered, bound)
        name = f"{bound:g} s" if bound >= 1 else f"{1000 * bound:g} ms"
        yield Figure(_HISTOGRAM, f"to {name}", f"% {phase.name}", 100 * (within - counted) / len(ordered))
        counted = within
    yield Figure(_HISTOGRAM, "longer", f"% {phase.name}", 100 * (len(ordered) - counted) / len(ordered))
