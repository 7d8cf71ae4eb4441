"""Mercado Pago's payments, and the orders of its Orders API. Its webhooks carry only an id: the resource is read.

A payment is a snapshot: the first that arrives may be refunded already, and was paid before.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TypedDict

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
from trackai_pipelines.facts.gateways.payload import amount, at, buyer, currency, first, moment, required_text, text
from trackai_pipelines.facts.gateways.tracking import tracking_keys
from trackai_pipelines.facts.refund import Refund, RefundKind
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import NotTaken

_PAID = {"approved"}
# A payment that has been approved stays paid through these; refunds and chargebacks are told next to it.
_PAID_BEFORE = {"refunded", "charged_back", "in_mediation"}
_STATUSES = {
    **dict.fromkeys(("pending", "authorized", "in_process"), NOT_PAID_YET),
    **dict.fromkeys(("rejected", "cancelled"), NOT_PAID),
    "refunded": REFUND,
    **dict.fromkeys(("charged_back", "in_mediation"), CHARGEBACK),
}
# Purchases, and where they happen; None: on a website, or unknown.
_PURCHASES = {"regular_payment": None, "recurring_payment": None, "pos_payment": "physical_store"}
_MOVES = dict.fromkeys(
    (
        *("money_transfer", "account_fund", "payment_addition", "cellphone_recharge", "investment", "money_exchange"),
        *("partition_transfer", "credit_payment", "payout", "withdrawal", "intra_collector_transfer"),
    ),
    MONEY_MOVES,
)
_ORDERS = {
    **dict.fromkeys(("created", "action_required", "processing", "in_review", "at_terminal"), NOT_PAID_YET),
    **dict.fromkeys(("failed", "canceled", "cancelled", "expired"), NOT_PAID),
}
_PAID_ORDERS = {"processed", "refunded", "charged_back", "partially_refunded"}
_PLACES = {"point": "physical_store", "qr": "physical_store", "pos": "physical_store"}
_TILLS = {"POINT", "INSTORE"}
_CURRENCIES = {"ARG": "ARS", "BRA": "BRL", "CHL": "CLP", "COL": "COP", "MEX": "MXN", "PER": "PEN", "URY": "UYU"}
_TEST_BUYERS = "@testuser.com"


class _Names(TypedDict, total=False):
    sale_key: str
    sale_names: tuple[str, ...]


def read(payload: Mapping[str, object]) -> Iterator[Sale | Refund | NotTaken]:
    """Yield the sale of a paid payment or order and its refunds, or what else it is. Raises MalformedPayload."""
    yield from marked(_test(payload), _read(payload))


def _test(payload: Mapping[str, object]) -> str | None:
    if payload.get("live_mode") is False:
        return "mercadopago payment with live_mode false"
    if (text(payload, "payer.email") or "").lower().endswith(_TEST_BUYERS):
        return "mercadopago payment of a test user"
    return None


def _read(payload: Mapping[str, object]) -> Iterator[Sale | Refund | NotTaken]:
    notified = text(payload, "data.id", "resource")
    if "status" not in payload and notified:
        kind = "order" if "order" in (text(payload, "type", "topic") or "") else "payment"
        reason = f"not a sale: the notification carries only the {kind}'s id; land the {kind} resource itself"
        yield NotTaken(reason=reason, event_id=text(payload, "id"))
    elif isinstance(at(payload, "transactions"), Mapping):
        yield from _order(payload)
    elif "order_status" in payload or "preference_id" in payload:
        reason = f"{NO_PAYMENT}: mercadopago merchant order; land the payments that it names"
        yield NotTaken(reason=reason, event_id=text(payload, "id"))
    else:
        yield from _payment(payload)


def _payment(payload: Mapping[str, object]) -> Iterator[Sale | Refund | NotTaken]:
    status, event_id = required_text(payload, "status"), text(payload, "id")
    was_paid = status in _PAID_BEFORE and text(payload, "date_approved") is not None
    if status not in _PAID and not was_paid:
        yield no_sale("mercadopago payment that is", status, _STATUSES, event_id)
        return
    operation = text(payload, "operation_type")
    if operation is not None and operation not in _PURCHASES:
        yield no_sale("mercadopago operation_type", operation, _MOVES, event_id)
        return
    seller = text(payload, "collector_id", "collector.id")
    if amount(payload, "transaction_amount") <= 0 or (seller and seller == text(payload, "payer.id")):
        yield NotTaken(reason=f"{MONEY_MOVES}: mercadopago payment made by the seller", event_id=event_id)
        return
    payment = required_text(payload, "id")
    keys = tracking_keys(at(payload, "metadata"))
    order = text(payload, "order.id") or ""
    # Any other order may have several payments.
    names = _names(order if order.startswith("ORD") else None, payment)
    yield Sale(
        gateway_event_id=payment,
        # Sellers fill external_reference freely, and a payment link gives all its payments the same.
        order_id=payment,
        **names,
        value=amount(payload, "transaction_amount"),
        currency=currency(payload, "currency_id"),
        occurred_at=moment(payload, "date_approved"),
        fbclid=keys.fbclid,
        fbc=keys.fbc,
        fbp=keys.fbp,
        click_names=keys.names,
        click_ids=keys.click_ids,
        email=text(payload, "payer.email", "additional_info.payer.email"),
        phone=_phone(payload, "payer.phone") or _phone(payload, "additional_info.payer.phone"),
        buyer=buyer(
            payload,
            first_name=("payer.first_name", "additional_info.payer.first_name"),
            last_name=("payer.last_name", "additional_info.payer.last_name"),
            city=("payer.address.city", "additional_info.shipments.receiver_address.city_name"),
            state=("payer.address.federal_unit", "additional_info.shipments.receiver_address.state_name"),
            zip=(
                "payer.address.zip_code",
                "additional_info.payer.address.zip_code",
                "additional_info.shipments.receiver_address.zip_code",
            ),
        ),
        client_ip=at(payload, "additional_info.ip_address"),
        action_source=_place(payload, operation),
        contents=_items(at(payload, "additional_info.items")),
    )
    yield from _money_back(payload, payment, status, names.get("sale_key", payment))


def _place(payload: Mapping[str, object], operation: str | None) -> str | None:
    if text(payload, "point_of_interaction.type") in _TILLS:
        return "physical_store"
    sequence = text(payload, "point_of_interaction.transaction_data.subscription_sequence.number")
    if operation == "recurring_payment" and sequence != "1":
        return "system_generated"
    return _PURCHASES.get(operation or "")


def _money_back(payload: Mapping[str, object], payment: str, status: str, sale: str) -> Iterator[Refund]:
    for refund in _mappings(payload.get("refunds")):
        if text(refund, "status") in {None, "approved"}:
            yield Refund(
                gateway_event_id=f"refund:{required_text(refund, 'id')}",
                original_event_id=payment,
                sale_key=payment,
                order_id=payment,
                value=amount(refund, "amount"),
                currency=currency(payload, "currency_id"),
                occurred_at=moment(refund, "date_created"),
            )
    if status == "refunded" and not payload.get("refunds"):
        yield _whole(payload, payment, sale, "refund")
    if _charged_back(payload, status):
        yield _whole(payload, payment, sale, "chargeback")


def _charged_back(payload: Mapping[str, object], status: str) -> bool:
    """Whether the buyer's bank took the money; the seller has it back where a chargeback was reimbursed."""
    return status == "charged_back" and text(payload, "status_detail") != "reimbursed"


