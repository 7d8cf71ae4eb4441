"""PayPal: events of orders and payments, and IPN messages."""

from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from facts.payloads import FBC, FBP, PAID, Payload, changed, reason_of, sale_of

from trackai_pipelines.facts.gateways import READERS
from trackai_pipelines.facts.refund import Refund
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.forms import form_value
from trackai_pipelines.ingest.outcomes import MalformedPayload, NotTaken

ORDER = PAID["paypal"]
CAPTURE: Payload = {
    "id": "WH-2",
    "create_time": "2026-05-10T18:34:26.000Z",
    "resource_type": "capture",
    "event_type": "PAYMENT.CAPTURE.COMPLETED",
    "resource": {
        "id": "3C67",
        "status": "COMPLETED",
        "amount": {"currency_code": "USD", "value": "10.99"},
        "custom_id": "fbclid=IwAR0abc",
        "supplementary_data": {"related_ids": {"order_id": "5O19"}},
        "create_time": "2026-05-10T18:34:20Z",
    },
}
RENEWAL: Payload = {
    "id": "WH-3",
    "create_time": "2026-06-10T18:34:26.000Z",
    "resource_type": "sale",
    "event_type": "PAYMENT.SALE.COMPLETED",
    "resource": {
        "id": "0UX8",
        "state": "completed",
        "amount": {"total": "14.97", "currency": "EUR"},
        "billing_agreement_id": "I-1",
        "custom": f"fbc={FBC}",
        "create_time": "2026-06-10T18:34:20Z",
    },
}
IPN = (
    b"txn_type=web_accept&payment_status=Completed&txn_id=3C67&mc_gross=10.99&mc_currency=USD"
    b"&payment_date=11%3A34%3A20+May+10%2C+2026+PDT&payer_email=ana%40example.com&first_name=Ana&last_name=Souza"
    b"&address_country_code=US&address_state=CA&address_city=San+Jose&address_zip=95131&contact_phone=650-555-1212"
    b"&custom=fbclid%3DIwAR0abc&charset=windows-1252"
)


def test_a_completed_order() -> None:
    assert sale_of("paypal", ORDER) == Sale(
        gateway_event_id="WH-1",
        sale_key="3C67",
        order_id="3C67",
        value=Decimal("10.99"),
        currency="USD",
        occurred_at=datetime(2026, 5, 10, 18, 34, 20, tzinfo=UTC),
        fbclid="IwAR0abc",
        fbc=FBC,
        fbp=FBP,
        email="ana@example.com",
        phone="+16505551212",
        buyer={
            "first_name": "Ana",
            "last_name": "Souza Lima",
            "city": "San Jose",
            "state": "CA",
            "zip": "95131",
            "country": "US",
        },
    )


def test_a_payment_is_one_sale_in_whichever_message_it_comes() -> None:
    order, capture, message = (sale_of("paypal", payload) for payload in (ORDER, CAPTURE, form_value(IPN)))
    assert order.sale_key == capture.sale_key == message.sale_key == "3C67"
    assert order.occurred_at == capture.occurred_at == message.occurred_at
    assert order.value == capture.value == message.value
    assert capture.fbclid == message.fbclid == "IwAR0abc"
    assert (message.email, message.phone) == ("ana@example.com", "+16505551212")


def test_a_charge_of_a_subscription() -> None:
    sale = sale_of("paypal", RENEWAL)
    assert (sale.sale_key, sale.value, sale.currency, sale.fbc) == ("0UX8", Decimal("14.97"), "EUR", FBC)


def test_every_capture_of_an_order_is_a_sale() -> None:
    order: Any = deepcopy(ORDER)
    captures = order["resource"]["purchase_units"][0]["payments"]["captures"]
    captures += [captures[0] | {"id": "3C68"}, captures[0] | {"id": "3C69", "status": "PENDING"}]
    first, second, third = READERS["paypal"](order)
    assert isinstance(first, Sale)
    assert isinstance(second, Sale)
    assert [(sale.gateway_event_id, sale.sale_key) for sale in (first, second)] == [
        ("WH-1:1", "3C67"),
        ("WH-1:2", "3C68"),
    ]
    assert third == NotTaken(reason="not paid yet: paypal capture PENDING", event_id="WH-1:3")


def test_an_order_without_a_capture_is_refused() -> None:
    with pytest.raises(MalformedPayload, match=r"^resource.purchase_units has no payments.captures"):
        list(READERS["paypal"](changed(ORDER, "resource.purchase_units", [{"amount": {}}])))


@pytest.mark.parametrize(
    ("event", "meaning"),
    [
        ("CHECKOUT.ORDER.APPROVED", "not paid yet"),
        ("PAYMENT.AUTHORIZATION.CREATED", "not paid yet"),
        ("PAYMENT.CAPTURE.PENDING", "not paid yet"),
        ("PAYMENT.CAPTURE.DENIED", "not paid"),
        ("CUSTOMER.DISPUTE.CREATED", "chargeback"),
        ("RISK.DISPUTE.CREATED", "chargeback"),
        ("PAYMENT.PAYOUTSBATCH.SUCCESS", "money that moves, not a sale"),
        ("PAYMENT.PAYOUTS-ITEM.SUCCEEDED", "money that moves, not a sale"),
        ("PAYMENT.REFERENCED-PAYOUT-ITEM.COMPLETED", "money that moves, not a sale"),
        ("BILLING.SUBSCRIPTION.ACTIVATED", "not a payment"),
        ("INVOICING.INVOICE.PAID", "not a payment"),
        ("INVOICING.INVOICE.REFUNDED", "refund"),
        ("CATALOG.PRODUCT.CREATED", "not a payment"),
    ],
)
def test_other_events(event: str, meaning: str) -> None:
    assert reason_of("paypal", changed(CAPTURE, "event_type", event)) == f"{meaning}: paypal event {event}"


