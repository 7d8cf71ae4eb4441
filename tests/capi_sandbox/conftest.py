"""A sandbox of the test's own, a clock that the test sets, and a client that posts to it over HTTP."""

from collections.abc import Callable, Iterator
from datetime import datetime

import httpx
import pytest
from capi_sandbox.events import NOW, PIXEL

from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.capi_sandbox.server import sandbox

Post = Callable[..., httpx.Response]


class Clock:
    """The sandbox's time; `now` may be set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def box(clock: Clock) -> Iterator[Sandbox]:
    with sandbox(clock=clock) as running:
        yield running


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    """Knows no proxy, is patient, carries a token."""
    with httpx.Client(trust_env=False, timeout=60, headers=authorization("a-token")) as opened:
        yield opened


@pytest.fixture
def impatient(client: httpx.Client) -> httpx.Client:
    """`client`, which now gives up after a second without an answer."""
    client.timeout = httpx.Timeout(60, read=1)
    return client


@pytest.fixture
def post(box: Sandbox, client: httpx.Client) -> Post:
    """`post(event, event, pixel="7", test_event_code="T")` sends events to `box` in one request."""

    def send(*events: object, pixel: str = PIXEL, **fields: object) -> httpx.Response:
        return client.post(f"{box.base_url}/v26.0/{pixel}/events", json={"data": list(events), **fields})

    return send


def authorization(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
