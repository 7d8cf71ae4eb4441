"""Claims: which tenant a worker holds, which events it has recorded as about to be sent, and what became of them.

Here: the transactions of delivery, each of which leaves a state that any other worker can continue from. Not here: the
request between two of them (`client`), and when to take the next tenant (`dispatcher`).
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from psycopg.rows import dict_row, kwargs_row
from pydantic import SecretStr

from trackai_pipelines.database.statements import statement
from trackai_pipelines.delivery.answers import AnswerKind, Verdict
from trackai_pipelines.delivery.blame import Outcome
from trackai_pipelines.delivery.circuit import Circuit, blocked
from trackai_pipelines.delivery.events import Recipient
from trackai_pipelines.delivery.prepare import (
    EVENTS_PER_REQUEST,
    Closed,
    Prepared,
    QueuedEvent,
    id_owners,
    next_events,
    obstacle_to,
    prepared,
    queued_event,
    too_old_before,
    with_own_ids,
)
from trackai_pipelines.delivery.targets import HOLD, SANDBOX, Target, elsewhere, target_of
from trackai_pipelines.delivery.validate import LONGEST_AGE_IN_STORE
from trackai_pipelines.flag_values.client import Flags
from trackai_pipelines.settings import CapiSettings

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from trackai_pipelines.delivery.tokens import TokenStore

SANDBOX_TOKEN = SecretStr("sandbox")
"""What the sandbox is sent in place of a tenant's token, which is for Meta alone."""

_GRACE_SECONDS = 10
"""The time that a worker on a busy machine may need between its transactions, besides the request itself."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that holds tenants, and what it works with."""

    name: str
    tokens: "TokenStore"
    settings: CapiSettings
    flags: Flags

    @property
    def hold_seconds(self) -> float:
        """How long a worker may be silent before it counts as dead."""
        return 2 * self.settings.capi_timeout_seconds + _GRACE_SECONDS


@dataclass(frozen=True, slots=True)
class Claim:
    """A request that has been recorded: from now on it may be in flight.

    There is nothing to send where `events` is empty; `closed` events are finished. `target` is where it goes. `doubts`
    are the kinds of refusals of the tenant's events that were refused alone while none was accepted, one for each.
    `expires` is when the hold lapses, on the process's monotonic clock.
    """

    recipient: Recipient
    target: Target
    circuit: Circuit
    token: SecretStr | None
    events: Sequence[Prepared]
    closed: Sequence[Closed]
    doubts: Sequence[str]
    expires: float


async def hold_tenants(
    connection: "AsyncConnection", worker: Worker, *, free: int, free_for_doubtful: int, now: datetime
) -> list[tuple[str, bool]]:
    """Hold up to `free` tenants that have something to do, least time left first; return (id, in trouble) of each."""
    places = elsewhere(worker.flags, worker.settings, at=now)
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
            "targets_held": places.held,
            "sandboxed": places.sandboxed,
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
        target = target_of(worker.flags, recipient.slug, worker.settings)
        known = target.name if target.name != HOLD else tenant["target"]
        if known != tenant["target"]:
            # What the one receiver answered says nothing of the other.
            circuit = Circuit()
            await connection.execute(statement("delivery/forget_doubts"), {"tenant_id": tenant_id})
        token = SANDBOX_TOKEN if target.name == SANDBOX else worker.tokens.token_of(recipient.slug)
        passable = status == "active" and target.name != HOLD and circuit.lets_through(now)
        obstacle = obstacle_to(recipient, token) if passable else None
        if obstacle is not None:
            circuit = blocked(circuit, obstacle, now=now, settings=worker.settings)
            passable = False
        doubts = [] if circuit == Circuit() else await _doubts(connection, tenant_id)
        too_old, queued = [], []
        if not passable or circuit.state == "half_open" or doubts:
            too_old = await _next(connection, next_events(tenant_id, too_old_before(now) - timedelta(microseconds=1)))
        delayed = target.held or circuit.reason or (None if passable else f"the tenant is {status}")
        _, closed = prepared(recipient, too_old, now=now, delayed=delayed)
        if passable and not closed:
            queued = await _sendable(connection, tenant_id, circuit, doubts, now)
        await _give_up_pending(connection, tenant_id, [*too_old, *queued], now)
        events, unfit = prepared(recipient, queued, now=now, delayed=delayed)
        closed += unfit
        events, doubled = await _registered(connection, recipient, events, now)
        closed += doubled
        if closed:
            await _close(connection, tenant_id, closed, now)
        if events:
            await _open(connection, tenant_id, events, target, now)
        else:
            # A probe that found nothing to send proves nothing.
            rested = replace(circuit, state="open") if circuit.state == "half_open" else circuit
            await connection.execute(
                statement("delivery/release_hold"),
                {"tenant_id": tenant_id, "holder": worker.name, "target": known, **asdict(rested)},
            )
    return Claim(recipient, target, circuit, token, events, closed, doubts, expires)


