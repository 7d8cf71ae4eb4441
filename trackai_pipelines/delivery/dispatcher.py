"""The dispatcher: delivers what is due to many tenants at once, and never lets one tenant hold up the others.

Each tenant has at most one request in flight, between two transactions (`claims`). A worker that dies between them
leaves a state that any other worker can continue from. Here: the loop, and how it survives a lost connection. Not here:
when it runs (defs/), what is sent (`events`) and what an answer changes (`circuit`, `blame`).
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.database.connection import beginning, begun
from trackai_pipelines.database.statements import statement
from trackai_pipelines.delivery.answers import verdict_of
from trackai_pipelines.delivery.blame import outcome_of
from trackai_pipelines.delivery.claims import Claim, Worker, claim_events, hold_tenants, record_answer
from trackai_pipelines.delivery.client import events_url, http_client, post
from trackai_pipelines.delivery.events import request_body
from trackai_pipelines.delivery.report import DispatchReport
from trackai_pipelines.delivery.targets import SANDBOX, Target
from trackai_pipelines.delivery.tokens import TokenStore
from trackai_pipelines.flag_values.client import open_flags
from trackai_pipelines.settings import CapiSettings

if TYPE_CHECKING:
    import httpx
    from psycopg import AsyncConnection
    from psycopg_pool import AsyncConnectionPool

_log = logging.getLogger(__name__)

TENANTS_AT_ONCE = 64
"""Requests in flight: enough to hide Meta's latency, few enough that a thousand events each fit into memory."""

DOUBTFUL_AT_ONCE = 16
"""How many of them may be tenants whose last request failed: their time-outs must not fill all places."""

POLL_SECONDS = 0.1
"""The longest that new work waits for a dispatcher with free places, while polling is as quick as usual."""

POLLING_SHARE, LONGEST_PAUSE_SECONDS = 0.2, 1.0
"""The share of its time that an idle dispatcher may poll: with a thousand waiting tenants a poll costs 20 ms."""

CONNECTIONS = 4
"""Connections to the database. Transactions take milliseconds and requests far longer, so a few serve many tenants."""

RECONNECT_SECONDS = 60
"""How long the database may be unreachable before a dispatch fails."""

OnWindow = Callable[[DispatchReport], None]
T = TypeVar("T")


def dispatch(
    url: str,
    *,
    tokens: TokenStore,
    settings: CapiSettings,
    run_id: str,
    until: Callable[[], bool] | None = None,
    clock: Clock = utc_now,
    on_window: OnWindow | None = None,
    window_seconds: float = 60,
) -> DispatchReport:
    """Deliver what is due and return a report of what was done.

    Without `until` it returns once nothing more can go out now. With it, it stays and picks up new work until `until()`
    is true, which it asks several times a second. `on_window` receives what was done since its last call, about every
    `window_seconds` and at the end. `clock` decides what is due and which value of the flag dispatch_target is in
    force; holds on tenants go by the server's clock.
    Raises psycopg.OperationalError when the database is unreachable for RECONNECT_SECONDS. An interrupt lets requests
    in flight finish; the next dispatch takes up what it cuts off.
    """
    windows = _WindowedReport(on_window, window_seconds)
    with open_flags(url, clock=clock) as flags:
        worker = Worker(f"{run_id}/{uuid.uuid4().hex[:12]}", tokens, settings, flags)
        return asyncio.run(_dispatch(url, worker, until, clock, windows))


@dataclass
class _WindowedReport:
    """What was done since the last window, and in total."""

    on_window: OnWindow | None
    seconds: float
    total: DispatchReport = field(default_factory=DispatchReport)
    current: DispatchReport = field(default_factory=DispatchReport)
    opened: float = field(default_factory=time.monotonic)

    def close(self, *, if_due: bool = False) -> None:
        elapsed = time.monotonic() - self.opened
        if if_due and elapsed < self.seconds:
            return
        self.current.seconds = elapsed
        self.total.add(self.current)
        window, self.current, self.opened = self.current, DispatchReport(), time.monotonic()
        if self.on_window and not window.empty:
            self.on_window(window)


@dataclass(frozen=True)
class _Bench:
    """What the tasks of one dispatch share."""

    pool: "AsyncConnectionPool"
    client: "httpx.AsyncClient"
    worker: Worker
    clock: Clock
    windows: _WindowedReport


async def _dispatch(
    url: str, worker: Worker, until: Callable[[], bool] | None, clock: Clock, windows: _WindowedReport
) -> DispatchReport:
    from psycopg_pool import AsyncConnectionPool

    pool = AsyncConnectionPool(
        url,
        min_size=1,
        max_size=CONNECTIONS,
        open=False,
        timeout=10,
        kwargs={
            "autocommit": True,
            "application_name": "trackai dispatch",
            "connect_timeout": 10,
            "prepare_threshold": None,
        },
        configure=_configure,
        # Without the check every idle connection that was cut would cost a failed transaction.
        check=AsyncConnectionPool.check_connection,
    )
    async with pool, http_client(worker.settings, TENANTS_AT_ONCE) as client:
        bench = _Bench(pool, client, worker, clock, windows)
        try:
            await _serve_tenants(bench, until)
        finally:
            windows.close()
        windows.total.waiting.update(dict(await _persistently(partial(_waiting, pool))))
    return windows.total


