"""Stripe: which of its resources are sales, what each says, and money that goes back."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from facts.payloads import FBC, FBP, Payload, reason_of, sale_of

from trackai_pipelines.facts.gateways import READERS
from trackai_pipelines.facts.refund import Refund

PERSON = {"name": "Ana Souza", "phone": "+5511999990000", "address": {"city": "Santos", "state": "SP", "country": "BR"}}
INVOICE: Payload = {
    "id": "in_1",
    "object": "invoice",
    "status": "paid",
    "created": 1744000000,
    "amount_paid": 4990,
    "currency": "brl",
    "billing_reason": "subscription_cycle",
    "customer_email": "ana@example.com",
    "customer_name": PERSON["name"],
    "customer_phone": PERSON["phone"],
    "customer_address": PERSON["address"],
    "status_transitions": {"paid_at": 1744000600},
    "parent": {"subscription_details": {"metadata": {"fbc": FBC}}},
    "lines": {"data": [{"description": "Club", "quantity": 1, "pricing": {"price_details": {"product": "prod_1"}}}]},
}
INTENT: Payload = {
    "id": "pi_1",
    "object": "payment_intent",
    "status": "succeeded",
    "created": 1744000000,
    "amount": 12990,
    "amount_received": 12990,
    "currency": "brl",
    "receipt_email": "ana@example.com",
    "latest_charge": "ch_1",
    "shipping": PERSON,
    "metadata": {"fbp": FBP},
}
CHARGE: Payload = {
    "id": "ch_1",
    "object": "charge",
    "status": "succeeded",
    "captured": True,
    "created": 1744000000,
    "amount": 12990,
    "currency": "brl",
    "payment_intent": "pi_1",
    "billing_details": PERSON | {"email": "ana@example.com"},
    "metadata": {},
}


def event(kind: str, resource: Payload, **fields: Any) -> Payload:
    return {
        "id": "evt_1",
        "object": "event",
        "type": kind,
        "created": 1744000900,
        "data": {"object": resource},
    } | fields


@pytest.mark.parametrize("resource", [INVOICE, INTENT, CHARGE])
def test_each_resource_names_its_buyer(resource: Payload) -> None:
    sale = sale_of("stripe", resource)
    assert (sale.email, sale.phone) == ("ana@example.com", "+5511999990000")
    assert sale.buyer == {
        "first_name": "Ana",
        "last_name": "Souza",
        "city": "Santos",
        "state": "SP",
        "country": "BR",
    }


def test_a_renewal() -> None:
    sale = sale_of("stripe", INVOICE)
    assert (sale.gateway_event_id, sale.order_id, sale.value, sale.currency) == (
        "in_1",
        "in_1",
        Decimal("49.90"),
        "BRL",
    )
    assert sale.occurred_at == datetime(2025, 4, 7, 4, 36, 40, tzinfo=UTC)
    assert (sale.fbc, sale.action_source) == (FBC, "system_generated")
    assert sale.contents == ({"id": "prod_1", "quantity": 1, "title": "Club"},)


@pytest.mark.parametrize(
    ("kind", "resource"),
    [
        ("invoice.paid", INVOICE),
        ("invoice.payment_succeeded", INVOICE),
        ("payment_intent.succeeded", INTENT),
        ("charge.succeeded", CHARGE),
        ("charge.captured", CHARGE),
        ("invoice.paid", {name: value for name, value in INVOICE.items() if name != "status"}),
    ],
)
def test_events_of_a_payment(kind: str, resource: Payload) -> None:
    sale = sale_of("stripe", event(kind, resource))
    assert sale.gateway_event_id == "evt_1"
    assert sale.occurred_at == datetime(2025, 4, 7, 4, 41, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    ("resource", "source"),
    [
        (INVOICE | {"billing_reason": "subscription_create"}, None),
        (INVOICE | {"billing_reason": "manual"}, None),
        (INVOICE | {"billing_reason": "subscription_threshold"}, "system_generated"),
        (CHARGE | {"payment_method_details": {"type": "card_present"}}, "physical_store"),
        (CHARGE | {"payment_method_details": {"type": "card"}}, None),
        (INTENT | {"payment_method_types": ["card_present"]}, "physical_store"),
        (INTENT | {"payment_method_types": ["card", "pix"]}, None),
        (
            INTENT | {"latest_charge": CHARGE | {"payment_method_details": {"type": "interac_present"}}},
            "physical_store",
        ),
    ],
)
def test_where_a_sale_happened(resource: Payload, source: str | None) -> None:
    assert sale_of("stripe", resource).action_source == source


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (INVOICE | {"status": "open"}, "not paid yet: stripe invoice that is open"),
        (INVOICE | {"status": "void"}, "not paid: stripe invoice that is void"),
        (INVOICE | {"status": "shiny"}, "stripe invoice that is shiny is not known"),
        (INVOICE | {"amount_paid": 0}, "not a payment: stripe invoice of which nothing was to be paid"),
        (INTENT | {"status": "requires_capture"}, "not paid yet: stripe payment_intent that is requires_capture"),
        (INTENT | {"status": "canceled"}, "not paid: stripe payment_intent that is canceled"),
        (CHARGE | {"status": "failed"}, "not paid: stripe charge that is failed"),
        (CHARGE | {"captured": False}, "not paid yet: stripe charge that is authorised, not captured"),
        (event("payment_intent.created", INTENT), "not paid yet: stripe event payment_intent.created"),
        (event("charge.failed", CHARGE), "not paid: stripe event charge.failed"),
        (event("customer.subscription.created", {}), "not a payment: stripe event customer.subscription.created"),
        (event("shiny.new", {}), "stripe event shiny.new is not known"),
        (
            CHARGE | {"description": "Subscription update"},
            "not a payment: stripe charge of an invoice that it does not name; land the event invoice.paid",
        ),
        (
            INTENT | {"description": "Payment for Invoice"},
            "not a payment: stripe payment_intent of an invoice that it does not name; land the event invoice.paid",
        ),
    ],
)
def test_what_is_no_sale(payload: Payload, reason: str) -> None:
    assert reason_of("stripe", payload) == reason


@pytest.mark.parametrize(
    "payload",
    [
        event("transfer.created", {"id": "tr_1", "object": "transfer"}),
        event("payout.paid", {"id": "po_1", "object": "payout"}),
        event("topup.succeeded", {"id": "tu_1", "object": "topup"}),
        {"id": "tr_1", "object": "transfer"},
        {"id": "po_1", "object": "payout"},
        CHARGE | {"source_transfer": "tr_1"},
        CHARGE | {"payment_method_details": {"type": "stripe_account"}},
    ],
)
def test_money_that_moves(payload: Payload) -> None:
    assert reason_of("stripe", payload).startswith("money that moves, not a sale: ")


REFUND: Payload = {
    "id": "re_1",
    "object": "refund",
    "status": "succeeded",
    "amount": 1500,
    "currency": "jpy",
    "charge": "ch_1",
    "payment_intent": "pi_1",
    "created": 1744000900,
}


@pytest.mark.parametrize(
    "payload",
    [
        REFUND,
        event("refund.created", REFUND),
        event("refund.updated", REFUND),
        event("charge.refund.updated", REFUND),
        event("charge.refunded", CHARGE | {"refunds": {"data": [REFUND]}, "refunded": True}),
    ],
)
def test_a_refund_is_one_in_whichever_event(payload: Payload) -> None:
    assert list(READERS["stripe"](payload)) == [
        Refund(
            gateway_event_id="re_1",
            sale_key="pi_1",
            value=Decimal(1500),
            currency="JPY",
            occurred_at=datetime(2025, 4, 7, 4, 41, 40, tzinfo=UTC),
        )
    ]


def test_a_dispute_that_was_lost_is_a_chargeback() -> None:
    dispute = REFUND | {"id": "dp_1", "object": "dispute", "status": "lost"}
    (refund,) = READERS["stripe"](event("charge.dispute.closed", dispute))
    assert isinstance(refund, Refund)
    assert (refund.gateway_event_id, refund.kind, refund.sale_key) == ("dp_1", "chargeback", "pi_1")


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (event("charge.refunded", CHARGE), "refund: stripe charge that does not list its refunds"),
        (event("refund.created", REFUND | {"status": "pending"}), "refund: asked for"),
        (event("refund.failed", REFUND | {"status": "failed"}), "not a payment: stripe refund that is failed"),
        (event("charge.dispute.created", REFUND | {"status": "needs_response"}), "chargeback: not decided"),
        (event("charge.dispute.closed", REFUND | {"status": "won"}), "not a payment: stripe dispute that is won"),
        (event("refund.created", REFUND, livemode=False), "test payment: stripe livemode is false"),
    ],
)
def test_money_that_is_not_back(payload: Payload, reason: str) -> None:
    (found,) = READERS["stripe"](payload)
    said = f"test payment: {found.test}" if isinstance(found, Refund) else getattr(found, "reason", "")
    assert said.startswith(reason)
