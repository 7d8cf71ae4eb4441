"""Items, other networks' click ids, renewals, and the tests of panels: what payloads say besides the sale."""

from decimal import Decimal
from urllib.parse import quote

import pytest
from facts.payloads import PAID, Payload, changed, read_one, reason_of, sale_of
from hypothesis import given
from hypothesis import strategies as st

from trackai_pipelines.facts.details import CLICK_IDS
from trackai_pipelines.facts.gateways import READERS
from trackai_pipelines.facts.gateways.optional import items_of, number_at, other_click_ids
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import MalformedPayload, NotTaken

HOTMART, KIWIFY, CAKTO = PAID["hotmart"], PAID["kiwify"], PAID["cakto"]
# Letters and signs that click ids are made of; "." ends none.
_TOKEN = st.text("ABCdef0189_-", min_size=1, max_size=60)


@pytest.mark.parametrize(
    ("gateway", "fields", "contents"),
    [
        ("hotmart", {"data.product": {"id": 4774438, "name": "Curso"}}, [{"id": "4774438", "title": "Curso"}]),
        ("hotmart", {"data.product": {"name": "Curso"}}, []),
        (
            "kiwify",
            {"Product": {"product_id": "p-1", "product_name": "Curso"}, "Commissions.product_base_price": 5298},
            [{"id": "p-1", "title": "Curso", "price": Decimal("52.98")}],
        ),
        ("kiwify", {"Product": ["p-1"]}, []),
        (
            "cakto",
            {"data.product": {"id": "u-1", "name": "Curso"}, "data.offer": {"price": "21.31"}},
            [{"id": "u-1", "title": "Curso", "price": Decimal("21.31")}],
        ),
        ("cakto", {"data.product": {"id": "u-1"}, "data.offer": {"price": "free"}}, [{"id": "u-1"}]),
        (
            "eduzz",
            {"data.items": [{"productId": 1, "name": "A", "price": {"value": 10}}, {"productId": 2}, {"name": "B"}]},
            [{"id": "1", "title": "A", "price": Decimal(10)}, {"id": "2"}],
        ),
        ("eduzz", {"data.items": None}, []),
        (
            "monetizze",
            {"venda.quantidade": "2"},
            [{"id": "900", "title": "Curso", "quantity": Decimal(2)}],
        ),
        ("perfectpay", {}, [{"id": "PPP1", "title": "Curso", "quantity": Decimal(1)}]),
        (
            "kirvano",
            {"products": [{"id": "p1", "name": "A", "price": "R$ 1.169,80"}, {"id": "p2", "price": "free"}]},
            [{"id": "p1", "title": "A", "price": Decimal("1169.80")}, {"id": "p2"}],
        ),
        ("braip", {"product_key": "pro1"}, [{"id": "pro1", "title": "Produto"}]),
        (
            "braip",
            {"trans_items": [{"product_key": "pro1", "product_name": "A", "plan_amount": 2, "plan_value": 9895}]},
            [{"id": "pro1", "title": "A", "quantity": Decimal(2), "price": Decimal("98.95")}],
        ),
        ("ticto", {}, [{"id": "1", "title": "Curso", "quantity": Decimal(1), "price": Decimal("39.90")}]),
        ("ticto", {"item.quantity": 2}, [{"id": "1", "title": "Curso", "quantity": Decimal(2)}]),
        (
            "guru",
            {},
            [{"id": "1587", "title": "Assinatura", "quantity": Decimal(1), "price": Decimal("500.5")}],
        ),
        (
            "guru",
            {"items": [{"id": "1", "name": "A", "qty": 1, "unit_value": 5}, {"id": "2", "name": "B"}]},
            [{"id": "1", "title": "A", "quantity": Decimal(1), "price": Decimal(5)}, {"id": "2", "title": "B"}],
        ),
    ],
)
def test_items(gateway: str, fields: Payload, contents: list[Payload]) -> None:
    payload = PAID[gateway]
    for path, value in fields.items():
        payload = changed(payload, path, value)
    assert list(sale_of(gateway, payload).contents) == contents


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_items_of_any_shape_refuse_nothing(value: object) -> None:
    for listed in (value, [value], {"id": value}, [{"id": 7, "price": value, "name": value}]):
        for item in items_of(listed, item_id="id", title="name", quantity="price", price="price", decimals=2):
            assert isinstance(item["id"], str)
    number_at({"n": value}, "n")