def _whole(payload: Mapping[str, object], payment: str, sale: str, kind: RefundKind) -> Refund:
    """All of a payment that went back. An order of one payment tells of it, too: `sale` is what they share."""
    return Refund(
        gateway_event_id=f"{sale}:{kind}",
        original_event_id=payment,
        sale_key=payment,
        order_id=payment,
        kind=kind,
        value=amount(payload, "transaction_amount"),
        currency=currency(payload, "currency_id"),
        occurred_at=moment(payload, "date_last_updated", "date_approved"),
    )


def _order(payload: Mapping[str, object]) -> Iterator[Sale | Refund | NotTaken]:
    """An order of the Orders API: amounts are texts, and its payments' own states stand in `transactions`."""
    status, order = required_text(payload, "status"), text(payload, "id")
    if status not in _PAID_ORDERS:
        yield no_sale("mercadopago order that is", status, _ORDERS, order)
        return
    order = required_text(payload, "id")
    code = _currency(payload)
    keys = tracking_keys(at(payload, "metadata"), at(payload, "additional_info"))
    # What happened last to an order that nothing went back of is its payment.
    untouched = status == "processed" and text(payload, "status_detail") in {None, "accredited"}
    value = amount(payload, first(payload, "total_paid_amount", "total_amount")[0])
    yield Sale(
        gateway_event_id=order,
        order_id=order,
        **_names(order),
        value=value,
        currency=code,
        occurred_at=moment(payload, "last_updated_date" if untouched else "created_date", "created_date"),
        fbclid=keys.fbclid,
        fbc=keys.fbc,
        fbp=keys.fbp,
        click_names=keys.names,
        click_ids=keys.click_ids,
        email=text(payload, "payer.email"),
        phone=_phone(payload, "payer.phone"),
        buyer=buyer(
            payload,
            first_name="payer.first_name",
            last_name="payer.last_name",
            city="payer.address.city",
            state="payer.address.state",
            zip="payer.address.zip_code",
        ),
        action_source=_PLACES.get(text(payload, "type") or ""),
        contents=_items(payload.get("items")),
    )
    for refund in _mappings(at(payload, "transactions.refunds")):
        if text(refund, "status") in {None, "processed", "approved"}:
            yield Refund(
                gateway_event_id=f"refund:{required_text(refund, 'id')}",
                original_event_id=order,
                sale_key=order,
                order_id=order,
                value=amount(refund, "amount"),
                currency=code,
                occurred_at=moment(refund, "date_created") if refund.get("date_created") else _updated(payload),
            )
    if _charged_back(payload, status):
        yield Refund(
            gateway_event_id=f"{order}:chargeback",
            original_event_id=order,
            sale_key=order,
            order_id=order,
            kind="chargeback",
            value=value,
            currency=code,
            occurred_at=_updated(payload),
        )


