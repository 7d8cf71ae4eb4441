"""Each misbehaviour over HTTP, by a script and by chance, and what the record says of it."""

import json
import threading
from typing import Any

import httpx
import pytest
from capi_sandbox.conftest import Clock, Post
from capi_sandbox.events import DAY, PIXEL, aged, sale

from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.capi_sandbox.misbehaviour import Misbehaviour
from trackai_pipelines.capi_sandbox.server import sandbox


def accepted(box: Sandbox) -> dict[str, int]:
    return {event.event_id: event.accepted for event in box.events()}


def outcome(post: Post, *events: object, pixel: str = PIXEL) -> str | int:
    """The status, or what became of the connection."""
    try:
        return post(*events, pixel=pixel).status_code
    except httpx.TransportError as error:
        return type(error).__name__


@pytest.mark.parametrize("accept", [False, True])
@pytest.mark.parametrize(("do", "seen"), [("timeout", "ReadTimeout"), ("reset", "ReadError")])
def test_no_answer(post: Post, box: Sandbox, impatient: httpx.Client, do: str, seen: str, accept: bool) -> None:
    box.misbehave(do=do, accept=accept)
    assert outcome(post, sale("lost")) == seen
    assert accepted(box) == ({"lost": 1} if accept else {})
    (request,) = box.requests()
    assert (request.did, request.accepted, request.status) == (do, int(accept), None)
    impatient.timeout = httpx.Timeout(60)
    assert outcome(post, sale("lost")) == 200
    assert accepted(box) == {"lost": 1 + accept}
    assert box.pixel(PIXEL).counted == 1


@pytest.mark.parametrize("accept", [False, True])
@pytest.mark.parametrize("do", ["html", "truncated", "empty"])
def test_garbage(post: Post, box: Sandbox, do: str, accept: bool) -> None:
    box.misbehave(do=do, accept=accept)
    answer = post(sale())
    assert answer.status_code == 200
    assert len(answer.content) > 0 or do == "empty"
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert ("html" in answer.headers["Content-Type"]) == (do == "html")
    assert box.pixel(PIXEL).accepted == accept


def test_garbage_with_a_status_and_headers_of_a_proxy(post: Post, box: Sandbox) -> None:
    box.misbehave(do="html", status=502, headers={"Retry-After": "7"})
    answer = post(sale())
    assert (answer.status_code, answer.headers["Retry-After"]) == (502, "7")


ERRORS: dict[str, tuple[dict[str, Any], tuple[int, int, int | None]]] = {
    "out of order": ({}, (500, 2, None)),
    "unavailable": ({"status": 503}, (503, 2, None)),
    "unknown": ({"code": 1}, (500, 1, None)),
    "application limit": ({"code": 341}, (400, 341, None)),
    "abusive": ({"code": 368}, (400, 368, None)),
    "token": ({"code": 190}, (401, 190, None)),
    "expired token": ({"code": 190, "subcode": 463, "status": 400}, (400, 190, 463)),
    "session": ({"code": 102}, (400, 102, None)),
    "permission": ({"code": 10}, (403, 10, None)),
    "another permission": ({"code": 294}, (403, 294, None)),
    "unknown pixel": ({"code": 100, "subcode": 33}, (400, 100, 33)),
    "bad event": ({"code": 100, "subcode": 2804001}, (400, 100, 2804001)),
    "nobody knows": ({"code": 99999}, (400, 99999, None)),
}


@pytest.mark.parametrize(("asked", "expected"), ERRORS.values(), ids=ERRORS.keys())
def test_errors_at_will(post: Post, box: Sandbox, asked: dict[str, Any], expected: tuple[int, int, int | None]) -> None:
    box.misbehave(do="error", **asked)
    answer = post(sale())
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error.get("error_subcode")) == expected
    assert error["fbtrace_id"]
    assert error["message"]
    (request,) = box.requests()
    assert (request.did, request.status, request.code, request.subcode) == ("error", *expected)
    assert accepted(box) == {}
    assert post(sale()).status_code == 200


def test_an_error_after_accepting(post: Post, box: Sandbox) -> None:
    box.misbehave(do="error", code=1, accept=True)
    assert post(sale("x")).status_code == 500
    assert accepted(box) == {"x": 1}


@pytest.mark.parametrize("code", [80000, 80003, 80004, 80014])
def test_business_limits_tell_minutes(post: Post, box: Sandbox, code: int) -> None:
    box.misbehave(do="error", code=code, wait_seconds=61)
    answer = post(sale())
    assert answer.json()["error"]["code"] == code
    ((usage,),) = json.loads(answer.headers["X-Business-Use-Case-Usage"]).values()
    assert usage["estimated_time_to_regain_access"] == 2


@pytest.mark.parametrize("code", [17, 613])
def test_account_limits_tell_seconds(post: Post, box: Sandbox, code: int) -> None:
    box.misbehave(do="error", code=code, wait_seconds=61)
    answer = post(sale())
    assert answer.json()["error"]["code"] == code
    assert json.loads(answer.headers["X-Ad-Account-Usage"])["reset_time_duration"] == 61


def test_the_application_limit_tells_no_time(post: Post, box: Sandbox) -> None:
    box.misbehave(do="error", code=4)
    answer = post(sale())
    assert json.loads(answer.headers["X-App-Usage"])["call_count"] == 100


def test_slow_answers_are_late_and_right(post: Post, box: Sandbox, impatient: httpx.Client) -> None:
    box.misbehave(do="slow", ms=2500, times=2)
    assert outcome(post, sale("late")) == "ReadTimeout"
    assert accepted(box) == {"late": 1}
    box.behave()
    impatient.timeout = httpx.Timeout(60)
    box.misbehave(do="slow", ms=10)
    assert post(sale("soon")).json()["events_received"] == 1
    assert [request.did for request in box.requests()] == ["slow", "slow"]