@given(st.sampled_from(CLICK_IDS), _TOKEN, st.sampled_from(["{n}={v}", "src|{n}={v}", "?a=1&{n}={v}&b=2", "{n}:{v}"]))
def test_a_click_id_is_found_however_it_is_carried(name: str, value: str, carrier: str) -> None:
    expected = {name: value}
    assert other_click_ids({name.upper(): f" {value} "}) == expected
    text = carrier.format(n=name, v=value)
    assert other_click_ids(text) == other_click_ids({"sck": text}) == expected
    if "=" in text:
        assert other_click_ids({"utm_content": quote(text, safe="?&|")}) == expected


@given(_TOKEN)
def test_what_only_resembles_a_click_id_is_none(value: str) -> None:
    assert other_click_ids({"fbclid": value, "xgclid": value}, f"fbclid={value}", f"xgclid={value}", None, 7) == {}


@pytest.mark.parametrize(
    ("gateway", "path"),
    [
        ("hotmart", "data.purchase.origin.sck"),
        ("kiwify", "TrackingParameters.s2"),
        ("cakto", "data.sck"),
        ("cakto", "data.checkoutUrl"),
        ("eduzz", "data.tracker.code2"),
        ("eduzz", "data.checkoutUrl"),
        ("monetizze", "venda.src"),
        ("perfectpay", "metadata.src"),
        ("kirvano", "utm.src"),
        ("kirvano", "checkout_url"),
        ("braip", "meta.src"),
        ("ticto", "tracking.src"),
        ("ticto", "query_params.src"),
        ("guru", "source.source"),
    ],
)
def test_other_networks_click_ids(gateway: str, path: str) -> None:
    carried = "https://pay.example.com/p?a=1&gclid=Cj0K-x_1" if path.lower().endswith("url") else "gclid=Cj0K-x_1"
    assert sale_of(gateway, changed(PAID[gateway], path, carried)).click_ids == {"gclid": "Cj0K-x_1"}


CHARGES = {
    "completed": [{"order_id": "K1", "created_at": "2025-04-03"}, {"order_id": "K0", "created_at": "2025-03-03"}]
}


@pytest.mark.parametrize(
    ("gateway", "fields", "expected"),
    [
        ("hotmart", {"data.purchase.recurrence_number": 2}, "system_generated"),
        ("hotmart", {"data.subscription": {"recurrence_number": "3"}}, "system_generated"),
        ("hotmart", {"data.purchase.recurrence_number": 1}, None),
        ("hotmart", {"data.subscription": {"status": "ACTIVE"}}, None),
        ("kiwify", {"webhook_event_type": "subscription_renewed"}, "system_generated"),
        ("kiwify", {"Subscription": {"charges": CHARGES}}, "system_generated"),
        ("kiwify", {"Subscription": {"charges": CHARGES}, "order_id": "K0"}, None),
        ("kiwify", {"Subscription": {"charges": {"completed": []}}}, None),
        ("cakto", {"event": "subscription_renewed"}, "system_generated"),
        ("cakto", {"data.subscription_period": 2}, "system_generated"),
        ("cakto", {"data.subscription_period": 1, "data.parent_order": "PEtfqq3"}, None),
        ("kirvano", {"event": "SUBSCRIPTION_RENEWED", "plan.charge_number": 2}, "system_generated"),
        ("kirvano", {"plan.charge_number": 2}, "system_generated"),
        ("kirvano", {}, None),
        ("monetizze", {"assinatura": {"parcela": "2"}}, "system_generated"),
        ("monetizze", {"assinatura": {"parcela": "1"}}, None),
        ("perfectpay", {"subscription": {"charges_made": 2}}, "system_generated"),
        ("perfectpay", {"subscription": {"status_event": "subscription_renewed"}}, "system_generated"),
        ("perfectpay", {"subscription": {"status_event": "subscription_started", "charges_made": 1}}, None),
        ("ticto", {"subscriptions": [{"successful_charges": 4}]}, "system_generated"),
        ("ticto", {"subscriptions": [{"successful_charges": 1}]}, None),
        ("guru", {"invoice": {"cycle": 2}}, "system_generated"),
        ("guru", {"subscription": {"charged_times": 2}}, "system_generated"),
        ("guru", {"invoice": {"cycle": 1}, "subscription": {"charged_times": 5}}, None),
        ("guru", {"invoice": []}, None),
    ],
)
def test_a_renewal_happens_without_the_buyer(gateway: str, fields: Payload, expected: str | None) -> None:
    payload = PAID[gateway]
    for path, value in fields.items():
        payload = changed(payload, path, value)
    assert sale_of(gateway, payload).action_source == expected


