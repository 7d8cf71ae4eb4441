"""Hotmart's webhooks (version 2).

One transaction comes in several paid events with ids of their own (approved, then complete when the warranty
is over): the transaction is the sale. An order bump and each charge of a subscription are transactions of their own. A
transaction that is refunded or charged back is so whole: such an event states the purchase's price and no other amount.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from trackai_pipelines.facts.gateways.no_sale import (
    NO_PAYMENT,
    NOT_PAID,
    NOT_PAID_YET,
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
    dialled,
    first,
    moment_of_epoch,
    required_text,
    text,
)
from trackai_pipelines.facts.gateways.tracking import tracking_keys
from trackai_pipelines.facts.refund import Refund, RefundKind
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import NotTaken

_PAID = {"PURCHASE_APPROVED", "PURCHASE_COMPLETE"}
_MONEY_BACK: Mapping[str, RefundKind] = {"PURCHASE_REFUNDED": "refund", "PURCHASE_CHARGEBACK": "chargeback"}
_EVENTS = {
    # The buyer asks for a refund; PURCHASE_REFUNDED follows where it is granted.
    "PURCHASE_PROTEST": REFUND_ASKED_FOR,
    **dict.fromkeys(("PURCHASE_BILLET_PRINTED", "PURCHASE_DELAYED"), NOT_PAID_YET),
    **dict.fromkeys(("PURCHASE_CANCELED", "PURCHASE_EXPIRED"), NOT_PAID),
    **dict.fromkeys(("PURCHASE_OUT_OF_SHOPPING_CART", "SUBSCRIPTION_CANCELLATION", "SWITCH_PLAN"), NO_PAYMENT),
    **dict.fromkeys(("UPDATE_SUBSCRIPTION_CHARGE_DATE", "CLUB_FIRST_ACCESS", "CLUB_MODULE_COMPLETED"), NO_PAYMENT),
}
# What the panel's test sends, whatever the event: the same product and purchase to every account.
_TEST_PRODUCT, _TEST_TRANSACTION = "Produto test postback2", "HP16015479281022"
# What the buyer pays; older payloads have the currency, or all of it, at one of the others only.
_PRICES = ("price", "original_offer_price", "full_price")
_VALUES = tuple(f"data.purchase.{price}.value" for price in _PRICES)
_CURRENCIES = tuple(
    f"data.purchase.{price}.{name}" for price in _PRICES for name in ("currency_value", "currency_code")
)


def read(payload: Mapping[str, object]) -> Iterator[Sale | Refund | NotTaken]:
    """The sale of an approved or completed purchase, or the refund of one. Raises MalformedPayload."""
    trial = (
        text(payload, "data.product.name") == _TEST_PRODUCT
        or text(payload, "data.purchase.transaction") == _TEST_TRANSACTION
    )
    yield from marked("the purchase that Hotmart's panel sends to try a webhook" if trial else None, _read(payload))


def _read(payload: Mapping[str, object]) -> Iterator[Sale | Refund | NotTaken]:
    event, event_id, version = required_text(payload, "event"), text(payload, "id"), text(payload, "version") or "2"
    if version.split(".")[0] != "2":
        yield no_sale("hotmart version", ".".join(version.split(".")[:2]), {}, event_id)
    elif event in _MONEY_BACK:
        yield _refund(payload, _MONEY_BACK[event])
    elif event in _PAID:
        yield _sale(payload)
    else:
        yield no_sale("hotmart event", event, _EVENTS, event_id)


def _sale(payload: Mapping[str, object]) -> Sale:
    transaction = required_text(payload, "data.purchase.transaction")
    sources = (
        at(payload, "data.purchase.origin"),
        at(payload, "data.purchase.tracking"),
        at(payload, "data.purchase.sckPaymentLink"),
    )
    keys = tracking_keys(*sources)
    return Sale(
        gateway_event_id=required_text(payload, "id"),
        sale_key=transaction,
        order_id=transaction,
        value=amount(payload, first(payload, *_VALUES)[0]),
        currency=currency(payload, *_CURRENCIES),
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
        click_names=keys.names,
        email=text(payload, "data.buyer.email"),
        phone=dialled(
            text(payload, "data.buyer.checkout_phone", "data.buyer.phone"),
            text(payload, "data.buyer.checkout_phone_code"),
            text(payload, "data.buyer.address.country_iso", "data.buyer.address.country"),
            otherwise="BR",
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
        client_ip=at(payload, "data.purchase.buyer_ip"),
        contents=items_of(at(payload, "data.product"), item_id="id", title="name"),
        click_ids=other_click_ids(*sources),
        action_source=source_of_renewal(
            is_later_charge(payload, "data.purchase.recurrence_number", "data.subscription.recurrence_number")
        ),
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
        value=amount(payload, first(payload, *_VALUES)[0]),
        currency=currency(payload, *_CURRENCIES),
        # The purchase's other times are those of the sale.
        occurred_at=moment_of_epoch(payload, "creation_date", unit=timedelta(milliseconds=1)),
    )
