"""Events of sales whose buyer is erased: they are closed, and never sent afterwards.

What belongs here: delivery's part of the transaction that erases sales. What does not: erasing the sales
(lifecycle/personal_data).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import namedtuple_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.delivery.events import order_of, stable_event_id
from trackai_pipelines.domain import NotNowError

_UNSENT = "the buyer's data was erased before the event was sent: it is not sent any more"


def close_events_of(connection: Connection[Any], tenant_id: str, conversion_ids: Sequence[int], now: datetime) -> int:
    """Close the events of these sales within the caller's transaction; return how many waited to be sent.

    The tenant's events stay where they are until the transaction ends. Raises NotNowError while a request with one of
    the events is on its way to Meta.
    """
    about = {"tenant_id": tenant_id, "conversion_ids": list(conversion_ids)}
    row = connection.execute(statement("delivery/lock_for_erasing"), about).fetchone()
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        events: list[Any] = cursor.execute(statement("delivery/events_of_sales"), about).fetchall()
    pending = [event for event in events if event.pending]
    if pending and row is not None and row[0]:
        raise NotNowError("an event of the person is on its way to Meta")
    connection.execute(
        statement("delivery/give_up_pending"),
        {
            "tenant_id": tenant_id,
            "conversion_ids": [event.id for event in pending],
            "attempts": [event.attempts for event in pending],
            "now": now,
        },
    )
    queued = [event for event in events if event.queued]
    connection.execute(
        statement("delivery/close_events"),
        {
            "tenant_id": tenant_id,
            "now": now,
            "occurred_ats": [event.occurred_at for event in queued],
            "conversion_ids": [event.id for event in queued],
            "event_ids": [_event_id(tenant_id, event) for event in queued],
            "keys": [event.keys for event in queued],
            "attempts": [event.attempts + 1 for event in queued],
            "failures": ["erased" if event.due else None for event in queued],
            "messages": [_UNSENT if event.due else None for event in queued],
        },
    )
    return sum(event.due for event in queued)


def _event_id(tenant_id: str, event: Any) -> str:
    """Return the id by which the sale is delivered once, whether it has been tried or not."""
    if event.event_id is not None:
        return str(event.event_id)
    return stable_event_id(
        tenant_id,
        order=order_of(event.order_id, event.gateway, event.gateway_event_id),
        event_name=event.event_name,
        value=event.value,
        currency=event.currency,
    )
