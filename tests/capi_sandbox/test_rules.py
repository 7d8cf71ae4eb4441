"""Each documented rule over HTTP: what is accepted, and which error refuses the rest."""

import json
import string
import subprocess
import sys
from typing import Any

import httpx
import pytest
from capi_sandbox.conftest import Post
from capi_sandbox.events import DAY, HASH, NOW, PIXEL, aged, person, sale
from hypothesis import given, settings
from hypothesis import strategies as st

from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.capi_sandbox.refusals import Refusal
from trackai_pipelines.capi_sandbox.rules import ACTION_SOURCES, HASHED, Events, events_of, fields_of

FBC, FBP = "fb.1.1772000000000.IwAR0-click_id", "fb.1.1772000000000.1098115397"


def test_the_answer_to_good_events_has_the_documented_shape(post: Post) -> None:
    answer = post(sale("1"), sale("2"), partner_agent="trackai-pipelines", test_event_code="TEST1")
    assert answer.status_code == 200
    shown = answer.json()
    assert shown.pop("fbtrace_id")
    assert shown == {"events_received": 2, "messages": []}


def test_an_error_has_the_documented_shape(post: Post) -> None:
    answer = post(aged(8 * DAY))
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error.pop("fbtrace_id")
    assert error.pop("error_user_title")
    assert error.pop("error_user_msg")
    assert error == {
        "message": "Invalid parameter",
        "type": "OAuthException",
        "code": 100,
        "error_subcode": 2804003,
        "is_transient": False,
    }


GOOD = {
    "without an event id": sale(None),
    "this second": aged(0),
    "exactly seven days old": aged(7 * DAY),
    "exactly 62 days old, in a shop": aged(62 * DAY, action_source="physical_store"),
    "value as text": sale(custom_data={"value": "142.52", "currency": "usd"}),
    "no value, and no purchase": sale(event_name="Lead", custom_data=None),
    "an address in capitals": sale(event_source_url="HTTPS://SHOP.EXAMPLE"),
    "a single hash": person(em=HASH),
    "several hashes": person(em=[HASH, HASH]),
    "every hashed parameter": person(**{name: [HASH] for name in sorted(HASHED)}),
    "click id alone": person(fbc=FBC),
    "browser id alone": person(fbp=FBP),
    "browser id with a builder's mark": person(fbp=FBP + ".AQ"),
    "click id with a builder's mark": person(fbc=FBC + ".AQQCAQIA"),
    "click id of a host of four labels": person(fbc=FBC.replace("fb.1", "fb.3")),
    "browser id of a host of thirteen labels": person(fbp=FBP.replace("fb.1", "fb.12")),
    "IPv6": person(em=HASH, client_ip_address="2001:db8::1"),
    "empty parameters next to a good one": person(em=HASH, ph=[], fn="", ln=None),
    "just enough: names": person(fn=HASH, ln=HASH),
    "just enough: birthday and city": person(db=HASH, ct=HASH),
    "no limited data use": sale(data_processing_options=[]),
    "limited data use": sale(
        data_processing_options=["LDU"], data_processing_options_country=1, data_processing_options_state=1000
    ),
    "for attribution only": sale(opt_out=True),
    **{f"from {source}": sale(action_source=source) for source in sorted(ACTION_SOURCES)},
}


@pytest.mark.parametrize("event", GOOD.values(), ids=GOOD.keys())
def test_accepted(post: Post, event: dict[str, Any]) -> None:
    answer = post(event)
    assert (answer.status_code, answer.json().get("events_received")) == (200, 1), answer.text


