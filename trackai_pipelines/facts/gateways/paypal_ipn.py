"""PayPal's Instant Payment Notifications: form-encoded messages, older than its webhooks and still sent.

The transaction's id is that of the capture or sale in a webhook, so that a payment which comes in both is one sale.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

from trackai_pipelines.facts.gateways.no_sale import (
    CHARGEBACK,
    MONEY_MOVES,
    NO_PAYMENT,
    NOT_PAID,
    NOT_PAID_YET,
    REFUND,
    no_sale,
)
from trackai_pipelines.facts.gateways.payload import amount, at, buyer, currency, phone_in, refuse, required_text, text
from trackai_pipelines.facts.gateways.tracking import tracking_keys
from trackai_pipelines.facts.refund import Refund, RefundKind
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import NotTaken

_PAYMENTS = {
    *("web_accept", "cart", "express_checkout", "pro_hosted", "virtual_terminal", "merch_pmt"),
    *("subscr_payment", "recurring_payment", "recurring_payment_outstanding_payment"),
}
_TYPES = {
    **dict.fromkeys(("send_money", "masspay"), MONEY_MOVES),
    **dict.fromkeys(("new_case", "adjustment"), CHARGEBACK),
    **dict.fromkeys(("subscr_signup", "subscr_modify", "subscr_cancel", "subscr_eot", "mp_signup"), NO_PAYMENT),
    **dict.fromkeys(("subscr_failed", "recurring_payment_failed", "recurring_payment_skipped"), NOT_PAID),
    **dict.fromkeys(("recurring_payment_profile_created", "recurring_payment_profile_cancel"), NO_PAYMENT),
    **dict.fromkeys(("recurring_payment_expired", "recurring_payment_suspended", "mp_cancel"), NO_PAYMENT),
}
_PLACES = {
    **dict.fromkeys(("recurring_payment", "recurring_payment_outstanding_payment", "merch_pmt"), "system_generated"),
    "virtual_terminal": "phone_call",
}
_PAID = "Completed"
_MONEY_BACK: Mapping[str, RefundKind] = {"Refunded": "refund", "Reversed": "chargeback"}
_STATUSES = {
    **dict.fromkeys(("Pending", "Created", "Processed"), NOT_PAID_YET),
    **dict.fromkeys(("Denied", "Expired", "Failed", "Voided"), NOT_PAID),
    # The seller has the money back.
    "Canceled_Reversal": CHARGEBACK,
}
# 20:12:59 Jan 13, 2009 PST
_DATE = re.compile(r"(?P<time>[0-9:]{8} [A-Z][a-z]{2} [0-9]{1,2}, [0-9]{4}) (?P<zone>PST|PDT)")
_ZONES = {"PST": timezone(timedelta(hours=-8)), "PDT": timezone(timedelta(hours=-7))}


def is_one(payload: Mapping[str, object]) -> bool:
    """Return whether the payload is such a message."""
    return "txn_type" in payload or "payment_status" in payload


def read(payload: Mapping[str, object]) -> Sale | Refund | NotTaken:
    """Return the sale of a completed payment, or why it is none. Raises MalformedPayload."""
    event_id = text(payload, "ipn_track_id", "txn_id")
    # A refund or a reversal has no type.
    kind, status = text(payload, "txn_type"), text(payload, "payment_status")
    if status is not None and status in _MONEY_BACK:
        return _money_back(payload, _MONEY_BACK[status])
    if kind is not None and kind not in _PAYMENTS:
        return no_sale("paypal txn_type", kind, _TYPES, event_id)
    if status != _PAID:
        return no_sale("paypal payment_status", required_text(payload, "payment_status"), _STATUSES, event_id)
    if kind is None:
        refuse("txn_type", "is missing")
    payment = required_text(payload, "txn_id")
    if amount(payload, "mc_gross") < 0:
        return NotTaken(reason=f"{MONEY_MOVES}: paypal payment made by the seller", event_id=event_id)
    keys = tracking_keys(at(payload, "custom"), at(payload, "invoice"))
    return Sale(
        gateway_event_id=payment,
        sale_key=payment,
        order_id=payment,
        value=amount(payload, "mc_gross"),
        currency=currency(payload, "mc_currency"),
        action_source=_PLACES.get(kind),
        occurred_at=_paid_at(payload),
        fbclid=keys.fbclid,
        fbc=keys.fbc,
        fbp=keys.fbp,
        click_names=keys.names,
        click_ids=keys.click_ids,
        email=text(payload, "payer_email"),
        phone=phone_in(text(payload, "contact_phone"), text(payload, "address_country_code")),
        buyer=buyer(
            payload,
            first_name="first_name",
            last_name="last_name",
            city="address_city",
            state="address_state",
            zip="address_zip",
            country="address_country_code",
        ),
    )


def _money_back(payload: Mapping[str, object], kind: RefundKind) -> Refund | NotTaken:
    """The refund or reversal, which is a transaction of its own below that of the payment, with a negative amount."""
    payment = text(payload, "parent_txn_id")
    if payment is None:
        meaning = CHARGEBACK if kind == "chargeback" else REFUND
        reason = f"{meaning}: paypal message without parent_txn_id, which names the payment"
        return NotTaken(reason=reason, event_id=text(payload, "txn_id"))
    return Refund(
        gateway_event_id=required_text(payload, "txn_id"),
        sale_key=payment,
        order_id=payment,
        kind=kind,
        value=abs(amount(payload, "mc_gross")),
        currency=currency(payload, "mc_currency"),
        occurred_at=_paid_at(payload),
    )


def _paid_at(payload: Mapping[str, object]) -> datetime:
    expected = "is not a time written like 20:12:59 Jan 13, 2026 PST"
    date = _DATE.fullmatch(required_text(payload, "payment_date")) or refuse("payment_date", expected)
    try:
        written = datetime.strptime(date["time"], "%H:%M:%S %b %d, %Y")  # noqa: DTZ007 - the zone follows
        return written.replace(tzinfo=_ZONES[date["zone"]]).astimezone(UTC)
    except (ValueError, OverflowError):
        refuse("payment_date", expected)
