"""Mercado Pago: payments, orders of the Orders API, money that moves, refunds."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from facts.payloads import PAID, Payload, reason_of, sale_of

from trackai_pipelines.facts.gateways import READERS
from trackai_pipelines.facts.refund import Refund, RefundKind
from trackai_pipelines.facts.sale import Sale

PAYMENT = PAID["mercadopago"]
ORDER: Payload = {
    "id": "ORD01J",
    "type": "online",
    "status": "processed",
    "status_detail": "accredited",
    "external_reference": "pedido-80",
    "total_amount": "129.90",
    "total_paid_amount": "129.90",
    "country_code": "BRA",
    "created_date": "2026-05-10T18:00:00Z",
    "last_updated_date": "2026-05-10T18:34:20Z",
    "payer": {"email": "ana@example.com"},
    "transactions": {"payments": [{"id": "PAY01J", "status": "processed", "amount": "129.90"}]},
    "items": [{"external_code": "c1", "title": "Course", "quantity": 1, "unit_price": "129.90"}],
}


@pytest.mark.parametrize("reference", [None, "", "curso-violao", "ana@example.com", 7])
def test_the_payment_is_the_order(reference: object) -> None:
    assert sale_of("mercadopago", PAYMENT | {"external_reference": reference}).order_id == "1304123923"


@pytest.mark.parametrize(
    ("operation", "source"),
    [
        (None, None),
        ("regular_payment", None),
        ("recurring_payment", "system_generated"),
        ("pos_payment", "physical_store"),
    ],
)
def test_purchases(operation: str | None, source: str | None) -> None:
    assert sale_of("mercadopago", PAYMENT | {"operation_type": operation}).action_source == source


def test_where_a_payment_was_made() -> None:
    till = PAYMENT | {"operation_type": "regular_payment", "point_of_interaction": {"type": "POINT"}}
    assert sale_of("mercadopago", till).action_source == "physical_store"
    first = {"transaction_data": {"subscription_sequence": {"number": 1}}}
    began = PAYMENT | {"operation_type": "recurring_payment", "point_of_interaction": first}
    assert sale_of("mercadopago", began).action_source is None


@pytest.mark.parametrize(
    "changes",
    [
        *[{"operation_type": name} for name in ("money_transfer", "account_fund", "investment", "money_exchange")],
        *[{"operation_type": name} for name in ("cellphone_recharge", "partition_transfer", "payout")],
        {"transaction_amount": -10},
        {"collector_id": 5, "payer": {"id": "5"}},
    ],
)
def test_money_that_moves(changes: dict[str, Any]) -> None:
    assert reason_of("mercadopago", PAYMENT | changes).startswith("money that moves, not a sale: ")


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (PAYMENT | {"operation_type": "shiny"}, "mercadopago operation_type shiny is not known"),
        (PAYMENT | {"status": "pending"}, "not paid yet: mercadopago payment that is pending"),
        (PAYMENT | {"status": "rejected"}, "not paid: mercadopago payment that is rejected"),
        (PAYMENT | {"status": "shiny"}, "mercadopago payment that is shiny is not known"),
        (PAYMENT | {"status": "refunded", "date_approved": None}, "refund: mercadopago payment that is refunded"),
        (ORDER | {"status": "action_required"}, "not paid yet: mercadopago order that is action_required"),
        (ORDER | {"status": "canceled"}, "not paid: mercadopago order that is canceled"),
        (ORDER | {"status": "shiny"}, "mercadopago order that is shiny is not known"),
        ({"id": 1, "status": "closed", "order_status": "paid", "payments": []}, "not a payment: mercadopago merchant"),
        (
            {"action": "order.processed", "type": "order", "data": {"id": "ORD1"}},
            "not a sale: the notification carries",
        ),
        ({"topic": "payment", "resource": "/v1/payments/1"}, "not a sale: the notification carries only the payment"),
    ],
)
def test_what_is_no_sale(payload: Payload, reason: str) -> None:
    assert reason_of("mercadopago", payload).startswith(reason)


@pytest.mark.parametrize(
    "payload",
    [
        PAYMENT | {"live_mode": False},
        PAYMENT | {"payer": {"email": "test_user_123@testuser.com"}},
        ORDER | {"payer": {"email": "TEST_USER_1@TESTUSER.COM"}},
        ORDER | {"live_mode": False},
        PAYMENT | {"live_mode": False, "status": "refunded"},
    ],
)
def test_tests(payload: Payload) -> None:
    found = list(READERS["mercadopago"](payload))
    assert found
    assert all(isinstance(result, Sale | Refund) and result.test for result in found)


def test_an_order_of_the_orders_api() -> None:
    sale = sale_of("mercadopago", ORDER)
    assert (sale.order_id, sale.value, sale.currency) == ("ORD01J", Decimal("129.90"), "BRL")
    assert sale.occurred_at == datetime(2026, 5, 10, 18, 34, 20, tzinfo=UTC)
    assert sale.contents == ({"id": "c1", "quantity": 1, "price": "129.90", "title": "Course"},)
    assert sale_of("mercadopago", ORDER | {"currency": "USD"}).currency == "USD"
    assert sale_of("mercadopago", ORDER | {"type": "point"}).action_source == "physical_store"


def test_an_order_and_its_payment_are_one_sale() -> None:
    payment = sale_of("mercadopago", PAYMENT | {"order": {"id": "ORD01J", "type": "mercadopago"}})
    assert payment.sale_key == sale_of("mercadopago", ORDER).sale_key == "ORD01J"
    several = sale_of("mercadopago", PAYMENT | {"order": {"id": "4945357007", "type": "mercadopago"}})
    assert several.sale_key is None


LISTED = [{"id": 11, "amount": 1000, "status": "approved", "date_created": "2022-08-01T10:00:00Z"}]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"refunds": LISTED, "status_detail": "partially_refunded"}, [("refund:11", "refund", 1000)]),
        ({"refunds": LISTED, "status": "refunded"}, [("refund:11", "refund", 1000)]),
        ({"status": "refunded"}, [("1304123923:refund", "refund", 6000)]),
        ({"status": "charged_back"}, [("1304123923:chargeback", "chargeback", 6000)]),
        ({"status": "charged_back", "status_detail": "reimbursed"}, []),
        ({"status": "in_mediation"}, []),
        ({"refunds": [LISTED[0] | {"status": "rejected"}]}, []),
    ],
)
def test_a_payment_that_went_back_was_a_sale(
    changes: dict[str, Any], expected: list[tuple[str, RefundKind, int]]
) -> None:
    sale, *refunds = READERS["mercadopago"](PAYMENT | changes)
    assert isinstance(sale, Sale)
    assert sale.value == 6000
    assert [(r.gateway_event_id, r.kind, int(r.value)) for r in refunds if isinstance(r, Refund)] == expected


def test_an_order_that_went_back_was_a_sale() -> None:
    back = {"refunds": [{"id": "REF1", "amount": "29.90", "status": "processed"}]}
    sale, refund = READERS["mercadopago"](ORDER | {"status": "refunded", "transactions": back})
    assert isinstance(sale, Sale)
    assert isinstance(refund, Refund)
    assert (refund.gateway_event_id, refund.value, refund.currency) == ("refund:REF1", Decimal("29.90"), "BRL")


def test_the_time_of_an_order_that_was_changed_since_it_was_paid() -> None:
    for status, detail in (
        ("processed", "partially_refunded"),
        ("processed", "refunded"),
        ("refunded", "refunded"),
        ("charged_back", "settled"),
    ):
        changes = {"status": status, "status_detail": detail, "last_updated_date": "2026-06-10T18:34:20Z"}
        sale = next(READERS["mercadopago"](ORDER | changes))
        assert isinstance(sale, Sale)
        assert sale.occurred_at == datetime(2026, 5, 10, 18, tzinfo=UTC)


@pytest.mark.parametrize("detail", ["in_process", "settled", "reimbursed"])
def test_an_order_that_was_charged_back(detail: str) -> None:
    changes = {"status": "charged_back", "status_detail": detail, "last_updated_date": "2026-06-10T18:34:20Z"}
    sale, *back = READERS["mercadopago"](ORDER | changes)
    assert isinstance(sale, Sale)
    # The seller has the money of a reimbursed one.
    assert back == [
        Refund(
            gateway_event_id="ORD01J:chargeback",
            original_event_id="ORD01J",
            sale_key="ORD01J",
            order_id="ORD01J",
            kind="chargeback",
            value=Decimal("129.90"),
            currency="BRL",
            occurred_at=datetime(2026, 6, 10, 18, 34, 20, tzinfo=UTC),
        )
    ] * (detail != "reimbursed")


@pytest.mark.parametrize(("status", "kind"), [("charged_back", "chargeback"), ("refunded", "refund")])
def test_an_order_and_its_payment_went_back_once(status: str, kind: str) -> None:
    payment = PAYMENT | {"status": status, "order": {"id": "ORD01J", "type": "mercadopago"}}
    _, back = READERS["mercadopago"](payment)
    assert isinstance(back, Refund)
    assert back.gateway_event_id == f"ORD01J:{kind}"