@pytest.mark.parametrize("path", ["links", "resource.links"])
def test_the_sandbox(path: str) -> None:
    links = [{"href": "https://api.sandbox.paypal.com/v2/payments/captures/3C67", "rel": "self"}]
    assert reason_of("paypal", changed(CAPTURE, path, links)) == ("test payment: the event came from PayPal's sandbox")
    elsewhere = [{"href": "https://example.com/?u=https://api.sandbox.paypal.com/"}, {"href": 7}, "x"]
    assert sale_of("paypal", changed(CAPTURE, path, elsewhere)).sale_key == "3C67"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (b"&test_ipn=1", "test payment: the message came from PayPal's sandbox (test_ipn)"),
        (b"&payment_status=Pending", "not paid yet: paypal payment_status Pending"),
        (b"&payment_status=Denied", "not paid: paypal payment_status Denied"),
        (
            b"&payment_status=Refunded&txn_type=",
            "refund: paypal message without parent_txn_id, which names the payment",
        ),
        (
            b"&payment_status=Reversed&txn_type=",
            "chargeback: paypal message without parent_txn_id, which names the payment",
        ),
        (b"&payment_status=Canceled_Reversal", "chargeback: paypal payment_status Canceled_Reversal"),
        (b"&mc_gross=-10.99", "money that moves, not a sale: paypal payment made by the seller"),
        (b"&payment_status=Odd", "paypal payment_status Odd is not known"),
        (b"&txn_type=send_money", "money that moves, not a sale: paypal txn_type send_money"),
        (b"&txn_type=masspay", "money that moves, not a sale: paypal txn_type masspay"),
        (b"&txn_type=new_case", "chargeback: paypal txn_type new_case"),
        (b"&txn_type=subscr_signup", "not a payment: paypal txn_type subscr_signup"),
        (b"&txn_type=odd", "paypal txn_type odd is not known"),
    ],
)
def test_other_messages(changes: bytes, reason: str) -> None:
    assert reason_of("paypal", form_value(IPN) | form_value(changes[1:])) == reason


@pytest.mark.parametrize("date", ["2026-05-10", "11:34:20 Xyz 10, 2026 PDT", "25:34:20 May 10, 2026 PDT", ""])
def test_a_message_whose_time_cannot_be_read(date: str) -> None:
    with pytest.raises(MalformedPayload, match=r"^payment_date "):
        list(READERS["paypal"](form_value(IPN) | {"payment_date": date}))


def test_an_envelope_of_another_kind() -> None:
    with pytest.raises(MalformedPayload, match=r"^event_type is missing"):
        list(READERS["paypal"]({"event": "x"}))


def _refund(kind: str, **resource: object) -> dict[str, object]:
    return {
        "id": "WH-9",
        "event_type": kind,
        "create_time": "2026-05-11T10:00:00Z",
        "resource": {"id": "R1", "amount": {"value": "4.00", "currency_code": "USD"}} | resource,
    }


_BACK = b"&parent_txn_id=3C67&txn_id=R1&mc_gross=-4.00"
_UP = [{"rel": "self", "href": "https://api.paypal.com/v2/payments/refunds/R1"}]
_UP += [{"rel": "up", "href": "https://api.paypal.com/v2/payments/captures/3C67"}]


@pytest.mark.parametrize(
    ("payload", "kind", "value"),
    [
        (_refund("PAYMENT.CAPTURE.REFUNDED", links=_UP), "refund", "4.00"),
        (_refund("PAYMENT.CAPTURE.REVERSED", links=_UP), "chargeback", "4.00"),
        (_refund("PAYMENT.SALE.REFUNDED", sale_id="3C67", amount={"total": "-4.00", "currency": "USD"}), "refund", "4"),
        (_refund("PAYMENT.SALE.REVERSED", sale_id="3C67"), "chargeback", "4.00"),
        (form_value(IPN) | form_value(b"payment_status=Refunded" + _BACK), "refund", "4"),
        (form_value(IPN) | form_value(b"payment_status=Reversed" + _BACK), "chargeback", "4"),
    ],
)
def test_money_that_goes_back(payload: dict[str, object], kind: str, value: str) -> None:
    (refund,) = READERS["paypal"](payload)
    assert isinstance(refund, Refund)
    assert (refund.gateway_event_id, refund.sale_key, refund.kind, refund.value, refund.currency) == (
        *("R1", "3C67", kind),
        *(Decimal(value), "USD"),
    )


@pytest.mark.parametrize("kind", ["PAYMENT.CAPTURE.REFUNDED", "PAYMENT.CAPTURE.REVERSED"])
def test_money_that_goes_back_to_no_payment_is_said(kind: str) -> None:
    assert reason_of("paypal", _refund(kind)).endswith("resource.links does not lead to the payment")


@pytest.mark.parametrize(
    ("changes", "source"),
    [
        (b"&txn_type=web_accept", None),
        (b"&txn_type=subscr_payment", None),
        (b"&txn_type=recurring_payment", "system_generated"),
        (b"&txn_type=merch_pmt", "system_generated"),
        (b"&txn_type=virtual_terminal", "phone_call"),
    ],
)
def test_where_a_payment_was_made(changes: bytes, source: str | None) -> None:
    assert sale_of("paypal", form_value(IPN) | form_value(changes[1:])).action_source == source
