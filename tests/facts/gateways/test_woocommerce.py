"""WooCommerce: orders of one shop or several."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from facts.payloads import FBC, FBP, PAID, changed, reason_of, sale_of

from trackai_pipelines.facts.gateways import READERS
from trackai_pipelines.facts.refund import Refund
from trackai_pipelines.facts.sale import Sale

ORDER = PAID["woocommerce"]


def test_a_paid_order() -> None:
    assert sale_of("woocommerce", ORDER) == Sale(
        gateway_event_id="wc_order_Q6tuhq12KJOel",
        sale_key="wc_order_Q6tuhq12KJOel",
        order_id="4750",
        value=Decimal("129.90"),
        currency="EUR",
        occurred_at=datetime(2026, 5, 10, 18, 34, 20, tzinfo=UTC),
        fbclid="IwAR0abc",
        fbc=FBC,
        fbp=FBP,
        email="ana@example.com",
        phone="+351911999990",
        buyer={
            "first_name": "Ana",
            "last_name": "Souza Lima",
            "city": "Lisboa",
            "zip": "1000-100",
            "country": "PT",
        },
        client_ip="203.0.113.7",
        client_user_agent="Mozilla/5.0",
        event_source_url="https://shop.example.com/p",
        contents=({"id": "93", "quantity": 2, "price": None, "title": "Shirt"},),
    )


def test_an_order_that_completes_is_the_same_sale() -> None:
    assert sale_of("woocommerce", changed(ORDER, "status", "completed")) == sale_of("woocommerce", ORDER)


def test_orders_of_two_shops_are_two_sales() -> None:
    other = sale_of("woocommerce", changed(ORDER, "order_key", "wc_order_other"))
    assert other.sale_key != sale_of("woocommerce", ORDER).sale_key
    assert other.order_id == sale_of("woocommerce", ORDER).order_id


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        *[(status, "not paid yet") for status in ("pending", "on-hold")],
        *[(status, "not paid") for status in ("cancelled", "failed", "trash")],
        ("checkout-draft", "not a payment"),
    ],
)
def test_other_states(status: str, meaning: str) -> None:
    assert reason_of("woocommerce", changed(ORDER, "status", status)) == f"{meaning}: woocommerce status {status}"


def test_goods_to_be_paid_on_delivery() -> None:
    unpaid = changed(changed(ORDER, "date_paid_gmt", None), "date_paid", None)
    assert reason_of("woocommerce", unpaid) == (
        "not paid yet: woocommerce order that is processing and has no date_paid"
    )


def test_a_partly_refunded_order_was_a_sale() -> None:
    refunded = changed(ORDER, "refunds", [{"id": 1, "total": "-10.00"}])
    sale, refund = READERS["woocommerce"](refunded)
    assert isinstance(sale, Sale)
    assert sale.value == Decimal("129.90")
    assert isinstance(refund, Refund)
    assert (refund.gateway_event_id, refund.value) == ("wc_order_Q6tuhq12KJOel:refund:1", Decimal("10.00"))


def test_the_trial_of_a_new_webhook() -> None:
    assert reason_of("woocommerce", {"webhook_id": "3"}) == "not a payment: woocommerce's trial of a new webhook"


@pytest.mark.parametrize("notes", [None, "x", [1, {"key": 1}, {"value": 2}]])
def test_an_order_without_notes(notes: object) -> None:
    sale = sale_of("woocommerce", changed(ORDER, "meta_data", notes))
    assert (sale.fbc, sale.fbp, sale.fbclid, sale.event_source_url) == (None, None, None, None)
    assert sale.client_user_agent == "Mozilla/5.0"


@pytest.mark.parametrize(
    ("phone", "country", "expected"),
    [
        ("911 999 990", "PT", "+351911999990"),
        ("(11) 99999-0000", "BR", "+5511999990000"),
        ("911999990", "", "911999990"),
        ("", "PT", None),
    ],
)
def test_phones(phone: str, country: str, expected: str | None) -> None:
    payload = changed(changed(ORDER, "billing.phone", phone), "billing.country", country)
    assert sale_of("woocommerce", payload).phone == expected


@pytest.mark.parametrize(
    ("name", "mode", "expected"),
    [
        ("_wcpay_mode", "test", True),
        ("_ppcp_paypal_payment_mode", "sandbox", True),
        ("_wcpay_mode", "prod", False),
        ("_ppcp_paypal_payment_mode", "live", False),
        ("_other_mode", "test", False),
    ],
)
def test_a_plugin_that_is_in_its_test_mode(name: str, mode: str, expected: bool) -> None:
    (found,) = READERS["woocommerce"](changed(ORDER, "meta_data", [{"key": name, "value": mode}]))
    assert isinstance(found, Sale)
    assert (found.test is not None) is expected


@pytest.mark.parametrize(
    ("created", "source"),
    [
        ("checkout", None),
        ("store-api", None),
        ("rest-api", None),
        ("subscription", "system_generated"),
        ("pos-rest-api", "physical_store"),
        ("admin", "other"),
    ],
)
def test_how_an_order_came_about(created: str, source: str | None) -> None:
    assert sale_of("woocommerce", ORDER | {"created_via": created}).action_source == source
