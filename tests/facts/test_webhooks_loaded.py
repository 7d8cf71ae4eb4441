"""Webhooks go into the database: each payload is one conversion, or is kept with its reason; in any order."""

import json
import random
import shutil
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from ingest.landing_zone import business_rows, counts, load_all
from psycopg import Connection, sql

FIXTURES = Path(__file__).parent / "fixtures"
# Where a checkout of the shared data stands beside the repository, gateways' own samples.
SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "webhooks"


def _write(landing: Path, gateway: str, name: str, payloads: list[dict[str, Any]]) -> Path:
    path = landing / "acme" / "webhooks" / gateway / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(payloads), encoding="utf-8")
    return path


def _paid(gateway: str) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads((FIXTURES / f"{gateway}.json").read_text(encoding="utf-8"))
    return payload


def _hotmart(event_id: str, event: str, transaction: str = "HP1") -> dict[str, Any]:
    payload = _paid("hotmart") | {"id": event_id, "event": event}
    payload["data"]["purchase"]["transaction"] = transaction
    return payload


def _counts(connection: Connection) -> tuple[int, int]:
    found = connection.execute(
        "SELECT (SELECT count(*) FROM trackai.conversions), (SELECT count(*) FROM trackai.ingest_rejects)"
    ).fetchone()
    assert found is not None
    return found[0], found[1]


def _refunds(connection: Connection) -> int:
    found = connection.execute("SELECT count(*) FROM trackai.refunds").fetchone()
    assert found is not None
    return int(found[0])


def test_every_gateway_s_paid_sale_is_one_conversion(database_url: str, connection: Connection, landing: Path) -> None:
    gateways = sorted(path.stem for path in FIXTURES.glob("*.json"))
    for gateway in gateways:
        _write(landing, gateway, "paid.json", [_paid(gateway)])
    reports = load_all(database_url, landing)
    assert [counts(report) for report in reports] == [(1, 0, 0)] * len(gateways)
    found = connection.execute("SELECT DISTINCT gateway FROM trackai.conversions ORDER BY 1").fetchall()
    assert [gateway for (gateway,) in found] == gateways


def test_a_sale_that_carries_the_id_of_a_click_takes_its_keys(
    database_url: str, connection: Connection, landing: Path
) -> None:
    """Sellers hand on the id that their own page gave to the click, in whatever field the checkout lets through."""
    clicks = [
        {"tenant": "acme", "external_id": "click_0001", "fbclid": "IwAR0one"},
        {"tenant": "acme", "external_id": "click_0002", "fbc": "fb.1.1700000000000.IwAR0two", "fbp": "fb.1.17.2"},
        {"tenant": "acme", "external_id": "click_0003"},
        {"tenant": "globex", "external_id": "click_0004", "fbclid": "IwAR0four"},
        {"tenant": "acme", "external_id": "7", "fbclid": "IwAR0seven"},
    ]
    (landing / "clicks.jsonl").write_text("\n".join(map(json.dumps, clicks)), encoding="utf-8")
    carriers: list[dict[str, Any]] = [
        {"src": "click_0001"},
        {"sck": "cid%3Dclick_0002", "s1": "click_0001"},
        {"src": "click_0003", "s2": "click_0001"},
        {"src": "click_0004"},
        {"src": "7"},
        {"src": "click_0001", "s1": "fbclid=IwAR0own"},
        {"src": "nobody_0009", "s2": "click_0002"},
    ]
    payloads = []
    for number, carrier in enumerate(carriers):
        payload = _paid("kiwify")
        payload["TrackingParameters"] = carrier
        payload["order_id"] = f"o-{number}"
        payloads.append(payload)
    _write(landing, "kiwify", "paid.json", payloads)
    load_all(database_url, landing)
    found = connection.execute("SELECT fbclid, fbc, fbp FROM trackai.conversions ORDER BY order_id").fetchall()
    two = (None, "fb.1.1700000000000.IwAR0two", "fb.1.17.2")
    one, none = ("IwAR0one", None, None), (None, None, None)
    assert found == [one, two, none, none, none, ("IwAR0own", None, None), two]


