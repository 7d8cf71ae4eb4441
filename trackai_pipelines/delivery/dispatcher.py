"""The dispatcher: delivers what is due, many tenants at once, and never lets one hold up the others.

Each tenant has at most one request on its way. Around it stand two transactions (`claims`): whatever dies in between
leaves a state that any worker goes on from. Here: the loop, and how a lost connection is survived. Not here: when it
runs (defs/), what is sent (`events`) and what an answer changes (`circuit`).
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
from trackai_pipelines.database.connection import SESSION
from trackai_pipelines.database.statements import statement
from trackai_pipelines.delivery.answers import verdict_of
from trackai_pipelines.delivery.circuit import after
from trackai_pipelines.delivery.claims import Claim, Worker, claim_events, hold_tenants, record_answer
from trackai_pipelines.delivery.client import events_url, http_client, post
from trackai_pipelines.delivery.events import request_body
from trackai_pipelines.delivery.report import DispatchReport
from trackai_pipelines.delivery.tokens import TokenStore
from trackai_pipelines.settings import CapiSettings

if TYPE_CHECKING:
    import httpx
    from psycopg import AsyncConnection
    from psycopg_pool import AsyncConnectionPool

_log = logging.getLogger(__name__)

TENANTS_AT_ONCE = 64
"""Requests on their way: enough to hide Meta's latency, few enough that a thousand events each fit into memory."""

DOUBTFUL_AT_ONCE = 16
"""Of these, tenants whose last request failed: they may wait for time-outs without filling all places."""

POLL_SECONDS = 0.1
"""How long new work waits at most before a dispatcher with free places sees it, while a look is as quick as usual."""

LOOKING_SHARE, LONGEST_PAUSE_SECONDS = 0.2, 1.0
"""Of the time, that looking for work may take while none is found: a look at a thousand waiting tenants costs 20 ms."""

CONNECTIONS = 4
"""To the database. Transactions take milliseconds, requests take far longer: few serve many."""

RECONNECT_SECONDS = 60
"""How long the database may be away."""

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
    """Deliver what is due and give what was done.

    Without `until` it returns once nothing more can go out now; with it, it stays and picks up new work until `until()`
    is true, asked several times a second. `on_window` gets what was done since it was last called, about every
    `window_seconds` and at the end. `clock` says what is due; holds on tenants go by the server's clock.
    Raises psycopg.OperationalError when the database stays away for RECONNECT_SECONDS. An interrupt lets requests under
    way end; whatever it cuts off is taken up by the next dispatch.
    """
    worker = Worker(f"{run_id}/{uuid.uuid4().hex[:12]}", tokens, settings)
    windows = _Windows(on_window, window_seconds)
    return asyncio.run(_dispatch(url, worker, until, clock, windows))


@dataclass
class _Windows:
    """What was done since the last report, and in all."""

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
    """What the tasks of one dispatch work with."""

    pool: "AsyncConnectionPool"
    client: "httpx.AsyncClient"
    worker: Worker
    clock: Clock
    windows: _Windows


async def _dispatch(
    url: str, worker: Worker, until: Callable[[], bool] | None, clock: Clock, windows: _Windows
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
        # Else every idle connection that was cut would cost a failed transaction.
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
    await connection.execute(SESSION)


async def _serve_tenants(bench: _Bench, until: Callable[[], bool] | None) -> None:
    """Serve tenants as places become free; at the end, whichever way it comes, wait for those under way."""
    running: dict[asyncio.Task[None], bool] = {}
    fault: BaseException | None = None
    try:
        while until is None or not until():
            free, begun = TENANTS_AT_ONCE - len(running), time.monotonic()
            # To look for one place at a time would cost more than to serve it.
            if free >= TENANTS_AT_ONCE // 4:
                doubtful = sum(running.values())
                held = await _persistently(partial(_hold, bench, free, DOUBTFUL_AT_ONCE - doubtful))
                running |= {asyncio.create_task(_serve(bench, tenant), name=tenant): doubts for tenant, doubts in held}
            pause = max(POLL_SECONDS, min((time.monotonic() - begun) / LOOKING_SHARE, LONGEST_PAUSE_SECONDS))
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
    """Drop tasks that have ended; gives what went wrong in one of them, if anything.

    A fault that only one tenant meets does not keep the others from being served: it is raised at the end. Until then
    that tenant's hold lapses and is taken again, which is its pause.
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
    """One request to a tenant that is held: written down, sent, and its answer written down."""
    settings = bench.worker.settings
    claim = await _persistently(partial(_claim, bench, tenant_id))
    if claim is None:
        return
    bench.windows.current.add_closed(claim)
    if not claim.events:
        return
    if time.monotonic() + settings.capi_timeout_seconds > claim.expires:
        # This process was held up for so long that another one may take over in mid-request: leave it to that one.
        return
    assert claim.token is not None
    assert claim.recipient.pixel_id is not None
    answer = await post(
        bench.client,
        events_url(settings, claim.recipient.pixel_id),
        request_body([event.event for event in claim.events], claim.recipient),
        token=claim.token,
        seconds=settings.capi_timeout_seconds,
    )
    verdict = verdict_of(answer, sent=len(claim.events))
    now = bench.clock()
    circuit = after(claim.circuit, verdict, now=now, settings=settings)

    async def record() -> bool:
        async with bench.pool.connection() as connection:
            return await record_answer(connection, bench.worker, claim, verdict, circuit, now)

    if await _persistently(record):
        bench.windows.current.add_answer(claim, verdict)
    else:
        _log.warning(
            "tenant %s: another worker took over before an answer could be written down (%s events, %s)",
            claim.recipient.slug,
            len(claim.events),
            verdict.kind,
        )


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
    """Run a transaction anew when its connection or the server went away, for RECONNECT_SECONDS.

    Each finds its own traces: what was committed before the connection was lost is not done twice.
    """
    from psycopg import OperationalError
    from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

    retrying = AsyncRetrying(
        retry=retry_if_exception_type(OperationalError),
        stop=stop_after_delay(RECONNECT_SECONDS),
        wait=wait_random_exponential(multiplier=0.05, max=2),
        reraise=True,
    )
    return await retrying(step)