async def _configure(connection: "AsyncConnection") -> None:
    begun(connection, await (await connection.execute(*beginning(connection))).fetchone())


async def _serve_tenants(bench: _Bench, until: Callable[[], bool] | None) -> None:
    """Serve tenants as places become free; in the end, however it comes, wait for the requests in flight."""
    running: dict[asyncio.Task[None], bool] = {}
    fault: BaseException | None = None
    try:
        while until is None or not until():
            free, begun = TENANTS_AT_ONCE - len(running), time.monotonic()
            # Polling for one place at a time would cost more than serving it.
            if free >= TENANTS_AT_ONCE // 4:
                doubtful = sum(running.values())
                held = await _persistently(partial(_hold, bench, free, DOUBTFUL_AT_ONCE - doubtful))
                running |= {asyncio.create_task(_serve(bench, tenant), name=tenant): doubts for tenant, doubts in held}
            pause = max(POLL_SECONDS, min((time.monotonic() - begun) / POLLING_SHARE, LONGEST_PAUSE_SECONDS))
            if running:
                await asyncio.wait(running, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
                fault = _forget_finished(running) or fault
            elif until is None:
                break
            else:
                await asyncio.sleep(pause)
            bench.windows.close(if_due=True)
    finally:
        if running:
            await asyncio.wait(running)
            fault = _forget_finished(running) or fault
    if fault is not None:
        raise fault


def _forget_finished(running: dict[asyncio.Task[None], bool]) -> BaseException | None:
    """Drop tasks that have ended; return what went wrong in one of them, if anything.

    A fault of one tenant does not keep the others from being served: it is raised at the end. Until then that tenant's
    hold lapses before it is taken again, which is its pause.
    """
    from psycopg import Error

    fault = None
    for task in [task for task in running if task.done()]:
        del running[task]
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Error):
            raise error
        if error is not None:
            _log.error("tenant %s could not be served", task.get_name(), exc_info=error)
            fault = error
    return fault


async def _serve(bench: _Bench, tenant_id: str) -> None:
    """Make one request to a tenant that is held: record it, send it, and record its answer."""
    settings = bench.worker.settings
    claim = await _persistently(partial(_claim, bench, tenant_id))
    if claim is None:
        return
    bench.windows.current.add_closed(claim)
    if not claim.events:
        return
    if time.monotonic() + settings.capi_timeout_seconds > claim.expires:
        # This process stalled for so long that another one may take over during the request: leave it to that one.
        return
    assert claim.token is not None
    assert claim.recipient.pixel_id is not None
    answer = await post(
        bench.client,
        events_url(_base_of(claim.target, settings), settings, claim.recipient.pixel_id),
        request_body([event.event for event in claim.events], claim.recipient),
        token=claim.token,
        seconds=settings.capi_timeout_seconds,
    )
    verdict = verdict_of(answer, sent=len(claim.events))
    now = bench.clock()
    outcome = outcome_of(claim.circuit, claim.events, claim.doubts, verdict, now=now, settings=settings)

    async def record() -> bool:
        async with bench.pool.connection() as connection:
            return await record_answer(connection, bench.worker, claim, verdict, outcome, now)

    if await _persistently(record):
        bench.windows.current.add_answer(claim, outcome)
    else:
        _log.warning(
            "tenant %s: another worker took over before an answer could be recorded (%s events, %s)",
            claim.recipient.slug,
            len(claim.events),
            verdict.kind,
        )


def _base_of(target: Target, settings: CapiSettings) -> str:
    if target.name == SANDBOX:
        assert settings.capi_sandbox_url is not None
        return settings.capi_sandbox_url
    return settings.capi_url


async def _hold(bench: _Bench, free: int, free_for_doubtful: int) -> list[tuple[str, bool]]:
    async with bench.pool.connection() as connection:
        return await hold_tenants(
            connection, bench.worker, free=free, free_for_doubtful=free_for_doubtful, now=bench.clock()
        )


async def _claim(bench: _Bench, tenant_id: str) -> Claim | None:
    async with bench.pool.connection() as connection:
        return await claim_events(connection, bench.worker, tenant_id, bench.clock())


async def _waiting(pool: "AsyncConnectionPool") -> list[tuple[str, int]]:
    async with pool.connection() as connection:
        return await (await connection.execute(statement("delivery/waiting_by_tenant"))).fetchall()


async def _persistently(step: Callable[[], Awaitable[T]]) -> T:
    """Retry a transaction for RECONNECT_SECONDS when its connection or the server went away.

    Each transaction recognises its own traces: what was committed before the connection was lost is not done twice.
    """
    from psycopg import OperationalError
    from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

    # One for each call: the tasks of an event loop must not share its state.
    retrying = AsyncRetrying(
        retry=retry_if_exception_type(OperationalError),
        stop=stop_after_delay(RECONNECT_SECONDS),
        wait=wait_random_exponential(multiplier=0.05, max=2),
        reraise=True,
    )
    return await retrying(step)
