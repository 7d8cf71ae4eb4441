"""Stripe: events, and bare resources as its API returns them.

One payment shows up as a checkout session, a payment intent and a charge; the session is what is counted, because
it alone knows the buyer's details and the seller's metadata.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from trackai_pipelines.facts.gateways.no_sale import marked
from trackai_pipelines.facts.gateways.payload import (
    at,
    buyer,
    currency,
    minor_amount,
    moment_of_epoch,
    refuse,
    required_text,
    shown,
    text,
)
from trackai_pipelines.facts.gateways.tracking import tracking_keys
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import MalformedPayload, NotTaken
from trackai_pipelines.money import minor_units

_TEST_IDS = ("cs_test_", "ppage_test_")
_PAID_EVENTS = {"checkout.session.completed", "checkout.session.async_payment_succeeded"}
# Where Stripe's minor units are not ISO 4217's (docs.stripe.com/currencies, "Zero-decimal currencies" and
# "Special cases"): ISK and UGX stay with two decimals for backwards compatibility, MGA has none.
_DECIMALS = {"ISK": 2, "UGX": 2, "MGA": 0}


def read(payload: Mapping[str, object]) -> Iterator[Sale | NotTaken]:
    """The sale of a paid checkout session, in its event or bare; anything else is no sale.

    A map of resources by name ({"charge": {...}, ...}) gives a result for each. Raises MalformedPayload.
    """
    if "object" in payload:
        yield from marked(_test(payload), map(_resource, [payload]))
        return
    if not payload or not all(isinstance(resource, Mapping) for resource in payload.values()):
        refuse("object", "is missing: expected an event, a checkout.session, or a map of resources")
    for name, resource in payload.items():
        assert isinstance(resource, Mapping)
        try:
            yield from marked(_test(resource), map(_resource, [resource]))
        except MalformedPayload as problem:
            # One bad resource must not take the others with it.
            yield NotTaken(reason=f"malformed: {shown(name)}: {problem}", event_id=text(resource, "id"))


def _test(payload: Mapping[str, object]) -> str | None:
    """How it shows that an event or a resource is of Stripe's test mode: its `livemode`, or the ids made there."""
    for inside in ("", "data.object."):
        if at(payload, f"{inside}livemode") is False:
            return f"stripe {inside}livemode is false"
        if (text(payload, f"{inside}id") or "").startswith(_TEST_IDS):
            return f"stripe {inside}id is one of test mode"
    return None


def _resource(resource: Mapping[str, object]) -> Sale | NotTaken:
    kind = required_text(resource, "object")
    if kind == "event":
        return _event(resource)
    if kind == "checkout.session":
        return _session(resource, "")
    reason = f"not a paid sale: stripe {shown(kind)}; the checkout.session is what is counted"
    return NotTaken(reason=reason, event_id=text(resource, "id"))


def _event(event: Mapping[str, object]) -> Sale | NotTaken:
    kind = required_text(event, "type")
    if kind not in _PAID_EVENTS:
        reason = f"not a paid sale: stripe event {shown(kind)}; a paid checkout.session is what is counted"
        return NotTaken(reason=reason, event_id=text(event, "id"))
    return _session(event, "data.object.")


def _session(payload: Mapping[str, object], inside: str) -> Sale | NotTaken:
    """The session at the path prefix `inside`. The outermost id and time are the event's, where there is one:
    a payment that is made later succeeds in an event of its own, long after the session began."""
    event_id = required_text(payload, "id")
    status = required_text(payload, f"{inside}payment_status")
    if status != "paid":
        reason = f"not a paid sale: stripe checkout.session whose payment_status is {shown(status)}"
        return NotTaken(reason=reason, event_id=event_id)
    session = required_text(payload, f"{inside}id")
    code = currency(payload, f"{inside}currency")
    decimals = _DECIMALS[code] if code in _DECIMALS else minor_units(code)
    keys = tracking_keys(at(payload, f"{inside}metadata"), at(payload, f"{inside}client_reference_id"))
    return Sale(
        gateway_event_id=event_id,
        sale_key=session,
        order_id=session,
        value=minor_amount(payload, f"{inside}amount_total", decimals),
        currency=code,
        occurred_at=moment_of_epoch(payload, "created", unit=timedelta(seconds=1)),
        fbclid=keys.fbclid,
        fbc=keys.fbc,
        fbp=keys.fbp,
        email=text(payload, f"{inside}customer_details.email", f"{inside}customer_email"),
        phone=text(payload, f"{inside}customer_details.phone"),
        buyer=buyer(
            at(payload, f"{inside}customer_details"),
            full_name="name",
            city="address.city",
            state="address.state",
            zip="address.postal_code",
            country="address.country",
        ),
    )