@pytest.mark.parametrize("events", [("approved", "complete"), ("complete", "approved")])
def test_second_paid_event_of_a_sale_is_kept_with_its_reason(
    database_url: str, connection: Connection, landing: Path, events: tuple[str, str]
) -> None:
    for place, event in enumerate(events):
        _write(landing, "hotmart", f"{place}.json", [_hotmart(event, f"PURCHASE_{event.upper()}")])
    first, second = load_all(database_url, landing)
    assert counts(first) == (1, 0, 0)
    assert counts(second) == (0, 0, 1)
    assert connection.execute("SELECT gateway_event_id, order_id FROM trackai.conversions").fetchall() == [
        (events[0], "HP1")
    ]
    assert connection.execute("SELECT reason, tenant_id, payload ->> 'id' FROM trackai.ingest_rejects").fetchall() == [
        (f"the sale HP1 is counted already, by event {events[0]}", "t-acme", events[1])
    ]
    load_all(database_url, landing)
    assert _counts(connection) == (1, 1)


def test_both_paid_events_of_a_sale_in_one_file(database_url: str, connection: Connection, landing: Path) -> None:
    payloads = [
        _hotmart("2-complete", "PURCHASE_COMPLETE"),
        _hotmart("1-approved", "PURCHASE_APPROVED"),
        _hotmart("other", "PURCHASE_APPROVED", "HP2"),
        _hotmart("1-approved", "PURCHASE_APPROVED"),
    ]
    _write(landing, "hotmart", "all.json", payloads)
    (report,) = load_all(database_url, landing)
    assert counts(report) == (2, 1, 1)
    assert connection.execute("SELECT reason FROM trackai.ingest_rejects").fetchall() == [
        ("the sale HP1 is counted already, by event 1-approved",)
    ]


def test_a_payment_is_one_conversion_in_whichever_messages_it_comes(
    database_url: str, connection: Connection, landing: Path
) -> None:
    """PayPal's order, its capture, and the older message about it; Monetizze's sale, paid and complete, in forms."""
    capture = {
        "id": "3C67",
        "amount": {"value": "10.99", "currency_code": "USD"},
        "create_time": "2026-05-10T18:34:20Z",
    }
    event = {"id": "WH-2", "event_type": "PAYMENT.CAPTURE.COMPLETED", "resource": capture}
    _write(landing, "paypal", "a.json", [_paid("paypal"), event])
    message = {
        "txn_type": "web_accept",
        "payment_status": "Completed",
        "txn_id": "3C67",
        "mc_gross": "10.99",
        "mc_currency": "USD",
        "payment_date": "11:34:20 May 10, 2026 PDT",
    }
    (landing / "acme" / "webhooks" / "paypal" / "b.form").write_text(urlencode(message))
    forms = landing / "acme" / "webhooks" / "monetizze" / "all.jsonl"
    forms.parent.mkdir()
    fields = {
        f"{folder}[{name}]": value
        for folder, inside in _paid("monetizze").items()
        if isinstance(inside, dict)
        for name, value in inside.items()
    }
    trial = fields | {"produto[nome]": "X-Wing", "venda[codigo]": "1"}
    events = [fields, fields | {"tipoEvento[codigo]": "6"}, trial, fields | {"tipoEvento[codigo]": "4"}]
    forms.write_text("\n".join(urlencode(event) for event in events))
    for _ in range(2):
        load_all(database_url, landing)
        sales = connection.execute("SELECT gateway, gateway_event_id, value FROM trackai.conversions ORDER BY 1")
        assert sales.fetchall() == [
            ("monetizze", "M7001:2", Decimal("197.0000")),
            ("paypal", "WH-1", Decimal("10.9900")),
        ]
        reasons = connection.execute("SELECT reason FROM trackai.ingest_rejects ORDER BY 1").fetchall()
        assert [reason for (reason,) in reasons] == [
            "test payment: the product X-Wing of Monetizze's test button",
            "the sale 3C67 is counted already, by event WH-1",
            "the sale 3C67 is counted already, by event WH-1",
            "the sale M7001 is counted already, by event M7001:2",
        ]
        assert _refunds(connection) == 1


