"""How `trackai up` reaches its residents on a machine that is short of CPU, and what the start of a run costs.

Two drains and a dispatcher start next to busy processes, and work there: sales come in, are matched, and are delivered
to a local Conversions API. Then the busy processes end, and drains are killed to follow the starts of their successors.
What does not belong here: throughput, and latency on a machine that has time.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import Any

import psutil
import psycopg

from benchmarks.database import Database, count
from benchmarks.figures import Figure, Scale, row
from benchmarks.latency import (
    decided_at,
    delays,
    drains_that_took_part,
    percentiles,
    wait_for_the_last,
)
from benchmarks.processes import busy_processes
from benchmarks.system import (
    FIRST_SALE,
    Up,
    conversions_api,
    delivering_to,
    drain_processes,
    insert_steadily,
    trackai_started,
)
from benchmarks.world import have_world
from trackai_pipelines.database.connection import connect
from trackai_pipelines.terminal.output import remark

CHARTED = ("s to all residents", "CPU seconds")

_RESIDENTS_TITLE = "Starts: residents next to busy processes"
_LATENCY_TITLE = "Starts: from commit to matched_at next to busy processes"
_COST_TITLE = "Starts: what the start of a drain takes, without busy processes"
_TENANTS = 100
_DRAINS, _DISPATCHERS = 2, 1
_MOST_FAILED = 2
_LIFE_SECONDS = 3_600
_LATENCY_MS = 50
# Many times what it takes here.
_PATIENCE_SECONDS = 900
_SAMPLE_SECONDS = 0.02
# All that the process of a run imports before it runs our code.
_IMPORTS = "import dagster._cli, dagster_postgres, trackai_pipelines.definitions"


@dataclass(frozen=True)
class _Sizes:
    busy: int
    clicks: int
    a_minute: int
    seconds: int
    starts: int


SIZES = {
    "small": _Sizes(busy=2, clicks=1_000, a_minute=600, seconds=5, starts=1),
    "medium": _Sizes(busy=10, clicks=200_000, a_minute=600, seconds=60, starts=1),
    "full": _Sizes(busy=10, clicks=1_000_000, a_minute=600, seconds=300, starts=5),
}


def run(scale: Scale, database: Database) -> Iterator[Figure]:
    """Time and runs until all residents are at work, their latency, and the parts of a start."""
    sizes = SIZES[scale]
    have_world(database, clicks=sizes.clicks, tenants=_TENANTS)
    before = _newest_run(database)
    with ExitStack() as load, conversions_api(latency_ms=_LATENCY_MS) as box:
        load.enter_context(busy_processes(sizes.busy))
        begun = time.monotonic()
        more = {**delivering_to(box, tenants=_TENANTS), "TRACKAI_DISPATCHERS": str(_DISPATCHERS)}
        with trackai_started(database, drains=_DRAINS, life_seconds=_LIFE_SECONDS, more=more) as up:
            case = f"{sizes.busy} busy processes"
            for name, seconds in _residents(database, up, begun):
                yield from row(_RESIDENTS_TITLE, case, {name: seconds})
            yield from _latency(database, sizes)
            up.wait_until(lambda: bool(box.pixels()), seconds=_PATIENCE_SECONDS, what="does not deliver")
            yield from _runs(database, up, case, before)
            load.close()
            yield from _costs(database, up, sizes.starts)


def _residents(database: Database, up: Up, begun: float) -> Iterator[tuple[str, float]]:
    """Seconds until the first resident and until all of them hold their leases."""
    wanted = {"match_conversions": _DRAINS, "dispatch_conversions": _DISPATCHERS}
    with connect(database.url, name="benchmark") as connection:
        steps: tuple[tuple[str, Callable[[], bool]], ...] = (
            ("s to the first drain", lambda: "match_conversions" in _at_work(connection)),
            ("s to all residents", lambda: _at_work(connection) == wanted),
        )
        for name, holds in steps:
            up.wait_until(holds, seconds=_PATIENCE_SECONDS, what="does not reach its residents")
            yield name, time.monotonic() - begun


def _at_work(connection: psycopg.Connection[Any]) -> dict[str, int]:
    found = connection.execute(
        "SELECT name, count(*)::int FROM trackai.leases WHERE taken_at IS NOT NULL AND expires_at > now() GROUP BY name"
    ).fetchall()
    return dict(found)


def _latency(database: Database, sizes: _Sizes) -> Iterator[Figure]:
    remark(f"{sizes.a_minute:,} a minute, {sizes.seconds} s")
    committed = insert_steadily(database, first=FIRST_SALE, a_minute=sizes.a_minute, seconds=sizes.seconds)
    wait_for_the_last(database, seconds=_PATIENCE_SECONDS)
    ordered = delays(committed, decided_at(database, committed))
    case = f"{sizes.a_minute:,} a minute, {sizes.busy} busy processes"
    yield from row(_LATENCY_TITLE, case, {"conversions": len(committed), **percentiles(ordered)})
    yield Figure(_LATENCY_TITLE, case, "lost", len(committed) - len(ordered), at_most=0)
    yield from row(_LATENCY_TITLE, case, {"drains that took part": drains_that_took_part(database, committed)})


def _newest_run(database: Database) -> int:
    with psycopg.connect(database.dagster_url) as dagster:
        if count(dagster, "SELECT count(*) FROM pg_class WHERE oid = to_regclass('runs')"):
            return count(dagster, "SELECT coalesce(max(id), 0) FROM runs")
    return 0


def _runs(database: Database, up: Up, case: str, before: int) -> Iterator[Figure]:
    """Runs since `before`, once none waits in the queue."""

    def statuses() -> Mapping[str, int]:
        with psycopg.connect(database.dagster_url) as dagster:
            found = "SELECT status, count(*)::int FROM runs WHERE id > %s GROUP BY status"
            return dict(dagster.execute(found, [before]).fetchall())

    def queued(found: Mapping[str, int]) -> int:
        return found.get("QUEUED", 0) + found.get("NOT_STARTED", 0)

    up.wait_until(lambda: not queued(statuses()), seconds=_PATIENCE_SECONDS, what="leaves runs queued")
    found = statuses()
    yield from row(_RESIDENTS_TITLE, case, {"runs": sum(found.values())})
    yield Figure(_RESIDENTS_TITLE, case, "failed", found.get("FAILURE", 0), at_most=_MOST_FAILED)
    yield Figure(_RESIDENTS_TITLE, case, "left queued", queued(found), at_most=0)


@dataclass(frozen=True)
class _Start:
    """What it took from the birth of a run's process to its lease."""

    cpu: Mapping[str, float]
    """Seconds of CPU by part."""
    seconds: float


