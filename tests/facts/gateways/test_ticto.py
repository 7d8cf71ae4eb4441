"""Ticto: version 2 of its webhooks."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from facts.payloads import FBC, FBP, PAID, changed, reason_of, sale_of

from trackai_pipelines.facts.gateways import READERS
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import MalformedPayload

SALE = PAID["ticto"]


def test_an_authorized_sale() -> None:
    assert sale_of("ticto", SALE) == Sale(
        gateway_event_id="TPC1:authorized",
        sale_key="TPC1",
        order_id="TPC1",
        value=Decimal("39.90"),
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
            "country": "Brasil",
        },
        event_source_url="https://checkout.example.com/O84",
        contents=({"id": "1", "quantity": Decimal(1), "price": Decimal("39.90"), "title": "Curso"},),
    )


def test_a_renewal_keeps_the_order_and_is_a_sale_of_its_own() -> None:
    renewed = changed(changed(SALE, "transaction.hash", "TPC2"), "order.transaction_hash", "TPC2")
    assert sale_of("ticto", renewed).sale_key == sale_of("ticto", renewed).order_id == "TPC2"


def test_the_transaction_may_stand_in_the_order() -> None:
    assert sale_of("ticto", changed(SALE, "transaction", None)) == sale_of("ticto", SALE)
    with pytest.raises(MalformedPayload, match=r"^transaction.hash is missing"):
        list(READERS["ticto"](changed(changed(SALE, "transaction", None), "order.transaction_hash", None)))


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        ("waiting_payment", "not paid yet"),
        ("pix_created", "not paid yet"),
        ("bank_slip_created", "not paid yet"),
        ("bank_slip_delayed", "not paid yet"),
        ("refused", "not paid"),
        ("pix_expired", "not paid"),
        ("claimed", "refund: asked for, and the money is not back yet"),
        ("abandoned_cart", "not a payment"),
        ("trial", "not a payment"),
        ("card_exchanged", "not a payment"),
        ("subscription_canceled", "not a payment"),
        ("all_charges_paid", "not a payment"),
    ],
)
def test_other_states(status: str, meaning: str) -> None:
    assert reason_of("ticto", changed(SALE, "status", status)) == f"{meaning}: ticto status {status}"


def test_another_version_says_so() -> None:
    assert reason_of("ticto", changed(SALE, "version", "1.0")) == "ticto version 1.0 is not known"
    assert sale_of("ticto", changed(SALE, "version", None)).sale_key == "TPC1"


def test_amounts_are_in_cents() -> None:
    assert sale_of("ticto", changed(SALE, "order.paid_amount", "123456")).value == Decimal("1234.56")
    with pytest.raises(MalformedPayload, match=r"^order.paid_amount must be a whole number of minor units"):
        list(READERS["ticto"](changed(SALE, "order.paid_amount", "39.90")))


@pytest.mark.parametrize(
    ("ddi", "ddd", "number", "expected"),
    [
        ("+55", "11", "999990000", "+5511999990000"),
        ("55", "11", "999990000", "+5511999990000"),
        ("+1", "650", "5551212", "+16505551212"),
        (None, "11", "999990000", "11999990000"),
        ("+55", "11", None, None),
    ],
)
def test_phones(ddi: object, ddd: object, number: object, expected: str | None) -> None:
    payload = changed(SALE, "customer.phone", {"ddi": ddi, "ddd": ddd, "number": number})
    assert sale_of("ticto", payload).phone == expected


def test_what_ticto_was_not_told_is_no_key() -> None:
    untracked = changed(SALE, "tracking", dict.fromkeys(("fbc", "fbp", "fbclid", "src"), "Não Informado"))
    sale = sale_of("ticto", changed(untracked, "query_params", []))
    assert (sale.fbclid, sale.fbc, sale.fbp) == (None, None, None)
