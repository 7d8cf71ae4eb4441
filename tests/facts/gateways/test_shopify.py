"""Shopify: snapshots of orders, where they happened, their refunds and disputes."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from facts.payloads import PAID, reason_of, sale_of

from trackai_pipelines.facts.gateways import READERS
from trackai_pipelines.facts.refund import Refund
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import NotTaken

ORDER = PAID["shopify"]
TRANSACTION = {"kind": "refund", "status": "success", "amount": "50.00", "currency": "USD"}
REFUND = {"id": 7, "created_at": "2026-05-10T18:34:20Z", "transactions": [TRANSACTION]}


@pytest.mark.parametrize("status", ["paid", "partially_refunded", "refunded"])
def test_an_order_that_was_paid_is_a_sale_of_its_whole_price(status: str) -> None:
    order = ORDER | {"financial_status": status, "current_total_price": "1.00"}
    assert sale_of("shopify", order).value == Decimal("409.94")


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("pending", "not paid yet: shopify order that is pending"),
        ("authorized", "not paid yet: shopify order that is authorized"),
        ("partially_paid", "not paid yet: shopify order that is partially_paid"),
        ("voided", "not paid: shopify order that is voided"),
        ("expired", "not paid: shopify order that is expired"),
        ("shiny", "shopify order that is shiny is not known"),
    ],
)
def test_other_states(status: str, reason: str) -> None:
    assert reason_of("shopify", ORDER | {"financial_status": status}) == reason


@pytest.mark.parametrize(
    "changes",
    [
        {"test": True},
        {"gateway": "bogus"},
        {"payment_gateway_names": ["Bogus Gateway"]},
        {"payment_gateway_names": ["gift_card", "bogus"]},
        {"transactions": [{"test": True}]},
    ],
)
def test_tests(changes: dict[str, Any]) -> None:
    assert reason_of("shopify", ORDER | changes).startswith("test payment: shopify ")


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("web", None),
        (None, None),
        ("580111", None),
        ("pos", "physical_store"),
        ("shopify_draft_order", "other"),
        ("subscription_contract", "system_generated"),
        ("subscription_contract_checkout_one", "system_generated"),
    ],
)
def test_where_an_order_was_made(name: str | None, source: str | None) -> None:
    assert sale_of("shopify", ORDER | {"source_name": name}).action_source == source


PHONE, HOME = "(11) 99999-0000", {"country_code": "BR"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"phone": "+16505551212", "billing_address": {"phone": "1"}}, "+16505551212"),
        ({"phone": None, "customer": {"phone": "+351911999990"}}, "+351911999990"),
        ({"phone": None, "billing_address": HOME | {"phone": PHONE}}, "+5511999990000"),
        ({"phone": None, "customer": {"default_address": HOME | {"phone": PHONE}}}, "+5511999990000"),
        ({"phone": None, "shipping_address": HOME | {"phone": PHONE}}, "+5511999990000"),
        ({"phone": "", "shipping_address": None, "customer": None}, None),
    ],
)
def test_phones(changes: dict[str, Any], expected: str | None) -> None:
    assert sale_of("shopify", ORDER | changes).phone == expected


STATUS_PAGE = "https://loja.example.com/1/orders/abc/authenticate?key=secret"


@pytest.mark.parametrize(
    ("page", "status_page", "expected", "fbclid"),
    [
        ("/p?fbclid=IwAR0x", STATUS_PAGE, "https://loja.example.com/p", "IwAR0x"),
        ("/?fbclid=IwAR0x", STATUS_PAGE, "https://loja.example.com/", "IwAR0x"),
        ("/p?fbclid=IwAR0x", None, None, "IwAR0x"),
        ("/p?fbclid=IwAR0x", "https://[", None, "IwAR0x"),
        ("//evil.example.com/p", STATUS_PAGE, "https://loja.example.com/evil.example.com/p", None),
        ("https://other.example.com/p?a=1", STATUS_PAGE, "https://other.example.com/p", None),
        (None, STATUS_PAGE, None, None),
    ],
)
def test_the_page(page: str | None, status_page: str | None, expected: str | None, fbclid: str | None) -> None:
    sale = sale_of("shopify", ORDER | {"landing_site": page, "order_status_url": status_page})
    assert (sale.event_source_url, sale.fbclid) == (expected, fbclid)


def test_items_and_other_networks() -> None:
    items = [{"product_id": 1, "quantity": 2, "price": "10.00", "title": "Shirt"}, {"sku": "X"}, {"title": "Tip"}, 7]
    sale = sale_of("shopify", ORDER | {"line_items": items, "landing_site": "/?gclid=CjwKCA&ttclid=E.C.P"})
    assert sale.contents == (
        {"id": "1", "quantity": 2, "price": "10.00", "title": "Shirt"},
        {"id": "X", "quantity": None, "price": None, "title": None},
    )
    assert sale.click_ids == {"gclid": "CjwKCA", "ttclid": "E.C.P"}


def test_an_order_tells_its_refunds() -> None:
    failed = TRANSACTION | {"status": "failure"}
    refunds = [REFUND, REFUND | {"id": 8, "transactions": [TRANSACTION, TRANSACTION, failed]}, {"id": 9}]
    sale, first, second, third = READERS["shopify"](
        ORDER | {"financial_status": "partially_refunded", "refunds": refunds}
    )
    assert isinstance(sale, Sale)
    assert first == Refund(
        gateway_event_id="refund:7",
        original_event_id="450789469",
        order_id="450789469",
        value=Decimal(50),
        currency="USD",
        occurred_at=datetime(2026, 5, 10, 18, 34, 20, tzinfo=UTC),
    )
    assert isinstance(second, Refund)
    assert second.value == 100
    assert isinstance(third, NotTaken)
    assert third.reason.startswith("refund: ")


def test_a_refund_by_itself_is_that_of_the_order() -> None:
    (alone,) = READERS["shopify"](REFUND | {"order_id": 450789469})
    _, listed = READERS["shopify"](ORDER | {"refunds": [REFUND]})
    assert alone == listed


DISPUTE = {"id": 3, "order_id": 450789469, "type": "chargeback", "amount": "11.50", "currency": "USD"}
DISPUTE |= {"evidence_due_by": "2026-05-20T00:00:00Z", "finalized_on": "2026-05-10T18:34:20Z"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "needs_response"}, "chargeback: not decided: shopify dispute needs_response"),
        ({"status": "won"}, "not a payment: shopify dispute won"),
        ({"status": "shiny"}, "shopify dispute shiny is not known"),
        ({"status": "lost", "type": "inquiry"}, "refund: asked for, and the money is not back yet: shopify inquiry"),
    ],
)
def test_disputes(changes: dict[str, Any], reason: str) -> None:
    assert reason_of("shopify", DISPUTE | changes) == reason
    (lost,) = READERS["shopify"](DISPUTE | {"status": "lost"})
    assert isinstance(lost, Refund)
    assert (lost.kind, lost.value, lost.gateway_event_id) == ("chargeback", Decimal("11.50"), "dispute:3")
