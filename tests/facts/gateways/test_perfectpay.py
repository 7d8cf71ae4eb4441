"""PerfectPay: sales by their state."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from facts.payloads import FBC, FBP, PAID, changed, reason_of, sale_of

from trackai_pipelines.facts.gateways import READERS
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import MalformedPayload

SALE = PAID["perfectpay"]


def test_an_approved_sale() -> None:
    assert sale_of("perfectpay", SALE) == Sale(
        gateway_event_id="PPCPX1:2",
        sale_key="PPCPX1",
        order_id="PPCPX1",
        value=Decimal("385.00"),
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
            "birth_date": "1990-01-31",
            "city": "Sorocaba",
            "state": "SP",
            "zip": "18000-100",
            "country": "BR",
        },
        contents=({"id": "PPP1", "quantity": Decimal(1), "title": "Curso"},),
    )


def test_a_sale_that_completes_is_the_same_sale() -> None:
    complete = sale_of("perfectpay", changed(SALE, "sale_status_enum", "10"))
    assert (complete.gateway_event_id, complete.sale_key) == ("PPCPX1:10", "PPCPX1")


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        *[(status, "not paid yet") for status in (0, 1, 3, 8, 16)],
        *[(status, "not paid") for status in (5, 6, 11, 13, 15)],
        *[(status, "refund") for status in (18, 19, 20)],
        *[(status, "chargeback: disputed, and not decided yet") for status in (4, 17)],
        (12, "not a payment"),
    ],
)
def test_other_states(status: int, meaning: str) -> None:
    assert reason_of("perfectpay", changed(SALE, "sale_status_enum", status)) == (
        f"{meaning}: perfectpay sale_status_enum {status}"
    )


@pytest.mark.parametrize(("code", "currency"), [(1, "BRL"), ("2", "USD"), (3, "EUR")])
def test_currencies(code: object, currency: str) -> None:
    assert sale_of("perfectpay", changed(SALE, "currency_enum", code)).currency == currency


def test_a_currency_that_is_not_known() -> None:
    with pytest.raises(MalformedPayload, match=r"^currency_enum 7 is not known$"):
        list(READERS["perfectpay"](changed(SALE, "currency_enum", 7)))


def test_a_subscription_s_state_is_no_sale() -> None:
    notice = {name: value for name, value in SALE.items() if name != "sale_amount"} | {"subscription_amount": 197}
    assert reason_of("perfectpay", notice).startswith("not a payment: the state of a perfectpay subscription")


@pytest.mark.parametrize(
    ("area", "number", "country", "expected"),
    [
        ("11", "999990000", "BR", "+5511999990000"),
        ("011", "999990000", None, "+5511999990000"),
        (None, "+351911999990", "PT", "+351911999990"),
        ("", "911999990", "PT", "+351911999990"),
        ("11", None, "BR", None),
        ("", "12", "BR", "12"),
    ],
)
def test_phones(area: object, number: object, country: object, expected: str | None) -> None:
    payload = changed(changed(SALE, "customer.phone_area_code", area), "customer.phone_number", number)
    assert sale_of("perfectpay", changed(payload, "customer.country", country)).phone == expected
