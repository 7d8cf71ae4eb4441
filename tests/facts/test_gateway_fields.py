"""What the readers share: tracking keys found in free text, exact amounts, pages, names fit for a message."""

from decimal import Decimal

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
        (f'{{"fbc": "x", "fbc":"{FBC}","fbp":"{FBP}"}}', Tracking(fbc=FBC, fbp=FBP)),
        (f"{FBC}.AQYBAQIA", Tracking(fbc=f"{FBC}.AQYBAQIA")),
        ({"utm_content": FBP, "FBC": " garbage "}, Tracking(fbc=" garbage ", fbp=FBP)),
        ({"fbc": "garbage", "sck": f"fbc={FBC}"}, Tracking(fbc="garbage")),
        ({"fbc": "  ", "_fbc": 7, "fbp": None}, Tracking()),
        ("fb.x.1.x fb.1.x.y FB.1.1.1 xfbc=1 fbclid", Tracking()),
        ("fb.3.17.IwAR0 fb.12.17.99", Tracking(fbc="fb.3.17.IwAR0", fbp="fb.12.17.99")),
        ("IwAR0abcdefghijklmnop", Tracking()),
        (f"fbp={FBP}" + "x" * 10_000, Tracking()),
        (None, Tracking()),
        (7, Tracking()),
        ([], Tracking()),
    ],
)
def test_tracking_keys(source: object, expected: Tracking) -> None:
    assert tracking_keys(source) == expected


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
