"""Events: their ids, their fields, and the bytes that are sent."""

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from delivery.sales import CLICKED, CLICKED_MS, EMAIL, FBC, FBP, NAME, PHONE, SOLD, known_sale, recipient, sale
from hypothesis import given
from hypothesis import strategies as st

from trackai_pipelines.delivery.events import KEYS, encoded, event_of, keys_of, registry_event_id, request_body


def user_data(**changes: object) -> dict[str, object]:
    found = event_of(recipient(), sale(**changes))["user_data"]
    assert isinstance(found, dict)
    return found


def digest(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


@pytest.mark.parametrize(
    ("values", "currency", "written"),
    [
        (("49.9", "49.90", "49.9000", "4.99E+1"), "BRL", "49.90"),
        (("1500", "1500.0000", "1.5E+3"), "JPY", "1500"),
        (("1.5", "1.500", "1.5000"), "KWD", "1.500"),
        (("0.1234",), "CLF", "0.1234"),
        (("0", "0.0000"), "BRL", "0.00"),
        (("1000000000000", "1E+12"), "BRL", "1000000000000.00"),
        # More decimals than the currency has: to the nearest, halves up.
        (("49.895", "49.9049", "49.9"), "BRL", "49.90"),
        (("0.5", "1.4999"), "JPY", "1"),
        (("0.4999",), "JPY", "0"),
        # What is no currency has an id all the same: its event is refused later, by name.
        (("49.9", "49.9000"), "ZZZ", "49.9000"),
    ],
)
def test_one_amount_is_one_id_however_it_is_written(values: tuple[str, ...], currency: str, written: str) -> None:
    expected = digest("t-acme", "order-7", "Purchase", written, currency)
    for value in values:
        assert registry_event_id("t-acme", sale(value=Decimal(value), currency=currency)) == expected
        assert registry_event_id("t-acme", sale(value=Decimal(value), currency=currency.lower())) == expected


@given(
    st.integers(0, 10**14),
    st.sampled_from([("BRL", 2), ("USD", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4)]),
    st.integers(0, 4),
)
def test_ids_by_whole_minor_units(units: int, currency: tuple[str, int], zeros: int) -> None:
    """Written from whole minor units, as text alone."""
    code, decimals = currency
    padded = str(units).zfill(decimals + 1)
    written = f"{padded[:-decimals]}.{padded[-decimals:]}" if decimals else padded
    given_as = Decimal(written + (("" if decimals else ".") + "0" * zeros if zeros else ""))
    sold = sale(value=given_as, currency=code)
    assert registry_event_id("t", sold) == digest("t", "order-7", "Purchase", written, code)
    assert f'"value":{written}'.encode() in encoded(event_of(recipient(), sold))


def test_ids_tell_sales_apart() -> None:
    one = sale()
    others = [
        registry_event_id("t-globex", one),
        *(
            registry_event_id("t-acme", sale(**change))
            for change in (
                {},
                {"order_id": "order-8"},
                {"event_name": "Subscribe"},
                {"value": Decimal("49.91")},
                {"currency": "USD"},
                {"order_id": None},
                {"order_id": None, "gateway_event_id": "evt_8"},
                {"order_id": None, "gateway": "kiwify"},
            )
        ),
    ]
    assert len(set(others)) == len(others)


@pytest.mark.parametrize("order", [None, "", "  "])
def test_a_sale_without_an_order_goes_by_its_gateways_event(order: str | None) -> None:
    sold = sale(order_id=order)
    assert registry_event_id("t", sold) == digest("t", "stripe:evt_7", "Purchase", "49.90", "BRL")
    assert event_of(recipient(sent_event_id="order"), sold)["event_id"] == "stripe:evt_7.Purchase"
    assert "order_id" not in event_of(recipient(), sold)["custom_data"]


def test_the_id_that_is_sent_is_the_tenants_choice() -> None:
    assert event_of(recipient(), sale())["event_id"] == registry_event_id("t-acme", sale())
    assert event_of(recipient(sent_event_id="order"), sale())["event_id"] == "order-7.Purchase"


def test_an_event_in_full() -> None:
    assert event_of(recipient(), known_sale()) == {
        "event_name": "Purchase",
        "event_time": 1773143970,
        "event_id": registry_event_id("t-acme", sale()),
        "action_source": "website",
        "event_source_url": "https://shop.example.com/thanks",
        "user_data": {
            "em": [EMAIL],
            "ph": [PHONE],
            "fn": NAME,
            "external_id": NAME,
            "fbc": FBC,
            "fbp": FBP,
            "client_ip_address": "203.0.113.7",
            "client_user_agent": "Mozilla/5.0",
        },
        "custom_data": {"value": Decimal("49.90"), "currency": "BRL", "order_id": "order-7"},
    }


def test_a_sale_of_which_nothing_is_known() -> None:
    event = event_of(recipient(), sale())
    assert event["user_data"] == {}
    assert event.keys() == {"event_name", "event_time", "event_id", "action_source", "user_data", "custom_data"}
    assert keys_of(event) == frozenset()


def test_what_the_sale_lacks_comes_from_its_click() -> None:
    empty = dict.fromkeys(("fbclid", "fbc", "fbp", "client_ip", "client_user_agent"))
    assert event_of(recipient(), known_sale(**empty))["user_data"] == {
        "em": [EMAIL],
        "ph": [PHONE],
        "fn": NAME,
        "external_id": NAME,
        "fbc": "fb.1.1773043200000.IwAR1other",
        "fbp": "fb.1.1773043000000.222",
        "client_ip_address": "2001:db8::7",
        "client_user_agent": "Other/1.0",
    }


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({"fbc": FBC, "click_fbc": "fb.1.1773043100005.other"}, FBC),
        ({"fbc": f"  {FBC}\n"}, FBC),
        # The appendix of Meta's parameter builder is no part of the documented form.
        ({"fbc": f"{FBC}.AQYBAQIA"}, FBC),
        ({"fbc": f"{FBC}."}, FBC),
        ({"fbc": "garbage", "click_fbc": "fb.2.1773043100005.other"}, "fb.2.1773043100005.other"),
        ({"fbc": "fb.x.1773043100005.x", "click_fbc": " fb.0.1773043100005.other "}, "fb.0.1773043100005.other"),
        # The index is the number of dots in the cookie's domain.
        ({"fbc": "fb.3.1773043100005.x"}, "fb.3.1773043100005.x"),
        ({"fbc": "fb.12.1773043100005.x.AQQCAQIA"}, "fb.12.1773043100005.x"),
        ({"fbc": "fb.1.1773043100005.undefined"}, None),
        (
            {"fbc": "fb.1.1773043100005.%7B%7Bfbclid%7D%7D.AQ", "click_fbc": "fb.1.1773043100006.other"},
            "fb.1.1773043100006.other",
        ),
        ({"fbc": "fb.1.1773043100005.null", "click_fbclid": "NULL", "fbclid": "IwAR2"}, f"fb.1.{CLICKED_MS}.IwAR2"),
        ({"fbclid": "undefined", "click_fbclid": "{fbclid}"}, None),
        ({"fbc": "fb.1.1773043100005.", "click_fbclid": "IwAR1"}, f"fb.1.{CLICKED_MS}.IwAR1"),
        ({"fbc": "FB.1.5.x", "click_fbc": "fb.1.x.y"}, None),
        ({"fbc": "fb.1.1773043100005.a b"}, None),
        ({"fbc": f"fb.1.1773043100005.{'x' * 513}"}, None),
        ({"fbc": ""}, None),
        ({"click_fbclid": "IwAR1"}, f"fb.1.{CLICKED_MS}.IwAR1"),
        ({"click_fbclid": " IwAR1 ", "fbclid": "IwAR2"}, f"fb.1.{CLICKED_MS}.IwAR1"),
        ({"click_fbclid": "bad.one", "fbclid": "IwAR2"}, f"fb.1.{CLICKED_MS}.IwAR2"),
        # Matched by browser id: the click has no id of its own.
        ({"fbclid": "IwAR2", "fbc": "garbage"}, f"fb.1.{CLICKED_MS}.IwAR2"),
        ({"fbclid": "with space"}, None),
        ({}, None),
    ],
)
def test_fbc(known: dict[str, str], expected: str | None) -> None:
    assert user_data(**known, click_created_at=CLICKED).get("fbc") == expected


