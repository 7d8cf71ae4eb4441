"""Digital Manager Guru: transactions by their state."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from facts.payloads import FBC, FBP, PAID, changed, reason_of, sale_of

from trackai_pipelines.facts.sale import Sale

TRANSACTION = PAID["guru"]
ID = "9081534a-0000-4000-8000-218c1dc1f263"


def test_an_approved_transaction() -> None:
    assert sale_of("guru", TRANSACTION) == Sale(
        gateway_event_id=f"{ID}:approved",
        sale_key=ID,
        order_id=ID,
        value=Decimal("500.5"),
        currency="BRL",
        occurred_at=datetime(2026, 5, 10, 18, 34, 20, tzinfo=UTC),
        fbclid="IwAR0abc",
        fbc=FBC,
        fbp=FBP,
        email="ana@example.com",
        phone="+5511999990000",
        buyer={
            "first_name": "Ana",
            "last_name": "Souza Lima",
            "city": "Sorocaba",
            "state": "SP",
            "zip": "18000100",
            "country": "BR",
        },
        client_ip="203.0.113.7",
        client_user_agent="Mozilla/5.0",
        event_source_url="https://shop.example.com/subscribe/1",
        contents=({"id": "1587", "quantity": Decimal(1), "price": Decimal("500.5"), "title": "Assinatura"},),
    )


@pytest.mark.parametrize("status", ["completed", "paid"])
def test_later_paid_states_are_the_same_sale(status: str) -> None:
    sale = sale_of("guru", changed(TRANSACTION, "status", status))
    assert (sale.gateway_event_id, sale.sale_key) == (f"{ID}:{status}", ID)


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        *[
            (status, "not paid yet")
            for status in ("waiting_payment", "billet_printed", "in_analysis", "in_recovery", "scheduled")
        ],
        *[(status, "not paid") for status in ("canceled", "rejected", "expired")],
        ("dispute", "chargeback: disputed, and not decided yet"),
        *[(status, "not a payment") for status in ("abandoned", "started", "trial")],
    ],
)
def test_other_states(status: str, meaning: str) -> None:
    assert reason_of("guru", changed(TRANSACTION, "status", status)) == f"{meaning}: guru status {status}"


@pytest.mark.parametrize("kind", ["subscription", "eticket", "contract"])
def test_other_webhooks(kind: str) -> None:
    assert reason_of("guru", {"webhook_type": kind, "id": "s"}) == f"not a payment: guru webhook_type {kind}"


def test_a_transaction_of_the_api_is_read_too() -> None:
    assert sale_of("guru", changed(TRANSACTION, "webhook_type", None)) == sale_of("guru", TRANSACTION)


@pytest.mark.parametrize(
    ("code", "number", "expected"),
    [("55", "11999990000", "+5511999990000"), ("+55", "11999990000", "+5511999990000"), (None, "11", "11")],
)
def test_phones(code: object, number: str, expected: str) -> None:
    payload = changed(changed(TRANSACTION, "contact.phone_local_code", code), "contact.phone_number", number)
    assert sale_of("guru", payload).phone == expected
