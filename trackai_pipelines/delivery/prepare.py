"""Preparing: rows of the queue become events that may be sent, or events that are closed with a reason.

Here: what is decided about an event before its request, both for sending and for dry runs. Not here: recording the
decision (`claims`), the event itself (`events`) and the rules that it must obey (`validate`).
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from trackai_pipelines.delivery.events import (
    KEYS,
    AttributedSale,
    Recipient,
    encoded,
    event_of,
    keys_of,
    registry_event_id,
)
from trackai_pipelines.delivery.validate import LONGEST_AGE, LONGEST_AGE_IN_STORE, MARGIN, Problem, problem_of

if TYPE_CHECKING:
    from pydantic import SecretStr

EVENTS_PER_REQUEST = 1000
"""Meta's limit."""

_HEADER_SAFE = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Doubt:
    """That an event was refused, and whose fault that is, is not known yet (see `blame`).

    `refusal` is the kind of its last refusal, `times` how often it met it: `alone` in its request, or with others,
    which counts once. `others_accepted` says that events of the tenant were accepted since, `only_one` that no other
    event of the tenant is in doubt.
    """

    refusal: str
    times: int
    alone: bool
    others_accepted: bool
    only_one: bool


@dataclass(frozen=True, slots=True)
class QueuedEvent:
    """A row of delivery/next_events: an event's place on the queue, and the sale that it reports.

    `event_id`, `event` (its exact JSON) and `keys` are those of an earlier attempt, None before the first. `attempts`
    is the number of attempts so far.
    """

    event_id: str | None
    event: str | None
    keys: int | None
    attempts: int
    doubt: Doubt | None
    due: bool
    sale: AttributedSale


@dataclass(frozen=True, slots=True)
class Prepared:
    """An event that is ready: its registry id, its exact bytes, and the place in the queue that it comes from.

    `attempt` is the number of the next attempt, from 1. `stored` says that the bytes are those of an earlier attempt.
    """

    conversion_id: int
    occurred_at: datetime
    attempt: int
    doubt: Doubt | None
    event_id: str
    event: bytes
    keys: int
    stored: bool
    sale: AttributedSale

    @property
    def payload_sha256(self) -> str:
        """The SHA-256 of the event's bytes, 64 hex digits."""
        return hashlib.sha256(self.event).hexdigest()


@dataclass(frozen=True, slots=True)
class Closed:
    """An event that leaves the queue unsent. Without a `problem` it is simply no longer due."""

    conversion_id: int
    occurred_at: datetime
    attempt: int
    event_id: str
    keys: int | None
    problem: Problem | None


@dataclass(frozen=True, slots=True)
class IdOwner:
    """The conversion that an event id belongs to; of one that is gone nothing but its id is known."""

    conversion_id: int
    gateway: str | None
    gateway_event_id: str | None
    sale_key: str | None


def id_owners(rows: Iterable[tuple[Any, ...]]) -> dict[str, IdOwner]:
    """Return the rows of delivery/registered_to by their event ids."""
    return {event_id: IdOwner(*owner) for event_id, *owner in rows}


def arrives_at(now: datetime) -> datetime:
    """Return when a request that is made now may be at Meta, which counts the age of its events then."""
    return now + MARGIN


def too_old_before(now: datetime, action_source: str | None = None) -> datetime:
    """Return the time before which a sale is too old to be delivered; in a store it has more time than elsewhere."""
    return arrives_at(now) - (LONGEST_AGE_IN_STORE if action_source == "physical_store" else LONGEST_AGE)


def next_events(
    tenant_id: str,
    until: datetime,
    after: tuple[datetime, int] | None = None,
    *,
    events: int = EVENTS_PER_REQUEST,
    ready_at: datetime | None = None,
) -> dict[str, Any]:
    """Return the parameters of delivery/next_events: up to `events` sales of the tenant up to `until`, oldest first.

    They come from behind `after` on, a time of sale and a conversion. `ready_at` leaves out those that are set aside
    until later than that, unless they are too old by then.
    """
    after_time, after_id = after or (datetime.min.replace(tzinfo=UTC), 0)
    return {
        "tenant_id": tenant_id,
        "until": until,
        "after_time": after_time,
        "after_id": after_id,
        "events": events,
        "ready_at": ready_at or datetime.max.replace(tzinfo=UTC),
        "too_old": too_old_before(ready_at or until),
    }


def queued_event(
    *,
    event_id: str | None,
    event: str | None,
    keys: int | None,
    attempts: int,
    refusal: str | None,
    refusals: int,
    alone: bool,
    others_accepted: bool,
    only_one: bool,
    due: bool,
    **sale: Any,
) -> QueuedEvent:
    """Return a row of delivery/next_events by the names of its columns (for psycopg's `kwargs_row`)."""
    doubt = None if refusal is None else Doubt(refusal, refusals, alone, others_accepted, only_one)
    return QueuedEvent(event_id, event, keys, attempts, doubt, due, AttributedSale(**sale))


