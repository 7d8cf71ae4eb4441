"""What an event says besides: place, items, restrictions, its name; and the unit of a cookie's time."""

import json
from decimal import Decimal
from typing import Any

import pytest
from delivery.sales import CLICKED, CLICKED_MS, NOW, known_sale, recipient, sale
from hypothesis import given
from hypothesis import strategies as st

from trackai_pipelines.delivery.cookies import fbc_to_send, well_formed_fbc
from trackai_pipelines.delivery.events import encoded, event_of
from trackai_pipelines.delivery.validate import ACTION_SOURCES, problem_of
from trackai_pipelines.facts import details


def event(to: Any = None, **changes: Any) -> dict[str, Any]:
    """The event of a sale with everything known and these changes, as Meta reads it."""
    found: dict[str, Any] = json.loads(encoded(event_of(to or recipient(), known_sale(**changes))))
    return found


def test_the_sources_of_files_and_of_meta_are_the_same() -> None:
    assert details.ACTION_SOURCES == ACTION_SOURCES


@pytest.mark.parametrize("source", sorted(ACTION_SOURCES))
def test_where_it_happened(source: str) -> None:
    found = event(action_source=source)
    assert found["action_source"] == source
    assert ("event_source_url" in found) == (source == "website")
    assert found["user_data"]["client_user_agent"] == "Mozilla/5.0"
    assert problem_of(found, now=NOW) is None


def test_a_sale_that_does_not_say_was_on_a_website() -> None:
    found = event()
    assert (found["action_source"], found["event_source_url"]) == ("website", "https://shop.example.com/thanks")


def test_items_are_told_in_meta_s_names() -> None:
    items = [
        {"id": "sku-1", "quantity": 2, "price": 48.5, "title": "Curso de violão"},
        {"id": "sku-2"},
    ]
    assert event(contents=items)["custom_data"] == {
        "value": 49.90,
        "currency": "BRL",
        "order_id": "order-7",
        "contents": [
            {"id": "sku-1", "quantity": 2, "item_price": 48.5, "title": "Curso de violão"},
            {"id": "sku-2"},
        ],
        "content_ids": ["sku-1", "sku-2"],
        "content_type": "product",
        "num_items": 3,
    }


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        ([{"id": 7, "quantity": 0, "price": -1}], [{"id": "7"}]),
        ([{"id": "a", "quantity": 1.5, "price": "9.90"}], [{"id": "a"}]),
        ([{"id": "a", "quantity": True, "price": False, "title": ["x"]}], [{"id": "a"}]),
        ([{"id": " "}, {"id": None}, {"quantity": 1}, "a", None, 3], None),
        ([], None),
        (None, None),
    ],
)
def test_what_plain_sql_inserted_is_told_as_far_as_it_is_well_formed(stored: Any, told: Any) -> None:
    custom_data = event(contents=stored)["custom_data"]
    assert custom_data.get("contents") == told
    assert ("content_ids" in custom_data) == ("num_items" in custom_data) == (told is not None)


@pytest.mark.parametrize("tenant", [False, True])
@pytest.mark.parametrize("one", [None, False, True])
def test_a_sale_can_only_tighten_its_tenant_s_restrictions(tenant: bool, one: bool | None) -> None:
    to = recipient(limited_data_use=tenant, opt_out=tenant, ldu_country=1, ldu_state=1000)
    found = event(to, limited_data_use=one, opt_out=one)
    if tenant or one:
        assert found["data_processing_options"] == ["LDU"]
        assert (found["data_processing_options_country"], found["data_processing_options_state"]) == (1, 1000)
        assert found["opt_out"] is True
    else:
        assert "data_processing_options" not in found
        assert "opt_out" not in found


def test_one_restriction_does_not_bring_the_other() -> None:
    assert "opt_out" not in event(limited_data_use=True)
    assert "data_processing_options" not in event(opt_out=True)