@pytest.mark.parametrize(
    "text", ["", "undefined", "NULL", "test@test.com", "teste@teste.com.br", "{{email}}", "000000000"]
)
def test_nobodys_hash_is_not_sent(text: str) -> None:
    nobodys = digest(text)
    known = {"fn": NAME, "external_id": nobodys, "ct": digest("")}
    assert user_data(email_hash=nobodys, phone_hash=nobodys, customer_information=known) == {"fn": NAME}
    assert user_data(email_hash=EMAIL, phone_hash=nobodys) == {"em": [EMAIL]}


def test_no_fbc_is_made_up_without_a_click() -> None:
    assert user_data(fbclid="IwAR2") == {}
    assert user_data(fbclid="IwAR2", fbc="fb.1.1773043100005.IwAR3") == {"fbc": "fb.1.1773043100005.IwAR3"}


@given(
    st.datetimes(datetime(2001, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001 - its zone is drawn separately
    st.integers(-14, 14),
    st.text("abcXYZ019_-", min_size=1, max_size=200).map("IwAR{}".format),
)
def test_the_time_in_a_built_fbc_is_the_clicks(moment: datetime, hours: int, fbclid: str) -> None:
    clicked = moment.replace(tzinfo=timezone(timedelta(hours=hours)))
    built = user_data(click_fbclid=fbclid, click_created_at=clicked)["fbc"]
    version, index, milliseconds, found = str(built).split(".")
    assert (version, index, found) == ("fb", "1", fbclid)
    off = clicked - datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
    assert timedelta(0) <= off + timedelta(microseconds=1) < timedelta(milliseconds=1, microseconds=2)


@pytest.mark.parametrize(
    ("own", "clicks", "expected"),
    [
        (FBP, "fb.1.5.6", FBP),
        (f" {FBP}.AQYB ", None, FBP),
        ("fb.1.5.not-a-number", "fb.1.5.6", "fb.1.5.6"),
        ("garbage", "garbage", None),
        (None, None, None),
    ],
)
def test_fbp(own: str | None, clicks: str | None, expected: str | None) -> None:
    assert user_data(fbp=own, click_fbp=clicks).get("fbp") == expected


def test_blank_user_agents_are_none() -> None:
    assert user_data(client_user_agent=" ", click_user_agent="Other/1.0") == {"client_user_agent": "Other/1.0"}
    assert user_data(client_user_agent=" ", click_user_agent="\t") == {}


@pytest.mark.parametrize(
    ("url", "sent"),
    [("https://a.example/p?x=1", True), ("HTTP://a.example", True), ("a.example/p", False), ("", False), (None, False)],
)
def test_only_whole_addresses_are_sent(url: str | None, sent: bool) -> None:
    assert event_of(recipient(), sale(event_source_url=url)).get("event_source_url") == (url if sent else None)


def test_times_are_whole_seconds_that_have_begun() -> None:
    assert event_of(recipient(), sale(occurred_at=SOLD))["event_time"] == 1773143970
    elsewhere = SOLD.astimezone(timezone(timedelta(hours=-3)))
    assert event_of(recipient(), sale(occurred_at=elsewhere))["event_time"] == 1773143970


def test_restrictions_of_the_tenant() -> None:
    limited = event_of(recipient(limited_data_use=True, ldu_country=1, ldu_state=1000), sale())
    assert limited["data_processing_options"] == ["LDU"]
    assert limited["data_processing_options_country"] == 1
    assert limited["data_processing_options_state"] == 1000
    assert "opt_out" not in limited
    opted_out = event_of(recipient(opt_out=True), sale())
    assert opted_out["opt_out"] is True
    assert "data_processing_options" not in opted_out


def test_the_same_event_is_the_same_bytes() -> None:
    event = event_of(recipient(), known_sale())
    shuffled = dict(reversed([*event.items()]))
    assert encoded(event) == encoded(shuffled) == encoded(event_of(recipient(), known_sale()))
    assert json.loads(encoded(event), parse_float=Decimal) == event


def test_a_request_carries_events_byte_for_byte() -> None:
    events = [encoded(event_of(recipient(), sale(order_id=f"ordem-ç-{number}"))) for number in range(3)]
    body = request_body(events, recipient(test_event_code="TEST123"))
    read = json.loads(body)
    assert b'{"data":[' + b",".join(events) + b"]," in body
    assert read.keys() == {"data", "partner_agent", "test_event_code"}
    assert [event["custom_data"]["order_id"] for event in read["data"]] == ["ordem-ç-0", "ordem-ç-1", "ordem-ç-2"]
    assert read["test_event_code"] == "TEST123"
    assert "test_event_code" not in json.loads(request_body(events, recipient()))
    assert json.loads(request_body([], recipient()))["data"] == []


def test_keys_for_coverage() -> None:
    assert keys_of(event_of(recipient(), known_sale())) == set(KEYS)
    few = event_of(recipient(), sale(email_hash=EMAIL, customer_information={"fn": NAME}, client_ip="203.0.113.7"))
    assert keys_of(few) == {"em", "client_ip_address"}
