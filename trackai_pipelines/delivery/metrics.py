"""Delivery's figures for `/metrics`: what is on the queue and why, the oldest due sale, and open circuits."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from trackai_pipelines.database.statements import statement
from trackai_pipelines.delivery.backlog import Backlog, backlog_of
from trackai_pipelines.domain import Checkup, Metric

_WHY = (
    "next_dispatch",
    "request_under_way",
    "backing_off",
    "circuit_open",
    "held_by_flag",
    "sale_in_the_future",
    "tenant_inactive",
)


def metrics(checkup: Checkup) -> Iterator[Metric]:
    """Yield the queue's figures, and the open circuits by tenant: thousands of tenants have few of those."""
    backlog = backlog_of(checkup.connection, now=checkup.now)
    events: Counter[str] = Counter()
    for one in backlog:
        events[_why(one, checkup.now)] += one.events
    yield Metric(
        name="events_waiting",
        says="Events on the queue of Meta's Conversions API, by what they wait for.",
        labels=("why",),
        samples=[((why,), events[why]) for why in _WHY],
    )
    oldest = min((one.oldest for one in backlog if one.due), default=None)
    yield Metric(
        name="events_oldest_due_sale_seconds",
        says="Age of the oldest sale whose event is due. Meta takes no event older than seven days.",
        samples=[((), (checkup.now - oldest).total_seconds() if oldest else 0.0)],
    )
    opened = checkup.connection.execute(statement("delivery/open_circuits")).fetchall()
    yield Metric(
        name="circuits_open",
        says="Circuits that are not closed, by tenant.",
        labels=("tenant",),
        samples=[((slug,), 1) for slug, *_ in opened],
    )


def _why(one: Backlog, now: datetime) -> str:
    """Return one of `_WHY`; the sentence (`waiting_reason`) has times in it, which no label may have."""
    if one.status != "active":
        return "tenant_inactive"
    if one.ahead:
        return "sale_in_the_future"
    if one.hold:
        return "held_by_flag"
    if one.circuit.state == "open":
        return "circuit_open"
    if one.held or one.circuit.state == "half_open":
        return "request_under_way"
    return "next_dispatch" if one.circuit.lets_through(now) else "backing_off"