@pytest.mark.parametrize(
    ("changes", "custom_data"),
    [
        ({"value": None, "currency": None, "order_id": None}, None),
        ({"value": None, "currency": None}, {"order_id": "order-7"}),
        ({"value": None, "order_id": None}, {"currency": "BRL"}),
        ({"order_id": None}, {"value": 49.90, "currency": "BRL"}),
    ],
)
def test_an_event_without_a_value_is_told_without_one(changes: dict[str, Any], custom_data: Any) -> None:
    found = event(event_name="Lead", **changes)
    assert found.get("custom_data") == custom_data
    assert problem_of(found, now=NOW) is None


def test_a_purchase_without_a_value_is_not_sent_whatever_its_spelling() -> None:
    problem = problem_of(event(event_name="purchase", value=None, currency=None), now=NOW)
    assert problem is not None
    assert problem.failure == "no_value"


@pytest.mark.parametrize(
    ("stored", "sent"), [("purchase", "Purchase"), ("add_to_cart", "AddToCart"), ("Compra", "Compra")]
)
def test_a_name_that_plain_sql_inserted_is_sent_in_meta_s_spelling_and_makes_one_event(stored: str, sent: str) -> None:
    assert event(event_name=stored)["event_name"] == sent
    assert event(event_name=stored)["event_id"] == event(event_name=sent)["event_id"]
    by_order = recipient(sent_event_id="order")
    assert event(by_order, event_name=stored)["event_id"] == f"order-7.{sent}"


# The time of a click cookie ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fbc", "sent"),
    [
        ("fb.1.1795700000.IwZXh0", "fb.1.1795700000000.IwZXh0"),
        ("fb.1.1795700000000.IwZXh0", "fb.1.1795700000000.IwZXh0"),
        ("fb.1.1795700000123456.IwZXh0", "fb.1.1795700000123.IwZXh0"),
        ("fb.1.1795700000123456789.IwZXh0", "fb.1.1795700000123.IwZXh0"),
        (" fb.2.1795700000.IwZXh0.AQ ", "fb.2.1795700000000.IwZXh0"),
        ("fb.1.0.IwZXh0", None),
        ("fb.1.12345.IwZXh0", None),
        ("fb.1.946684799.IwZXh0", None),
        ("fb.1.946684800.IwZXh0", "fb.1.946684800000.IwZXh0"),
        (f"fb.1.{'9' * 5000}.IwZXh0", None),
        ("fb.1.now.IwZXh0", None),
        ("", None),
        (None, None),
    ],
)
def test_the_unit_of_a_cookie_s_time(fbc: str | None, sent: str | None) -> None:
    assert fbc_to_send(fbc) == sent


@given(
    milliseconds=st.integers(min_value=946_684_800_000, max_value=4_000_000_000_000),
    unit=st.sampled_from([Decimal("0.001"), Decimal(1), Decimal(1000), Decimal(1_000_000)]),
    fbclid=st.from_regex(r"IwAR[A-Za-z0-9_-]{30,60}", fullmatch=True),
)
def test_any_unit_is_brought_to_milliseconds(milliseconds: int, unit: Decimal, fbclid: str) -> None:
    sent = fbc_to_send(f"fb.1.{int(milliseconds * unit)}.{fbclid}")
    assert sent is not None
    assert sent == well_formed_fbc(sent)
    head, index, time, last = sent.split(".")
    assert (head, index, last) == ("fb", "1", fbclid)
    assert abs(int(time) - milliseconds) < 1000


def test_a_cookie_without_a_time_is_built_from_the_click() -> None:
    changes = {"fbc": "fb.1.12.IwAR0", "click_fbc": None, "click_fbclid": "IwAR0", "click_created_at": CLICKED}
    assert event(**changes)["user_data"]["fbc"] == f"fb.1.{CLICKED_MS}.IwAR0"


def test_a_sale_of_which_nothing_more_is_known_has_no_items() -> None:
    assert "contents" not in event_of(recipient(), sale())["custom_data"]