def obstacle_to(recipient: Recipient, token: "SecretStr | None") -> str | None:
    """Return what the tenant lacks for any request at all and how to fix it; None where it lacks nothing."""
    from trackai_pipelines.settings import token_variable

    if not recipient.pixel_id:
        return f"tenant {recipient.slug} has no pixel: set its pixel_id in trackai.tenants; the events are kept"
    # Any other character from a token store would break the header, or start a second one.
    if token is None or not _HEADER_SAFE.fullmatch(token.get_secret_value()):
        return (
            f"tenant {recipient.slug} has no usable access token: set {token_variable(recipient.slug)}, or put a file "
            f"{recipient.slug} into TRACKAI_CAPI_TOKEN_DIR; the events are kept"
        )
    return None


def prepared(
    recipient: Recipient, queued: Sequence[QueuedEvent], *, now: datetime, delayed: str | None = None
) -> tuple[list[Prepared], list[Closed]]:
    """Return which queued events may be sent, and which must be closed.

    `delayed` is what kept the tenant's events waiting; the reason of those that became too old quotes it.
    """
    events: list[Prepared] = []
    closed: list[Closed] = []
    for row in queued:
        if not row.due:
            closed.append(_closed(row, row.event_id or "", row.keys, None))
            continue
        if row.event is None:
            event = event_of(recipient, row.sale)
            event_id, keys = registry_event_id(recipient.tenant_id, row.sale), bits_of(keys_of(event))
            text = encoded(event)
        else:
            assert row.event_id is not None
            assert row.keys is not None
            event_id, keys = row.event_id, row.keys
            # Only time can have changed what was valid before.
            event, text = json.loads(row.event), row.event.encode()
        problem = problem_of(event, now=now)
        if problem is None:
            events.append(
                Prepared(
                    conversion_id=row.sale.conversion_id,
                    occurred_at=row.sale.occurred_at,
                    attempt=row.attempts + 1,
                    doubt=row.doubt,
                    event_id=event_id,
                    event=text,
                    keys=keys,
                    stored=row.event is not None,
                    sale=row.sale,
                )
            )
        else:
            if problem.failure == "too_old" and delayed:
                problem = Problem("too_old", f"{problem.message}. It was held up because {delayed}")
            closed.append(_closed(row, event_id, keys, problem))
    return events, closed


def _closed(row: QueuedEvent, event_id: str, keys: int | None, problem: Problem | None) -> Closed:
    return Closed(
        conversion_id=row.sale.conversion_id,
        occurred_at=row.sale.occurred_at,
        attempt=row.attempts + 1,
        event_id=event_id,
        keys=keys,
        problem=problem,
    )


def bits_of(keys: frozenset[str]) -> int:
    """Return keys as the database stores them: one bit each, in the order of KEYS."""
    return sum(1 << place for place, key in enumerate(KEYS) if key in keys)


def with_own_ids(
    recipient: Recipient, events: Sequence[Prepared], owners: Mapping[str, IdOwner]
) -> tuple[list[Prepared], list[Closed]]:
    """Return the events with ids of their own, and those that are another conversion's event.

    `owners` has the owner of each event id: the registry's, else the first event that comes. What has the id of another
    sale of its gateway gets an id apart from it. It is the same at every attempt: the first owner stays, and nothing
    else decides.
    """
    own: list[Prepared] = []
    doubled: list[Closed] = []
    for event in events:
        owner = owners.get(event.event_id)
        if owner is None or owner.conversion_id == event.conversion_id:
            own.append(event)
        elif _is_another_sale(event.sale, owner):
            event_id = registry_event_id(recipient.tenant_id, event.sale, apart=True)
            text = encoded(event_of(recipient, event.sale, apart=True))
            own.append(replace(event, event_id=event_id, event=text))
        else:
            doubled.append(
                Closed(
                    event.conversion_id,
                    event.occurred_at,
                    event.attempt,
                    event.event_id,
                    event.keys,
                    Problem("duplicate_event", _same_event(owner)),
                )
            )
    return own, doubled


def _is_another_sale(sale: AttributedSale, owner: IdOwner) -> bool:
    """Return whether the two are different sales by the word of one gateway."""
    return bool(sale.gateway == owner.gateway and sale.sale_key and owner.sale_key and sale.sale_key != owner.sale_key)


def _same_event(owner: IdOwner) -> str:
    event = f" ({owner.gateway} {owner.gateway_event_id})" if owner.gateway else ""
    return (
        f"same_event_as conversion {owner.conversion_id}{event}: order, event name, value and currency are the "
        "same, so it is sent to Meta once; two sales need an order_id each, or a sale_key each from one gateway"
    )
