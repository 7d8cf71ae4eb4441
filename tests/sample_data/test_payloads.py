"""The sample's payloads: the product's readers find in them what the independent reading finds."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from sample_data.answers import END, browser_key, click_key
from sample_data.payloads import READINGS, Report, report_of

from trackai_pipelines.facts.gateways import READERS
from trackai_pipelines.facts.refund import Refund
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.forms import form_value
from trackai_pipelines.ingest.outcomes import NotTaken
from trackai_pipelines.sample_data.generate import generate

FORMS = {"eduzz", "monetizze", "paypal"}


@pytest.fixture(scope="module")
def bodies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[bytes]]:
    """Every body of the sample's webhooks that is whole, by gateway."""
    landing = tmp_path_factory.mktemp("payloads") / "landing"
    generate(landing, conversions=3_000, days=3, end=END)
    found: dict[str, list[bytes]] = {gateway: [] for gateway in READINGS}
    for path in sorted(landing.glob("*/webhooks/*/*")):
        if path.suffix == ".json":
            lines = [json.dumps(payload).encode() for payload in json.loads(path.read_bytes())]
        else:
            lines = path.read_bytes().splitlines()
        # The cut-off lines of the sample have 60 characters.
        found[path.parent.name] += [line for line in lines if len(line) > 60]
    return found


def reading_of(gateway: str, body: bytes) -> Report:
    fields: dict[str, Any] = json.loads(body) if body[:1] == b"{" else dict(parse_qsl(body.decode(), True))
    return report_of(gateway, fields)


def read(gateway: str, body: bytes) -> list[Sale | Refund | NotTaken]:
    payload = json.loads(body, parse_float=Decimal) if body[:1] == b"{" else form_value(body)
    return list(READERS[gateway](payload))


@pytest.mark.parametrize("gateway", READINGS)
def test_the_reader_finds_what_the_payload_reports(bodies: dict[str, list[bytes]], gateway: str) -> None:
    kinds = set()
    for body in bodies[gateway]:
        report, found = reading_of(gateway, body), read(gateway, body)
        sales = [one for one in found if isinstance(one, Sale)]
        refunds = [one for one in found if isinstance(one, Refund)]
        assert [sale.gateway_event_id for sale in sales] == ([report.sale["gateway_event_id"]] if report.sale else [])
        for sale in sales:
            told = report.sale
            assert told is not None
            assert (sale.order_id, sale.value, sale.currency) == (told["order_id"], told["value"], told["currency"])
            assert (sale.occurred_at, sale.email, sale.test) == (told["occurred_at"], told["email"].strip(), None)
            keys = {"fbclid": sale.fbclid, "fbc": sale.fbc, "fbp": sale.fbp}
            # In a field without a name, a browser's id that ends in a word passes for a click's cookie.
            assert click_key(keys) == click_key(told) or (click_key(keys), click_key(told)) == ("none", None)
            assert browser_key(keys) == browser_key(told)
            assert sale.phone is not None
        assert [refund.value for refund in refunds] == [value for _, value in report.back.values()]
        assert all(refund.test is None for refund in refunds)
        for refund, (order, _) in zip(refunds, report.back.values(), strict=True):
            assert refund.order_id == order or (report.sale and refund.sale_key == report.sale["gateway_event_id"])
            assert refund.occurred_at <= END.astimezone(UTC)
        neither = [one.reason for one in found if isinstance(one, NotTaken)]
        assert len(neither) == (not report.sale and not report.back)
        assert not any("not known" in reason or "test payment" in reason for reason in neither)
        kinds |= {type(one) for one in found}
    assert kinds == ({Sale, NotTaken} if gateway == "stripe" else {Sale, Refund, NotTaken})


def test_forms_come_from_the_gateways_that_send_them(bodies: dict[str, list[bytes]]) -> None:
    forms = {gateway: {body[:1] != b"{" for body in found} for gateway, found in bodies.items()}
    assert {gateway for gateway, found in forms.items() if True in found} == FORMS
    assert {gateway for gateway, found in forms.items() if found == {True}} == {"monetizze"}


def test_winter_and_summer_of_paypals_clock(tmp_path: Path) -> None:
    for zone, end in (("PST", datetime(2026, 1, 20, tzinfo=UTC)), ("PDT", datetime(2026, 7, 20, tzinfo=UTC))):
        landing = tmp_path / zone / "landing"
        generate(landing, conversions=3_000, days=2, end=end)
        messages = [
            line for path in landing.glob("*/webhooks/paypal/*.form") for line in path.read_bytes().splitlines()
        ]
        times = {fields["payment_date"] for fields in (dict(parse_qsl(line.decode())) for line in messages)
                 if "txn_id" in fields}  # fmt: skip
        assert times
        assert {time.rpartition(" ")[2] for time in times} == {zone}
        for line in messages:
            if b"txn_id" in line:
                told = reading_of("paypal", line).sale
                (sale,) = read("paypal", line)
                assert isinstance(sale, Sale)
                assert told is not None
                assert sale.occurred_at == told["occurred_at"] < end