async def record_answer(
    connection: "AsyncConnection", worker: Worker, claim: Claim, verdict: Verdict, outcome: Outcome, now: datetime
) -> bool:
    """Record the answer to a claim's request and what it changes; release the hold, or return False if it was lost."""
    cursor = await connection.execute(
        statement("delivery/record_answer"),
        {
            "tenant_id": claim.recipient.tenant_id,
            "holder": worker.name,
            "target": claim.target.name,
            **asdict(outcome.circuit),
            **_places(claim.events),
            "attempts": [event.attempt for event in claim.events],
            "accepted": verdict.kind is AnswerKind.accepted,
            "http_status": verdict.http_status,
            "code": verdict.code,
            "subcode": verdict.subcode,
            "fbtrace_id": verdict.fbtrace_id,
            "failure": outcome.failure,
            "message": outcome.message,
            "final": outcome.final,
            "at_most": outcome.at_most,
            "doubted_for": outcome.doubted_for,
            "times": outcome.times,
            "others_accepted": outcome.others_accepted,
            "not_before": outcome.not_before,
            "explained": outcome.explained,
            "forgiven": outcome.forgiven,
            "now": now,
        },
    )
    row = await cursor.fetchone()
    return row is not None and row[0] == 1


async def _doubts(connection: "AsyncConnection", tenant_id: str) -> list[str]:
    cursor = await connection.execute(statement("delivery/doubts"), {"tenant_id": tenant_id})
    return [refusal for (refusal,) in await cursor.fetchall()]


async def _sendable(
    connection: "AsyncConnection", tenant_id: str, circuit: Circuit, doubts: Sequence[str], now: datetime
) -> list[QueuedEvent]:
    """Return the events of the next request, before they are checked: one that speaks for itself while it is not known
    whether Meta takes any."""
    probing = circuit.state == "half_open"
    if not (probing or doubts):
        return await _next(connection, next_events(tenant_id, now, ready_at=now))
    cursor = await connection.execute(
        statement("delivery/least_tried"),
        {
            "tenant_id": tenant_id,
            "from": now - LONGEST_AGE_IN_STORE,
            "until": now,
            "ready_at": datetime.max.replace(tzinfo=UTC) if probing else now,
            "events": EVENTS_PER_REQUEST,
        },
    )
    place = await cursor.fetchone()
    if place is None:
        return []
    occurred_at, conversion_id = place
    return await _next(connection, next_events(tenant_id, now, (occurred_at, conversion_id - 1), events=1))


async def _next(connection: "AsyncConnection", parameters: dict[str, Any]) -> list[QueuedEvent]:
    async with connection.cursor(row_factory=kwargs_row(queued_event)) as cursor:
        await cursor.execute(statement("delivery/next_events"), parameters)
        return await cursor.fetchall()


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
    connection: "AsyncConnection", recipient: Recipient, events: list[Prepared], now: datetime
) -> tuple[list[Prepared], list[Closed]]:
    """Enter events into the registry; return those with an id of their own, and those to close as duplicates."""
    new = [event for event in events if not event.stored]
    if not new or await _register(connection, recipient, new, now):
        return events, []
    cursor = await connection.execute(
        statement("delivery/registered_to"),
        {"tenant_id": recipient.tenant_id, "event_ids": [event.event_id for event in new]},
    )
    own, doubled = with_own_ids(recipient, events, id_owners(await cursor.fetchall()))
    # Those that were entered are there; what was given an id apart is new, or entered at an earlier attempt.
    await _register(connection, recipient, [event for event in own if not event.stored], now)
    return own, doubled


async def _register(
    connection: "AsyncConnection", recipient: Recipient, events: Sequence[Prepared], now: datetime
) -> bool:
    """Enter events into the registry; return whether all of them are new there."""
    cursor = await connection.execute(
        statement("delivery/register_events"),
        {
            "tenant_id": recipient.tenant_id,
            "event_ids": [event.event_id for event in events],
            "conversion_ids": [event.conversion_id for event in events],
            "now": now,
        },
    )
    return cursor.rowcount == len(events)


async def _open(
    connection: "AsyncConnection", tenant_id: str, events: Sequence[Prepared], target: Target, now: datetime
) -> None:
    await connection.execute(
        statement("delivery/open_attempts"),
        {
            "tenant_id": tenant_id,
            "now": now,
            "target": target.name,
            "flag_version": target.version,
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
