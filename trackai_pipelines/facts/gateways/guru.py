"""Digital Manager Guru's webhooks of transactions. Amounts are in units of their currency.

Guru stands between a shop and its payment processors. A transaction is reported whenever its state changes. Each
cycle of a subscription is a transaction of its own.
"""

from collections.abc import Iterator, Mapping

from trackai_pipelines.customer_information.client_ip import address_of
from trackai_pipelines.facts.gateways.no_sale import (
    CHARGEBACK,
    NO_PAYMENT,
    NOT_PAID,
    NOT_PAID_YET,
    REFUND,
    no_sale,
)
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
from trackai_pipelines.facts.gateways.tracking import tracking_keys
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import NotTaken

_TRANSACTION = "transaction"
_KINDS = dict.fromkeys(("subscription", "eticket", "contract"), NO_PAYMENT)
_PAID = {"approved", "completed", "paid"}
_STATUSES = {
    **dict.fromkeys(("waiting_payment", "billet_printed", "in_analysis", "in_recovery", "scheduled"), NOT_PAID_YET),
    **dict.fromkeys(("canceled", "rejected", "expired"), NOT_PAID),
    "refunded": REFUND,
    **dict.fromkeys(("chargeback", "dispute"), CHARGEBACK),
    **dict.fromkeys(("abandoned", "started", "trial"), NO_PAYMENT),
}


def read(payload: Mapping[str, object]) -> Iterator[Sale | NotTaken]:
    """Yield the sale of an approved transaction, or why it is none. Raises MalformedPayload."""
    kind, transaction = text(payload, "webhook_type") or _TRANSACTION, text(payload, "id")
    if kind != _TRANSACTION:
        yield no_sale("guru webhook_type", kind, _KINDS, transaction)
        return
    status = required_text(payload, "status")
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
        client_ip=address_of(at(payload, "infrastructure.ip")),
        client_user_agent=text(payload, "infrastructure.user_agent"),
        event_source_url=page_url(at(payload, "checkout_url")),
    )
