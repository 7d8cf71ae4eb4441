"""Kiwify's webhooks.

An event has no id of its own: order and event type make one. Amounts are in cents. Times come without a zone; other
times of the same payload are marked as UTC and show the same clock, so they are read as UTC.
"""

from collections.abc import Iterator, Mapping

from trackai_pipelines.customer_information.client_ip import address_of
from trackai_pipelines.facts.gateways.payload import (
    at,
    buyer,
    currency,
    minor_amount,
    moment,
    required_text,
    shown,
    text,
)
from trackai_pipelines.facts.gateways.tracking import tracking_keys
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import NotTaken


def read(payload: Mapping[str, object]) -> Iterator[Sale | NotTaken]:
    """The sale of a paid order; an order in another state is no sale. Raises MalformedPayload."""
    wrapped = payload.get("order")
    order = wrapped if isinstance(wrapped, Mapping) else payload
    event = text(order, "webhook_event_type")
    # A subscription's events may come without the state of an order; an approval says nothing without it.
    told = event is None or event == "order_approved"
    status = required_text(order, "order_status") if told else text(order, "order_status")
    if status != "paid":
        order_id = text(order, "order_id")
        reason = f"not a paid sale: kiwify event {shown(event)} of an order that is {shown(status)}"
        yield NotTaken(reason=reason, event_id=f"{order_id}:{event}" if order_id and event else None)
        return
    order_id = required_text(order, "order_id")
    keys = tracking_keys(at(order, "TrackingParameters"))
    yield Sale(
        gateway_event_id=f"{order_id}:{required_text(order, 'webhook_event_type')}",
        sale_key=order_id,
        order_id=order_id,
        value=minor_amount(order, "Commissions.charge_amount", decimals=2),
        currency=currency(order, "Commissions.currency", "Commissions.product_base_price_currency"),
        occurred_at=moment(order, "approved_date", "updated_at", "created_at"),
        fbclid=keys.fbclid,
        fbc=keys.fbc,
        fbp=keys.fbp,
        email=text(order, "Customer.email"),
        phone=text(order, "Customer.mobile"),
        buyer=buyer(
            order,
            first_name="Customer.first_name",
            full_name="Customer.full_name",
            city="Customer.city",
            state="Customer.state",
            zip="Customer.zipcode",
        ),
        client_ip=address_of(at(order, "Customer.ip")),
    )
