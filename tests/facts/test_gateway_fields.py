"""What the readers share: tracking keys found in free text, exact amounts, pages, names fit for a message."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackai_pipelines.facts.gateways.payload import amount, minor_amount, page_url, shown
from trackai_pipelines.facts.gateways.tracking import Tracking, named_values, query_of, tracking_keys

FBC, FBP = "fb.1.1700000000000.IwAR0abc-DEF_x", "fb.1.1596403881668.1116446470"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (f"fbclid=IwAR0&fbc={FBC}&fbp={FBP}", Tracking(fbclid="IwAR0", fbc=FBC, fbp=FBP)),
        (f"https://example.com/?utm=a&fbclid=IwAR0#fbp={FBP}", Tracking(fbclid="IwAR0", fbp=FBP)),
        (f"fbc:{FBC}|fbp:{FBP}", Tracking(fbc=FBC, fbp=FBP)),
        (f"story;_fbp={FBP}, {FBC}", Tracking(fbc=FBC, fbp=FBP)),
        (f"fbclid%3DIwAR0%26fbp%3D{FBP}", Tracking(fbclid="IwAR0", fbp=FBP)),
        (f'{{"fbc": "x", "fbc":"{FBC}","fbp":"{FBP}"}}', Tracking(fbc="x", fbp=FBP)),
        (f"{FBC}.AQYBAQIA", Tracking(fbc=f"{FBC}.AQYBAQIA")),
        ({"utm_content": FBP, "FBC": " garbage "}, Tracking(fbc=" garbage ", fbp=FBP)),
        ({"fbc": "garbage", "sck": f"fbc={FBC}"}, Tracking(fbc="garbage")),
        ({"fbc": "  ", "_fbc": 7, "fbp": None}, Tracking()),
        ("fb.x.1.x fb.1.x.y FB.1.1.1 xfbc=1 fbclid", Tracking()),
        ("fb.3.17.IwAR0 fb.12.17.99", Tracking(fbc="fb.3.17.IwAR0", fbp="fb.12.17.99")),
        ("IwAR0abcdefghijklmnop", Tracking()),
        (f"fbp={FBP}" + "x" * 10_000, Tracking()),
        # A click's id on its own, where it looks like one of Meta's.
        ("IwZXh0bgNhZW0CMTEAAR3q-Vk_xample", Tracking(fbclid="IwZXh0bgNhZW0CMTEAAR3q-Vk_xample")),
        ("PAZXh0bgNhZW0CMTEAAR3q_aem_Vkxample", Tracking(fbclid="PAZXh0bgNhZW0CMTEAAR3q_aem_Vkxample")),
        ("IwY2xjawNhZW0CMTEAAR3qexample", Tracking(fbclid="IwY2xjawNhZW0CMTEAAR3qexample")),
        ("PAQ0xDSwNhZW0CMTEAAR3qexample", Tracking(fbclid="PAQ0xDSwNhZW0CMTEAAR3qexample")),
        ("IwAR0abcdefghijklmnopqrstu", Tracking(fbclid="IwAR0abcdefghijklmnopqrstu")),
        ({"s1": "IwZXh0bgNhZW0CMTEAAR3q-Vk_xample"}, Tracking(fbclid="IwZXh0bgNhZW0CMTEAAR3q-Vk_xample")),
        ("utm_content=IwZXh0bgNhZW0CMTEAAR3q-Vk_xample&x=1", Tracking(fbclid="IwZXh0bgNhZW0CMTEAAR3q-Vk_xample")),
        ("PAYMENT_LINK_CAMPAIGN_2026_SUMMER", Tracking()),
        ("IwantToBuyThisCourseRightNow", Tracking()),
        ("XyZXh0bgNhZW0CMTEAAR3q-Vk_xample", Tracking()),
        ("550e8400-e29b-41d4-a716-446655440000", Tracking()),
        # Encoded, in JSON of any spacing, in base64url, one inside of the other.
        (f"fbclid%253DIwAR0%2526fbp%253D{FBP}", Tracking(fbclid="IwAR0", fbp=FBP)),
        (f"x=1&sck=fbclid%3DIwAR0%7Cfbp%3D{FBP}", Tracking(fbclid="IwAR0", fbp=FBP)),
        (f'{{ "fbclid" : "IwAR0" ,\n "fbp" : "{FBP}" }}', Tracking(fbclid="IwAR0", fbp=FBP)),
        (f'[{{"track": {{"_fbc": "{FBC}"}}}}]', Tracking(fbc=FBC)),
        ("%7B%22fbclid%22%3A%20%22IwAR0%22%7D", Tracking(fbclid="IwAR0")),
        ('{\\"fbclid\\": \\"IwAR0\\"}', Tracking(fbclid="IwAR0")),
        ("{'fbclid': 'IwAR0'}", Tracking(fbclid="IwAR0")),
        ("fbclid: IwAR0 | fbp = x", Tracking(fbclid="IwAR0", fbp="x")),
        (urlsafe_b64encode(f"fbclid=IwAR0&fbp={FBP}".encode()).decode(), Tracking(fbclid="IwAR0", fbp=FBP)),
        (urlsafe_b64encode(b'{"fbclid":"IwAR0"}').decode().rstrip("="), Tracking(fbclid="IwAR0")),
        ('{"fbclid": "a', Tracking(fbclid="a")),
        ("[" * 5000, Tracking()),
        # Other networks' ids, in the same places.
        ("gclid=CjwKCA&ttclid=E.C.P", Tracking(click_ids={"gclid": "CjwKCA", "ttclid": "E.C.P"})),
        ({"GCLID": "CjwKCA", "src": "msclkid%3Dabc"}, Tracking(click_ids={"gclid": "CjwKCA", "msclkid": "abc"})),
        ('{"wbraid": "w1", "gbraid": "g1"}', Tracking(click_ids={"wbraid": "w1", "gbraid": "g1"})),
        (None, Tracking()),
        (7, Tracking()),
        ([], Tracking()),
    ],
)
def test_tracking_keys(source: object, expected: Tracking) -> None:
    assert replace(tracking_keys(source), names=()) == expected


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ({"client_reference_id": "click_000042", "src": "ads"}, ("click_000042",)),
        ({"src": "550e8400-e29b-41d4-a716-446655440000"}, ("550e8400-e29b-41d4-a716-446655440000",)),
        ({"utm_content": "click%5F000042"}, ("click%5F000042", "click_000042")),
        ({"utm_content": "cid%3Dclick_000042%26x%3D1"}, ("cid%3Dclick_000042%26x%3D1", "click_000042")),
        ('{"cid" : "click_000042"}', ('cid":"click_000042', "click_000042")),
        ({"sck": urlsafe_b64encode(b"click_000042").decode()}, ("Y2xpY2tfMDAwMDQy", "click_000042")),
        ({"s1": "click_000042", "s2": "click_000043", "s3": "click_000042"}, ("click_000042", "click_000043")),
        # A key of Meta's goes before any name.
        ({"s1": "click_000042", "s2": "fbclid=IwAR0"}, ()),
        ({"s1": "click_000042", "fbc": FBC}, ()),
        ({"s1": "click_000042", "fbp": FBP}, ("click_000042",)),
        # Too short to be told from an affiliate's number, a buyer's address, no text, an unfilled template.
        ({"src": "1234567", "email": "ana@example.com", "n": 12345678, "x": "{{click_id}}", "y": "undefined"}, ()),
        ({"s": "a" * 513, "t": "clique_ação_1"}, ()),
    ],
)
def test_texts_that_may_name_a_click(source: object, names: tuple[str, ...]) -> None:
    assert tracking_keys(source).names == names


def test_of_many_texts_only_some_are_kept() -> None:
    assert len(tracking_keys(" ".join(f"word{number:06}" for number in range(500))).names) == 20


_LAYERS: dict[str, Callable[[dict[str, str]], str]] = {
    "query": lambda keys: "&".join(f"{name}={quote(value, safe='')}" for name, value in keys.items()),
    "pairs": lambda keys: "|".join(f"{name}:{value}" for name, value in keys.items()),
    "json": json.dumps,
    "spaced json": lambda keys: json.dumps(keys, indent=2),
}
_AROUND: dict[str, Callable[[str], str]] = {
    "percent": lambda text: quote(text, safe=""),
    "base64url": lambda text: urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "json text": json.dumps,
}
_ids = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-", min_size=5, max_size=60)


@given(
    fbclid=_ids,
    clicked=st.integers(10**12, 2 * 10**12),
    browser=st.integers(10**8, 10**12),
    inner=st.sampled_from(sorted(_LAYERS)),
    outer=st.lists(st.sampled_from(sorted(_AROUND)), max_size=2),
)
def test_keys_are_found_however_they_are_wrapped(
    fbclid: str, clicked: int, browser: int, inner: str, outer: list[str]
) -> None:
    keys = {"fbclid": fbclid, "fbc": f"fb.1.{clicked}.{fbclid}", "fbp": f"fb.1.{clicked}.{browser}", "gclid": fbclid}
    text = _LAYERS[inner](keys)
    for wrap in outer:
        text = _AROUND[wrap](text)
    expected = Tracking(fbclid=fbclid, fbc=keys["fbc"], fbp=keys["fbp"], click_ids={"gclid": fbclid})
    assert tracking_keys({"src": text}) == expected


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    assert tracking_keys(text, {"src": text, "utm_content": text}) == tracking_keys(text)


def test_an_earlier_source_goes_before_a_later_one() -> None:
    assert tracking_keys({"fbp": "a"}, {"fbp": "b", "fbc": "c"}, "fbclid=d") == Tracking(fbclid="d", fbc="c", fbp="a")


def test_queries() -> None:
    assert query_of("/p?a=1&a=2&b=x%20y") == {"a": "1", "b": "x y"}
    assert query_of("https://[") == {}
    assert query_of(None) == {}


def test_names_in_messages() -> None:
    assert [shown(value) for value in ("charged_back", None, "", 7, "tel 11999990000", "a" * 99)] == [
        "charged_back",
        *("(none)", "(none)"),
        *("(unreadable)", "(unreadable)", "(unreadable)"),
    ]


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12))
def test_amounts_are_exact_however_they_are_written(value: Decimal) -> None:
    assert amount({"a": value}, "a") == value
    assert amount({"a": f" {value} "}, "a") == value
    assert amount({"a": int(value)}, "a") == int(value)


@given(st.floats(min_value=-1e12, max_value=1e12).filter(lambda number: number == 0 or abs(number) > 1e-9))
def test_a_float_is_read_as_it_is_printed(number: float) -> None:
    assert amount({"a": number}, "a") == Decimal(repr(number))


@given(st.integers(min_value=-(10**15), max_value=10**15), st.integers(min_value=0, max_value=4))
def test_minor_units_are_moved_exactly(units: int, decimals: int) -> None:
    assert minor_amount({"a": units}, "a", decimals) * 10**decimals == units


def test_named_values() -> None:
    assert named_values([{"name": "a", "value": 1}, {"name": 2}, {"name": "b"}, "c"]) == {"a": 1, "b": None}
    assert named_values({"name": "a"}) == {}


def test_pages() -> None:
    assert page_url("https://example.com/p?email=ana%40example.com#x") == "https://example.com/p"
    for page in ("/products/1", "https://ana@example.com/", "https://[", "javascript:x", None, "", "http:///x"):
        assert page_url(page) is None
