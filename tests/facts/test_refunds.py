"""Refunds and chargebacks: what a row may be, how a gateway's event becomes one, and that each finds its sale."""

import json
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from facts.payloads import PAID, changed, reason_of, refund_of
from ingest.landing_zone import counts, load_all, sale_record, write_jsonl
from psycopg import Connection

from trackai_pipelines.database import locks
from trackai_pipelines.database.statements import statement
from trackai_pipelines.facts.landing import records_of
from trackai_pipelines.facts.refund import Refund
from trackai_pipelines.facts.refund_rows import RefundRecord, refund_row
from trackai_pipelines.ingest.context import Context, Owner, owners_by_name
from trackai_pipelines.ingest.outcomes import MalformedPayload, Refused

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)

Links = dict[str, str | None]


def refund_record(number: int | str, **changes: Any) -> dict[str, Any]:
    """A refund of acme as an app writes it, with changes."""
    return {
        "tenant": "acme",
        "gateway": "stripe",
        "gateway_event_id": f"re_{number}",
        "value": "4.50",
        "currency": "BRL",
        "occurred_at": "2026-03-02T12:00:00Z",
    } | changes


def links(connection: Connection) -> Links:
    """The event of each refund's sale, by the refund's id."""
    rows = connection.execute(
        "SELECT r.gateway_event_id, c.gateway_event_id FROM trackai.refunds r "
        "LEFT JOIN trackai.conversions c ON c.tenant_id = r.tenant_id AND c.id = r.conversion_id"
    ).fetchall()
    return dict(rows)


def reasons(connection: Connection) -> list[str]:
    return [reason for (reason,) in connection.execute("SELECT reason FROM trackai.ingest_rejects ORDER BY line")]


def test_a_row_of_a_file(database_url: str, connection: Connection, landing: Path) -> None:
    path = write_jsonl(
        landing / "refunds.jsonl",
        refund_record(1, order_id=17, sale_key="s", original_event_id="evt_1", created_at="1999-01-01"),
        refund_record(2, order_id="17", kind=" Chargeback", currency="brl", value=4.5),
        refund_record(1, order_id=17, sale_key="s", original_event_id="evt_1"),
    )
    assert counts(load_all(database_url, landing)[0]) == (2, 1, 0)
    assert counts(load_all(database_url, landing, path)[0]) == (0, 3, 0)
    rows = connection.execute(
        "SELECT tenant_id, gateway, gateway_event_id, original_event_id, sale_key, order_id, kind, value, currency, "
        "occurred_at, conversion_id, created_at > '2020-01-01' FROM trackai.refunds ORDER BY gateway_event_id"
    ).fetchall()
    common = (Decimal("4.5"), "BRL", datetime(2026, 3, 2, 12, tzinfo=UTC), None, True)
    assert rows == [
        ("t-acme", "stripe", "re_1", "evt_1", "s", "17", "refund", *common),
        ("t-acme", "stripe", "re_2", None, None, "17", "chargeback", *common),
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "the sale is not named: expected one of original_event_id, sale_key, order_id"),
        ({"order_id": " "}, "the sale is not named"),
        ({"order_id": "1", "gateway": ""}, "gateway is missing; it tells refunds apart"),
        ({"order_id": "1", "gateway_event_id": ""}, "gateway_event_id is missing; it tells refunds apart"),
        ({"order_id": "1", "value": ""}, "value is missing; expected the amount that went back"),
        ({"order_id": "1", "value": 0}, "value is 0; expected the amount that went back, above 0"),
        ({"order_id": "1", "value": "0.00000001"}, "value is 0; expected"),
        ({"order_id": "1", "value": -4.5}, "value is negative; expected 0 to 10^12"),
        ({"order_id": "1", "kind": "dispute"}, "kind 'dispute' is not one of refund, chargeback"),
        ({"order_id": "1", "currency": "reais"}, "currency 'REAIS' is not an ISO 4217 code"),
        ({"order_id": "1", "occurred_at": ""}, "occurred_at is missing; expected the time of the refund"),
        ({"order_id": "1", "occurred_at": "2999-01-01"}, "occurred_at"),
        ({"order_id": "1", "tenant": "nobody"}, "tenant 'nobody' is not known"),
    ],
)
def test_what_is_no_refund_says_why(
    database_url: str, connection: Connection, landing: Path, changes: dict[str, Any], reason: str
) -> None:
    write_jsonl(landing / "refunds.jsonl", refund_record(1, **changes))
    assert counts(load_all(database_url, landing)[0]) == (0, 0, 1)
    (said,) = reasons(connection)
    assert said.startswith(reason)


HOTMART = PAID["hotmart"]


def hotmart(event: str, event_id: str = "r-1", **changes: Any) -> dict[str, Any]:
    payload = deepcopy(HOTMART) | {"id": event_id, "event": event}
    payload["data"]["purchase"] |= changes  # type: ignore[index]
    return payload


@pytest.mark.parametrize(("event", "kind"), [("PURCHASE_REFUNDED", "refund"), ("PURCHASE_CHARGEBACK", "chargeback")])
def test_a_refund_of_hotmart_is_of_all_the_sale(event: str, kind: Any) -> None:
    assert refund_of("hotmart", hotmart(event)) == Refund(
        gateway_event_id="r-1",
        sale_key="HP001",
        order_id="HP001",
        kind=kind,
        value=Decimal("149.50"),
        currency="BRL",
        # When it went back, not when the sale was approved.
        occurred_at=datetime(2025, 11, 15, 23, 2, 25, 737000, tzinfo=UTC),
    )


