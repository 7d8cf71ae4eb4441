"""Stripe's resources of a payment: checkout sessions, invoices, payment intents and charges.

Each is read at a path prefix, because it stands alone or inside an event. The outermost id and time are the event's,
where there is one: a payment that is made later succeeds in an event of its own, long after the session began.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import TypeGuard

from trackai_pipelines.facts.gateways.no_sale import MONEY_MOVES, NO_PAYMENT, NOT_PAID, NOT_PAID_YET, no_sale
from trackai_pipelines.facts.gateways.payload import (
    at,
    buyer,
    currency,
    first,
    minor_amount,
    moment_of_epoch,
    required_text,
    text,
)
from trackai_pipelines.facts.gateways.tracking import tracking_keys
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import NotTaken
from trackai_pipelines.money import minor_units

Payload = Mapping[str, object]

# Where Stripe's minor units are not ISO 4217's (docs.stripe.com/currencies, "Zero-decimal currencies" and
# "Special cases"): ISK and UGX stay with two decimals for backwards compatibility, MGA has none.
_DECIMALS = {"ISK": 2, "UGX": 2, "MGA": 0}
_SESSIONS = {"unpaid": NOT_PAID_YET, "no_payment_required": NO_PAYMENT}
_INVOICES = {
    **dict.fromkeys(("draft", "open"), NOT_PAID_YET),
    **dict.fromkeys(("uncollectible", "void", "deleted"), NOT_PAID),
}
_INTENTS = {
    **dict.fromkeys(("requires_payment_method", "requires_confirmation", "requires_action"), NOT_PAID_YET),
    **dict.fromkeys(("processing", "requires_capture"), NOT_PAID_YET),
    "canceled": NOT_PAID,
}
_CHARGES = {"pending": NOT_PAID_YET, "failed": NOT_PAID}
# What Stripe itself writes into the description of a payment that it makes for an invoice.
_OF_INVOICES = ("Subscription creation", "Subscription update", "Subscription cycle", "Payment for Invoice")
_PRESENT = {"card_present", "interac_present"}
_INVOICE_RECEIPT = "/receipts/invoices/"
# Stripe cuts references to this length in most versions of its API.
_REFERENCE_LENGTH = 25


def _session(payload: Payload, inside: str) -> Sale | NotTaken:
    status = required_text(payload, f"{inside}payment_status")
    if status != "paid":
        return no_sale("stripe checkout.session whose payment_status is", status, _SESSIONS, text(payload, "id"))
    return _sale(
        payload,
        inside,
        names=("id", "payment_intent", "invoice"),
        amount="amount_total",
        email=("customer_details.email", "customer_email", "customer.email"),
        people=(
            "customer_details",
            "collected_information.shipping_details",
            "shipping_details",
            "shipping",
            "customer",
        ),
        carriers=("metadata", "client_reference_id", "subscription.metadata", "payment_intent.metadata"),
    )


def _invoice(payload: Payload, inside: str) -> Sale | NotTaken:
    event_id = text(payload, "id")
    status = _status(payload, inside, "paid")
    if status != "paid":
        return no_sale("stripe invoice that is", status, _INVOICES, event_id)
    if at(payload, f"{inside}amount_paid") == 0:
        # A trial's first invoice, or one that a credit covered.
        return NotTaken(reason=f"{NO_PAYMENT}: stripe invoice of which nothing was to be paid", event_id=event_id)
    invoice = dict(_mapping(payload, inside))
    # Its own names for what other resources call otherwise.
    invoice["customer_details"] = {part: invoice.get(f"customer_{part}") for part in ("name", "phone", "address")}
    paid = [
        text(entry, f"payment.{kind}.id", f"payment.{kind}")
        for entry in _list(at(invoice, "payments.data"))
        for kind in ("payment_intent", "charge")
    ]
    return _sale(
        payload,
        inside,
        names=("id", "payment_intent", "charge"),
        other_names=paid,
        amount="amount_paid",
        email=("customer_email", "customer.email"),
        people=("customer_details", "customer_shipping", "customer"),
        carriers=("metadata", "parent.subscription_details.metadata", "subscription_details.metadata"),
        resource=invoice,
        paid_at="status_transitions.paid_at",
    )


def _intent(payload: Payload, inside: str) -> Sale | NotTaken:
    status = _status(payload, inside, "succeeded")
    if status != "succeeded":
        return no_sale("stripe payment_intent that is", status, _INTENTS, text(payload, "id"))
    intent = dict(_mapping(payload, inside))
    # Before 2022-11-15 an intent held its charges instead of naming the latest.
    charges = [intent.get("latest_charge"), *_list(at(intent, "charges.data"))]
    charge = next((charge for charge in charges if isinstance(charge, Mapping)), {})
    intent["charge"] = charge or intent.get("latest_charge")
    return _of_an_unnamed_invoice("payment_intent", payload, intent) or _sale(
        payload,
        inside,
        names=("id", "charge", "invoice"),
        amount="amount_received" if first(intent, "amount_received")[1] is not None else "amount",
        email=("receipt_email", "charge.billing_details.email", "charge.receipt_email", "customer.email"),
        people=("charge.billing_details", "shipping", "customer"),
        carriers=("metadata", "charge.metadata"),
        resource=intent,
    )


def _charge(payload: Payload, inside: str) -> Sale | NotTaken:
    event_id = text(payload, "id")
    charge = _mapping(payload, inside)
    status = _status(payload, inside, "succeeded")
    if status != "succeeded":
        return no_sale("stripe charge that is", status, _CHARGES, event_id)
    if charge.get("captured") is False:
        return NotTaken(reason=f"{NOT_PAID_YET}: stripe charge that is authorised, not captured", event_id=event_id)
    if charge.get("source_transfer") or text(charge, "payment_method_details.type") == "stripe_account":
        return NotTaken(reason=f"{MONEY_MOVES}: stripe charge that a transfer between accounts made", event_id=event_id)
    captured = at(charge, "amount_captured")
    return _of_an_unnamed_invoice("charge", payload, charge) or _sale(
        payload,
        inside,
        names=("payment_intent", "id", "invoice"),
        amount="amount" if captured is None or captured == 0 else "amount_captured",
        email=("billing_details.email", "receipt_email", "source.owner.email", "customer.email"),
        people=("billing_details", "source.owner", "shipping", "customer"),
        carriers=("metadata", "payment_intent.metadata"),
    )


READERS: Mapping[str, Callable[[Payload, str], Sale | NotTaken]] = MappingProxyType(
    {"checkout.session": _session, "invoice": _invoice, "payment_intent": _intent, "charge": _charge}
)


def decimals_of(code: str) -> int:
    """Return how many decimals Stripe's minor units of a currency stand for."""
    return _DECIMALS[code] if code in _DECIMALS else minor_units(code)


