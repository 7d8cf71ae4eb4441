"""Preparing: rows of the queue become events that may be sent, or events that are closed with a reason.

Here: what is decided about an event before its request, for sending and for dry runs alike. Not here: writing it down
(`claims`), the event itself (`events`) and the rules it must keep (`validate`).
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from trackai_pipelines.delivery.events import KEYS, Recipient, Sale, encoded, event_of, keys_of, registry_event_id
from trackai_pipelines.delivery.validate import LONGEST_AGE, MARGIN, Problem, problem_of

if TYPE_CHECKING:
    from pydantic import SecretStr

EVENTS_PER_REQUEST = 1000
"""Meta's limit."""

_HEADER_SAFE = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Prepared:
    """An event, ready: its registry id, its exact bytes, and the place in the queue that it comes from.

    `attempt` is the number of the attempt that is to be made, from 1. `stored` says that the bytes are those of an
    earlier attempt.
    """

    conversion_id: int
    occurred_at: datetime
    attempt: int
    unknowns: int
    event_id: str
    event: bytes
    keys: int
    stored: bool

    @property
    def payload_sha256(self) -> str:
        """Of the event's bytes, 64 hex digits."""
        return hashlib.sha256(self.event).hexdigest()


@dataclass(frozen=True, slots=True)
class Closed:
    """An event that leaves the queue unsent; without a problem, because it is no longer due."""

    conversion_id: int
    occurred_at: datetime
    attempt: int
    event_id: str
    keys: int | None
    problem: Problem | None


def too_old_before(now: datetime) -> datetime:
    """Sales from before can no longer be delivered."""
    return now - LONGEST_AGE + MARGIN


def next_events(tenant_id: str, until: datetime, after: Prepared | Closed | None = None) -> dict[str, Any]:
    """Parameters of delivery/next_events: sales of the tenant up to `until`, behind one that has been read."""
    return {
        "tenant_id": tenant_id,
        "until": until,
        "after_time": after.occurred_at if after else datetime.min.replace(tzinfo=UTC),
        "after_id": after.conversion_id if after else 0,
        "events": EVENTS_PER_REQUEST,
    }


def obstacle_to(recipient: Recipient, token: "SecretStr | None") -> str | None:
    """What the tenant lacks for any request at all, and how to mend it."""
    from trackai_pipelines.delivery.tokens import token_variable

    if not recipient.pixel_id:
        return f"tenant {recipient.slug} has no pixel: set its pixel_id in trackai.tenants; the events are kept"
    # Whatever else a store gives would break the header, or become a second one.
    if token is None or not _HEADER_SAFE.fullmatch(token.get_secret_value()):
        return (
            f"tenant {recipient.slug} has no usable access token: set {token_variable(recipient.slug)}, or put a file "
            f"{recipient.slug} into TRACKAI_CAPI_TOKEN_DIR; the events are kept"
        )
    return None


def prepared(
    recipient: Recipient, rows: Sequence[Sequence[Any]], *, now: datetime, delayed: str | None = None
) -> tuple[list[Prepared], list[Closed]]:
    """What rows of `next_events` come to: events that may be sent, and those to be closed.

    `delayed` is what kept the tenant's events waiting; it is told with those that have grown too old.
    """
    events: list[Prepared] = []
    closed: list[Closed] = []
    for event_id, stored, keys, attempts, unknowns, due, conversion_id, *facts in rows:
        sale = Sale(conversion_id, *facts)
        attempt = attempts + 1
        if not due:
            closed.append(Closed(conversion_id, sale.occurred_at, attempt, event_id or "", keys, None))
            continue
        if stored is None:
            event = event_of(recipient, sale)
            event_id = registry_event_id(recipient.tenant_id, sale)
            keys = bits_of(keys_of(event))
            text = encoded(event)
        else:
            # Only time can have changed what was valid before.
            event, text = json.loads(stored), stored.encode()
        problem = problem_of(event, now=now)
        if problem is None:
            events.append(
                Prepared(conversion_id, sale.occurred_at, attempt, unknowns, event_id, text, keys, stored is not None)
            )
        else:
            if problem.failure == "too_old" and delayed:
                problem = Problem("too_old", f"{problem.message}. It was held up because {delayed}")
            closed.append(Closed(conversion_id, sale.occurred_at, attempt, event_id, keys, problem))
    return events, closed


def bits_of(keys: frozenset[str]) -> int:
    """Keys as the database keeps them: a bit each, in the order of KEYS."""
    return sum(1 << place for place, key in enumerate(KEYS) if key in keys)


def without_doubles(events: Sequence[Prepared], owners: Mapping[str, int]) -> tuple[list[Prepared], list[Closed]]:
    """Events whose id is their own, and those whose id is another conversion's; `owners` tells whose each id is."""
    own: list[Prepared] = []
    doubled: list[Closed] = []
    for event in events:
        owner = owners.get(event.event_id, event.conversion_id)
        if owner == event.conversion_id:
            own.append(event)
            continue
        problem = Problem(
            "duplicate_event",
            f"conversion {owner} is the same sale (order, event name, value and currency) and has the event id: it is "
            "told to Meta once",
        )
        place = (event.conversion_id, event.occurred_at, event.attempt)
        doubled.append(Closed(*place, event.event_id, event.keys, problem))
    return own, doubled
