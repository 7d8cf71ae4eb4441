"""Validation: every rule of Meta's that can be checked before sending, each with its code and its sentence."""

import json
from copy import deepcopy
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain, combinations
from typing import Any

import pytest
from delivery.sales import EMAIL, FBC, FBP, NAME, NOW, PHONE, known_sale, recipient, sale
from hypothesis import given
from hypothesis import strategies as st

from trackai_pipelines.delivery.events import encoded, event_of
from trackai_pipelines.delivery.validate import ACTION_SOURCES, problem_of, warnings_of

EVENT = event_of(recipient(), known_sale())
GONE = object()


def changed(path: str, value: object) -> dict[str, Any]:
    """The event with one field set, or taken out where the value is GONE."""
    event = deepcopy(EVENT)
    *steps, last = path.split(".")
    inside = event
    for step in steps:
        inside = inside[step]
    inside[last] = value
    if value is GONE:
        del inside[last]
    return event


def failure_of(event: dict[str, Any]) -> str | None:
    problem = problem_of(event, now=NOW)
    return problem.failure if problem else None


def with_user_data(**user_data: object) -> dict[str, Any]:
    return EVENT | {"user_data": user_data}


def test_a_good_event_passes_as_built_and_as_read_back() -> None:
    assert problem_of(EVENT, now=NOW) is None
    assert problem_of(json.loads(encoded(EVENT)), now=NOW) is None
    limited = recipient(limited_data_use=True, ldu_country=1, ldu_state=1000, opt_out=True)
    assert problem_of(event_of(limited, known_sale()), now=NOW) is None


@pytest.mark.parametrize(
    ("path", "value", "failure"),
    [
        ("event_name", GONE, "bad_event_name"),
        ("event_name", "", "bad_event_name"),
        ("event_name", " ", "bad_event_name"),
        ("event_name", "x" * 51, "bad_event_name"),
        ("event_name", "x" * 50, None),
        ("event_name", 7, "bad_event_name"),
        ("event_id", GONE, "bad_event_id"),
        ("event_id", " ", "bad_event_id"),
        ("action_source", GONE, "bad_action_source"),
        ("action_source", "Website", "bad_action_source"),
        ("action_source", ["website"], "bad_action_source"),
        ("event_source_url", "shop.example.com", "bad_url"),
        ("event_source_url", "", "bad_url"),
        ("event_source_url", GONE, None),
        ("event_time", GONE, "bad_event_time"),
        ("event_time", "1773143970", "bad_event_time"),
        ("event_time", 1773143970.5, "bad_event_time"),
        ("event_time", True, "bad_event_time"),
        ("event_time", 10**20, "bad_event_time"),
        ("event_time", 1773143970 * 1000, "bad_event_time"),
        ("event_time", 0, "too_old"),
        ("user_data", GONE, "no_user_data"),
        ("user_data", [], "no_user_data"),
        ("user_data", {}, "little_user_data"),
        ("user_data.em", "ana@example.com", "bad_hash"),
        ("user_data.em", EMAIL, None),
        ("user_data.em", [EMAIL, PHONE], None),
        ("user_data.em", [EMAIL, "ana@example.com"], "bad_hash"),
        ("user_data.em", [], "bad_hash"),
        ("user_data.em", [None], "bad_hash"),
        ("user_data.em", None, "bad_hash"),
        ("user_data.ph", [PHONE.upper()], "bad_hash"),
        ("user_data.ph", ["5511999990000"], "bad_hash"),
        ("user_data.external_id", "7", "bad_hash"),
        ("user_data.country", "br", "bad_hash"),
        ("user_data.fn", NAME[1:], "bad_hash"),
        ("user_data.ln", "g" * 64, "bad_hash"),
        ("user_data.ct", f"{NAME}\n", "bad_hash"),
        ("user_data.st", 7, "bad_hash"),
        ("user_data.zp", "", "bad_hash"),
        ("user_data.db", "19970216", "bad_hash"),
        ("user_data.ge", "f", "bad_hash"),
        ("user_data.fbc", "garbage", "bad_fbc"),
        ("user_data.fbc", "IwAR0abc", "bad_fbc"),
        ("user_data.fbc", "fb.x.1.x", "bad_fbc"),
        ("user_data.fbc", EMAIL, "bad_fbc"),
        ("user_data.fbc", "", "bad_fbc"),
        ("user_data.fbc", [FBC], "bad_fbc"),
        ("user_data.fbp", "fb.1.1.x", "bad_fbp"),
        ("user_data.fbp", 7, "bad_fbp"),
        ("user_data.client_ip_address", "203.0.113.300", "bad_ip"),
        ("user_data.client_ip_address", EMAIL, "bad_ip"),
        ("user_data.client_ip_address", "203.0.113.7/32", "bad_ip"),
        ("user_data.client_ip_address", "fe80::1%eth0", "bad_ip"),
        ("user_data.client_ip_address", "2001:db8::7", None),
        ("user_data.client_user_agent", " ", "bad_user_agent"),
        ("user_data.client_user_agent", 7, "bad_user_agent"),
        ("custom_data", GONE, "no_value"),
        ("custom_data", [], "no_value"),
        ("custom_data.value", GONE, "no_value"),
        ("custom_data.value", None, "no_value"),
        ("custom_data.value", "49.90", "bad_value"),
        ("custom_data.value", True, "bad_value"),
        ("custom_data.value", -1, "bad_value"),
        ("custom_data.value", Decimal("-0.01"), "bad_value"),
        ("custom_data.value", Decimal("NaN"), "bad_value"),
        ("custom_data.value", float("inf"), "bad_value"),
        ("custom_data.value", 10**400, None),
        ("custom_data.value", 0, None),
        ("custom_data.value", 49.9, None),
        ("custom_data.currency", GONE, "no_currency"),
        ("custom_data.currency", "ZZZ", "bad_currency"),
        ("custom_data.currency", "brl", "bad_currency"),
        ("custom_data.currency", "XAU", "bad_currency"),
        ("custom_data.currency", 7, "bad_currency"),
        ("opt_out", "yes", "bad_opt_out"),
        ("opt_out", False, None),
        ("data_processing_options", [], None),
        ("data_processing_options", ["ldu"], "bad_data_processing"),
        ("data_processing_options", "LDU", "bad_data_processing"),
        ("data_processing_options_country", 2, "bad_data_processing"),
        ("data_processing_options_state", 5, "bad_data_processing"),
    ],
)
def test_each_rule(path: str, value: object, failure: str | None) -> None:
    assert failure_of(changed(path, value)) == failure