def _status(payload: Payload, inside: str, of_its_event: str) -> str:
    """Return the status of a resource; an event of a payment says it by its name, too."""
    return (text(payload, f"{inside}status") if inside else required_text(payload, "status")) or of_its_event


def _of_an_unnamed_invoice(kind: str, payload: Payload, resource: Payload) -> NotTaken | None:
    """Return why a payment that Stripe made for an invoice, and that does not name it, is not counted."""
    described = (text(resource, "description") or "").startswith(_OF_INVOICES)
    receipt = _INVOICE_RECEIPT in (text(resource, "receipt_url", "charge.receipt_url") or "")
    named = "invoice" in resource or (_reference(resource) or "").startswith("in_")
    if named or not (described or receipt):
        return None
    reason = f"{NO_PAYMENT}: stripe {kind} of an invoice that it does not name; land the event invoice.paid"
    return NotTaken(reason=reason, event_id=text(payload, "id"))


def _sale(
    payload: Payload,
    inside: str,
    *,
    names: tuple[str, ...],
    other_names: Sequence[str | None] = (),
    amount: str,
    email: tuple[str, ...],
    people: tuple[str, ...],
    carriers: tuple[str, ...],
    resource: Payload | None = None,
    paid_at: str | None = None,
) -> Sale:
    """Return the sale of a resource. `names` are the paths of ids, the first that is there being the sale's key.

    `people` are the paths of what describes a buyer: name, phone and address, each read from the first that has it.
    """
    resource = _mapping(payload, inside) if resource is None else resource
    required_text(payload, f"{inside}id")
    ids = [text(resource, f"{name}.id", name) for name in names] + [*other_names]
    known = list(dict.fromkeys(name for name in ids if name))
    references = [name[:_REFERENCE_LENGTH] for name in [*known, _reference(resource)] if _is_reference(name)]
    code = currency(payload, f"{inside}currency")
    keys = tracking_keys(*(at(resource, carrier) for carrier in carriers))
    times = ("created",) if inside or paid_at is None else (paid_at, "created")
    home = next((person for person in people if text(resource, f"{person}.address.country")), people[0])
    return Sale(
        gateway_event_id=required_text(payload, "id"),
        sale_key=known[0],
        sale_names=(*known, *(f"reference {name}" for name in dict.fromkeys(references))),
        order_id=known[0],
        value=minor_amount(payload, f"{inside}{amount}", decimals_of(code)),
        currency=code,
        occurred_at=moment_of_epoch(payload, *times, unit=timedelta(seconds=1)),
        fbclid=keys.fbclid,
        fbc=keys.fbc,
        fbp=keys.fbp,
        click_names=keys.names,
        click_ids=keys.click_ids,
        email=text(resource, *email),
        phone=text(resource, *(f"{person}.phone" for person in people)),
        action_source=_place(resource),
        contents=_items(resource),
        buyer=buyer(
            resource,
            full_name=tuple(f"{person}.name" for person in people),
            city=f"{home}.address.city",
            state=f"{home}.address.state",
            zip=f"{home}.address.postal_code",
            country=f"{home}.address.country",
        ),
    )


def _place(resource: Payload) -> str | None:
    """Where a sale happened: Stripe charges for a subscription by itself; a card that is there is at a till."""
    if text(resource, "billing_reason") in {"subscription_cycle", "subscription_threshold"}:
        return "system_generated"
    types = at(resource, "payment_method_types")
    kinds = [text(resource, "payment_method_details.type", "charge.payment_method_details.type"), *_list(types)]
    return "physical_store" if _PRESENT.intersection(kind for kind in kinds if isinstance(kind, str)) else None


def _items(resource: Payload) -> tuple[Mapping[str, object], ...]:
    lines = _list(at(resource, "line_items.data")) or _list(at(resource, "lines.data"))
    items = (
        {
            "id": text(line, "price.product.id", "price.product", "pricing.price_details.product", "price.id"),
            "quantity": at(line, "quantity"),
            "title": text(line, "description"),
        }
        for line in lines
    )
    return tuple(item for item in items if item["id"])


def _reference(resource: Payload) -> str | None:
    return text(resource, "payment_details.order_reference")


def _is_reference(name: str | None) -> TypeGuard[str]:
    return name is not None and name.startswith(("cs_", "in_"))


def _mapping(payload: Payload, inside: str) -> Payload:
    found = at(payload, inside.removesuffix(".")) if inside else payload
    return found if isinstance(found, Mapping) else {}


def _list(found: object) -> list[object]:
    return found if isinstance(found, list) else []
