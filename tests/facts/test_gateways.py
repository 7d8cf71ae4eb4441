"""The gateways' readers: what is a sale, what it is made of, and how anything else is told apart."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from facts.payloads import FBC, FBP, PAID, Payload, changed, outcome, reason_of, sale_of
from hypothesis import given, settings
from hypothesis import strategies as st

from trackai_pipelines.facts.gateways import READERS
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import MalformedPayload, NotTaken

HOTMART, KIWIFY, CAKTO = PAID["hotmart"], PAID["kiwify"], PAID["cakto"]
STRIPE, SHOPIFY, MERCADOPAGO = PAID["stripe"], PAID["shopify"], PAID["mercadopago"]
SESSION: Payload = json.loads(json.dumps(STRIPE))["data"]["object"]


def test_every_gateway_has_a_sample() -> None:
    assert PAID.keys() == READERS.keys()


def test_hotmart() -> None:
    assert sale_of("hotmart", HOTMART) == Sale(
        gateway_event_id="11111111-2222-4333-8444-555555555555",
        sale_key="HP001",
        order_id="HP001",
        value=Decimal("149.50"),
        currency="BRL",
        occurred_at=datetime(2017, 11, 27, 11, 49, 6, tzinfo=UTC),
        fbclid="IwAR0abc",
        fbc=FBC,
        fbp=FBP,
        email="ana@example.com",
        phone="+5511999990000",
        client_ip="203.0.113.7",
    )


def test_kiwify() -> None:
    expected = Sale(
        gateway_event_id="K1:order_approved",
        sale_key="K1",
        order_id="K1",
        value=Decimal("52.98"),
        currency="BRL",
        occurred_at=datetime(2025, 4, 3, 5, 9, tzinfo=UTC),
        fbc=FBC,
        fbp=FBP,
        email="ana@example.com",
        phone="+5511999990000",
        client_ip="2001:db8::7",
    )
    assert sale_of("kiwify", KIWIFY) == expected
    assert sale_of("kiwify", {"url": "https://example.com", "order": KIWIFY}) == expected


def test_cakto() -> None:
    assert sale_of("cakto", CAKTO) == Sale(
        gateway_event_id="C1:purchase_approved",
        sale_key="C1",
        order_id="C1",
        value=Decimal("21.31"),
        currency="BRL",
        occurred_at=datetime(2025, 4, 8, 17, 43, 43, 575271, tzinfo=UTC),
        fbclid="IwAR0abc",
        fbc="garbage",
        fbp=FBP,
        email="ana@example.com",
        phone="+5511999990000",
        event_source_url="https://pay.example.com/6JPu",
    )


def test_stripe() -> None:
    expected = Sale(
        gateway_event_id="evt_1",
        sale_key="cs_1",
        sale_names=("cs_1", "reference cs_1"),
        order_id="cs_1",
        value=Decimal("10.99"),
        currency="USD",
        occurred_at=datetime(2025, 4, 7, 4, 36, 40, tzinfo=UTC),
        fbclid="IwAR0abc",
        fbc=FBC,
        fbp=FBP,
        email="ana@example.com",
        phone="+16505551212",
    )
    assert sale_of("stripe", STRIPE) == expected
    bare = sale_of("stripe", SESSION)
    assert (bare.gateway_event_id, bare.sale_key) == ("cs_1", "cs_1")
    assert bare.occurred_at == datetime(2025, 4, 7, 4, 26, 40, tzinfo=UTC)


def test_shopify() -> None:
    expected = Sale(
        gateway_event_id="450789469",
        order_id="450789469",
        value=Decimal("409.94"),
        currency="USD",
        occurred_at=datetime(2008, 1, 10, 16, 0, 30, tzinfo=UTC),
        fbclid="IwAR0abc",
        fbc=FBC,
        fbp=FBP,
        email="ana@example.com",
        phone="+16505551212",
        client_ip="203.0.113.7",
        client_user_agent="Mozilla/5.0",
        event_source_url="https://shop.example.com/p",
    )
    assert sale_of("shopify", SHOPIFY) == expected
    assert sale_of("shopify", {"order": SHOPIFY}) == expected


def test_mercadopago() -> None:
    assert sale_of("mercadopago", MERCADOPAGO) == Sale(
        gateway_event_id="1304123923",
        order_id="1304123923",
        value=Decimal(6000),
        currency="ARS",
        occurred_at=datetime(2022, 7, 31, 21, 4, 28, 717000, tzinfo=UTC),
        fbclid="IwAR0abc",
        fbc=FBC,
        fbp=FBP,
        email="ana@example.com",
        phone="11999990000",
        client_ip="196.32.86.27",
    )


@pytest.mark.parametrize(
    ("gateway", "payload", "reason"),
    [
        ("hotmart", changed(HOTMART, "event", "PURCHASE_PROTEST"), "refund: asked for, and the money is not back yet"),
        ("hotmart", changed(HOTMART, "event", "PURCHASE_CANCELED"), "hotmart event PURCHASE_CANCELED"),
        ("hotmart", {"event": "CLUB_FIRST_ACCESS"}, "hotmart event CLUB_FIRST_ACCESS"),
        ("hotmart", {"event": "ana@example.com"}, "hotmart event (unreadable)"),
        ("kiwify", changed(KIWIFY, "order_status", "waiting_payment"), "not paid yet: kiwify order_status waiting_pay"),
        ("kiwify", {"webhook_event_type": "subscription_late"}, "not a payment: kiwify event subscription_late"),
        ("cakto", changed(CAKTO, "event", "pix_gerado"), "not paid yet: cakto event pix_gerado"),
        ("cakto", changed(CAKTO, "data.status", "waiting_payment"), "not paid yet: cakto status waiting_payment"),
        ("stripe", changed(STRIPE, "type", "charge.refunded"), "land the event refund.created"),
        ("stripe", changed(STRIPE, "data.object.payment_status", "unpaid"), "payment_status is unpaid"),
        ("stripe", changed(SESSION, "payment_status", "no_payment_required"), "is no_payment_required"),
        ("shopify", changed(SHOPIFY, "financial_status", "authorized"), "shopify order that is authorized"),
        ("mercadopago", changed(MERCADOPAGO, "status", "in_process"), "payment that is in_process"),
        (
            "mercadopago",
            {"action": "payment.updated", "data": {"id": "1"}, "id": 9, "type": "payment"},
            "carries only the payment's id",
        ),
        ("mercadopago", {"resource": "https://example.com/1", "topic": "payment"}, "only the payment's id"),
    ],
)
def test_what_is_not_a_paid_sale_says_why(gateway: str, payload: Payload, reason: str) -> None:
    assert reason in reason_of(gateway, payload)


def test_the_events_of_one_sale_share_its_key() -> None:
    complete = changed(changed(HOTMART, "event", "PURCHASE_COMPLETE"), "id", "another")
    renewed = changed(CAKTO, "event", "subscription_renewed")
    for gateway, first, second in (
        ("hotmart", HOTMART, complete),
        ("cakto", CAKTO, renewed),
        ("kiwify", KIWIFY, changed(KIWIFY, "webhook_event_type", "subscription_renewed")),
        ("stripe", STRIPE, SESSION),
    ):
        one, other = sale_of(gateway, first), sale_of(gateway, second)
        assert one.gateway_event_id != other.gateway_event_id
        assert one.sale_key == other.sale_key is not None


@pytest.mark.parametrize(
    ("gateway", "payload", "reason"),
    [
        ("stripe", STRIPE | {"livemode": False}, "stripe livemode is false"),
        ("stripe", changed(STRIPE, "data.object.livemode", False), "stripe data.object.livemode is false"),
        ("stripe", changed(STRIPE, "data.object.id", "cs_test_a1"), "stripe data.object.id is one of test mode"),
        ("stripe", SESSION | {"livemode": False}, "stripe livemode is false"),
        ("stripe", SESSION | {"id": "cs_test_a1"}, "stripe id is one of test mode"),
        ("stripe", {"checkout.session": SESSION | {"livemode": False}}, "stripe livemode is false"),
        ("shopify", SHOPIFY | {"test": True}, "shopify order with test true"),
        ("shopify", {"order": SHOPIFY | {"test": True}}, "shopify order with test true"),
        ("mercadopago", MERCADOPAGO | {"live_mode": False}, "mercadopago payment with live_mode false"),
    ],
)
def test_a_test_payment_says_how_it_shows(gateway: str, payload: Payload, reason: str) -> None:
    assert reason_of(gateway, payload) == f"test payment: {reason}"


@pytest.mark.parametrize(
    ("gateway", "payload"),
    [
        ("stripe", STRIPE | {"livemode": True}),
        ("stripe", changed(STRIPE, "data.object.livemode", None)),
        ("shopify", SHOPIFY | {"test": False}),
        ("mercadopago", MERCADOPAGO | {"live_mode": True}),
    ],
)
def test_a_live_payment_is_a_sale(gateway: str, payload: Payload) -> None:
    assert sale_of(gateway, payload).test is None


@pytest.mark.parametrize(
    ("gateway", "payload", "lacks"),
    [
        ("stripe", changed(STRIPE | {"livemode": False}, "data.object.currency", None), "data.object.currency"),
        ("shopify", SHOPIFY | {"test": True, "total_price": None}, "total_price"),
        ("mercadopago", MERCADOPAGO | {"live_mode": False, "date_approved": None}, "date_approved"),
    ],
)
def test_a_test_payment_that_lacks_something_is_one_all_the_same(gateway: str, payload: Payload, lacks: str) -> None:
    assert reason_of(gateway, payload).startswith("test payment: ")
    assert reason_of(gateway, payload).endswith(f"; {lacks} is missing")


REQUIRED = [
    *[("hotmart", path) for path in ("id", "event", "data.purchase.transaction", "data.purchase.price.value")],
    ("hotmart", "data.purchase.price.currency_value"),
    *[("kiwify", path) for path in ("order_id", "order_status", "webhook_event_type")],
    ("kiwify", "Commissions.charge_amount"),
    *[("cakto", path) for path in ("event", "data.id", "data.status", "data.amount", "data.paidAt")],
    *[("stripe", path) for path in ("id", "type", "created", "data.object.id", "data.object.amount_total")],
    *[("stripe", path) for path in ("object", "data.object.currency", "data.object.payment_status")],
    *[("shopify", path) for path in ("id", "financial_status", "total_price", "currency")],
    *[("mercadopago", path) for path in ("id", "status", "transaction_amount", "currency_id", "date_approved")],
    *[("eduzz", path) for path in ("event", "data.id", "data.status", "data.paidAt", "data.paid.currency")],
    *[("monetizze", path) for path in ("venda.codigo", "venda.valor", "venda.dataFinalizada")],
    *[("perfectpay", path) for path in ("sale_status_enum", "code", "sale_amount", "currency_enum", "date_approved")],
    *[("kirvano", path) for path in ("event", "status", "sale_id", "total_price")],
    *[("braip", path) for path in ("type", "trans_status_code", "trans_key", "currency", "trans_updatedate")],
    *[("ticto", path) for path in ("status", "order.paid_amount", "status_date")],
    *[("guru", path) for path in ("id", "status", "payment.total", "payment.currency", "dates.confirmed_at")],
    *[("woocommerce", path) for path in ("id", "order_key", "status", "total", "currency", "date_paid_gmt")],
    *[("paypal", path) for path in ("id", "event_type", "resource.purchase_units")],
]


@pytest.mark.parametrize(("gateway", "path"), REQUIRED)
@pytest.mark.parametrize("value", [None, "", {"a": 1}])
def test_what_a_sale_lacks_is_named(gateway: str, path: str, value: object) -> None:
    with pytest.raises(MalformedPayload, match=f"^{path} "):
        list(READERS[gateway](changed(PAID[gateway], path, value)))


@pytest.mark.parametrize(
    ("gateway", "path", "value"),
    [
        ("hotmart", "data.purchase.price.value", "ana@example.com"),
        ("hotmart", "data.purchase.price.value", True),
        ("hotmart", "data.purchase.price.value", float("inf")),
        ("hotmart", "data.purchase.price.value", "1_000"),
        ("hotmart", "data.purchase.price.value", "49,90"),
        ("hotmart", "data.purchase.price.value", "1e99"),
        ("hotmart", "data.purchase.price.value", 10**400),
        ("hotmart", "data.purchase.price.currency_value", "ana@example.com"),
        ("hotmart", "data.purchase.price.currency_value", "XXX"),
        ("hotmart", "data.purchase.approved_date", 10**20),
        ("hotmart", "data.purchase.approved_date", "yesterday"),
        ("kiwify", "Commissions.charge_amount", Decimal("52.98")),
        ("kiwify", "approved_date", "ana@example.com"),
        ("kiwify", "approved_date", "2025-04-03"),
        ("kiwify", "approved_date", "0001-01-01T00:00:00+14:00"),
        ("kiwify", "approved_date", 7),
        ("shopify", "id", ["ana@example.com"]),
    ],
)
def test_what_is_malformed_is_named_without_its_value(gateway: str, path: str, value: object) -> None:
    with pytest.raises(MalformedPayload, match=f"^{path} ") as refused:
        list(READERS[gateway](changed(PAID[gateway], path, value)))
    assert "ana@" not in str(refused.value)


def test_the_time_falls_back() -> None:
    hotmart = changed(HOTMART, "data.purchase.approved_date", None)
    assert sale_of("hotmart", hotmart).occurred_at == datetime(2025, 11, 15, 23, 2, 25, 737000, tzinfo=UTC)
    kiwify = changed(KIWIFY, "approved_date", None)
    assert sale_of("kiwify", kiwify).occurred_at == datetime(2025, 4, 2, 5, 9, tzinfo=UTC)
    shopify = changed(SHOPIFY, "processed_at", None)
    assert sale_of("shopify", shopify).occurred_at == datetime(2008, 1, 10, 16, tzinfo=UTC)


def test_the_currency_falls_back() -> None:
    kiwify = changed(KIWIFY, "Commissions.currency", None)
    assert sale_of("kiwify", changed(kiwify, "Commissions.product_base_price_currency", "usd")).currency == "USD"


@pytest.mark.parametrize(
    ("currency", "units", "value"),
    [
        ("brl", 4990, "49.90"),
        ("jpy", 500, "500"),
        ("kwd", 5120, "5.120"),
        ("isk", 500, "5.00"),
        ("ugx", 500, "5.00"),
        ("mga", 500, "500"),
        ("usd", 0, "0.00"),
    ],
)
def test_stripe_minor_units(currency: str, units: int, value: str) -> None:
    session = changed(changed(SESSION, "currency", currency), "amount_total", units)
    sale = sale_of("stripe", session)
    assert (str(sale.value), sale.currency) == (value, currency.upper())


def test_a_map_of_stripe_resources_gives_a_result_for_each() -> None:
    charge = {"object": "charge", "status": "failed"}
    resources = {"checkout.session": SESSION, "charge": charge, "event": {"object": "event", "id": "e"}}
    sale, failed, event = READERS["stripe"](resources)
    assert isinstance(sale, Sale)
    assert failed == NotTaken(reason="not paid: stripe charge that is failed")
    assert event == NotTaken(reason="malformed: event: type is missing", event_id="e")


@pytest.mark.parametrize(
    ("code", "number", "expected"),
    [
        ("55", "11999990000", "+5511999990000"),
        ("+55", "(11) 99999-0000", "+5511999990000"),
        ("0055", "11999990000", "+5511999990000"),
        # The code stands in the number as well; and 55 is an area too.
        ("55", "5511999990000", "+5511999990000"),
        ("55", "55999990000", "+5555999990000"),
        ("1", "+16505551212", "+16505551212"),
        # The area's code, in the number as well or not.
        ("11", "999990000", "+5511999990000"),
        ("11", "99999-0000", "+5511999990000"),
        ("011", "999990000", "+5511999990000"),
        ("31", "31999998888", "+5531999998888"),
        ("31", "31234567", "+553131234567"),
        ("55", "999990000", "+5555999990000"),
        # Another country's number; whole numbers with a code that is none.
        ("351", "912345678", "+351912345678"),
        ("1", "6505551212", "+16505551212"),
        ("", "11999990000", "+5511999990000"),
        (None, "11999990000", "+5511999990000"),
        ("999999999", "99999999900", "99999999900"),
        ("11", "9999", "9999"),
        ("11", "12345678", "12345678"),
        ("55", "", None),
    ],
)
def test_hotmart_phones(code: str | None, number: str, expected: str | None) -> None:
    payload = changed(changed(HOTMART, "data.buyer.checkout_phone_code", code), "data.buyer.checkout_phone", number)
    assert sale_of("hotmart", payload).phone == expected


def test_mercadopago_references_that_are_no_order() -> None:
    for reference in (None, "", "ana@example.com"):
        payload = changed(MERCADOPAGO, "external_reference", reference)
        assert sale_of("mercadopago", payload).order_id == "1304123923"


def test_the_buyers_address_of_shopify_stands_in_either_place() -> None:
    assert sale_of("shopify", changed(SHOPIFY, "client_details.browser_ip", "0.0.0.0")).client_ip == "0.0.0.0"
    elsewhere = changed(SHOPIFY, "client_details", {}) | {"browser_ip": "203.0.113.9"}
    assert sale_of("shopify", elsewhere).client_ip == "203.0.113.9"


@settings(deadline=None)
@given(
    st.sampled_from(sorted(READERS)),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["object", "data", "order", "event", "id", "status", "type", "purchase", "name"]), inner
            )
        ),
        max_leaves=20,
    ),
)
def test_any_payload_is_read_or_refused(gateway: str, payload: object) -> None:
    """Whatever arrives, a reader answers with results or with MalformedPayload; nothing else escapes."""
    if isinstance(payload, dict):
        assert outcome(lambda: list(READERS[gateway](payload))) in {"read", "refused"}


@settings(deadline=None)
@given(st.sampled_from(sorted(PAID)), st.data())
def test_any_change_of_a_sale_is_read_or_refused(gateway: str, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from([path for name, path in REQUIRED if name == gateway]))
    value: object = data.draw(st.none() | st.integers() | st.floats() | st.decimals() | st.text() | st.just({}))
    assert outcome(lambda: list(READERS[gateway](changed(PAID[gateway], path, value)))) in {"read", "refused"}
