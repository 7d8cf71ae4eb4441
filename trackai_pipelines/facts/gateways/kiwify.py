"""Kiwify's webhooks.

An event has no id of its own: order and event type make one. Each charge of a subscription is an order of its own, and
a renewal is told twice (order_approved, subscription_renewed): the order is the sale. Amounts are in cents. Times come
without a zone; other times of the same payload are marked as UTC and show the same clock, so they are read as UTC.
"""

from collections.abc import Iterator, Mapping

from trackai_pipelines.facts.gateways.no_sale import (
    CHARGEBACK,
    NO_PAYMENT,
    NOT_PAID,
    NOT_PAID_YET,
    REFUND,
    REFUND_ASKED_FOR,
    marked,
    no_sale,
)
from trackai_pipelines.facts.gateways.optional import items_of, other_click_ids, source_of_renewal
from trackai_pipelines.facts.gateways.payload import (
    at,
    buyer,
    currency,
    minor_amount,
    moment,
    phone_in,
    required_text,
    text,
)
from trackai_pipelines.facts.gateways.tracking import tracking_keys
from trackai_pipelines.facts.refund import Refund, RefundKind
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import NotTaken

_RENEWED = "subscription_renewed"
_PAID = {"order_approved", _RENEWED}
_MONEY_BACK: Mapping[str, RefundKind] = {"order_refunded": "refund", "chargeback": "chargeback"}
_EVENTS = {
    **dict.fromkeys(("pix_created", "billet_created"), NOT_PAID_YET),
    "order_rejected": NOT_PAID,
    **dict.fromkeys(("subscription_canceled", "subscription_late"), NO_PAYMENT),
}
_STATUSES = {
    **dict.fromkeys(("waiting_payment", "pending", "processing", "authorized"), NOT_PAID_YET),
    "refused": NOT_PAID,
    **dict.fromkeys(("pending_refund", "refund_requested"), REFUND_ASKED_FOR),
    "refunded": REFUND,
    "chargedback": CHARGEBACK,
}
# The buyer and the product of the order that the panel's test sends.
_TEST_BUYER, _TEST_PRODUCT = "johndoe@example.com", "Example product"


def read(payload: Mapping[str, object]) -> Iterator[Sale | Refund | NotTaken]:
    """The sale of a paid order, or the refund of one; an order in another state is neither. Raises MalformedPayload."""
    wrapped = payload.get("order")
    order = wrapped if isinstance(wrapped, Mapping) else payload
    trial = text(order, "Customer.email") == _TEST_BUYER or text(order, "Product.product_name") == _TEST_PRODUCT
    yield from marked("the order that Kiwify's panel sends to try a webhook" if trial else None, map(_read, [order]))


def _read(order: Mapping[str, object]) -> Sale | Refund | NotTaken:
    event, order_id = text(order, "webhook_event_type"), text(order, "order_id")
    event_id = f"{order_id}:{event}" if order_id and event else None
    if event is None and text(order, "status") == "abandoned":
        return no_sale("kiwify cart", "abandoned", {"abandoned": NO_PAYMENT}, text(order, "id"))
    if event is not None and event in _MONEY_BACK:
        return _refund(order, _MONEY_BACK[event])
    if event is not None and event not in _PAID:
        return no_sale("kiwify event", event, _EVENTS, event_id)
    status = required_text(order, "order_status")
    if status != "paid":
        return no_sale("kiwify order_status", status, _STATUSES, event_id)
    return _sale(order)


def _sale(order: Mapping[str, object]) -> Sale:
    order_id, event = required_text(order, "order_id"), required_text(order, "webhook_event_type")
    tracking = at(order, "TrackingParameters")
    keys = tracking_keys(tracking)
    return Sale(
        gateway_event_id=f"{order_id}:{event}",
        sale_key=order_id,
        order_id=order_id,
        value=minor_amount(order, "Commissions.charge_amount", decimals=2),
        currency=currency(order, "Commissions.currency", "Commissions.product_base_price_currency"),
        occurred_at=moment(order, "approved_date", "updated_at", "created_at"),
        fbclid=keys.fbclid,
        fbc=keys.fbc,
        fbp=keys.fbp,
        click_names=keys.names,
        email=text(order, "Customer.email"),
        phone=phone_in(text(order, "Customer.mobile"), text(order, "Customer.country"), otherwise="BR"),
        buyer=buyer(
            order,
            first_name="Customer.first_name",
            full_name="Customer.full_name",
            city="Customer.city",
            state="Customer.state",
            zip="Customer.zipcode",
        ),
        client_ip=at(order, "Customer.ip"),
        contents=items_of(
            order,
            item_id="Product.product_id",
            title="Product.product_name",
            price="Commissions.product_base_price",
            decimals=2,
        ),
        click_ids=other_click_ids(tracking),
        action_source=source_of_renewal(event == _RENEWED or _follows_another(order, order_id)),
    )


def _follows_another(order: Mapping[str, object], order_id: str) -> bool:
    """Whether the subscription's first charge was another order."""
    charges = at(order, "Subscription.charges.completed")
    known = [charge for charge in (charges if isinstance(charges, list) else []) if text(charge, "order_id")]
    earliest = min(known, key=lambda charge: text(charge, "created_at") or "", default=None)
    return earliest is not None and text(earliest, "order_id") != order_id


def _refund(order: Mapping[str, object], kind: RefundKind) -> Refund:
    order_id = required_text(order, "order_id")
    return Refund(
        gateway_event_id=f"{order_id}:{'refunded' if kind == 'refund' else 'chargedback'}",
        sale_key=order_id,
        order_id=order_id,
        kind=kind,
        value=minor_amount(order, "Commissions.charge_amount", decimals=2),
        currency=currency(order, "Commissions.currency", "Commissions.product_base_price_currency"),
        occurred_at=moment(order, "refunded_at", "updated_at"),
    )
