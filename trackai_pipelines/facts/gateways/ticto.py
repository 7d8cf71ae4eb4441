"""Ticto's webhooks, version 2. Amounts are in cents of BRL.

The order's hash is the subscription's too, whose renewals keep it: the transaction is the sale.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from trackai_pipelines.facts.gateways.no_sale import (
    NO_PAYMENT,
    NOT_PAID,
    NOT_PAID_YET,
    REFUND_ASKED_FOR,
    no_sale,
)
from trackai_pipelines.facts.gateways.optional import (
    is_later_charge,
    items_of,
    number_at,
    other_click_ids,
    source_of_renewal,
)
from trackai_pipelines.facts.gateways.payload import (
    BRASILIA,
    at,
    buyer,
    dialled,
    minor_amount,
    moment,
    page_url,
    required_text,
    text,
)
from trackai_pipelines.facts.gateways.tracking import query_of, tracking_keys
from trackai_pipelines.facts.refund import Refund, RefundKind
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import NotTaken

_PAID = "authorized"
_STATUSES = {
    **dict.fromkeys(("waiting_payment", "pix_created", "bank_slip_created", "bank_slip_delayed"), NOT_PAID_YET),
    **dict.fromkeys(("refused", "pix_expired"), NOT_PAID),
    # The buyer asks Ticto for the money back.
    "claimed": REFUND_ASKED_FOR,
    **dict.fromkeys(("abandoned_cart", "trial", "card_exchanged", "close", "all_charges_paid"), NO_PAYMENT),
    **dict.fromkeys(("subscription_canceled", "subscription_delayed", "uncanceled", "extended"), NO_PAYMENT),
}
_MONEY_BACK: Mapping[str, RefundKind] = {"refunded": "refund", "chargeback": "chargeback"}
_NOTHING = "Não Informado"


def read(payload: Mapping[str, object]) -> Iterator[Sale | Refund | NotTaken]:
    """Yield the sale that was authorized, its refund, or why it is neither. Raises MalformedPayload."""
    version = text(payload, "version")
    if version is not None and not version.startswith("2"):
        yield no_sale("ticto version", version, {})
        return
    status, transaction = required_text(payload, "status"), text(payload, "transaction.hash", "order.transaction_hash")
    if status in _MONEY_BACK:
        yield _refund(payload, status)
        return
    if status != _PAID:
        yield no_sale("ticto status", status, _STATUSES, f"{transaction}:{status}" if transaction else None)
        return
    transaction = required_text(payload, "transaction.hash", "order.transaction_hash")
    sources = (_told(payload, "tracking"), _told(payload, "query_params"))
    keys = tracking_keys(*sources)
    number = text(payload, "customer.phone.number")
    yield Sale(
        gateway_event_id=f"{transaction}:{status}",
        sale_key=transaction,
        order_id=transaction,
        value=minor_amount(payload, "order.paid_amount", decimals=2),
        currency="BRL",
        occurred_at=moment(payload, "status_date", zone=BRASILIA),
        fbclid=keys.fbclid,
        fbc=keys.fbc,
        fbp=keys.fbp,
        click_names=keys.names,
        email=text(payload, "customer.email"),
        phone=number
        and dialled(f"{text(payload, 'customer.phone.ddd') or ''}{number}", text(payload, "customer.phone.ddi")),
        buyer=buyer(
            at(payload, "customer"),
            full_name="name",
            city="address.city",
            state="address.state",
            zip="address.zip_code",
            country="address.country",
        ),
        event_source_url=page_url(at(payload, "checkout_url")),
        contents=_item(payload),
        click_ids=other_click_ids(*sources, query_of(at(payload, "checkout_url"))),
        action_source=source_of_renewal(_renews(payload)),
    )


def _item(payload: Mapping[str, object]) -> tuple[dict[str, Any], ...]:
    """The item. Whether its amount is that of a unit is not documented, so it is read of a single one only."""
    single = number_at(payload, "item.quantity") in {None, Decimal(1)}
    return items_of(
        at(payload, "item"),
        item_id="product_id",
        title="product_name",
        quantity="quantity",
        price="amount" if single else None,
        decimals=2,
    )


def _renews(payload: Mapping[str, object]) -> bool:
    listed = at(payload, "subscriptions")
    return any(is_later_charge(entry, "successful_charges") for entry in (listed if isinstance(listed, list) else []))


def _refund(payload: Mapping[str, object], status: str) -> Refund:
    transaction = required_text(payload, "transaction.hash", "order.transaction_hash")
    return Refund(
        gateway_event_id=f"{transaction}:{status}",
        sale_key=transaction,
        order_id=transaction,
        kind=_MONEY_BACK[status],
        value=minor_amount(payload, "order.paid_amount", decimals=2),
        currency="BRL",
        occurred_at=moment(payload, "status_date", zone=BRASILIA),
    )


def _told(payload: Mapping[str, object], path: str) -> object:
    """What stands at the path, without the words that Ticto writes where it was told nothing."""
    found = at(payload, path)
    return {name: value for name, value in found.items() if value != _NOTHING} if isinstance(found, Mapping) else found
