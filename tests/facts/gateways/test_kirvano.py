"""Kirvano: sales and renewals, with prices written as texts."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from facts.payloads import FBC, FBP, PAID, changed, reason_of, sale_of

from trackai_pipelines.facts.gateways import READERS
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import MalformedPayload

SALE = PAID["kirvano"]


def test_an_approved_sale() -> None:
    assert sale_of("kirvano", SALE) == Sale(
        gateway_event_id="D2RP:SALE_APPROVED",
        sale_key="D2RP",
        order_id="D2RP",
        value=Decimal("1169.80"),
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
            "zip": "18000-100",
        },
        client_ip="203.0.113.7",
        event_source_url="https://pay.example.com/Q8",
        contents=({"id": "p1", "title": "Curso", "price": Decimal("1169.80")},),
    )


def test_a_renewal_is_a_sale_of_its_own_however_it_is_told_of() -> None:
    second = changed(SALE, "plan.charge_number", 2)
    approved, renewed = (
        sale_of("kirvano", changed(second, "event", name)) for name in ("SALE_APPROVED", "SUBSCRIPTION_RENEWED")
    )
    assert approved.sale_key == renewed.sale_key == "D2RP:2"
    assert approved.gateway_event_id != renewed.gateway_event_id
    unnumbered = changed(changed(SALE, "event", "SUBSCRIPTION_RENEWED"), "plan.charge_number", None)
    assert sale_of("kirvano", unnumbered).sale_key == "D2RP:2026-06-10 15:34:20"
    with pytest.raises(MalformedPayload, match=r"^plan.next_charge_date is missing"):
        list(READERS["kirvano"](changed(unnumbered, "plan", None)))


def test_the_first_charge_of_a_subscription_and_a_single_sale() -> None:
    assert sale_of("kirvano", changed(SALE, "plan", None)).sale_key == "D2RP"


@pytest.mark.parametrize(
    ("event", "meaning"),
    [
        ("PIX_GENERATED", "not paid yet"),
        ("BANK_SLIP_GENERATED", "not paid yet"),
        ("PICPAY_GENERATED", "not paid yet"),
        ("PIX_EXPIRED", "not paid"),
        ("BANK_SLIP_EXPIRED", "not paid"),
        ("SALE_REFUSED", "not paid"),
        ("SUBSCRIPTION_CANCELED", "not a payment"),
        ("SUBSCRIPTION_EXPIRED", "not a payment"),
        ("SUBSCRIPTION_OVERDUE", "not a payment"),
        ("ABANDONED_CART", "not a payment"),
    ],
)
def test_other_events(event: str, meaning: str) -> None:
    assert reason_of("kirvano", changed(SALE, "event", event)) == f"{meaning}: kirvano event {event}"


@pytest.mark.parametrize(
    ("status", "meaning"), [("PENDING", "not paid yet"), ("REFUNDED", "refund"), ("CHARGEBACK", "chargeback")]
)
def test_an_approval_whose_sale_is_in_another_state(status: str, meaning: str) -> None:
    assert reason_of("kirvano", changed(SALE, "status", status)) == f"{meaning}: kirvano status {status}"


@pytest.mark.parametrize(
    ("price", "value"),
    [
        ("R$ 169,80", "169.80"),
        ("R$\u00a01.169,80", "1169.80"),
        ("R$1.234.567,05", "1234567.05"),
        ("R$ 1169,80", "1169.80"),
        ("R$ 0,50", "0.50"),
    ],
)
def test_prices(price: str, value: str) -> None:
    assert str(sale_of("kirvano", changed(SALE, "total_price", price)).value) == value


@pytest.mark.parametrize("price", ["169.80", "R$ 169.80", "US$ 10,00", "R$ 1.16,80", "R$ -1,00", "R$ 1,0", 16980, "R$"])
def test_prices_that_may_mean_anything(price: object) -> None:
    with pytest.raises(MalformedPayload, match=r"^total_price is not a price written like"):
        list(READERS["kirvano"](changed(SALE, "total_price", price)))


def test_the_time_falls_back() -> None:
    sale = sale_of("kirvano", changed(SALE, "payment.finished_at", None))
    assert sale.occurred_at == datetime(2026, 5, 10, 18, 30, tzinfo=UTC)