def test_a_flat_invoice_of_eduzz_that_renews() -> None:
    flat = {
        "trans_cod": "1",
        "trans_status": "3",
        "trans_paid": "5",
        "trans_currency": "BRL",
        "trans_paiddate": "2026-05-10 15:34:20",
        "product_cod": 7,
        "product_name": "Curso",
        "recurrence_count": "2",
    }
    sale = sale_of("eduzz", flat)
    assert (sale.action_source, sale.contents) == ("system_generated", ({"id": "7", "title": "Curso"},))
    assert sale_of("eduzz", flat | {"recurrence_count": 1}).action_source is None


@pytest.mark.parametrize(
    ("gateway", "payload"),
    [
        ("hotmart", changed(HOTMART, "data.product", {"id": 0, "name": "Produto test postback2"})),
        ("hotmart", changed(HOTMART, "data.purchase.transaction", "HP16015479281022")),
        ("kiwify", changed(KIWIFY, "Customer.email", "johndoe@example.com")),
        ("kiwify", changed(KIWIFY, "Product", {"product_name": "Example product"})),
        ("kiwify", {"order": changed(KIWIFY, "Customer.email", "johndoe@example.com")}),
        ("cakto", changed(CAKTO, "data.id", "87956abe-940e-4e8b-8a27-82c482920f64")),
        ("cakto", changed(CAKTO, "data.checkoutUrl", "https://pay.cakto.com.br/EXAMPLE")),
        ("cakto", changed(CAKTO, "data.customer.email", "john.doe@example.com")),
        ("cakto", CAKTO | {"data": [changed(CAKTO, "data.customer.email", "john.doe@example.com")["data"]]}),
    ],
)
def test_what_a_panel_sends_to_try_a_webhook_is_a_test(gateway: str, payload: Payload) -> None:
    assert reason_of(gateway, payload).startswith("test payment: the ")
    assert "@" not in reason_of(gateway, payload)


@pytest.mark.parametrize(
    ("gateway", "payload", "lacks"),
    [
        ("hotmart", {"id": "e", "event": "PURCHASE_APPROVED", "data": {"product": {"name": "Produto test postback2"}}},
         "data.purchase.transaction is missing"),
        ("kiwify", {"webhook_event_type": "order_approved", "Customer": {"email": "johndoe@example.com"}},
         "order_status is missing"),
        ("cakto", {"event": "refund", "data": {"customer": {"email": "john.doe@example.com"}}}, "data.id is missing"),
    ],
)  # fmt: skip
def test_a_panel_s_test_that_lacks_something_is_one_all_the_same(gateway: str, payload: Payload, lacks: str) -> None:
    assert reason_of(gateway, payload).startswith("test payment: ")
    assert reason_of(gateway, payload).endswith(lacks)


def test_cakto_s_second_version_tells_of_orders_bought_together() -> None:
    main, bump = CAKTO["data"], changed(CAKTO, "data.id", "C2")["data"]
    assert list(READERS["cakto"](CAKTO | {"data": [main]})) == [sale_of("cakto", CAKTO)]
    found = list(READERS["cakto"](CAKTO | {"data": [main, bump]}))
    assert [sale.sale_key for sale in found if isinstance(sale, Sale)] == ["C1", "C2"]


