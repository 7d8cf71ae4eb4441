"""Braip's postbacks: one JSON object a sale and change of its state. Amounts are in cents."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from trackai_pipelines.facts.gateways.no_sale import (
    NO_PAYMENT,
    NOT_PAID,
    NOT_PAID_YET,
    REFUND_ASKED_FOR,
    no_sale,
)
from trackai_pipelines.facts.gateways.optional import items_of, other_click_ids
from trackai_pipelines.facts.gateways.payload import (
    BRASILIA,
    at,
    buyer,
    currency,
    first,
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

_OF_A_SALE = {"STATUS_ALTERADO", "VENDA_COMPLETA"}
_TYPES = {"ABANDONO": NO_PAYMENT, "BOLETO_ALTERADO": NOT_PAID_YET}
_PAID = "2"
_STATUSES = {
    **dict.fromkeys(("1", "6", "8", "9", "10"), NOT_PAID_YET),
    "3": NOT_PAID,
    # A refund that is pending.
    "7": REFUND_ASKED_FOR,
}
_MONEY_BACK: Mapping[str, RefundKind] = {"4": "chargeback", "5": "refund"}


def read(payload: Mapping[str, object]) -> Iterator[Sale | Refund | NotTaken]:
    """Yield the sale that was approved, its refund, or why it is neither. Raises MalformedPayload."""
    kind, sale = required_text(payload, "type"), text(payload, "trans_key")
    if kind not in _OF_A_SALE:
        yield no_sale("braip type", kind, _TYPES, f"{sale}:{kind}" if sale else None)
        return
    status = required_text(payload, "trans_status_code")
    if status in _MONEY_BACK:
        yield _refund(payload, _MONEY_BACK[status])
        return
    if status != _PAID:
        event_id = f"{sale}:{status}" if sale else None
        yield no_sale("braip trans_status_code", status, _STATUSES, event_id)
        return
    sale = required_text(payload, "trans_key")
    keys = tracking_keys(at(payload, "meta"))
    yield Sale(
        gateway_event_id=f"{sale}:{kind}",
        sale_key=sale,
        order_id=sale,
        value=_value(payload),
        currency=currency(payload, "currency"),
        occurred_at=_paid_at(payload),
        fbclid=keys.fbclid,
        fbc=keys.fbc,
        fbp=keys.fbp,
        click_names=keys.names,
        email=text(payload, "client_email"),
        phone=phone_in(text(payload, "client_cel"), text(payload, "client_address_country"), otherwise="BR"),
        buyer=buyer(
            payload,
            full_name="client_name",
            city="client_address_city",
            state="client_address_state",
            zip="client_zip_code",
            country="client_address_country",
        ),
        contents=_items(payload),
        click_ids=other_click_ids(at(payload, "meta")),
    )


def _value(payload: Mapping[str, object]) -> Decimal:
    return minor_amount(payload, first(payload, "trans_total_value", "trans_value")[0], decimals=2)


def _items(payload: Mapping[str, object]) -> tuple[dict[str, Any], ...]:
    """The items of a sale, which older postbacks do not list."""
    listed = at(payload, "trans_items")
    if not isinstance(listed, list):
        return items_of(payload, item_id="product_key", title="product_name")
    return items_of(
        listed, item_id="product_key", title="product_name", quantity="plan_amount", price="plan_value", decimals=2
    )


def _refund(payload: Mapping[str, object], kind: RefundKind) -> Refund:
    sale = required_text(payload, "trans_key")
    return Refund(
        gateway_event_id=f"{sale}:{'refunded' if kind == 'refund' else 'chargedback'}",
        sale_key=sale,
        order_id=sale,
        kind=kind,
        value=_value(payload),
        currency=currency(payload, "currency"),
        # The state changed with it.
        occurred_at=moment(payload, "trans_updatedate", zone=BRASILIA),
    )


def _paid_at(payload: Mapping[str, object]) -> datetime:
    """The time of the payment. Where only its day is known, the state changed with it."""
    paid = text(payload, "trans_payment_date") or ""
    return moment(payload, "trans_payment_date" if ":" in paid else "trans_updatedate", zone=BRASILIA)
