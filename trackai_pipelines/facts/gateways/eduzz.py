"""Eduzz's webhooks: the events of its Developer Hub (version 3), and the flat invoices before them (versions 1 and 2).

Every charge is an invoice of its own: a renewal, an order bump. Both generations know it by the same number, so that a
sale which comes in both is one.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from trackai_pipelines.facts.gateways.no_sale import (
    CHARGEBACK,
    NO_PAYMENT,
    NOT_PAID,
    NOT_PAID_YET,
    REFUND,
    REFUND_ASKED_FOR,
    TEST,
    marked,
    no_sale,
)
from trackai_pipelines.facts.gateways.optional import is_later_charge, items_of, other_click_ids, source_of_renewal
from trackai_pipelines.facts.gateways.payload import (
    BRASILIA,
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
from trackai_pipelines.ingest.outcomes import NotTaken

_PAID_EVENT = "myeduzz.invoice_paid"
_EVENTS = {
    "ping": TEST,
    "myeduzz.invoice_opened": NOT_PAID_YET,
    "myeduzz.invoice_waiting_payment": NOT_PAID_YET,
    "myeduzz.invoice_scheduled": NOT_PAID_YET,
    "myeduzz.invoice_negotiated": NOT_PAID_YET,
    "myeduzz.invoice_recovering": NOT_PAID_YET,
    "myeduzz.invoice_overdue": NOT_PAID_YET,
    "myeduzz.invoice_refused": NOT_PAID,
    "myeduzz.invoice_canceled": NOT_PAID,
    "myeduzz.invoice_expired": NOT_PAID,
    "myeduzz.invoice_waiting_refund": REFUND_ASKED_FOR,
    "myeduzz.commission_processed": NO_PAYMENT,
    "myeduzz.contract_created": NO_PAYMENT,
    "myeduzz.contract_updated": NO_PAYMENT,
    "myeduzz.contract_card_attempted": NO_PAYMENT,
    "myeduzz.contract_pix_attempted": NO_PAYMENT,
    "myeduzz.contract_bankslip_attempted": NO_PAYMENT,
    "myeduzz.contract_eduzz_balance_attempted": NO_PAYMENT,
    "sun.cart_abandonment": NO_PAYMENT,
}
_MONEY_BACK: Mapping[str, RefundKind] = {
    "myeduzz.invoice_refunded": "refund",
    "myeduzz.invoice_chargeback": "chargeback",
}
# What an invoice may have become by the time its paid event is sent again.
_INVOICE_STATES = {
    "refunded": REFUND,
    "waitingRefund": REFUND_ASKED_FOR,
    "chargeback": CHARGEBACK,
    "canceled": NOT_PAID,
}

_PAID_STATUS, _REFUNDED_STATUS = "3", "7"
_STATUSES = {
    "1": NOT_PAID_YET,
    "4": NOT_PAID,
    "6": REFUND_ASKED_FOR,
    "9": NOT_PAID,
    "10": NOT_PAID,
    "11": NOT_PAID_YET,
    "15": NOT_PAID_YET,
}
# The buyer of the invoice that Eduzz's console sends when a webhook is set up.
_CONSOLE = "webhook@eduzz.com"
_CARRIERS = (
    *("tracker_trk", "tracker_trk2", "tracker_trk3"),
    *("tracker_utm_source", "tracker_utm_medium", "tracker_utm_campaign", "tracker_utm_content"),
    *("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term"),
)


def read(payload: Mapping[str, object]) -> Iterator[Sale | Refund | NotTaken]:
    """Yield the sale of a paid invoice, its refund, or why it is neither. Raises MalformedPayload."""
    console = text(payload, "cus_email") == _CONSOLE
    test = "the invoice that Eduzz's console sends to try a webhook" if console else None
    yield from marked(test, _read(payload))


def _read(payload: Mapping[str, object]) -> Iterator[Sale | Refund | NotTaken]:
    if "event" in payload:
        yield _event(payload)
    elif text(payload, "type") == "abandonment":
        yield no_sale("eduzz webhook", "abandonment", {"abandonment": NO_PAYMENT})
    else:
        yield _flat_invoice(payload)


def _event(payload: Mapping[str, object]) -> Sale | Refund | NotTaken:
    event = required_text(payload, "event")
    invoice = text(payload, "data.id")
    if event in _MONEY_BACK:
        return _refund(payload, _MONEY_BACK[event])
    if event != _PAID_EVENT:
        return no_sale("eduzz event", event, _EVENTS, f"{invoice}:{event}" if invoice else None)
    invoice, status = required_text(payload, "data.id"), required_text(payload, "data.status")
    if status != "paid":
        return no_sale("eduzz invoice", status, _INVOICE_STATES, f"{invoice}:{event}")
    money = _money(payload)
    sources = (at(payload, "data.tracker"), at(payload, "data.utm"))
    keys = tracking_keys(*sources)
    return Sale(
        gateway_event_id=f"{invoice}:paid",
        sale_key=invoice,
        order_id=invoice,
        value=amount(payload, f"{money}.value"),
        currency=currency(payload, f"{money}.currency"),
        occurred_at=moment(payload, "data.paidAt"),
        fbclid=keys.fbclid,
        fbc=keys.fbc,
        fbp=keys.fbp,
        click_names=keys.names,
        email=text(payload, "data.buyer.email"),
        phone=phone_in(
            text(payload, "data.buyer.cellphone", "data.buyer.phone", "data.buyer.phone2"),
            text(payload, "data.buyer.address.country"),
            otherwise="BR",
        ),
        buyer=buyer(
            at(payload, "data.buyer"),
            full_name="name",
            city="address.city",
            state="address.state",
            zip="address.zipCode",
            country="address.country",
        ),
        event_source_url=page_url(at(payload, "data.checkoutUrl")),
        contents=items_of(at(payload, "data.items"), item_id="productId", title="name", price="price.value"),
        click_ids=other_click_ids(*sources, query_of(at(payload, "data.checkoutUrl"))),
    )


def _money(payload: Mapping[str, object]) -> str:
    """Where the amount stands: what was paid differs from the price by interest or a discount, or is missing."""
    return "data.price" if first(payload, "data.paid.value")[1] is None else "data.paid"


def _refund(payload: Mapping[str, object], kind: RefundKind) -> Refund:
    invoice, money = required_text(payload, "data.id"), _money(payload)
    return Refund(
        gateway_event_id=f"{invoice}:{'refunded' if kind == 'refund' else 'chargedback'}",
        sale_key=invoice,
        order_id=invoice,
        kind=kind,
        value=amount(payload, f"{money}.value"),
        currency=currency(payload, f"{money}.currency"),
        # No time of a refund is documented; the event is sent when it happens.
        occurred_at=moment(payload, "sentDate", "data.paidAt"),
    )


def _flat_invoice(payload: Mapping[str, object]) -> Sale | Refund | NotTaken:
    invoice, status = text(payload, "trans_cod"), required_text(payload, "trans_status")
    if status == _REFUNDED_STATUS:
        return _flat_refund(payload)
    if status != _PAID_STATUS:
        return no_sale("eduzz trans_status", status, _STATUSES, f"{invoice}:{status}" if invoice else None)
    invoice = required_text(payload, "trans_cod")
    carriers = {name: at(payload, name) for name in _CARRIERS}
    keys = tracking_keys(carriers)
    return Sale(
        gateway_event_id=f"{invoice}:paid",
        sale_key=invoice,
        order_id=invoice,
        value=amount(payload, first(payload, "trans_paid", "trans_value")[0]),
        currency=currency(payload, "trans_currency"),
        occurred_at=_paid_at(payload),
        fbclid=keys.fbclid,
        fbc=keys.fbc,
        fbp=keys.fbp,
        click_names=keys.names,
        email=text(payload, "cus_email"),
        phone=phone_in(
            text(payload, "cus_cel", "cus_tel", "cus_tel2"), text(payload, "cus_address_country"), otherwise="BR"
        ),
        buyer=buyer(
            payload,
            full_name="cus_name",
            city="cus_address_city",
            state="cus_address_state",
            zip="cus_address_zip_code",
            country="cus_address_country",
        ),
        event_source_url=page_url(at(payload, "page_checkout_url")),
        contents=items_of(payload, item_id="product_cod", title="product_name"),
        click_ids=other_click_ids(carriers, query_of(at(payload, "page_checkout_url"))),
        action_source=source_of_renewal(is_later_charge(payload, "recurrence_count")),
    )


def _flat_refund(payload: Mapping[str, object]) -> Refund:
    invoice = required_text(payload, "trans_cod")
    return Refund(
        gateway_event_id=f"{invoice}:refunded",
        sale_key=invoice,
        order_id=invoice,
        value=amount(payload, first(payload, "trans_paid", "trans_value")[0]),
        currency=currency(payload, "trans_currency"),
        # No time of a refund is documented: this is the payment's.
        occurred_at=_paid_at(payload),
    )


def _paid_at(payload: Mapping[str, object]) -> datetime:
    """The day and the time of the payment, which stand in two fields."""
    day, time = required_text(payload, "trans_paiddate"), text(payload, "trans_paidtime")
    if time is None and ":" not in day:
        refuse("trans_paidtime", "is missing")
    return moment({"trans_paiddate": f"{day} {time}" if ":" not in day else day}, "trans_paiddate", zone=BRASILIA)