WRONG_SHAPE = {
    "no name": sale(event_name=None),
    "blank name": sale(event_name=" "),
    "no time": sale(event_time=None),
    "time as text": sale(event_time="1773144000"),
    "time as a fraction": sale(event_time=1773144000.0),
    "time true": sale(event_time=True),
    "time in milliseconds": sale(event_time=int(NOW.timestamp() * 1000)),
    "a second in the future": aged(-1),
    "no source": sale(action_source=None),
    "unknown source": sale(action_source="web"),
    "no user data": sale(user_data=None),
    "user data as a list": sale(user_data=[]),
    "event id as a number": sale(event_id=7),  # type: ignore[arg-type]
    "empty event id": sale(""),
    "address without http": sale(event_source_url="shop.example"),
    "custom data as text": sale(custom_data="49.90"),
    "hashed IP address": person(em=HASH, client_ip_address=HASH),
    "hashed user agent": person(em=HASH, client_user_agent=HASH.upper()),
    "IP address of a name": person(em=HASH, client_ip_address="localhost"),
    "user agent as a list": person(em=HASH, client_user_agent=["Mozilla/5.0"]),
    "unknown processing option": sale(data_processing_options=["ldu"]),
    "limited data use without a place": sale(data_processing_options=["LDU"]),
    "limited data use in a wrong state": sale(
        data_processing_options=["LDU"], data_processing_options_country=1, data_processing_options_state=1
    ),
    "opt out as text": sale(opt_out="yes"),
    "a number for an event": 7,
    "null for an event": None,
}


@pytest.mark.parametrize("event", WRONG_SHAPE.values(), ids=WRONG_SHAPE.keys())
def test_refused_for_its_shape(post: Post, event: object) -> None:
    answer = post(event)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error.get("error_subcode")) == (400, 100, None), answer.text
    assert "data[0]" in error["message"]


BAD = {
    "too old": (2804003, aged(7 * DAY + 1)),
    "too old in a shop": (2804003, aged(62 * DAY + 1, action_source="physical_store")),
    "no custom data": (2804009, sale(custom_data=None)),
    "no value": (2804009, sale(custom_data={"currency": "BRL"})),
    "value in words": (2804009, sale(custom_data={"value": "1,50", "currency": "BRL"})),
    "value true": (2804009, sale(custom_data={"value": True, "currency": "BRL"})),
    "no currency": (2804009, sale(custom_data={"value": 1})),
    "no such currency": (2804009, sale(custom_data={"value": 1, "currency": "R$"})),
    "wrong currency of a lead": (2804009, sale(event_name="Lead", custom_data={"value": 1, "currency": "ABC"})),
    **{f"plain {name}": (2804016, person(**{name: "plain"})) for name in sorted(HASHED)},
    "hash in capitals": (2804016, person(em=HASH.upper())),
    "hash too short": (2804016, person(em=HASH[:-1])),
    "hash with a line's end": (2804016, person(em=HASH + "\n")),
    "one plain of two": (2804016, person(em=[HASH, "ana@example.com"])),
    "hash as a number": (2804016, person(ph=5511987654321)),
    **{
        f"{name} {value!r}": (2804001, person(em=HASH, **{name: value}))
        for name, good in (("fbc", FBC), ("fbp", FBP))
        for value in (
            HASH, good.replace("fb.1", "fb.x"), good.replace("fb.", "fc."), good.replace("000000000.", "000000."),
            good.rpartition(".")[0], good.rpartition(".")[0] + ".", good + " ", [good], 7,
        )
    },
    "a builder's mark in the place of a click id": (2804001, person(em=HASH, fbc="fb.1.1772000000000..AQ")),
    "browser id of letters": (2804001, person(em=HASH, fbp="fb.1.1772000000000.abc")),
    **{
        f"only {' '.join(names)}": (2804050, person(**dict.fromkeys(names, HASH)))
        for names in (
            (), ("ct",), ("ct", "country", "st", "zp", "ge"), ("country",), ("db",), ("fn",), ("fn", "ge"), ("ln",),
            ("ln", "ge"),
        )
    },
    "only the user agent": (2804050, person(client_user_agent="Mozilla/5.0")),
    "only birthday and user agent": (2804050, person(db=HASH, client_user_agent="Mozilla/5.0")),
    "only an empty list": (2804050, person(em=[])),
    "only what is not known": (2804050, person(email=HASH)),
}  # fmt: skip


@pytest.mark.parametrize(("subcode", "event"), BAD.values(), ids=BAD.keys())
def test_refused_as_a_bad_event(post: Post, subcode: int, event: dict[str, Any]) -> None:
    answer = post(event)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error.get("error_subcode")) == (400, 100, subcode), answer.text


def test_one_bad_event_refuses_the_whole_request_and_only_the_record_tells_which(post: Post, box: Sandbox) -> None:
    answer = post(sale("1"), sale("2"), aged(8 * DAY), sale("4"))
    assert answer.status_code == 400
    assert "data[" not in answer.text
    assert box.events() == []
    (request,) = box.requests()
    assert (request.did, request.accepted, request.code, request.subcode) == ("refused", 0, 100, 2804003)
    assert request.reason is not None
    assert request.reason.startswith("data[2].event_time")