def test_one_bad_order_of_cakto_s_second_version_leaves_the_others() -> None:
    good, bad = CAKTO["data"], changed(CAKTO, "data.amount", None)["data"]
    first, second, third = READERS["cakto"](CAKTO | {"data": [bad, good, 7]})
    assert first == NotTaken(reason="malformed: data.amount is missing", event_id="C1")
    assert isinstance(second, Sale)
    assert third == NotTaken(reason="malformed: data.status is missing")
    with pytest.raises(MalformedPayload, match=r"^data.amount is missing"):
        list(READERS["cakto"](CAKTO | {"data": [bad]}))
    with pytest.raises(MalformedPayload, match=r"^data is a list without an order"):
        list(READERS["cakto"](CAKTO | {"data": []}))


@pytest.mark.parametrize(
    ("gateway", "payload", "reason"),
    [
        ("hotmart", HOTMART | {"event": "PURCHASE_SHINY"}, "hotmart event PURCHASE_SHINY is not known"),
        ("hotmart", HOTMART | {"version": "3.0.0"}, "hotmart version 3.0 is not known"),
        ("kiwify", KIWIFY | {"webhook_event_type": "order_shiny"}, "kiwify event order_shiny is not known"),
        ("kiwify", KIWIFY | {"order_status": "shiny"}, "kiwify order_status shiny is not known"),
        ("kiwify", {"id": "c1", "status": "abandoned"}, "not a payment: kiwify cart abandoned"),
        ("cakto", CAKTO | {"event": "purchase_shiny"}, "cakto event purchase_shiny is not known"),
        ("cakto", changed(CAKTO, "data.status", "shiny"), "cakto status shiny is not known"),
    ],
)
def test_what_is_not_known_is_not_called_unpaid(gateway: str, payload: Payload, reason: str) -> None:
    assert reason_of(gateway, payload) == reason


@pytest.mark.parametrize("other", ["original_offer_price", "full_price"])
def test_hotmart_s_price_without_a_currency(other: str) -> None:
    bare = changed(HOTMART, "data.purchase.price", {"value": 97})
    sale = sale_of("hotmart", changed(bare, f"data.purchase.{other}", {"value": 120, "currency_value": "USD"}))
    assert (sale.value, sale.currency) == (Decimal(97), "USD")
    with pytest.raises(MalformedPayload, match=r"^data.purchase.price.currency_value is missing"):
        list(READERS["hotmart"](bare))
    alone = changed(HOTMART, "data.purchase.price", None)
    sale = sale_of("hotmart", changed(alone, f"data.purchase.{other}", {"value": 120, "currency_value": "USD"}))
    assert (sale.value, sale.currency) == (Decimal(120), "USD")


def test_cakto_s_address_and_currency() -> None:
    address = {"city": "Monte Carmelo", "state": "MG", "zipcode": "38500000", "country": "BR", "street": "Rua A"}
    sale = sale_of("cakto", changed(CAKTO, "data.address", address))
    assert sale.buyer == {"city": "Monte Carmelo", "state": "MG", "zip": "38500000", "country": "BR"}
    assert sale.currency == "BRL"
    assert sale_of("cakto", changed(CAKTO, "data.offer", {"currency": "usd"})).currency == "USD"


def test_perfectpay_s_whole_number_and_browser() -> None:
    customer = {"phone_formated_ddi": "+351 911 999 990", "phone_area_code": "11", "phone_number": "999990000"}
    payload = changed(PAID["perfectpay"], "customer", customer | {"ip": "203.0.113.7", "user_agent": "Mozilla/5.0"})
    sale = sale_of("perfectpay", payload)
    assert (sale.phone, sale.client_ip, sale.client_user_agent) == ("+351911999990", "203.0.113.7", "Mozilla/5.0")


def test_one_charge_of_kiwify_that_is_told_twice_is_one_sale() -> None:
    first = sale_of("kiwify", KIWIFY)
    second = read_one("kiwify", KIWIFY | {"webhook_event_type": "subscription_renewed"})
    assert isinstance(second, Sale)
    assert first.sale_key == second.sale_key
    assert first.gateway_event_id != second.gateway_event_id