def test_a_slow_refusal_is_a_refusal(post: Post, box: Sandbox) -> None:
    box.misbehave(do="slow", ms=1)
    assert post(aged(8 * DAY)).status_code == 400
    assert [request.did for request in box.requests()] == ["refused"]


def test_latency_holds_up_every_answer(clock: Clock, impatient: httpx.Client) -> None:
    with sandbox(clock=clock, latency_ms=2500) as box:
        with pytest.raises(httpx.ReadTimeout):
            impatient.post(f"{box.base_url}/v26.0/{PIXEL}/events", json={"data": [sale("late")]})
        assert accepted(box) == {"late": 1}


def test_a_script_goes_on_in_order_pixel_by_pixel(post: Post, box: Sandbox) -> None:
    box.misbehave(do="error", status=503, pixel="1", times=2)
    box.misbehave(do="reset", pixel="1")
    box.misbehave(do="empty", pixel="2")
    box.misbehave(do="error", code=4)
    assert [(one.do, one.times) for one in box.misbehaviours()] == [
        ("error", 2),
        ("reset", 1),
        ("empty", 1),
        ("error", 1),
    ]
    assert [outcome(post, sale(), pixel="1") for _ in range(3)] == [503, 503, "ReadError"]
    assert [one.do for one in box.misbehaviours()] == ["empty", "error"]
    assert [outcome(post, sale(), pixel="3") for _ in range(2)] == [400, 200]
    assert outcome(post, sale(), pixel="1") == 200
    assert post(sale(), pixel="2").content == b""
    assert box.misbehaviours() == []
    assert box.pixel("1").misbehaved == 3


def test_chance_is_repeatable_and_pixels_have_their_own(clock: Clock, client: httpx.Client) -> None:
    by_chance = [
        Misbehaviour(do="error", status=503, probability=0.3),
        Misbehaviour(do="error", code=4, status=429, probability=0.3),
    ]

    def courses(seed: int, pixels: list[str]) -> dict[str, list[int]]:
        with sandbox(clock=clock, misbehaviours=by_chance, seed=seed) as box:
            url = f"{box.base_url}/v26.0"
            seen: dict[str, list[int]] = {pixel: [] for pixel in pixels}
            for _ in range(40):
                for pixel in pixels:
                    seen[pixel].append(client.post(f"{url}/{pixel}/events", json={"data": [sale()]}).status_code)
            return seen

    first = courses(7, ["1", "2"])
    assert set(first["1"]) == {200, 429, 503}
    assert first["1"] != first["2"]
    assert courses(7, ["2"])["2"] == first["2"]
    assert courses(8, ["2"])["2"] != first["2"]


def test_a_certain_misbehaviour_lasts_until_taken_back(post: Post, box: Sandbox) -> None:
    box.misbehave(do="error", probability=1, pixel=PIXEL)
    assert [outcome(post, sale()) for _ in range(5)] == [500] * 5
    assert outcome(post, sale(), pixel="2") == 200
    box.behave()
    assert outcome(post, sale()) == 200


@pytest.mark.parametrize(
    "asked",
    [
        {"do": "explode"},
        {},
        {"do": "error", "times": 0},
        {"do": "error", "probability": 0},
        {"do": "error", "probability": 1.5},
        {"do": "error", "status": 42},
        {"do": "error", "unknown": 1},
    ],
)
def test_what_is_no_misbehaviour_is_refused(box: Sandbox, asked: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="This is not a misbehaviour"):
        box.misbehave(**asked)
    assert box.misbehaviours() == []


def test_a_list_of_misbehaviours_comes_in_force_at_once(box: Sandbox, client: httpx.Client) -> None:
    answer = client.post(f"{box.base_url}/_sandbox/misbehave", json=[{"do": "reset"}, {"do": "empty", "times": 2}])
    assert answer.status_code == 200
    assert [(one.do, one.times) for one in box.misbehaviours()] == [("reset", 1), ("empty", 2)]


def test_the_end_lets_go_of_those_who_wait(clock: Clock) -> None:
    """The block ends although a client would never stop waiting."""
    seen: list[str] = []

    def wait(url: str) -> None:
        try:
            httpx.post(url, json={"data": [sale()], "access_token": "x"}, timeout=None, trust_env=False)
        except httpx.TransportError as error:
            seen.append(type(error).__name__)

    with sandbox(clock=clock) as box:
        box.misbehave(do="timeout")
        waiting = threading.Thread(target=wait, args=(f"{box.base_url}/v26.0/{PIXEL}/events",))
        waiting.start()
        while not box.requests():
            pass
    waiting.join(timeout=60)
    assert seen == ["RemoteProtocolError"]


def test_only_requests_with_named_events_are_refused_with_the_message_that_was_asked_for(
    post: Post, box: Sandbox
) -> None:
    named = sale("one") | {"custom_data": {"order_id": "A-17", "value": 1, "currency": "BRL"}}
    box.misbehave(do="error", code=100, subcode=2804001, message="No", events=["two", "A-17"], probability=1)
    assert outcome(post, sale("three"), sale("four")) == 200
    for refused in ([sale("two")], [sale("five"), sale("two")], [named]):
        answer = post(*refused, pixel=PIXEL)
        assert (answer.status_code, answer.json()["error"]["message"]) == (400, "No")
        assert answer.json()["error"]["error_subcode"] == 2804001
    assert accepted(box) == {"three": 1, "four": 1}
    box.behave()
    box.misbehave(do="error", code=3, events=["six"])
    assert [outcome(post, sale(name)) for name in ("seven", "six", "six")] == [200, 400, 200]
