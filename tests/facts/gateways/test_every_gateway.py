"""What holds for the readers of all gateways: redelivery, names that nobody knows, and what is kept of a refusal."""

import json
from collections import Counter
from pathlib import Path

import pytest
from facts.payloads import PAID, Payload, changed, reason_of, sale_of

from trackai_pipelines.facts.gateways import READERS
from trackai_pipelines.ingest.masking import masked

GATEWAYS = ("braip", "eduzz", "guru", "kirvano", "monetizze", "paypal", "perfectpay", "ticto", "woocommerce")
# Where each gateway says what has happened, and what its message calls that.
NAMES = [
    ("eduzz", "event", "eduzz event"),
    ("eduzz", "data.status", "eduzz invoice"),
    ("monetizze", "tipoEvento.codigo", "monetizze event"),
    ("perfectpay", "sale_status_enum", "perfectpay sale_status_enum"),
    ("kirvano", "event", "kirvano event"),
    ("kirvano", "status", "kirvano status"),
    ("braip", "type", "braip type"),
    ("braip", "trans_status_code", "braip trans_status_code"),
    ("ticto", "status", "ticto status"),
    ("ticto", "version", "ticto version"),
    ("guru", "webhook_type", "guru webhook_type"),
    ("guru", "status", "guru status"),
    ("woocommerce", "status", "woocommerce status"),
    ("paypal", "event_type", "paypal event"),
]
PERSONAL = (
    *("Ana", "ANA", "Souza", "Lima", "Flores", "Centro", "Apto", "Sorocaba", "Lisboa", "San Jose", "99999", "911999"),
    *("12345678909", "18000", "95131", "1000-100", "6505551212", "1990", "@"),
    # Keys by which a gateway proves who it is.
    *("52a7196c", "51dfd96e", "mLjc", "AqmMaY", "7378fa24"),
)


DOCUMENT = Path(__file__).parents[3] / "docs" / "gateways.md"


def test_every_gateway_is_documented() -> None:
    rows = Counter(
        line.split("|")[1].strip() for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if "|" in line
    )
    assert {gateway: rows[gateway] for gateway in READERS} == dict.fromkeys(READERS, 2)


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_a_sale_that_is_sent_again_is_the_same(gateway: str) -> None:
    first = sale_of(gateway, PAID[gateway])
    again = sale_of(gateway, json.loads(json.dumps(PAID[gateway], default=str)))
    assert (first.gateway_event_id, first.sale_key) == (again.gateway_event_id, again.sale_key)
    assert first.sale_key is not None


@pytest.mark.parametrize(("gateway", "path", "what"), NAMES)
def test_a_name_that_is_not_known_is_not_taken_for_unpaid(gateway: str, path: str, what: str) -> None:
    assert reason_of(gateway, changed(PAID[gateway], path, "777")) == f"{what} 777 is not known"
    assert reason_of(gateway, changed(PAID[gateway], path, "shiny-new")) == f"{what} shiny-new is not known"
    assert reason_of(gateway, changed(PAID[gateway], path, "ana@example.com")) == f"{what} (unreadable) is not known"


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_nothing_personal_is_kept_of_a_refused_payload(gateway: str) -> None:
    kept = json.dumps(masked(PAID[gateway]), ensure_ascii=False)
    assert [personal for personal in PERSONAL if personal in kept] == []


def test_fields_of_persons_are_masked_whatever_their_names() -> None:
    payload: Payload = {
        "cus_name": "Ana",
        "cus_tel2": "999",
        "cus_taxnumber": "123",
        "student_name": "Ana",
        "meta_data": [{"id": 1, "key": "_billing_cpf", "value": "123"}],
        "trans_key": "abc",
    }
    assert masked(payload) == {
        "cus_name": "[name masked]",
        "cus_tel2": "[phone masked]",
        "cus_taxnumber": "[document masked]",
        "student_name": "[name masked]",
        "meta_data": [{"id": 1, "key": "_billing_cpf", "value": "[document masked]"}],
        "trans_key": "abc",
    }
