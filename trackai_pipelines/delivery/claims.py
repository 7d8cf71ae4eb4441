"""Claims: which tenant a worker holds, which events it has recorded as about to be sent, and what became of them.

Here: the transactions of delivery, each of which leaves a state that any other worker can continue from. Not here: the
request between two of them (`client`), and when to take the next tenant (`dispatcher`).
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from psycopg.rows import dict_row, kwargs_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.delivery.answers import AnswerKind, Verdict
from trackai_pipelines.delivery.circuit import Circuit, blocked
from trackai_pipelines.delivery.events import Recipient
from trackai_pipelines.delivery.prepare import (
    EVENTS_PER_REQUEST,
    Closed,
    Prepared,
    QueuedEvent,
    next_events,
    obstacle_to,
    prepared,
    queued_event,
    too_old_before,
    without_doubles,
)
from trackai_pipelines.settings import CapiSettings

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from pydantic import SecretStr

    from trackai_pipelines.delivery.tokens import TokenStore

UNKNOWN_ANSWERS = 20
"""How often an event is sent while its answers are not understood; at last it is alone in its request."""

_GRACE_SECONDS = 10
"""The time that a worker on a busy machine may need between its transactions, besides the request itself."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that holds tenants, and what it works with."""

    name: str
    tokens: "TokenStore"
    settings: CapiSettings

    @property
    def hold_seconds(self) -> float:
        """How long a worker may be silent before it counts as dead."""
        return 2 * self.settings.capi_timeout_seconds + _GRACE_SECONDS


@dataclass(frozen=True, slots=True)
class Claim:
    """A request that has been recorded: from now on it may be in flight.

    There is nothing to send where `events` is empty; `closed` events are finished. `expires` is when the hold lapses,
    on the process's monotonic clock.
    """

    recipient: Recipient
    circuit: Circuit
    token: "SecretStr | None"
    events: Sequence[Prepared]
    closed: Sequence[Closed]
    expires: float


async def hold_tenants(
    connection: "AsyncConnection", worker: Worker, *, free: int, free_for_doubtful: int, now: datetime
) -> list[tuple[str, bool]]:
    """Hold up to `free` tenants that have something to do, least time left first; return (id, in trouble) of each."""
    cursor = await connection.execute(
        statement("delivery/hold_tenants"),
        {
            "holder": worker.name,
            "seconds": worker.hold_seconds,
            "free": free,
            "free_for_doubtful": free_for_doubtful,
            "now": now,
            "until": now,
            "too_old": too_old_before(now),
        },
    )
    return await cursor.fetchall()


async def claim_events(connection: "AsyncConnection", worker: Worker, tenant_id: str, now: datetime) -> Claim | None:
    """Record the next request to a tenant that the worker holds, in one transaction; return None if the hold was lost.

    Events that may not be sent are closed with their reason. Where no request can go out now, only events that have
    become too old are closed.
    """
    expires = time.monotonic() + worker.hold_seconds
    async with connection.transaction():
        async with connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(
                statement("delivery/keep_hold"),
                {"tenant_id": tenant_id, "holder": worker.name, "seconds": worker.hold_seconds, "now": now},
            )
            tenant = await cursor.fetchone()
        if tenant is None:
            return None
        recipient, status, circuit = Recipient.from_row(tenant), tenant["status"], Circuit.from_row(tenant)
        token = worker.tokens.token_of(recipient.slug)
        passable = status == "active" and circuit.lets_through(now)
        obstacle = obstacle_to(recipient, token) if passable else None
        if obstacle is not None:
            circuit = blocked(circuit, obstacle, now=now, settings=worker.settings)
            passable = False
        until = now if passable else too_old_before(now) - timedelta(microseconds=1)
        async with connection.cursor(row_factory=kwargs_row(queued_event)) as events_cursor:
            await events_cursor.execute(statement("delivery/next_events"), next_events(tenant_id, until))
            queued = await events_cursor.fetchall()
        await _give_up_pending(connection, tenant_id, queued, now)
        delayed = None if passable else circuit.reason or f"the tenant is {status}"
        events, closed = prepared(recipient, queued, now=now, delayed=delayed)
        events, doubled = await _registered(connection, tenant_id, events, now)
        closed += doubled
        if closed:
            await _close(connection, tenant_id, closed, now)
        if events:
            await _open(connection, tenant_id, events, now)
        else:
            # A probe that found nothing to send proves nothing.
            rested = replace(circuit, state="open") if circuit.state == "half_open" else circuit
            await connection.execute(
                statement("delivery/release_hold"),
                {"tenant_id": tenant_id, "holder": worker.name, **asdict(rested)},
            )
    return Claim(recipient, circuit, token, events, closed, expires)


