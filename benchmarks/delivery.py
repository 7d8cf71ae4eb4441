"""How fast events are delivered to a local Conversions API that answers after 50 ms, in how much memory, and whether a
thousand tenants keep their pace while one is slow and one is dead.

The API runs in a process of its own on this machine and takes its share of the processor. What does not belong here:
whether what is delivered is right (tests).
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg import Connection
from pydantic import SecretStr

from benchmarks.database import Database, benchmark_sql, clear
from benchmarks.figures import Figure, Scale, row, short
from benchmarks.processes import begin_together, in_processes, peak_megabytes
from benchmarks.system import conversions_api
from benchmarks.world import have_world
from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.database.connection import connect
from trackai_pipelines.delivery.dispatcher import dispatch
from trackai_pipelines.settings import CapiSettings

CHARTED = ("events/s",)

_PACE = "Delivery: answers after 50 ms"
_TROUBLE = "Delivery: tenants next to others in trouble"
_LATENCY_MS = 50
_SLOW_MS = 5_000
_SLOW, _DEAD = 1, 2
"""Numbers of the two tenants."""


@dataclass(frozen=True)
class _Sizes:
    events: int
    tenants: int
    """Of the comparison."""


SIZES = {
    "small": _Sizes(events=400, tenants=10),
    "medium": _Sizes(events=40_000, tenants=1_000),
    "full": _Sizes(events=200_000, tenants=1_000),
}


class _OneToken:
    def token_of(self, slug: str) -> SecretStr:
        return SecretStr("token-of-the-benchmark")


def run(scale: Scale, database: Database) -> Iterator[Figure]:
    """Events a second and peak memory of one dispatcher; then the pace of those without trouble."""
    sizes = SIZES[scale]
    have_world(database, clicks=0, tenants=sizes.tenants)
    with (
        connect(database.url, name="benchmark") as connection,
        conversions_api(latency_ms=_LATENCY_MS) as box,
    ):
        for tenants in (min(20, sizes.tenants), 1):
            _insert_due(connection, sizes.events, tenants)
            seconds, peak = _dispatched(database, box, sizes.events)
            case = f"{short(sizes.events)} events of {tenants} tenant{'s' if tenants > 1 else ''}"
            yield Figure(_PACE, case, "events/s", sizes.events / seconds, at_least=3_000)
            yield Figure(_PACE, case, "peak MB", peak, at_most=250)
            _require_accepted(box, sizes.events)
        for trouble in (False, True):
            box.behave()
            if trouble:
                box.misbehave(do="slow", pixel=_pixel(_SLOW), ms=_SLOW_MS, probability=1)
                box.misbehave(do="timeout", pixel=_pixel(_DEAD), probability=1)
            _insert_due(connection, sizes.events // 2, sizes.tenants)
            yield from _pace_of_the_rest(connection, database, box, sizes.tenants, trouble)


def _pace_of_the_rest(
    connection: Connection[Any], database: Database, box: Sandbox, tenants: int, trouble: bool
) -> Iterator[Figure]:
    started = datetime.now(UTC)
    _dispatched(database, box, None)
    found = connection.execute(
        "SELECT count(*), extract(epoch FROM max(completed_at) - min(created_at))::float8 "
        "FROM trackai.dispatch_attempts "
        "WHERE tenant_id NOT IN (benchmark.tenant_id(%s), benchmark.tenant_id(%s)) AND status = 'success' "
        "AND created_at >= %s",
        [_SLOW, _DEAD, started],
    ).fetchone()
    assert found is not None
    case = f"{tenants - 2:,} tenants, {'one more slow, one dead' if trouble else 'two more that are well'}"
    yield from row(_TROUBLE, case, {"events": found[0], "seconds": found[1], "events/s": found[0] / found[1]})


def _insert_due(connection: Connection[Any], events: int, tenants: int) -> None:
    """Nothing but these sales, attributed and on the queue."""
    clear(connection)
    connection.execute("TRUNCATE trackai.conversions RESTART IDENTITY CASCADE")
    connection.execute(benchmark_sql("insert_due"), {"first": 1, "last": events, "tenants": tenants})
    connection.execute("TRUNCATE trackai.match_queue")
    connection.execute("VACUUM (ANALYZE) trackai.conversions, trackai.matched_attributions, trackai.dispatch_queue")
    connection.execute("CHECKPOINT")


def _dispatched(database: Database, box: Sandbox, events: int | None) -> tuple[float, float]:
    """Seconds and peak megabytes of a process that delivers what is due; `events`, where all can be delivered."""
    ((seconds, peak, sent),) = in_processes(_dispatch, [(database.url, box.base_url)])
    if events is not None and sent != events:
        raise RuntimeError(f"{sent:,} of {events:,} events were delivered: delivery is broken")
    return seconds, peak


def _dispatch(url: str, base_url: str) -> tuple[float, float, int]:
    settings = CapiSettings(capi_url=base_url)
    begin_together()
    begun = time.perf_counter()
    report = dispatch(url, tokens=_OneToken(), settings=settings, run_id="benchmark")
    return time.perf_counter() - begun, peak_megabytes(), sum(report.sent.values())


def _require_accepted(box: Sandbox, events: int) -> None:
    accepted = sum(pixel.accepted for pixel in box.pixels().values())
    box.forget()
    if accepted != events:
        raise RuntimeError(f"the API accepted {accepted:,} events instead of {events:,}")


def _pixel(number: int) -> str:
    return str(1_000_000_000_000_000 + number)