def _updated(payload: Mapping[str, object]) -> datetime:
    return moment(payload, "last_updated_date", "created_date")


def _currency(payload: Mapping[str, object]) -> str:
    """An order's currency: some answers of the API have none, and then it is its country's."""
    country = text(payload, "country_code") or ""
    if first(payload, "currency", "currency_id")[1] is None and country.upper() in _CURRENCIES:
        return _CURRENCIES[country.upper()]
    return currency(payload, "currency", "currency_id")


def _names(*ids: str | None) -> _Names:
    """What joins an order and its payment into one sale; a payment without an order is the sale."""
    known = tuple(name for name in ids if name)
    if not known[0].startswith("ORD"):
        return {}
    return {"sale_key": known[0], "sale_names": known}


def _items(found: object) -> tuple[dict[str, object], ...]:
    return tuple(
        {
            "id": text(item, "id", "external_code"),
            "quantity": item.get("quantity"),
            "price": item.get("unit_price"),
            "title": text(item, "title"),
        }
        for item in _mappings(found)
        if text(item, "id", "external_code")
    )


def _phone(payload: Mapping[str, object], path: str) -> str | None:
    number = text(payload, f"{path}.number")
    return f"{text(payload, f'{path}.area_code') or ''}{number}" if number else None


def _mappings(found: object) -> list[Mapping[str, object]]:
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []
