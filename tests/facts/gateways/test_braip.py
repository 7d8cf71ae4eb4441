"""Braip: changes of a sale's state, with amounts in cents."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from facts.payloads import FBC, FBP, PAID, changed, reason_of, sale_of

from trackai_pipelines.facts.gateways import READERS
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import MalformedPayload

SALE = PAID["braip"]


def test_an_approved_sale() -> None:
    assert sale_of("braip", SALE) == Sale(
        gateway_event_id="ven9po:STATUS_ALTERADO",
        sale_key="ven9po",
        order_id="ven9po",
        value=Decimal("237.90"),
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
    )


def test_both_types_of_one_sale_share_its_key() -> None:
    complete = sale_of("braip", changed(SALE, "type", "VENDA_COMPLETA"))
    assert (complete.gateway_event_id, complete.sale_key) == ("ven9po:VENDA_COMPLETA", "ven9po")


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        *[(status, "not paid yet") for status in (1, 6, 8, 9, 10)],
        (3, "not paid"),
        (7, "refund: asked for, and the money is not back yet"),
    ],
)
def test_other_states(status: int, meaning: str) -> None:
    assert reason_of("braip", changed(SALE, "trans_status_code", status)) == (
        f"{meaning}: braip trans_status_code {status}"
    )


def test_other_types() -> None:
    assert reason_of("braip", {"type": "ABANDONO"}) == "not a payment: braip type ABANDONO"
    assert reason_of("braip", {"type": "BOLETO_ALTERADO"}) == "not paid yet: braip type BOLETO_ALTERADO"


def test_the_value_falls_back_and_is_in_whole_cents() -> None:
    assert sale_of("braip", changed(SALE, "trans_total_value", None)).value == Decimal("197.90")
    with pytest.raises(MalformedPayload, match=r"^trans_total_value must be a whole number of minor units"):
        list(READERS["braip"](changed(SALE, "trans_total_value", "237.90")))


@pytest.mark.parametrize(
    ("paid", "expected"),
    [
        ("2026-05-10 15:00:00", datetime(2026, 5, 10, 18, tzinfo=UTC)),
        # Of the day alone nothing is made up: the state changed with the payment.
        ("2026-05-10", datetime(2026, 5, 10, 18, 34, 20, tzinfo=UTC)),
    ],
)
def test_the_time_of_the_payment(paid: str, expected: datetime) -> None:
    assert sale_of("braip", changed(SALE, "trans_payment_date", paid)).occurred_at == expected


def test_a_phone_from_abroad() -> None:
    payload = changed(changed(SALE, "client_cel", "351 911999990"), "client_address_country", "PT")
    assert sale_of("braip", payload).phone == "+351911999990"
