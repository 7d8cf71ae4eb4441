"""Mercado Pago's payments. Its webhook carries only the payment's id; the payment itself is what is read."""

from collections.abc import Iterator, Mapping

from trackai_pipelines.customer_information.client_ip import address_of
from trackai_pipelines.facts.gateways.no_sale import marked
from trackai_pipelines.facts.gateways.payload import amount, at, buyer, currency, moment, required_text, shown, text
from trackai_pipelines.facts.gateways.tracking import tracking_keys
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import NotTaken


def read(payload: Mapping[str, object]) -> Iterator[Sale | NotTaken]:
    """The sale of an approved payment; a payment in another state or a notification is no sale.

    Raises MalformedPayload.
    """
    test = "mercadopago payment with live_mode false" if payload.get("live_mode") is False else None
    yield from marked(test, _read(payload))


def _read(payload: Mapping[str, object]) -> Iterator[Sale | NotTaken]:
    notified = text(payload, "data.id", "resource")
    if "status" not in payload and notified:
        reason = "not a sale: the notification carries only the payment's id; land the payment resource itself"
        yield NotTaken(reason=reason, event_id=text(payload, "id"))
        return
    status = required_text(payload, "status")
    if status != "approved":
        reason = f"not a paid sale: mercadopago payment that is {shown(status)}"
        yield NotTaken(reason=reason, event_id=text(payload, "id"))
        return
    payment = required_text(payload, "id")
    order = text(payload, "external_reference")
    keys = tracking_keys(at(payload, "metadata"))
    yield Sale(
        gateway_event_id=payment,
        # Sellers fill the reference freely; a buyer's e-mail address in it is no order and must not be stored.
        order_id=order if order and "@" not in order else payment,
        value=amount(payload, "transaction_amount"),
        currency=currency(payload, "currency_id"),
        occurred_at=moment(payload, "date_approved"),
        fbclid=keys.fbclid,
        fbc=keys.fbc,
        fbp=keys.fbp,
        email=text(payload, "payer.email"),
        phone=_phone(payload, "payer.phone") or _phone(payload, "additional_info.payer.phone"),
        buyer=buyer(
            payload,
            first_name=("payer.first_name", "additional_info.payer.first_name"),
            last_name=("payer.last_name", "additional_info.payer.last_name"),
            zip=("payer.address.zip_code", "additional_info.payer.address.zip_code"),
        ),
        client_ip=address_of(at(payload, "additional_info.ip_address")),
    )


def _phone(payload: Mapping[str, object], path: str) -> str | None:
    number = text(payload, f"{path}.number")
    return f"{text(payload, f'{path}.area_code') or ''}{number}" if number else None
