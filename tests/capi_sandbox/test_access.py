"""Which requests are let in: tokens, pixels, versions and addresses."""

import httpx
import pytest
from capi_sandbox.conftest import Clock, Post, authorization
from capi_sandbox.events import PIXEL, sale

from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.capi_sandbox.server import sandbox

BODY = {"data": [sale()]}


def error_of(answer: httpx.Response) -> tuple[int, int, int | None]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error.get("error_subcode")


def test_a_token_may_come_in_the_header_the_query_or_the_body(clock: Clock) -> None:
    with sandbox(clock=clock, tokens=["good", "other"]) as box, httpx.Client(trust_env=False, timeout=60) as client:
        url = f"{box.base_url}/v26.0/{PIXEL}/events"
        good = [
            client.post(url, json=BODY, headers=authorization("good")),
            client.post(url, json=BODY, headers={"Authorization": "bearer other"}),
            client.post(url, json=BODY, params={"access_token": "good"}),
            client.post(url, json={**BODY, "access_token": "good"}),
        ]
        assert [answer.status_code for answer in good] == [200] * 4
        bad = [
            client.post(url, json=BODY),
            client.post(url, json=BODY, headers=authorization("wrong")),
            client.post(url, json=BODY, headers={"Authorization": "Basic good"}),
            client.post(url, json=BODY, headers={"Authorization": "Bearer"}),
            client.post(url, json=BODY, params={"access_token": ""}),
            client.post(url, json={**BODY, "access_token": 7}),
        ]
        assert [error_of(answer) for answer in bad] == [(401, 190, None)] * 6
        assert box.pixel(PIXEL).refusals == {"190": 6}


def test_any_token_will_do_by_default_but_there_must_be_one(box: Sandbox, post: Post, client: httpx.Client) -> None:
    assert post(sale()).status_code == 200
    del client.headers["Authorization"]
    assert error_of(post(sale())) == (401, 190, None)


def test_no_token_is_kept_in_clear(box: Sandbox, client: httpx.Client) -> None:
    url = f"{box.base_url}/v26.0/{PIXEL}/events"
    secrets = ["in-the-header", "in-the-query", "in-the-body"]
    client.post(url, json=BODY, headers=authorization(secrets[0]))
    del client.headers["Authorization"]
    client.post(url, json=BODY, params={"access_token": secrets[1]})
    client.post(url, json={**BODY, "access_token": secrets[2]})
    known = "".join(
        client.get(box.base_url + path).text
        for path in ("/", "/_sandbox", "/_sandbox/requests", "/_sandbox/events", "/_sandbox/payloads")
    )
    assert [secret for secret in secrets if secret in known] == []
    # Yet it shows that three different ones were used.
    assert len(box.pixel(PIXEL).tokens) == 3
    assert [request.token for request in box.requests()] == box.pixel(PIXEL).tokens


def test_an_unknown_pixel(clock: Clock, client: httpx.Client) -> None:
    with sandbox(clock=clock, pixels=[PIXEL]) as box:
        assert client.post(f"{box.base_url}/v26.0/{PIXEL}/events", json=BODY).status_code == 200
        assert error_of(client.post(f"{box.base_url}/v26.0/2/events", json=BODY)) == (400, 100, 33)
        assert set(box.pixels()) == {PIXEL, "2"}


def test_a_pixel_is_a_number(post: Post) -> None:
    assert error_of(post(sale(), pixel="me")) == (400, 100, 33)
    assert post(sale(), pixel="7").status_code == 200


@pytest.mark.parametrize("path", ["/26/1/events", "/v26/1/events", "/v26.0/1/event", "/v26.0/1", "/v26.0/1/events/x"])
def test_an_address_that_does_not_exist(box: Sandbox, client: httpx.Client, path: str) -> None:
    assert error_of(client.post(box.base_url + path, json=BODY)) == (400, 2500, None)
    assert box.events() == []


def test_events_cannot_be_read(box: Sandbox, client: httpx.Client) -> None:
    assert error_of(client.get(f"{box.base_url}/v26.0/{PIXEL}/events")) == (400, 2500, None)
