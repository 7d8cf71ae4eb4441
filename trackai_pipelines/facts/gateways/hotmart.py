"""Hotmart's webhooks (version 2).

One transaction is told of in several paid events with ids of their own (approved, then complete when the warranty
is over): the transaction is the sale.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from trackai_pipelines.customer_information.client_ip import address_of
from trackai_pipelines.facts.gateways.payload import (
    amount,
    at,
    buyer,
    currency,
    moment_of_epoch,
    required_text,
    shown,
    text,
)
from trackai_pipelines.facts.gateways.tracking import tracking_keys
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import NotTaken

_PAID = {"PURCHASE_APPROVED", "PURCHASE_COMPLETE"}
# Country calling codes have at most 3 digits, 4 with an area of the North American plan (1809).
_LONGEST_CALLING_CODE = 4


def read(payload: Mapping[str, object]) -> Iterator[Sale | NotTaken]:
    """The sale of an approved or completed purchase; any other event is no sale. Raises MalformedPayload."""
    event = required_text(payload, "event")
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
        phone=_phone(payload),
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


def _phone(payload: Mapping[str, object]) -> str | None:
    """The buyer's number, with the calling code that the gateway keeps in a field of its own."""
    number = text(payload, "data.buyer.checkout_phone", "data.buyer.phone")
    code = (text(payload, "data.buyer.checkout_phone_code") or "").lstrip("+0")
    if number is None or number.startswith("+") or not code.isdecimal() or len(code) > _LONGEST_CALLING_CODE:
        return number
    # Some checkouts write the calling code into the number as well: 12 digits with it are complete already.
    if number.startswith(code) and sum(sign.isdecimal() for sign in number) >= 12:
        return f"+{number}"
    return f"+{code}{number}"
