"""Stripe: events, and bare resources as its API returns them.

One payment shows up as a checkout session, an invoice, a payment intent and a charge, whichever an account lets Stripe
send. Whichever comes first is the sale, and the others are joined to it by the ids that they name (`sale_names`):

- a session names its payment intent, or its invoice where it began a subscription;
- an invoice names its payment intent and charge, or (from 2025-03-31 on) lists them where the event has `payments`;
- a payment intent names its charge, and its invoice: in `invoice`, or later in `payment_details.order_reference`,
  which may be the session instead, and which Stripe cuts to 25 characters;
- a charge names its payment intent, and before 2025-03-31 its invoice.

A payment intent or charge that Stripe made for an invoice which it does not name is not counted: the invoice is.
"""

from collections.abc import Iterator, Mapping

from trackai_pipelines.facts.gateways import stripe_refunds, stripe_resources
from trackai_pipelines.facts.gateways.no_sale import (
    MONEY_MOVES,
    NO_PAYMENT,
    NOT_PAID,
    NOT_PAID_YET,
    marked,
    no_sale,
)
from trackai_pipelines.facts.gateways.payload import at, refuse, required_text, shown, text
from trackai_pipelines.facts.refund import Refund
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import MalformedPayload, NotTaken

_TEST_IDS = ("cs_test_", "ppage_test_")
# The events of a payment, each with the resource that it holds.
# The events of money that goes back, each with the resource that it holds.
_REFUNDS = {
    **dict.fromkeys(("refund.created", "refund.updated", "refund.failed", "charge.refund.updated"), "refund"),
    **dict.fromkeys(
        (
            *("charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed"),
            *("charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated"),
        ),
        "dispute",
    ),
}
_PAID_EVENTS = {
    "checkout.session.completed": "checkout.session",
    "checkout.session.async_payment_succeeded": "checkout.session",
    "invoice.paid": "invoice",
    "invoice.payment_succeeded": "invoice",
    "payment_intent.succeeded": "payment_intent",
    "charge.succeeded": "charge",
    "charge.captured": "charge",
}
_EVENTS = {
    **dict.fromkeys(
        (
            *("checkout.session.async_payment_failed", "checkout.session.expired", "invoice.payment_failed"),
            *("invoice.voided", "invoice.marked_uncollectible", "invoice.deleted", "invoice.finalization_failed"),
            *("payment_intent.canceled", "payment_intent.payment_failed", "charge.failed", "charge.expired"),
        ),
        NOT_PAID,
    ),
    **dict.fromkeys(
        (
            *("invoice.created", "invoice.finalized", "invoice.sent", "invoice.upcoming", "invoice.will_be_due"),
            *("invoice.overdue", "invoice.payment_action_required", "invoice.payment_attempt_required"),
            *("payment_intent.created", "payment_intent.processing", "payment_intent.requires_action"),
            *("payment_intent.amount_capturable_updated", "payment_intent.partially_funded", "charge.pending"),
            "invoice.overpaid",
        ),
        NOT_PAID_YET,
    ),
    # What is paid has an event of its own, which names it.
    **dict.fromkeys(("invoice.updated", "charge.updated", "invoice_payment.paid"), NO_PAYMENT),
}
# By how the names of events begin.
_FAMILIES = {
    **dict.fromkeys(("transfer.", "payout.", "topup.", "treasury.", "balance.", "application_fee."), MONEY_MOVES),
    **dict.fromkeys(
        (
            *("account.", "billing.", "billing_portal.", "capability.", "cash_balance.", "climate.", "coupon."),
            *("credit_note.", "customer.", "customer_cash_balance_transaction.", "entitlements.", "file."),
            *("financial_connections.", "identity.", "invoice_payment.", "invoiceitem.", "issuing_", "mandate."),
            *("payment_link.", "payment_method.", "person.", "plan.", "price.", "product.", "promotion_code."),
            *("quote.", "radar.", "reporting.", "review.", "setup_intent.", "sigma.", "source.", "subscription_"),
            *("tax.", "tax_rate.", "terminal.", "test_helpers.", "v1.", "v2."),
        ),
        NO_PAYMENT,
    ),
}
_RESOURCES = {
    **dict.fromkeys(("transfer", "transfer_reversal", "payout", "topup", "balance_transaction"), MONEY_MOVES),
    **dict.fromkeys(
        (
            *("customer", "product", "price", "plan", "subscription", "setup_intent", "payment_method", "coupon"),
            *("payment_link", "invoiceitem", "invoice_payment", "line_item", "balance", "account", "quote"),
        ),
        NO_PAYMENT,
    ),
}


def read(payload: Mapping[str, object]) -> Iterator[Sale | Refund | NotTaken]:
    """Yield the sale of a paid session, invoice, payment intent or charge, in its event or bare, or why it is none.

    A map of resources by name ({"charge": {...}, ...}) gives a result for each. Raises MalformedPayload.
    """
    if "object" in payload:
        refunded = text(payload, "type") == "charge.refunded"
        yield from marked(
            _test(payload), stripe_refunds.of_a_charge(payload) if refunded else map(_resource, [payload])
        )
        return
    if not payload or not all(isinstance(resource, Mapping) for resource in payload.values()):
        refuse("object", "is missing: expected an event, a resource such as a charge, or a map of resources")
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


def _resource(resource: Mapping[str, object]) -> Sale | Refund | NotTaken:
    kind = required_text(resource, "object")
    if kind == "event":
        return _event(resource)
    if kind in stripe_resources.READERS:
        return stripe_resources.READERS[kind](resource, "")
    if kind in stripe_refunds.READERS:
        return stripe_refunds.READERS[kind](resource)
    return no_sale("stripe", kind, _RESOURCES, text(resource, "id"))


def _event(event: Mapping[str, object]) -> Sale | Refund | NotTaken:
    kind = required_text(event, "type")
    if kind in _PAID_EVENTS:
        return stripe_resources.READERS[_PAID_EVENTS[kind]](event, "data.object.")
    if kind in _REFUNDS:
        found = at(event, "data.object")
        return stripe_refunds.READERS[_REFUNDS[kind]](found if isinstance(found, Mapping) else {})
    family = next((meaning for start, meaning in _FAMILIES.items() if kind.startswith(start)), None)
    return no_sale("stripe event", kind, {kind: family} | _EVENTS if family else _EVENTS, text(event, "id"))
