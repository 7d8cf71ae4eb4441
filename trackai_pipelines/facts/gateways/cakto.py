"""Cakto's webhooks: orders in BRL; order bumps, upsells and the renewals of subscriptions are orders of their own.

Version 1 tells of one order, version 2 of a list of them in the same envelope: those that were bought together.
"""

from collections.abc import Iterator, Mapping

from trackai_pipelines.facts.gateways.no_sale import (
    CHARGEBACK,
    DISPUTED,
    NO_PAYMENT,
    NOT_PAID,
    NOT_PAID_YET,
    REFUND,
    REFUND_ASKED_FOR,
    marked,
    no_sale,
)
from trackai_pipelines.facts.gateways.optional import is_later_charge, items_of, other_click_ids, source_of_renewal
from trackai_pipelines.facts.gateways.payload import (
    amount,
    at,
    buyer,
    currency,
    first,
    moment,
    page_url,
    phone_in,
    refuse,
    required_text,
    text,
)
from trackai_pipelines.facts.gateways.tracking import query_of, tracking_keys
from trackai_pipelines.facts.refund import Refund, RefundKind
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import MalformedPayload, NotTaken

_RENEWED = "subscription_renewed"
_PAID = {"purchase_approved", _RENEWED}
_MONEY_BACK: Mapping[str, RefundKind] = {"refund": "refund", "chargeback": "chargeback"}
_EVENTS = {
    "refund_requested": REFUND_ASKED_FOR,
    **dict.fromkeys(("pix_gerado", "boleto_gerado", "picpay_gerado", "openfinance_nubank_gerado"), NOT_PAID_YET),
    **dict.fromkeys(("purchase_refused", "subscription_renewal_refused"), NOT_PAID),
    **dict.fromkeys(("initiate_checkout", "checkout_abandonment", "subscription_created"), NO_PAYMENT),
    **dict.fromkeys(("subscription_canceled", "subscription_paused", "subscription_resumed"), NO_PAYMENT),
    **dict.fromkeys(("subscription_late", "subscription_late_recovered"), NO_PAYMENT),
}
# What an order may have become by the time its paid event is sent again.
_STATUSES = {
    **dict.fromkeys(("waiting_payment", "processing", "authorized", "scheduled", "partially_paid"), NOT_PAID_YET),
    **dict.fromkeys(("refused", "canceled", "blocked", "expired", "abandoned"), NOT_PAID),
    "refunded": REFUND,
    "chargedback": CHARGEBACK,
    **dict.fromkeys(("in_protest", "prechargeback", "MED"), DISPUTED),
}
_CARRIERS = ("sck", "src", "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
# The orders of the models that the panel and its documentation show and send, and what the newest of them has.
_TEST_ORDERS = {
    "1f1c81d2-088a-412d-8bb7-3d5269d64f58",
    "2a348a25-2c26-4c1e-a905-436d52f8e29e",
    "81b408ee-2a91-427d-80bd-226cbeae1fa0",
    "87956abe-940e-4e8b-8a27-82c482920f64",
    "da74a88a-418a-4417-bf41-8a7c27ac008a",
}
_TEST_CHECKOUT, _TEST_BUYER = "https://pay.cakto.com.br/EXAMPLE", "john.doe@example.com"


def read(payload: Mapping[str, object]) -> Iterator[Sale | Refund | NotTaken]:
    """The sales of paid orders or renewals, or their refunds, or why an order is neither. Raises MalformedPayload."""
    event, data = required_text(payload, "event"), at(payload, "data")
    if not isinstance(data, list):
        yield from _marked(event, payload)
        return
    if not data:
        refuse("data", "is a list without an order")
    for order in data:
        try:
            yield from _marked(event, {"data": order})
        except MalformedPayload as problem:
            # One bad order must not take the others with it.
            if len(data) == 1:
                raise
            yield NotTaken(reason=f"malformed: {problem}", event_id=text(order, "id"))


def _marked(event: str, payload: Mapping[str, object]) -> Iterator[Sale | Refund | NotTaken]:
    trial = (
        text(payload, "data.id") in _TEST_ORDERS
        or text(payload, "data.checkoutUrl") == _TEST_CHECKOUT
        or text(payload, "data.customer.email") == _TEST_BUYER
    )
    test = "the order that Cakto's panel shows and sends to try a webhook" if trial else None
    # Read lazily: what cannot be read of a test payment is a test payment all the same.
    yield from marked(test, (_order(event, order) for order in (payload,)))


def _order(event: str, payload: Mapping[str, object]) -> Sale | Refund | NotTaken:
    order = text(payload, "data.id")
    event_id = f"{order}:{event}" if order else None
    if event in _MONEY_BACK:
        return _refund(payload, _MONEY_BACK[event])
    if event not in _PAID:
        return no_sale("cakto event", event, _EVENTS, event_id)
    status = required_text(payload, "data.status")
    if status != "paid":
        return no_sale("cakto status", status, _STATUSES, event_id)
    return _sale(event, payload)


def _sale(event: str, payload: Mapping[str, object]) -> Sale:
    order_id = required_text(payload, "data.id")
    checkout = at(payload, "data.checkoutUrl")
    sources = (
        {name: at(payload, f"data.{name}") for name in ("fbc", "fbp", "fbclid")},
        {name: at(payload, f"data.{name}") for name in _CARRIERS},
        query_of(checkout),
    )
    keys = tracking_keys(*sources)
    return Sale(
        gateway_event_id=f"{order_id}:{event}",
        sale_key=order_id,
        order_id=order_id,
        value=amount(payload, "data.amount"),
        currency=_currency(payload),
        occurred_at=moment(payload, "data.paidAt"),
        fbclid=keys.fbclid,
        fbc=keys.fbc,
        fbp=keys.fbp,
        click_names=keys.names,
        email=text(payload, "data.customer.email"),
        phone=phone_in(text(payload, "data.customer.phone"), text(payload, "data.address.country"), otherwise="BR"),
        buyer=buyer(
            payload,
            full_name="data.customer.name",
            birth_date="data.customer.birthDate",
            city="data.address.city",
            state="data.address.state",
            zip="data.address.zipcode",
            country="data.address.country",
        ),
        event_source_url=page_url(checkout),
        contents=items_of(at(payload, "data"), item_id="product.id", title="product.name", price="offer.price"),
        click_ids=other_click_ids(*sources),
        action_source=source_of_renewal(event == _RENEWED or is_later_charge(payload, "data.subscription_period")),
    )


def _refund(payload: Mapping[str, object], kind: RefundKind) -> Refund:
    order_id = required_text(payload, "data.id")
    own, others = ("refundedAt", "chargedbackAt") if kind == "refund" else ("chargedbackAt", "refundedAt")
    return Refund(
        gateway_event_id=f"{order_id}:{kind}",
        sale_key=order_id,
        order_id=order_id,
        kind=kind,
        value=amount(payload, "data.amount"),
        currency=_currency(payload),
        occurred_at=moment(payload, f"data.{own}", f"data.{others}", "data.canceledAt"),
    )


def _currency(payload: Mapping[str, object]) -> str:
    """Cakto documents no currency; where a payload has one, it counts."""
    path, found = first(payload, "data.currency", "data.offer.currency")
    return "BRL" if found is None else currency(payload, path)
