"""Eduzz: events of the Developer Hub, and the flat invoices before them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from facts.payloads import FBC, FBP, PAID, Payload, changed, reason_of, sale_of

from trackai_pipelines.facts.gateways import READERS
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import MalformedPayload

EVENT = PAID["eduzz"]
FLAT: Payload = {
    "type": "invoice",
    "trans_cod": "98000001",
    "trans_status": "3",
    "trans_value": "50",
    "trans_paid": "51.90",
    "trans_currency": "BRL",
    "trans_paiddate": "20260510",
    "trans_paidtime": "15:34:20",
    "cus_name": "Ana Souza Lima",
    "cus_email": "ana@example.com",
    "cus_cel": "011999990000",
    "cus_address_city": "Sorocaba",
    "cus_address_state": "São Paulo",
    "cus_address_country": "Brasil",
    "cus_address_zip_code": "18000-100",
    "tracker_trk": f"fbc={FBC}",
    "tracker_utm_content": FBP,
    "page_checkout_url": "https://sun.example.com/1?x=1",
    "origin_secret": "s",
}


def test_a_paid_invoice() -> None:
    assert sale_of("eduzz", EVENT) == Sale(
        gateway_event_id="98000001:paid",
        sale_key="98000001",
        order_id="98000001",
        value=Decimal("52.40"),
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
            "country": "BR",
        },
        event_source_url="https://chk.example.com/p",
        contents=({"id": "P1", "price": Decimal("49.9"), "title": "Curso"},),
    )


def test_a_flat_invoice() -> None:
    sale = sale_of("eduzz", FLAT)
    assert (sale.value, sale.currency) == (Decimal("51.90"), "BRL")
    assert sale.occurred_at == datetime(2026, 5, 10, 18, 34, 20, tzinfo=UTC)
    assert (sale.fbc, sale.fbp, sale.phone) == (FBC, FBP, "+5511999990000")
    assert sale.buyer["country"] == "Brasil"
    assert sale.event_source_url == "https://sun.example.com/1"


def test_both_generations_tell_of_one_sale() -> None:
    event, flat = sale_of("eduzz", EVENT), sale_of("eduzz", FLAT)
    assert (event.gateway_event_id, event.sale_key) == (flat.gateway_event_id, flat.sale_key)


def test_the_price_stands_in_for_what_was_paid() -> None:
    assert sale_of("eduzz", changed(EVENT, "data.paid", None)).value == Decimal("49.90")
    assert sale_of("eduzz", changed(FLAT, "trans_paid", "")).value == Decimal(50)


@pytest.mark.parametrize(
    ("event", "meaning"),
    [
        ("ping", "test payment"),
        ("myeduzz.invoice_opened", "not paid yet"),
        ("myeduzz.invoice_waiting_payment", "not paid yet"),
        ("myeduzz.invoice_expired", "not paid"),
        ("myeduzz.invoice_canceled", "not paid"),
        ("myeduzz.invoice_waiting_refund", "refund: asked for, and the money is not back yet"),
        ("myeduzz.contract_created", "not a payment"),
        ("sun.cart_abandonment", "not a payment"),
    ],
)
def test_other_events(event: str, meaning: str) -> None:
    assert reason_of("eduzz", {"id": "z", "event": event, "data": {}}) == f"{meaning}: eduzz event {event}"


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        ("1", "not paid yet"),
        ("4", "not paid"),
        ("6", "refund: asked for, and the money is not back yet"),
        ("9", "not paid"),
        ("10", "not paid"),
        ("11", "not paid yet"),
        ("15", "not paid yet"),
    ],
)
def test_other_states_of_a_flat_invoice(status: str, meaning: str) -> None:
    assert reason_of("eduzz", changed(FLAT, "trans_status", status)) == f"{meaning}: eduzz trans_status {status}"


def test_an_invoice_that_was_returned_meanwhile() -> None:
    assert reason_of("eduzz", changed(EVENT, "data.status", "refunded")) == "refund: eduzz invoice refunded"


def test_what_the_console_sends_is_a_test() -> None:
    assert reason_of("eduzz", changed(FLAT, "cus_email", "webhook@eduzz.com")).startswith("test payment: ")
    assert reason_of("eduzz", {"type": "abandonment"}) == "not a payment: eduzz webhook abandonment"


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("trans_paidtime", "", "trans_paidtime is missing"),
        ("trans_paiddate", "yesterday", "trans_paiddate is not a time"),
        ("trans_currency", None, "trans_currency is missing"),
        ("trans_cod", None, "trans_cod is missing"),
        ("trans_paid", "51,90", "trans_paid is not a number"),
        ("trans_status", None, "trans_status is missing"),
    ],
)
def test_what_a_flat_invoice_lacks(path: str, value: object, problem: str) -> None:
    with pytest.raises(MalformedPayload, match=f"^{problem}"):
        list(READERS["eduzz"](changed(FLAT, path, value)))


def test_a_day_with_its_time_in_one_field() -> None:
    flat = changed(changed(FLAT, "trans_paiddate", "2026-05-10 15:34:20"), "trans_paidtime", None)
    assert sale_of("eduzz", flat).occurred_at == datetime(2026, 5, 10, 18, 34, 20, tzinfo=UTC)