@dataclass(frozen=True)
class _Sample:
    """The CPU seconds that a process had used at a time, in seconds since 1970."""

    at: float
    cpu: float


def _costs(database: Database, up: Up, starts: int) -> Iterator[Figure]:
    """Medians of several starts."""
    found = []
    for number in range(starts):
        remark(f"start {number + 1} of {starts}")
        found.append(_start(database, up))
    for part in found[0].cpu:
        yield from row(_COST_TITLE, part, {"CPU seconds": median(start.cpu[part] for start in found)})
    whole = {
        "CPU seconds": median(sum(start.cpu.values()) for start in found),
        "seconds": median(start.seconds for start in found),
    }
    yield from row(_COST_TITLE, "all", whole)


def _start(database: Database, up: Up) -> _Start:
    """Kill a drain, and follow the start of its successor."""
    (server,) = [child for child in psutil.Process(up.process.pid).children() if "grpc" in child.cmdline()]
    known = {child.pid for child in server.children()}
    victim = drain_processes(database)[0]
    environment = victim.environ()
    imports = _cpu_of_imports(environment)
    samples: dict[psutil.Process, list[_Sample]] = {}
    with connect(database.url, name="benchmark") as connection:
        killed = time.time()
        victim.kill()

        def successor() -> bool:
            _sample([child for child in server.children() if child.pid not in known], samples)
            return bool(_taken_since(connection, killed))

        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not successor():
            if time.monotonic() > deadline:
                raise RuntimeError("no successor of a drain that was killed is at work")
            time.sleep(_SAMPLE_SECONDS)
        _sample(list(samples), samples)
        ((run_id, leased),) = _taken_since(connection, killed)
    pid, began = _process_and_step(database, run_id)
    (process,) = [process for process in samples if process.pid == pid]
    until_step, until_lease = (_cpu_at(samples[process], moment) for moment in (began, leased))
    cpu = {
        "interpreter and imports": imports,
        "Dagster's run worker": until_step - imports,
        "own code, to the lease": until_lease - until_step,
    }
    return _Start(cpu, seconds=leased - process.create_time())


def _sample(processes: list[psutil.Process], samples: dict[psutil.Process, list[_Sample]]) -> None:
    for process in processes:
        times = process.cpu_times()
        samples.setdefault(process, []).append(_Sample(time.time(), times.user + times.system))


def _cpu_at(samples: list[_Sample], moment: float) -> float:
    return next((sample.cpu for sample in samples if sample.at >= moment), samples[-1].cpu)


def _cpu_of_imports(environment: Mapping[str, str]) -> float:
    """CPU seconds of an interpreter that imports what a run's process does, in the environment of one."""
    told = subprocess.run(
        [sys.executable, "-c", f"{_IMPORTS}; import time; print(time.process_time())"],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        text=True,
    )
    return float(told.stdout)


def _taken_since(connection: psycopg.Connection[Any], moment: float) -> list[tuple[str, float]]:
    """Holder and time of the leases that drains took since."""
    return connection.execute(
        "SELECT holder, extract(epoch FROM taken_at)::float8 FROM trackai.leases "
        "WHERE name = 'match_conversions' AND taken_at > to_timestamp(%s)",
        [moment],
    ).fetchall()


def _process_and_step(database: Database, run_id: str) -> tuple[int, float]:
    """The process of a run, and when its step began."""
    with psycopg.connect(database.dagster_url) as dagster:
        found = dagster.execute(
            "SELECT (SELECT substring(event FROM '\\(pid: (\\d+)\\)')::int FROM event_logs "
            "WHERE run_id = %(run)s AND dagster_event_type = 'ENGINE_EVENT' AND event LIKE '%%(pid: %%' LIMIT 1), "
            "extract(epoch FROM min(timestamp))::float8 FROM event_logs "
            "WHERE run_id = %(run)s AND dagster_event_type = 'STEP_START'",
            {"run": run_id},
        ).fetchone()
    assert found is not None
    return found
