"""Digital Manager Guru's webhooks of transactions. Amounts are in units of their currency.

Guru stands between a shop and its payment processors. A transaction is reported whenever its state changes. Each
cycle of a subscription is a transaction of its own.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from trackai_pipelines.facts.gateways.no_sale import (
    DISPUTED,
    NO_PAYMENT,
    NOT_PAID,
    NOT_PAID_YET,
    no_sale,
)
from trackai_pipelines.facts.gateways.optional import is_later_charge, items_of, other_click_ids, source_of_renewal
from trackai_pipelines.facts.gateways.payload import (
    amount,
    at,
    buyer,
    currency,
    dialled,
    moment,
    page_url,
    required_text,
    text,
)
from trackai_pipelines.facts.gateways.tracking import query_of, tracking_keys
from trackai_pipelines.facts.refund import Refund, RefundKind
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import NotTaken

_TRANSACTION = "transaction"
_KINDS = dict.fromkeys(("subscription", "eticket", "contract"), NO_PAYMENT)
_PAID = {"approved", "completed", "paid"}
_STATUSES = {
    **dict.fromkeys(("waiting_payment", "billet_printed", "in_analysis", "in_recovery", "scheduled"), NOT_PAID_YET),
    **dict.fromkeys(("canceled", "rejected", "expired"), NOT_PAID),
    "dispute": DISPUTED,
    **dict.fromkeys(("abandoned", "started", "trial"), NO_PAYMENT),
}
_MONEY_BACK: Mapping[str, RefundKind] = {"refunded": "refund", "chargeback": "chargeback"}


def read(payload: Mapping[str, object]) -> Iterator[Sale | Refund | NotTaken]:
    """Yield the sale of an approved transaction, its refund, or why it is neither. Raises MalformedPayload."""
    kind, transaction = text(payload, "webhook_type") or _TRANSACTION, text(payload, "id")
    if kind != _TRANSACTION:
        yield no_sale("guru webhook_type", kind, _KINDS, transaction)
        return
    status = required_text(payload, "status")
    if status in _MONEY_BACK:
        yield _refund(payload, status)
        return
    if status not in _PAID:
        yield no_sale("guru status", status, _STATUSES, f"{transaction}:{status}" if transaction else None)
        return
    transaction = required_text(payload, "id")
    keys = tracking_keys(at(payload, "source"))
    yield Sale(
        gateway_event_id=f"{transaction}:{status}",
        sale_key=transaction,
        order_id=transaction,
        value=amount(payload, "payment.total"),
        currency=currency(payload, "payment.currency"),
        occurred_at=moment(payload, "dates.confirmed_at"),
        fbclid=keys.fbclid,
        fbc=keys.fbc,
        fbp=keys.fbp,
        click_names=keys.names,
        email=text(payload, "contact.email"),
        phone=dialled(text(payload, "contact.phone_number"), text(payload, "contact.phone_local_code")),
        buyer=buyer(
            at(payload, "contact"),
            full_name="name",
            city="address_city",
            state="address_state",
            zip="address_zip_code",
            country="address_country",
        ),
        client_ip=at(payload, "infrastructure.ip"),
        client_user_agent=text(payload, "infrastructure.user_agent"),
        event_source_url=page_url(at(payload, "checkout_url")),
        contents=_items(payload),
        click_ids=other_click_ids(at(payload, "source"), query_of(at(payload, "checkout_url"))),
        action_source=source_of_renewal(is_later_charge(payload, "invoice.cycle", "subscription.charged_times")),
    )


def _items(payload: Mapping[str, object]) -> tuple[dict[str, Any], ...]:
    """The items of a transaction: all of them where they are listed, else its product."""
    listed = at(payload, "items")
    found = listed if isinstance(listed, list) and listed else at(payload, "product")
    return items_of(found, item_id="id", title="name", quantity="qty", price="unit_value")


def _refund(payload: Mapping[str, object], status: str) -> Refund:
    transaction = required_text(payload, "id")
    return Refund(
        gateway_event_id=f"{transaction}:{status}",
        sale_key=transaction,
        order_id=transaction,
        kind=_MONEY_BACK[status],
        value=amount(payload, "payment.total"),
        currency=currency(payload, "payment.currency"),
        # Where the time of the cancellation is missing, the payload knows none that is later than the payment's.
        occurred_at=moment(payload, "dates.canceled_at", "dates.confirmed_at"),
    )