def test_a_thousand_events_are_accepted_and_one_more_refuses_all(post: Post, box: Sandbox) -> None:
    events = [sale(str(number)) for number in range(1001)]
    assert post(*events[:1000]).json()["events_received"] == 1000
    refused = post(*events)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, 100)
    assert box.pixel(PIXEL).accepted == 1000


def test_website_events_without_url_or_user_agent_are_accepted_with_remarks(post: Post) -> None:
    shown = post(sale(event_source_url=None, user_data={"em": HASH})).json()
    assert shown["events_received"] == 1
    assert [name for name in ("event_source_url", "client_user_agent") if name in str(shown["messages"])] == [
        "event_source_url",
        "client_user_agent",
    ]
    assert post(sale(action_source="app", event_source_url=None, user_data={"em": HASH})).json()["messages"] == []


def test_a_placeholder_of_a_click_id_is_remarked_on(post: Post) -> None:
    def remarks(fbc: str) -> list[str]:
        return [one for one in post(person(em=HASH, fbc=fbc)).json()["messages"] if ".fbc " in one]

    for none in ("undefined", "NULL", "{{fbclid}}", "%7Bfbclid%7D.AQ"):
        assert remarks(f"fb.1.1772000000000.{none}") == [
            "data[0].user_data.fbc has no click id: send no fbc where there is no fbclid"
        ]
    assert remarks(FBC) == []


def test_an_unknown_parameter_is_remarked_on(post: Post) -> None:
    assert "data[0].user_data.email " in post(person(em=HASH, email=HASH)).json()["messages"][0]


BODIES = {
    "not JSON": b'{"data": [',
    "nothing": b"",
    "not text": b'{"data": "\xff"}',
    "name not text": b'{"\xff": 1}',
    "an array": b"[]",
    "no data": b'{"partner_agent": "us"}',
    "data empty": b'{"data": []}',
    "data an object": b'{"data": {}}',
    "data text": b'{"data": "[]"}',
    "nested without end": b'{"data": ' + b"[" * 100_000,
    "agent a number": json.dumps({"data": [sale()], "partner_agent": 1}).encode(),
    "test code a number": json.dumps({"data": [sale()], "test_event_code": 1}).encode(),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_body_that_is_no_request_is_refused(box: Sandbox, client: httpx.Client, body: bytes) -> None:
    url = f"{box.base_url}/v26.0/{PIXEL}/events"
    answer = client.post(url, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 100), answer.text


def test_another_content_type_is_refused(box: Sandbox, client: httpx.Client) -> None:
    url = f"{box.base_url}/v26.0/{PIXEL}/events"
    body = json.dumps({"data": [sale()]})
    for content_type, status in (("text/plain", 400), ("application/json; charset=utf-8", 200)):
        answer = client.post(url, content=body, headers={"Content-Type": content_type})
        assert answer.status_code == status


_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=70)
    | st.text(string.hexdigits, min_size=64, max_size=64),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    field=st.sampled_from([*sorted(sale()), "opt_out", "data_processing_options"]),
    parameter=st.sampled_from([*sorted(sale()["user_data"]), "fbc", "fbp", "ph"]),
    value=_anything,
)
def test_whatever_is_sent_is_judged(field: str, parameter: str, value: object) -> None:
    """No value anywhere breaks the server: it is accepted or refused."""
    changed: dict[str, Any] = {field: value}
    for event in (sale(**changed), person(**{parameter: value}), sale(custom_data={"value": value}), value):
        fields = fields_of(json.dumps({"data": [event]}).encode())
        assert isinstance(fields, dict)
        assert isinstance(events_of(fields, NOW), Events | Refusal)


@pytest.mark.processes
def test_nothing_of_the_client_is_imported() -> None:
    """The judge shares no code with the judged."""
    loaded = (
        "import sys, trackai_pipelines.capi_sandbox.server; "
        "print([m for m in sys.modules if m.startswith('trackai_pipelines.') and 'capi_sandbox' not in m])"
    )
    run = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "['trackai_pipelines.clock']"
