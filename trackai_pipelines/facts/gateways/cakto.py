"""Cakto's webhooks: orders in BRL, and the renewals of subscriptions, each an order of its own."""

from collections.abc import Iterator, Mapping

from trackai_pipelines.facts.gateways.payload import amount, at, buyer, moment, page_url, required_text, shown, text
from trackai_pipelines.facts.gateways.tracking import query_of, tracking_keys
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import NotTaken

_PAID = {"purchase_approved", "subscription_renewed"}
_CARRIERS = ("sck", "src", "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")


def read(payload: Mapping[str, object]) -> Iterator[Sale | NotTaken]:
    """The sale of a paid order or renewal; any other event or state is no sale. Raises MalformedPayload."""
    event = required_text(payload, "event")
    status = required_text(payload, "data.status") if event in _PAID else text(payload, "data.status")
    if event not in _PAID or status != "paid":
        order = text(payload, "data.id")
        reason = f"not a paid sale: cakto event {shown(event)} of an order that is {shown(status)}"
        yield NotTaken(reason=reason, event_id=f"{order}:{event}" if order else None)
        return
    order_id = required_text(payload, "data.id")
    checkout = at(payload, "data.checkoutUrl")
    keys = tracking_keys(
        {name: at(payload, f"data.{name}") for name in ("fbc", "fbp", "fbclid")},
        {name: at(payload, f"data.{name}") for name in _CARRIERS},
        query_of(checkout),
    )
    yield Sale(
        gateway_event_id=f"{order_id}:{event}",
        sale_key=order_id,
        order_id=order_id,
        value=amount(payload, "data.amount"),
        currency="BRL",
        occurred_at=moment(payload, "data.paidAt"),
        fbclid=keys.fbclid,
        fbc=keys.fbc,
        fbp=keys.fbp,
        email=text(payload, "data.customer.email"),
        phone=text(payload, "data.customer.phone"),
        buyer=buyer(payload, full_name="data.customer.name", birth_date="data.customer.birthDate"),
        event_source_url=page_url(checkout),
    )
