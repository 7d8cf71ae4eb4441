"""PayPal's webhooks (and the older IPN messages, in `paypal_ipn`).

One payment shows up as a capture (or, of subscriptions, a sale) and inside the order that it completes, which alone
knows the buyer: the capture is the sale.
"""

import re
from collections.abc import Iterator, Mapping

from trackai_pipelines.facts.gateways import paypal_ipn
from trackai_pipelines.facts.gateways.no_sale import (
    CHARGEBACK,
    MONEY_MOVES,
    NO_PAYMENT,
    NOT_PAID,
    NOT_PAID_YET,
    REFUND,
    marked,
    no_sale,
)
from trackai_pipelines.facts.gateways.payload import (
    amount,
    at,
    buyer,
    currency,
    first,
    moment,
    phone_in,
    refuse,
    required_text,
    text,
)
from trackai_pipelines.facts.gateways.tracking import tracking_keys
from trackai_pipelines.facts.refund import Refund, RefundKind
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import NotTaken

_OF_A_PAYMENT = {"PAYMENT.CAPTURE.COMPLETED", "PAYMENT.SALE.COMPLETED"}
_OF_A_REFUND: Mapping[str, RefundKind] = {
    **dict.fromkeys(("PAYMENT.CAPTURE.REFUNDED", "PAYMENT.SALE.REFUNDED"), "refund"),
    **dict.fromkeys(("PAYMENT.CAPTURE.REVERSED", "PAYMENT.SALE.REVERSED"), "chargeback"),
}
_OF_AN_ORDER = "CHECKOUT.ORDER.COMPLETED"
_EVENTS = {
    "CHECKOUT.ORDER.SAVED": NOT_PAID_YET,
    "CHECKOUT.ORDER.APPROVED": NOT_PAID_YET,
    "CHECKOUT.ORDER.PROCESSED": NOT_PAID_YET,
    "CHECKOUT.ORDER.VOIDED": NOT_PAID,
    "CHECKOUT.ORDER.DECLINED": NOT_PAID,
    "CHECKOUT.PAYMENT-APPROVAL.REVERSED": NOT_PAID,
    "PAYMENT.ORDER.CANCELLED": NOT_PAID,
    "PAYMENT.ORDER.CREATED": NOT_PAID_YET,
    "PAYMENT.AUTHORIZATION.CREATED": NOT_PAID_YET,
    "PAYMENT.AUTHORIZATION.VOIDED": NOT_PAID,
    "PAYMENT.CAPTURE.PENDING": NOT_PAID_YET,
    "PAYMENT.CAPTURE.DENIED": NOT_PAID,
    "PAYMENT.CAPTURE.DECLINED": NOT_PAID,
    "PAYMENT.SALE.PENDING": NOT_PAID_YET,
    "PAYMENT.SALE.DENIED": NOT_PAID,
    "PAYMENT.REFUND.PENDING": REFUND,
    "PAYMENT.REFUND.FAILED": NO_PAYMENT,
    "RISK.DISPUTE.CREATED": CHARGEBACK,
    "INVOICING.INVOICE.REFUNDED": REFUND,
}
# Events that come in families, by what their names begin with.
_FAMILIES = {
    "PAYMENT.PAYOUTS": MONEY_MOVES,
    "PAYMENT.REFERENCED-PAYOUT": MONEY_MOVES,
    "CUSTOMER.DISPUTE.": CHARGEBACK,
    "BILLING.": NO_PAYMENT,
    "BILLING_AGREEMENTS.": NO_PAYMENT,
    "CATALOG.": NO_PAYMENT,
    # An invoice is paid by a payment, which has an event of its own.
    "INVOICING.": NO_PAYMENT,
    "IDENTITY.": NO_PAYMENT,
    "MERCHANT.": NO_PAYMENT,
    "VAULT.": NO_PAYMENT,
}


_CAPTURES = {
    "PENDING": NOT_PAID_YET,
    "DECLINED": NOT_PAID,
    "FAILED": NOT_PAID,
}
_LINK_TO_A_PAYMENT = re.compile(r"/(?:captures|sale|capture)/(?P<id>[0-9A-Za-z-]+)$")
_SANDBOX = re.compile(r"https://[a-z0-9.-]*\.sandbox\.paypal\.com(?:/|$)")


def read(payload: Mapping[str, object]) -> Iterator[Sale | Refund | NotTaken]:
    """Yield the sales of a completed payment or order, or why it is none. Raises MalformedPayload."""
    yield from marked(_test(payload), _read(payload))


def _test(payload: Mapping[str, object]) -> str | None:
    if text(payload, "test_ipn") == "1":
        return "the message came from PayPal's sandbox (test_ipn)"
    links = [*_list(at(payload, "links")), *_list(at(payload, "resource.links"))]
    if any(_SANDBOX.match(text(link, "href") or "") for link in links):
        return "the event came from PayPal's sandbox"
    return None


