"""Hotmart's webhooks (version 2).

One transaction comes in several paid events with ids of their own (approved, then complete when the warranty
is over): the transaction is the sale. A transaction that is refunded or charged back is so whole: such an event states
the purchase's price and no other amount.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from trackai_pipelines.customer_information.client_ip import address_of
from trackai_pipelines.facts.gateways.no_sale import REFUND_ASKED_FOR, no_sale
from trackai_pipelines.facts.gateways.payload import (
    amount,
    at,
    buyer,
    currency,
    dialled,
    moment_of_epoch,
    required_text,
    shown,
    text,
)
from trackai_pipelines.facts.gateways.tracking import tracking_keys
from trackai_pipelines.facts.refund import Refund, RefundKind
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import NotTaken

_PAID = {"PURCHASE_APPROVED", "PURCHASE_COMPLETE"}
_MONEY_BACK: Mapping[str, RefundKind] = {"PURCHASE_REFUNDED": "refund", "PURCHASE_CHARGEBACK": "chargeback"}
# The buyer asks for a refund; PURCHASE_REFUNDED follows where it is granted.
_ASKED_FOR = "PURCHASE_PROTEST"


def read(payload: Mapping[str, object]) -> Iterator[Sale | Refund | NotTaken]:
    """The sale of an approved or completed purchase, or the refund of one. Raises MalformedPayload."""
    event = required_text(payload, "event")
    if event in _MONEY_BACK:
        yield _refund(payload, _MONEY_BACK[event])
        return
    if event == _ASKED_FOR:
        yield no_sale("hotmart event", event, {_ASKED_FOR: REFUND_ASKED_FOR}, text(payload, "id"))
        return
    if event not in _PAID:
        yield NotTaken(reason=f"not a paid sale: hotmart event {shown(event)}", event_id=text(payload, "id"))
        return
    transaction = required_text(payload, "data.purchase.transaction")
    keys = tracking_keys(
        at(payload, "data.purchase.origin"),
        at(payload, "data.purchase.tracking"),
        at(payload, "data.purchase.sckPaymentLink"),
    )
    yield Sale(
        gateway_event_id=required_text(payload, "id"),
        sale_key=transaction,
        order_id=transaction,
        value=amount(payload, "data.purchase.price.value"),
        currency=currency(payload, "data.purchase.price.currency_value", "data.purchase.price.currency_code"),
        occurred_at=moment_of_epoch(
            payload,
            "data.purchase.approved_date",
            "data.purchase.order_date",
            "creation_date",
            unit=timedelta(milliseconds=1),
        ),
        fbclid=keys.fbclid,
        fbc=keys.fbc,
        fbp=keys.fbp,
        email=text(payload, "data.buyer.email"),
        phone=dialled(
            text(payload, "data.buyer.checkout_phone", "data.buyer.phone"),
            text(payload, "data.buyer.checkout_phone_code"),
        ),
        buyer=buyer(
            payload,
            first_name="data.buyer.first_name",
            last_name="data.buyer.last_name",
            full_name="data.buyer.name",
            city="data.buyer.address.city",
            state="data.buyer.address.state",
            zip="data.buyer.address.zipcode",
            country=("data.buyer.address.country_iso", "data.buyer.address.country"),
        ),
        client_ip=address_of(at(payload, "data.purchase.buyer_ip")),
    )


def _refund(payload: Mapping[str, object], kind: RefundKind) -> Refund | NotTaken:
    if text(payload, "data.purchase.status") == "PARTIALLY_REFUNDED":
        reason = "refund: of a part of the sale, and how much is not stated: add it to a file refunds*"
        return NotTaken(reason=reason, event_id=text(payload, "id"))
    transaction = required_text(payload, "data.purchase.transaction")
    return Refund(
        gateway_event_id=required_text(payload, "id"),
        sale_key=transaction,
        order_id=transaction,
        kind=kind,
        value=amount(payload, "data.purchase.price.value"),
        currency=currency(payload, "data.purchase.price.currency_value", "data.purchase.price.currency_code"),
        # The purchase's other times are those of the sale.
        occurred_at=moment_of_epoch(payload, "creation_date", unit=timedelta(milliseconds=1)),
    )
