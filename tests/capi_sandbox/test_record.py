"""What the sandbox remembers: requests, events by name and id, deduplication, bounds, and the page."""

import hashlib
import json
from datetime import timedelta

import httpx
import pytest
from capi_sandbox.conftest import Clock, Post
from capi_sandbox.events import HASH, NOW, PIXEL, sale

from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.capi_sandbox.record import KEPT_PAYLOADS, KEPT_REQUESTS, Record, Request
from trackai_pipelines.capi_sandbox.server import sandbox


def test_an_event_sent_again_counts_once(post: Post, box: Sandbox) -> None:
    post(sale("1"), sale("2"))
    post(sale("1"))
    post(sale("1", event_name="Lead"))
    post(sale("1"), pixel="7")
    assert {(e.pixel, e.event_name, e.event_id): (e.accepted, e.counted) for e in box.events()} == {
        (PIXEL, "Purchase", "1"): (2, 1),
        (PIXEL, "Purchase", "2"): (1, 1),
        (PIXEL, "Lead", "1"): (1, 1),
        ("7", "Purchase", "1"): (1, 1),
    }
    assert (box.pixel(PIXEL).accepted, box.pixel(PIXEL).counted) == (4, 3)
    assert [event.event_name for event in box.events(pixel=PIXEL, event_id="1")] == ["Purchase", "Lead"]


def test_the_same_event_twice_in_a_request_counts_once(post: Post, box: Sandbox) -> None:
    assert post(sale("1"), sale("1")).json()["events_received"] == 2
    assert (box.pixel(PIXEL).accepted, box.pixel(PIXEL).counted) == (2, 1)


def test_after_48_hours_it_counts_again(post: Post, box: Sandbox, clock: Clock) -> None:
    post(sale("1"))
    clock.now = NOW + timedelta(hours=48, seconds=-1)
    post(sale("1"))
    assert box.pixel(PIXEL).counted == 1
    clock.now = NOW + timedelta(hours=48)
    post(sale("1"))
    (event,) = box.events()
    assert (event.accepted, event.counted, event.counted_at) == (3, 2, clock.now)
    assert box.pixel(PIXEL).counted == 2


def test_without_an_id_each_counts(post: Post, box: Sandbox) -> None:
    post(sale(None), sale(None))
    pixel = box.pixel(PIXEL)
    assert (pixel.accepted, pixel.counted, pixel.without_event_id) == (2, 2, 2)
    assert box.events() == []


def test_the_hash_is_of_the_bytes_as_sent_and_a_change_shows(box: Sandbox, client: httpx.Client) -> None:
    first, second = json.dumps(sale("1"), indent=1), json.dumps(sale("1"))
    for event in (first, first, second):
        body = f'{{"data": [ {event} ], "access_token": "x"}}'
        url = f"{box.base_url}/v26.0/{PIXEL}/events"
        assert client.post(url, content=body, headers={"Content-Type": "application/json"}).status_code == 200
        (known,) = box.events()
        assert known.sha256 == hashlib.sha256(first.encode()).hexdigest()
        assert known.changed == (event is second)


def test_a_request_is_remembered_with_what_became_of_it(post: Post, box: Sandbox) -> None:
    sent = post(sale(), sale("2"), test_event_code="TEST9").request
    post(sale("x", event_name=None))
    good, bad = box.requests(PIXEL)
    assert (good.at, good.bytes, good.did, good.accepted, good.status, good.test_event_code) == (
        NOW,
        len(sent.content),
        "accepted",
        2,
        200,
        "TEST9",
    )
    assert (bad.did, bad.status, bad.code, bad.subcode, bad.accepted) == ("refused", 400, 100, None, 0)
    assert "event_name" in (bad.reason or "")
    assert box.requests("7") == []
    pixel = box.pixel(PIXEL)
    assert (pixel.requests, pixel.refused, pixel.refusals, pixel.last_at) == (2, 1, {"100": 1}, NOW)
    assert pixel.bytes == good.bytes + bad.bytes


def test_the_last_payloads_are_shown_as_sent(post: Post, box: Sandbox) -> None:
    events = [sale(str(number)) for number in range(KEPT_PAYLOADS + 5)]
    post(*events)
    post(sale("of another"), pixel="7")
    assert box.payloads(PIXEL) == events[6:]
    assert box.payloads()[-1] == sale("of another")


def test_a_pixel_that_received_nothing_has_noughts(box: Sandbox) -> None:
    assert (box.pixel("7").requests, box.pixel("7").accepted) == (0, 0)
    assert box.pixels() == {}


def test_all_can_be_forgotten(post: Post, box: Sandbox) -> None:
    post(sale())
    box.forget()
    assert (box.pixels(), box.requests(), box.events(), box.payloads()) == ({}, [], [], [])
    post(sale())
    assert box.pixel(PIXEL).counted == 1


@pytest.mark.parametrize("keep", [0, 2])
def test_events_beyond_the_bound_are_only_counted(clock: Clock, client: httpx.Client, keep: int) -> None:
    with sandbox(clock=clock, keep_events=keep) as box:
        events = [sale(str(number)) for number in range(5)]
        for _ in range(2):
            client.post(f"{box.base_url}/v26.0/{PIXEL}/events", json={"data": events})
        assert [event.event_id for event in box.events()] == ["0", "1"][:keep]
        pixel = box.pixel(PIXEL)
        assert (pixel.accepted, pixel.not_kept, pixel.counted) == (10, 2 * (5 - keep), 10 - keep)


def test_old_requests_make_room() -> None:
    record = Record(keep_events=0)
    for number in range(KEPT_REQUESTS + 1):
        record.note(Request(pixel="1", at=NOW, bytes=number, did="accepted"))
    assert len(record.requests) == KEPT_REQUESTS
    assert record.requests[0].bytes == 1
    assert record.pixels["1"].requests == KEPT_REQUESTS + 1


def test_the_page_shows_totals_refusals_and_misbehaviours(post: Post, box: Sandbox, client: httpx.Client) -> None:
    assert "Nothing has been received yet." in client.get(box.base_url).text
    post(*(sale(str(number)) for number in range(1000)))
    post(*(sale(str(number)) for number in range(500)))
    post(sale(user_data={"em": "<b>ana"}))
    box.misbehave(do="reset", pixel="424242", times=3)
    box.misbehave(do="slow", ms=1, probability=0.25)
    page = client.get(box.base_url)
    assert page.headers["Content-Type"].startswith("text/html")
    for shown in ("1,500", "100/2804016", "data[0].user_data.em is not 64", "424242", "the next 3", "25.0%"):
        assert shown in page.text, shown


def test_the_page_escapes_what_it_was_sent(post: Post, box: Sandbox, client: httpx.Client) -> None:
    post(sale(), test_event_code="<script>alert(1)</script>")
    assert "<script>" not in client.get(box.base_url).text


def test_requests_at_once_are_all_counted(box: Sandbox) -> None:
    import asyncio

    async def send() -> list[int]:
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:

            async def one(number: int) -> int:
                body = {"data": [sale(f"{number}-{of}") for of in range(20)], "access_token": "x"}
                return (await client.post(f"{box.base_url}/v26.0/{number % 3}/events", json=body)).status_code

            return list(await asyncio.gather(*map(one, range(60))))

    assert asyncio.run(send()) == [200] * 60
    assert {name: pixel.counted for name, pixel in box.pixels().items()} == {"0": 400, "1": 400, "2": 400}
    assert HASH in json.dumps(box.payloads())