def _read(payload: Mapping[str, object]) -> Iterator[Sale | Refund | NotTaken]:
    if "event_type" not in payload and paypal_ipn.is_one(payload):
        yield paypal_ipn.read(payload)
        return
    event, event_id = required_text(payload, "event_type"), text(payload, "id")
    if event in _OF_A_PAYMENT:
        yield _sale(required_text(payload, "id"), payload, {})
    elif event in _OF_A_REFUND:
        yield _money_back(payload, _OF_A_REFUND[event])
    elif event == _OF_AN_ORDER:
        yield from _order(payload)
    else:
        family = next((meaning for start, meaning in _FAMILIES.items() if event.startswith(start)), None)
        yield no_sale("paypal event", event, {event: family} | _EVENTS if family else _EVENTS, event_id)


def _money_back(payload: Mapping[str, object], kind: RefundKind) -> Refund | NotTaken:
    """The refund that the `resource` is: its payment is in a field, or in the link that leads up to it."""
    links = [_LINK_TO_A_PAYMENT.search(text(link, "href") or "") for link in _list(at(payload, "resource.links"))]
    payment = text(payload, "resource.sale_id", "resource.capture_id") or next((m["id"] for m in links if m), None)
    refund = text(payload, "resource.id")
    if refund is None or payment is None or (payment == refund and kind == "refund"):
        meaning = CHARGEBACK if kind == "chargeback" else REFUND
        return NotTaken(
            reason=f"{meaning}: paypal event whose resource.links does not lead to the payment",
            event_id=text(payload, "id"),
        )
    value = amount(payload, first(payload, "resource.amount.value", "resource.amount.total")[0])
    return Refund(
        gateway_event_id=refund if payment != refund else f"{refund}:{kind}",
        sale_key=payment,
        order_id=payment,
        kind=kind,
        value=abs(value),
        currency=currency(payload, "resource.amount.currency_code", "resource.amount.currency"),
        occurred_at=moment(payload, "create_time", "resource.create_time"),
    )


def _order(payload: Mapping[str, object]) -> Iterator[Sale | Refund | NotTaken]:
    """Each capture of an order."""
    event_id = required_text(payload, "id")
    found = [
        (unit, capture)
        for unit in _list(at(payload, "resource.purchase_units"))
        for capture in _list(at(unit, "payments.captures"))
    ]
    if not found:
        refuse("resource.purchase_units", "has no payments.captures")
    for place, (unit, capture) in enumerate(found, 1):
        name = event_id if len(found) == 1 else f"{event_id}:{place}"
        status = required_text(capture, "status")
        # Given back later, hence paid before; the refund has an event of its own.
        if status in {"COMPLETED", "REFUNDED", "PARTIALLY_REFUNDED"}:
            yield _sale(name, {"resource": capture}, {"payer": at(payload, "resource.payer"), "unit": unit})
        else:
            yield no_sale("paypal capture", status, _CAPTURES, name)


def _sale(event_id: str, payload: Mapping[str, object], order: Mapping[str, object]) -> Sale:
    """The sale that the `resource` is: a capture (`amount.value`), or a sale (`amount.total`)."""
    payment = required_text(payload, "resource.id")
    keys = tracking_keys(
        *(text(payload, f"resource.{field}") for field in ("custom_id", "custom", "invoice_id", "invoice_number")),
        *(text(order, f"unit.{field}") for field in ("custom_id", "invoice_id")),
    )
    return Sale(
        gateway_event_id=event_id,
        sale_key=payment,
        order_id=payment,
        value=amount(payload, first(payload, "resource.amount.value", "resource.amount.total")[0]),
        currency=currency(payload, "resource.amount.currency_code", "resource.amount.currency"),
        # A charge that an agreement makes, without the buyer.
        action_source="system_generated" if text(payload, "resource.billing_agreement_id") else None,
        occurred_at=moment(payload, "resource.create_time", "create_time"),
        fbclid=keys.fbclid,
        fbc=keys.fbc,
        fbp=keys.fbp,
        click_names=keys.names,
        click_ids=keys.click_ids,
        email=text(order, "payer.email_address"),
        phone=phone_in(
            text(order, "payer.phone.phone_number.national_number"), text(order, "payer.address.country_code")
        ),
        buyer=buyer(
            order,
            first_name="payer.name.given_name",
            last_name="payer.name.surname",
            birth_date="payer.birth_date",
            city="payer.address.admin_area_2",
            state="payer.address.admin_area_1",
            zip="payer.address.postal_code",
            country="payer.address.country_code",
        ),
    )


def _list(found: object) -> list[object]:
    return found if isinstance(found, list) else []