def test_a_test_payment_is_a_sale_only_where_its_tenant_takes_them(
    database_url: str, connection: Connection, landing: Path
) -> None:
    trial = _paid("monetizze") | {"produto": {"nome": "X-Wing"}}
    incomplete = trial | {"venda": {"codigo": "M1"}}
    for tenant in ("acme", "globex"):
        for place, payload in enumerate((_paid("monetizze"), trial, incomplete)):
            path = landing / tenant / "webhooks" / "monetizze" / f"{place}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            payload["venda"] = payload["venda"] | {"codigo": f"M{place}"}
            path.write_text(json.dumps(payload))
    connection.execute("UPDATE trackai.tenants SET take_test_payments = true WHERE slug = 'globex'")
    connection.commit()
    load_all(database_url, landing)
    taken = connection.execute("SELECT tenant_id, order_id FROM trackai.conversions ORDER BY 1, 2").fetchall()
    assert taken == [("t-acme", "M0"), ("t-globex", "M0"), ("t-globex", "M1")]
    reason = "test payment: the product X-Wing of Monetizze's test button"
    unreadable = f"{reason}; venda.valor is missing"
    assert connection.execute("SELECT tenant_id, reason FROM trackai.ingest_rejects ORDER BY 1, 2").fetchall() == [
        ("t-acme", reason),
        ("t-acme", unreadable),
        ("t-globex", unreadable),
    ]
    # A tenant that changes its mind loads the files again.
    connection.execute("UPDATE trackai.tenants SET take_test_payments = true")
    connection.commit()
    load_all(database_url, landing)
    assert connection.execute("SELECT count(*) FROM trackai.conversions WHERE tenant_id = 't-acme'").fetchone() == (2,)


def test_webhooks_loaded_thrice_in_any_order_at_once_are_there_once(
    database_url: str, connection: Connection, landing: Path
) -> None:
    paths = []
    for number in range(40):
        events = [_hotmart(f"{number}-1", "PURCHASE_APPROVED", f"HP{number}")]
        events += [
            _hotmart(f"{number}-{state}", f"PURCHASE_{state}", f"HP{number}") for state in ("EXPIRED", "COMPLETE")
        ]
        paths.append(_write(landing, "hotmart", f"{number}.json", events))
        paths.append(_write(landing, "kiwify", f"{number}.json", [_paid("kiwify") | {"order_id": f"K{number % 9}"}]))
    load_all(database_url, landing)
    tables = ("conversions", "ingest_rejects")
    expected = {table: business_rows(connection, table) for table in tables}
    assert _counts(connection) == (40 + 9, 80)
    for table in (*tables, "ingest_files"):
        connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(sql.Identifier("trackai", table)))

    def load_thrice(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(3):
            load_all(database_url, landing, *chance.sample(paths, len(paths)))

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(load_thrice, seed) for seed in range(2)]:
            future.result()
    assert {table: business_rows(connection, table) for table in tables} == expected


def test_shared_samples_are_accounted_for_payload_by_payload(
    database_url: str, connection: Connection, landing: Path
) -> None:
    """Every payload of gateways' own samples is a sale, a refund or a reject; without the samples, of our fixtures."""
    shutil.copytree(SAMPLES if SAMPLES.is_dir() else FIXTURES, landing / "acme" / "webhooks", dirs_exist_ok=True)
    if not SAMPLES.is_dir():
        for path in (landing / "acme" / "webhooks").glob("*.json"):
            _write(landing, path.stem, path.name, [json.loads(path.read_text(encoding="utf-8"))])
            path.unlink()
    payloads = [
        payload
        for path in (landing / "acme" / "webhooks").rglob("*.json")
        for read in [json.loads(path.read_text(encoding="utf-8"))]
        for payload in (read if isinstance(read, list) else [read])
    ]
    for _ in range(2):
        load_all(database_url, landing)
        assert sum(_counts(connection)) + _refunds(connection) == len(payloads)
    addresses = connection.execute(
        "SELECT count(*) FROM trackai.ingest_rejects WHERE payload::text LIKE '%@%'"
    ).fetchone()
    assert addresses == (0,)