@pytest.mark.parametrize("source", sorted(ACTION_SOURCES))
def test_every_documented_action_source(source: str) -> None:
    assert failure_of(changed("action_source", source)) is None
    assert len(ACTION_SOURCES) == 9


def test_only_a_purchase_needs_an_amount() -> None:
    lead = EVENT | {"event_name": "Lead"}
    assert failure_of(lead | {"custom_data": {}}) is None
    assert failure_of(lead | {"custom_data": {"value": 1}}) == "no_currency"
    assert failure_of(lead | {"custom_data": {"currency": "ZZZ"}}) == "bad_currency"
    del lead["custom_data"]
    assert failure_of(lead) is None


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("happened", "failure"),
    [
        (NOW, None),
        (NOW - timedelta(days=7) + timedelta(minutes=1), None),
        (NOW - timedelta(days=7) + timedelta(minutes=1) - SECOND, "too_old"),
        (NOW - timedelta(days=62), "too_old"),
        (NOW + SECOND, "in_future"),
        (NOW + timedelta(days=1), "in_future"),
    ],
)
def test_ages(happened: datetime, failure: str | None) -> None:
    assert failure_of(changed("event_time", int(happened.timestamp()))) == failure


def test_what_happened_in_a_store_may_be_older() -> None:
    store = changed("action_source", "physical_store")
    for days, failure in ((61, None), (62, "too_old")):
        store["event_time"] = int((NOW - timedelta(days=days)).timestamp())
        assert failure_of(store) == failure
    assert "62 days" in str(problem_of(store, now=NOW))


VALUES = {"client_user_agent": "Mozilla/5.0", "client_ip_address": "203.0.113.7", "fbc": FBC, "fbp": FBP}
GROUPS = ("ct country st zp ge client_user_agent", "db client_user_agent", "fn ge", "ln ge")
NAMES = sorted({*VALUES, *" ".join(GROUPS).split(), "em", "ph", "external_id"})


def test_user_data_that_finds_nobody() -> None:
    """Every subset of up to three parameters, against the documented groups spelled out as pairs of subset tests."""
    subsets = chain.from_iterable(combinations(NAMES, size) for size in (1, 2, 3))
    for subset in subsets:
        too_weak = any(all(name in group.split() for name in subset) for group in GROUPS)
        event = with_user_data(**{name: VALUES.get(name, NAME) for name in subset})
        assert failure_of(event) == ("little_user_data" if too_weak else None), subset


def test_a_whole_weak_group_is_still_weak() -> None:
    for group in GROUPS:
        whole = {name: VALUES.get(name, NAME) for name in group.split()}
        assert failure_of(with_user_data(**whole)) == "little_user_data"
        assert failure_of(with_user_data(**whole, em=[EMAIL])) is None


def test_sentences_say_what_to_mend_and_show_no_buyer() -> None:
    raw = "ana.souza@example.com"
    for name in ("em", "fbc", "client_ip_address"):
        problem = problem_of(changed(f"user_data.{name}", raw), now=NOW)
        assert problem is not None
        assert f"user_data.{name}" in problem.message
        assert "souza" not in problem.message
        assert ": " in problem.message or "," in problem.message


def test_a_sale_of_an_unknown_currency_is_told_by_name() -> None:
    assert failure_of(event_of(recipient(), known_sale(currency="ZZZ"))) == "bad_currency"


def test_warnings() -> None:
    assert warnings_of(EVENT) == []
    (free,) = warnings_of(event_of(recipient(), known_sale(value=Decimal(0))))
    assert "the value is 0" in free
    bare = event_of(recipient(), sale(email_hash=EMAIL))
    assert problem_of(bare, now=NOW) is None
    url, agent = warnings_of(bare)
    assert "event_source_url" in url
    assert "client_user_agent" in agent
    assert warnings_of(bare | {"action_source": "system_generated"}) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
PATHS = [*EVENT, *(f"user_data.{name}" for name in NAMES), "custom_data.value", "custom_data.currency"]


@given(st.sampled_from(PATHS), JSON)
def test_any_value_anywhere_is_judged_and_never_an_accident(path: str, value: object) -> None:
    problem = problem_of(changed(path, value), now=NOW)
    assert problem is None or (problem.failure and problem.message)