@pytest.mark.parametrize("path", ["id", "creation_date", "data.purchase.transaction", "data.purchase.price.value"])
def test_what_a_refund_of_hotmart_lacks_is_named(path: str) -> None:
    with pytest.raises(MalformedPayload, match=f"^{path} "):
        refund_of("hotmart", changed(hotmart("PURCHASE_REFUNDED"), path, None))


def test_what_moved_no_money_for_good_is_no_refund() -> None:
    assert reason_of("hotmart", hotmart("PURCHASE_PROTEST")).startswith("refund: asked for")
    partly = hotmart("PURCHASE_REFUNDED", status="PARTIALLY_REFUNDED")
    assert reason_of("hotmart", partly).startswith("refund: of a part of the sale, and how much is not stated")


@pytest.mark.parametrize("taken", [False, True])
def test_a_refund_of_a_test_payment_is_its_tenants_to_take(taken: bool) -> None:
    refund = Refund(
        gateway_event_id="re_1", sale_key="s", value=Decimal(1), currency="BRL", occurred_at=NOW, test="livemode is no"
    )
    (record,) = records_of(lambda _: iter([refund]), "stripe", {})
    assert isinstance(record, RefundRecord)
    owner = Owner("t-acme", "acme", None, take_test_payments=taken)
    context = Context(owners_by_name([owner]), "acme", NOW)
    if taken:
        assert refund_row(record, context)[:3] == ("t-acme", "stripe", "re_1")
    else:
        with pytest.raises(Refused, match="test payment: livemode is no"):
            refund_row(record, context)


def _webhooks(landing: Path, name: str, *payloads: dict[str, Any]) -> Path:
    path = landing / "acme" / "webhooks" / "hotmart" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(payloads, default=float), encoding="utf-8")
    return path


@pytest.mark.parametrize("sale_first", [True, False])
@pytest.mark.parametrize("files", [1, 2])
def test_sale_and_refund_of_a_gateway_in_any_order(
    database_url: str, connection: Connection, landing: Path, sale_first: bool, files: int
) -> None:
    sale = hotmart("PURCHASE_APPROVED", "e-1")
    back = [hotmart("PURCHASE_PROTEST", "p-1"), hotmart("PURCHASE_REFUNDED"), hotmart("PURCHASE_REFUNDED")]
    payloads = [sale, *back] if sale_first else [*back, sale]
    if files == 1:
        _webhooks(landing, "all.json", *payloads)
    else:
        _webhooks(landing, "1.json", *payloads[:2])
        _webhooks(landing, "2.json", *payloads[2:])
    reports = load_all(database_url, landing)
    assert sum(report.accepted for report in reports) == 2
    assert sum(report.duplicates for report in reports) == 1
    assert links(connection) == {"r-1": "e-1"}
    (reason,) = reasons(connection)
    assert reason.startswith("refund: asked for")
    sent = connection.execute("SELECT count(*) FROM trackai.match_queue").fetchone()
    assert sent == (1,)


def test_the_event_goes_before_the_sale_and_the_sale_before_the_order(
    database_url: str, connection: Connection, landing: Path
) -> None:
    write_jsonl(
        landing / "refunds.jsonl",
        refund_record("all", original_event_id="evt_3", sale_key="s2", order_id="o1"),
        refund_record("sale", original_event_id="evt_9", sale_key="s2", order_id="o1"),
        refund_record("order", original_event_id="evt_9", sale_key="s9", order_id="o1"),
        refund_record("key", order_id="s4"),
        refund_record("other gateway", gateway="paypal", order_id="o1"),
        refund_record("other tenant", tenant="globex", order_id="o1"),
    )
    load_all(database_url, landing)
    write_jsonl(landing / "conversions_1.jsonl", sale_record(1, order_id="o1"))
    load_all(database_url, landing, landing / "conversions_1.jsonl")
    nothing: Links = {"key": None, "other gateway": None, "other tenant": None}
    expected = {"all": "evt_1", "sale": "evt_1", "order": "evt_1"} | nothing
    assert links(connection) == {f"re_{name}": event for name, event in expected.items()}
    write_jsonl(
        landing / "conversions_2.jsonl",
        sale_record(2, order_id="o2", sale_key="s2"),
        sale_record(3, order_id="o1"),
        sale_record(4, order_id="s4", sale_key="s4"),
    )
    load_all(database_url, landing, landing / "conversions_2.jsonl")
    # Two sales have the order now: it says nothing any more.
    expected = nothing | {"all": "evt_3", "sale": "evt_2", "order": None, "key": "evt_4"}
    assert links(connection) == {f"re_{name}": event for name, event in expected.items()}


def test_a_sale_that_is_deleted_takes_no_refund_along(database_url: str, connection: Connection, landing: Path) -> None:
    write_jsonl(landing / "conversions.jsonl", sale_record(1))
    write_jsonl(landing / "refunds.jsonl", refund_record(1, original_event_id="evt_1"))
    load_all(database_url, landing)
    assert links(connection) == {"re_1": "evt_1"}
    connection.execute("DELETE FROM trackai.conversions")
    assert links(connection) == {"re_1": None}
    load_all(database_url, landing, landing / "conversions.jsonl")
    assert links(connection) == {"re_1": "evt_1"}


def test_the_lock_is_the_one_of_the_register() -> None:
    for name in ("facts/lock_links_of_sales", "facts/lock_links_of_refunds"):
        assert str(locks.REFUND_LINKS) in str(statement(name))
