"""PerfectPay's webhooks: one JSON object a sale and state.

PerfectPay sends some states as another: authorized, completed and in review as approved (2), a coming chargeback as
chargeback (9), returns by Pix as refunded (7). The states that it replaces are known here too.
"""

from collections.abc import Iterator, Mapping

from trackai_pipelines.facts.gateways.no_sale import (
    DISPUTED,
    NO_PAYMENT,
    NOT_PAID,
    NOT_PAID_YET,
    REFUND,
    no_sale,
)
from trackai_pipelines.facts.gateways.optional import is_later_charge, items_of, other_click_ids, source_of_renewal
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
from trackai_pipelines.facts.refund import Refund, RefundKind
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import NotTaken

_PAID = {"2", "10"}
_STATUSES = {
    **dict.fromkeys(("0", "1", "3", "8", "16"), NOT_PAID_YET),
    **dict.fromkeys(("5", "6", "11", "13", "15"), NOT_PAID),
    # Returns by Pix, which come as 7.
    **dict.fromkeys(("18", "19", "20"), REFUND),
    # In mediation, where the buyer disputes a sale, and the warning of a chargeback, which comes as 9.
    **dict.fromkeys(("4", "17"), DISPUTED),
    "12": NO_PAYMENT,
}
_MONEY_BACK: Mapping[str, RefundKind] = {"7": "refund", "9": "chargeback"}
_CURRENCIES = {"1": "BRL", "2": "USD", "3": "EUR"}


def read(payload: Mapping[str, object]) -> Iterator[Sale | Refund | NotTaken]:
    """Yield the sale that was approved or completed, its refund, or why it is neither. Raises MalformedPayload."""
    status, code = required_text(payload, "sale_status_enum"), text(payload, "code")
    event_id = f"{code}:{status}" if code else None
    if status not in _PAID and status not in _MONEY_BACK:
        yield no_sale("perfectpay sale_status_enum", status, _STATUSES, event_id)
        return
    if "sale_amount" not in payload and "subscription_amount" in payload:
        reason = f"{NO_PAYMENT}: the state of a perfectpay subscription; its charges come as sales"
        yield NotTaken(reason=reason, event_id=event_id)
        return
    if status in _MONEY_BACK:
        yield _refund(payload, _MONEY_BACK[status])
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
        click_names=keys.names,
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
        client_ip=at(payload, "customer.ip"),
        client_user_agent=text(payload, "customer.user_agent"),
        contents=items_of(payload, item_id="product.code", title="product.name", quantity="plan.quantity"),
        click_ids=other_click_ids(at(payload, "metadata")),
        action_source=source_of_renewal(
            text(payload, "subscription.status_event") == "subscription_renewed"
            or is_later_charge(payload, "subscription.charges_made")
        ),
    )


def _refund(payload: Mapping[str, object], kind: RefundKind) -> Refund:
    code = required_text(payload, "code")
    return Refund(
        gateway_event_id=f"{code}:{'refunded' if kind == 'refund' else 'chargedback'}",
        sale_key=code,
        order_id=code,
        kind=kind,
        value=amount(payload, "sale_amount"),
        currency=_currency(payload),
        # No time of a refund is documented: these are the sale's.
        occurred_at=moment(payload, "date_approved", "date_created", zone=BRASILIA),
    )


def _currency(payload: Mapping[str, object]) -> str:
    code = required_text(payload, "currency_enum")
    return _CURRENCIES.get(code) or refuse("currency_enum", f"{shown(code)} is not known")


def _phone(payload: Mapping[str, object]) -> str | None:
    """The buyer's number: whole, or put together of its parts."""
    whole = text(payload, "customer.phone_formated_ddi")
    if whole:
        return phone_in(whole, text(payload, "customer.country"), otherwise="BR")
    number = text(payload, "customer.phone_number")
    whole = number and f"{text(payload, 'customer.phone_area_code') or ''}{number}"
    return phone_in(whole, text(payload, "customer.country"), otherwise="BR")