async def record_answer(
    connection: "AsyncConnection", worker: Worker, claim: Claim, verdict: Verdict, circuit: Circuit, now: datetime
) -> bool:
    """Record the answer to a claim's request and release the hold; return False if the hold was lost.

    An event is finished when it was accepted, or refused for good while it was alone.
    """
    alone = len(claim.events) == 1
    final = ends(claim, verdict)
    splits = verdict.kind in (AnswerKind.bad_event, AnswerKind.unknown) and not alone
    failure, message = verdict.failure or None, verdict.message
    if verdict.kind is AnswerKind.bad_event and not alone:
        failure = "refused_together"
        message = f"refused with {len(claim.events) - 1} others, one of which is bad: sent again in a smaller request"
    elif verdict.kind is AnswerKind.unknown and final:
        message = f"given up after {UNKNOWN_ANSWERS} answers that cannot be explained; the last one: {message}"
    cursor = await connection.execute(
        statement("delivery/record_answer"),
        {
            "tenant_id": claim.recipient.tenant_id,
            "holder": worker.name,
            **asdict(circuit),
            **_places(claim.events),
            "attempts": [event.attempt for event in claim.events],
            "status": "success" if verdict.kind is AnswerKind.accepted else "failed",
            "http_status": verdict.http_status,
            "code": verdict.code,
            "subcode": verdict.subcode,
            "fbtrace_id": verdict.fbtrace_id,
            "failure": failure,
            "message": None if verdict.kind is AnswerKind.accepted else message,
            "final": final,
            "unknown": verdict.kind is AnswerKind.unknown,
            "at_most": (len(claim.events) + 1) // 2 if splits else EVENTS_PER_REQUEST,
            "now": now,
        },
    )
    row = await cursor.fetchone()
    return row is not None and row[0] == 1


def ends(claim: Claim, verdict: Verdict) -> bool:
    """Return whether a claim's events are finished, one way or the other."""
    if verdict.kind is AnswerKind.accepted:
        return True
    if len(claim.events) > 1:
        return False
    given_up = verdict.kind is AnswerKind.unknown and claim.events[0].unknowns + 1 >= UNKNOWN_ANSWERS
    return verdict.kind is AnswerKind.bad_event or given_up


async def _give_up_pending(
    connection: "AsyncConnection", tenant_id: str, queued: Sequence[QueuedEvent], now: datetime
) -> None:
    tried = [event for event in queued if event.attempts]
    if tried:
        await connection.execute(
            statement("delivery/give_up_pending"),
            {
                "tenant_id": tenant_id,
                "conversion_ids": [event.sale.conversion_id for event in tried],
                "attempts": [event.attempts for event in tried],
                "now": now,
            },
        )


async def _registered(
    connection: "AsyncConnection", tenant_id: str, events: list[Prepared], now: datetime
) -> tuple[list[Prepared], list[Closed]]:
    """Enter events into the registry; return those with an id of their own, and those to close as duplicates."""
    new = {event.conversion_id: event.event_id for event in events if not event.stored}
    if not new:
        return events, []
    cursor = await connection.execute(
        statement("delivery/register_events"),
        {"tenant_id": tenant_id, "event_ids": [*new.values()], "conversion_ids": [*new], "now": now},
    )
    if cursor.rowcount == len(new):
        return events, []
    cursor = await connection.execute(
        statement("delivery/registered_to"), {"tenant_id": tenant_id, "event_ids": [*new.values()]}
    )
    return without_doubles(events, dict(await cursor.fetchall()))


async def _open(connection: "AsyncConnection", tenant_id: str, events: Sequence[Prepared], now: datetime) -> None:
    await connection.execute(
        statement("delivery/open_attempts"),
        {
            "tenant_id": tenant_id,
            "now": now,
            **_places(events),
            "event_ids": [event.event_id for event in events],
            "events": [event.event.decode() for event in events],
            "keys": [event.keys for event in events],
            "attempts": [event.attempt for event in events],
            "payload_sha256s": [event.payload_sha256 for event in events],
        },
    )


async def _close(connection: "AsyncConnection", tenant_id: str, closed: Sequence[Closed], now: datetime) -> None:
    await connection.execute(
        statement("delivery/close_events"),
        {
            "tenant_id": tenant_id,
            "now": now,
            **_places(closed),
            "event_ids": [event.event_id for event in closed],
            "keys": [event.keys for event in closed],
            "attempts": [event.attempt for event in closed],
            "failures": [event.problem.failure if event.problem else None for event in closed],
            "messages": [event.problem.message if event.problem else None for event in closed],
        },
    )


def _places(events: Sequence[Prepared] | Sequence[Closed]) -> dict[str, list[Any]]:
    """Return the parameters that find events in the queue."""
    return {
        "occurred_ats": [event.occurred_at for event in events],
        "conversion_ids": [event.conversion_id for event in events],
    }
