"""PerfectPay's webhooks: one JSON object a sale and state.

PerfectPay sends some states as another: authorized, completed and in review as approved (2), a coming chargeback as
chargeback (9), returns by Pix as refunded (7). The states that it replaces are known here too.
"""

from collections.abc import Iterator, Mapping

from trackai_pipelines.facts.gateways.no_sale import (
    CHARGEBACK,
    NO_PAYMENT,
    NOT_PAID,
    NOT_PAID_YET,
    REFUND,
    no_sale,
)
from trackai_pipelines.facts.gateways.payload import (
    BRASILIA,
    amount,
    at,
    buyer,
    moment,
    phone_in,
    refuse,
    required_text,
    shown,
    text,
)
from trackai_pipelines.facts.gateways.tracking import tracking_keys
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import NotTaken

_PAID = {"2", "10"}
_STATUSES = {
    **dict.fromkeys(("0", "1", "3", "8", "16"), NOT_PAID_YET),
    **dict.fromkeys(("5", "6", "11", "13", "15"), NOT_PAID),
    **dict.fromkeys(("7", "18", "19", "20"), REFUND),
    # In mediation: the buyer disputes a sale.
    **dict.fromkeys(("4", "9", "17"), CHARGEBACK),
    "12": NO_PAYMENT,
}
_CURRENCIES = {"1": "BRL", "2": "USD", "3": "EUR"}


def read(payload: Mapping[str, object]) -> Iterator[Sale | NotTaken]:
    """Yield the sale that was approved or completed, or why it is none. Raises MalformedPayload."""
    status, code = required_text(payload, "sale_status_enum"), text(payload, "code")
    event_id = f"{code}:{status}" if code else None
    if status not in _PAID:
        yield no_sale("perfectpay sale_status_enum", status, _STATUSES, event_id)
        return
    if "sale_amount" not in payload and "subscription_amount" in payload:
        reason = f"{NO_PAYMENT}: the state of a perfectpay subscription; its charges come as sales"
        yield NotTaken(reason=reason, event_id=event_id)
        return
    code = required_text(payload, "code")
    keys = tracking_keys(at(payload, "metadata"))
    yield Sale(
        gateway_event_id=f"{code}:{status}",
        sale_key=code,
        order_id=code,
        value=amount(payload, "sale_amount"),
        currency=_currency(payload),
        occurred_at=moment(payload, "date_approved", zone=BRASILIA),
        fbclid=keys.fbclid,
        fbc=keys.fbc,
        fbp=keys.fbp,
        email=text(payload, "customer.email"),
        phone=_phone(payload),
        buyer=buyer(
            at(payload, "customer"),
            full_name="full_name",
            birth_date="birthday",
            city="city",
            state="state",
            zip="zip_code",
            country="country",
        ),
    )


def _currency(payload: Mapping[str, object]) -> str:
    code = required_text(payload, "currency_enum")
    return _CURRENCIES.get(code) or refuse("currency_enum", f"{shown(code)} is not known")


def _phone(payload: Mapping[str, object]) -> str | None:
    """The buyer's number with its area."""
    number = text(payload, "customer.phone_number")
    whole = number and f"{text(payload, 'customer.phone_area_code') or ''}{number}"
    return phone_in(whole, text(payload, "customer.country"), otherwise="BR")
