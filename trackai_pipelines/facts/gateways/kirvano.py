"""Kirvano's webhooks.

An event has no id of its own: sale and event make one. Whether a renewal keeps the number of the first sale is
not documented, so the charge's number separates renewals.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from trackai_pipelines.facts.gateways.no_sale import (
    CHARGEBACK,
    NO_PAYMENT,
    NOT_PAID,
    NOT_PAID_YET,
    REFUND,
    no_sale,
)
from trackai_pipelines.facts.gateways.optional import items_of, other_click_ids, source_of_renewal
from trackai_pipelines.facts.gateways.payload import (
    BRASILIA,
    at,
    buyer,
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

_RENEWED = "SUBSCRIPTION_RENEWED"
_PAID = {"SALE_APPROVED", _RENEWED}
_EVENTS = {
    **dict.fromkeys(("PIX_GENERATED", "BANK_SLIP_GENERATED", "PICPAY_GENERATED"), NOT_PAID_YET),
    **dict.fromkeys(("PIX_EXPIRED", "BANK_SLIP_EXPIRED", "PICPAY_EXPIRED", "SALE_REFUSED"), NOT_PAID),
    **dict.fromkeys(("SUBSCRIPTION_CANCELED", "SUBSCRIPTION_EXPIRED", "SUBSCRIPTION_OVERDUE"), NO_PAYMENT),
    "ABANDONED_CART": NO_PAYMENT,
}
_MONEY_BACK: Mapping[str, RefundKind] = {
    **dict.fromkeys(("SALE_REFUNDED", "REFUND"), "refund"),
    "SALE_CHARGEBACK": "chargeback",
}
_STATUSES = {
    "PENDING": NOT_PAID_YET,
    "REFUSED": NOT_PAID,
    "CANCELED": NOT_PAID,
    "REFUNDED": REFUND,
    "CHARGEBACK": CHARGEBACK,
    "ABANDONED_CART": NO_PAYMENT,
}
_REAIS = re.compile(r"R\$\s?(?P<whole>[0-9]{1,3}(?:\.[0-9]{3}){0,4}|[0-9]{1,12}),(?P<cents>[0-9]{2})")


def read(payload: Mapping[str, object]) -> Iterator[Sale | Refund | NotTaken]:
    """Yield the sale that was approved or renewed, its refund, or why it is neither. Raises MalformedPayload."""
    event, sale = required_text(payload, "event"), text(payload, "sale_id")
    event_id = f"{sale}:{event}" if sale else None
    if event in _MONEY_BACK:
        yield _refund(payload, event)
        return
    if event not in _PAID:
        yield no_sale("kirvano event", event, _EVENTS, event_id)
        return
    status = required_text(payload, "status")
    if status != "APPROVED":
        yield no_sale("kirvano status", status, _STATUSES, event_id)
        return
    charge = _charge(payload, event)
    keys = tracking_keys(at(payload, "cookies"), at(payload, "utm"))
    yield Sale(
        gateway_event_id=f"{charge}:{event}",
        sale_key=charge,
        order_id=charge,
        value=_reais(payload, "total_price"),
        currency="BRL",
        occurred_at=moment(payload, "payment.finished_at", "created_at", zone=BRASILIA),
        fbclid=keys.fbclid,
        fbc=keys.fbc,
        fbp=keys.fbp,
        click_names=keys.names,
        email=text(payload, "customer.email"),
        phone=phone_in(text(payload, "customer.phone_number"), None, otherwise="BR"),
        buyer=buyer(
            at(payload, "customer"),
            full_name="name",
            city="address.city",
            state="address.state",
            zip="address.zipcode",
        ),
        client_ip=at(payload, "ip"),
        event_source_url=page_url(at(payload, "checkout_url")),
        contents=_items(payload),
        click_ids=other_click_ids(at(payload, "cookies"), at(payload, "utm"), query_of(at(payload, "checkout_url"))),
        action_source=source_of_renewal(event == _RENEWED or ":" in charge),
    )


def _charge(payload: Mapping[str, object], event: str) -> str:
    """The sale, and from the second charge on which charge of it."""
    sale, number = required_text(payload, "sale_id"), text(payload, "plan.charge_number")
    if number is None and event == _RENEWED:
        number = required_text(payload, "plan.next_charge_date")
    return sale if number in {None, "1"} else f"{sale}:{number}"


def _items(payload: Mapping[str, object]) -> tuple[dict[str, Any], ...]:
    """The products, order bumps among them."""
    listed = at(payload, "products")
    found: list[dict[str, Any]] = []
    for product in listed if isinstance(listed, list) else []:
        for item in items_of(product, item_id="id", title="name"):
            price = _price_of(text(product, "price"))
            found.append(item if price is None else item | {"price": price})
    return tuple(found)


def _refund(payload: Mapping[str, object], event: str) -> Refund:
    kind = _MONEY_BACK[event]
    charge = _charge(payload, event)
    return Refund(
        gateway_event_id=f"{charge}:{'refunded' if kind == 'refund' else 'chargedback'}",
        sale_key=charge,
        order_id=charge,
        kind=kind,
        value=_reais(payload, "total_price"),
        currency="BRL",
        # No time of a refund is documented: these are the sale's.
        occurred_at=moment(payload, "payment.finished_at", "created_at", zone=BRASILIA),
    )


def _reais(payload: Mapping[str, object], path: str) -> Decimal:
    price = _price_of(required_text(payload, path))
    return refuse(path, "is not a price written like R$ 1.169,80") if price is None else price


def _price_of(written: str | None) -> Decimal | None:
    price = _REAIS.fullmatch(written or "")
    return price and Decimal(f"{price['whole'].replace('.', '')}.{price['cents']}")
