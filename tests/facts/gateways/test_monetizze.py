"""Monetizze: postbacks in a form or in JSON."""

from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from facts.payloads import FBC, FBP, PAID, changed, reason_of, refund_of, sale_of

from trackai_pipelines.facts.gateways import READERS
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.forms import form_value
from trackai_pipelines.ingest.outcomes import MalformedPayload

POSTBACK = PAID["monetizze"]
EXPECTED = Sale(
    gateway_event_id="M7001:2",
    sale_key="M7001",
    order_id="M7001",
    value=Decimal("197.00"),
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
    client_ip="203.0.113.7",
    client_user_agent="Mozilla/5.0",
    contents=({"id": "900", "title": "Curso"},),
)


def test_a_paid_sale() -> None:
    assert sale_of("monetizze", POSTBACK) == EXPECTED


@pytest.mark.parametrize("name", ["{}[{}]", "{}.{}"])
def test_a_form_is_read_like_json(name: str) -> None:
    fields = {
        name.format(folder, field): value
        for folder, inside in POSTBACK.items()
        if isinstance(inside, dict)
        for field, value in inside.items()
    }
    assert sale_of("monetizze", form_value(urlencode(fields).encode())) == EXPECTED


def test_a_sale_that_completes_is_the_same_sale() -> None:
    complete = sale_of("monetizze", changed(POSTBACK, "tipoEvento.codigo", 6))
    assert (complete.gateway_event_id, complete.sale_key) == ("M7001:6", "M7001")


@pytest.mark.parametrize(
    ("event", "meaning"),
    [
        ("1", "not paid yet"),
        ("3", "not paid"),
        ("5", "chargeback: disputed, and not decided yet"),
        *[
            (event, "not a payment")
            for event in ("7", "8", "98", "99", "101", "102", "103", "104", "105", "106", "120")
        ],
    ],
)
def test_other_events(event: str, meaning: str) -> None:
    assert reason_of("monetizze", changed(POSTBACK, "tipoEvento.codigo", event)) == (
        f"{meaning}: monetizze event {event}"
    )


def test_a_postback_without_the_event_s_code() -> None:
    old = {name: inside for name, inside in POSTBACK.items() if name != "tipoEvento"}
    assert sale_of("monetizze", old) == EXPECTED
    assert refund_of("monetizze", changed(old, "venda.status", "Devolvida")).sale_key == EXPECTED.sale_key
    assert reason_of("monetizze", changed(old, "venda.status", "Nova")) == "monetizze event Nova is not known"
    with pytest.raises(MalformedPayload, match=r"^tipoEvento.codigo is missing"):
        list(READERS["monetizze"]({"event": "x"}))


def test_the_test_button() -> None:
    assert reason_of("monetizze", changed(POSTBACK, "produto.nome", "X-Wing")).startswith("test payment: ")
