"""Event streams over HTTP: a change reaches the clients that it concerns, and no others."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from queue import Queue
from typing import Any

import httpx
import pytest
from flag_values.reference import own, state
from flags.ofrep_schema import EVENT
from flags.serving import BULK, EVENTS, key_of, record, serving_flags
from jsonschema import validate
from psycopg import Connection

Add = Callable[..., str]
CONTEXT = {"context": {"targetingKey": "user-1"}}


def stream_of(client: httpx.Client, key: str, **headers: str) -> str:
    """The path of the event stream that a client is told of."""
    answer = client.post(BULK, json=CONTEXT, headers={"X-API-Key": key, **headers})
    assert answer.status_code == 200
    (stream,) = answer.json()["eventStreams"]
    assert (stream["type"], stream["inactivityDelaySec"]) == ("sse", 120)
    path: str = stream["endpoint"]["requestUri"]
    return path


@contextmanager
def listening(client: httpx.Client, path: str, last: str = "") -> Iterator["Queue[dict[str, Any]]"]:
    """The events of a stream, as an EventSource reads them: id, and data as JSON."""
    events: Queue[dict[str, Any]] = Queue()
    headers = {"Last-Event-ID": last} if last else {}
    opened = threading.Event()

    def listen() -> None:
        with httpx.Client(base_url=client.base_url, timeout=60, trust_env=False) as own_client:
            try:
                with own_client.stream("GET", path, headers=headers) as answer:
                    assert answer.headers["content-type"].startswith("text/event-stream")
                    responses.append(answer)
                    fields: dict[str, str] = {}
                    for line in answer.iter_lines():
                        opened.set()
                        if line:
                            name, _, value = line.partition(": ")
                            fields[name] = value
                        elif "data" in fields:
                            events.put({"id": fields["id"], **json.loads(fields.pop("data"))})
            except httpx.TransportError:
                pass

    responses: list[httpx.Response] = []
    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    assert opened.wait(60)
    try:
        yield events
    finally:
        # Closing it would leave the reading thread where it is.
        responses[0].extensions["network_stream"].get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        thread.join(60)


@pytest.mark.usefixtures("home")
def test_a_change_reaches_the_streams_of_its_tenants(
    connection: Connection, database_url: str, add_tenant: Add
) -> None:
    add_tenant("acme")
    add_tenant("globex")
    record(connection, "theme", state())
    keys = {slug: key_of(connection, slug) for slug in ("acme", "globex")}
    with (
        serving_flags(database_url) as client,
        listening(client, stream_of(client, keys["acme"])) as acme,
        listening(client, stream_of(client, keys["globex"])) as globex,
    ):
        record(connection, "theme", own(enabled=False), tenant_id="t-globex")
        first = globex.get(timeout=60)
        validate(first, EVENT)
        assert first["type"] == "refetchEvaluation"
        assert first["id"] == first["etag"]
        # A hidden flag concerns neither, this one both.
        record(connection, "hidden", state(client_visible=False))
        version = record(connection, "theme", state(killed=True))
        for events in (acme, globex):
            seen = events.get(timeout=60)
            assert seen["etag"].startswith(f"{version}-")
            assert events.empty()
        # What it fetches then is not older.
        fresh = client.post(f"{BULK}?flagConfigEtag={seen['etag']}", json=CONTEXT, headers={"X-API-Key": keys["acme"]})
        flags = {flag["key"]: flag for flag in fresh.json()["flags"]}
        assert flags["theme"]["metadata"]["flagVersion"] == version


@pytest.mark.usefixtures("home")
def test_what_happened_while_a_stream_was_away_is_told_when_it_opens(
    connection: Connection, database_url: str, add_tenant: Add
) -> None:
    add_tenant("acme")
    record(connection, "theme", state())
    key = key_of(connection, "acme")
    with serving_flags(database_url) as client:
        path = stream_of(client, key)
        record(connection, "theme", state(enabled=False))
        with listening(client, path) as events:
            missed = events.get(timeout=60)
        with listening(client, path, last=missed["id"]) as events:
            version = record(connection, "theme", state())
            assert events.get(timeout=60)["etag"].startswith(f"{version}-")


@pytest.mark.usefixtures("home")
def test_a_planned_change_reaches_streams_when_it_comes_into_force(
    connection: Connection, database_url: str, add_tenant: Add
) -> None:
    add_tenant("acme")
    record(connection, "theme", state())
    ahead = timedelta()

    def clock() -> datetime:
        return datetime.now(UTC) + ahead

    with serving_flags(database_url, clock=clock) as client:
        key = key_of(connection, "acme")
        plan = record(
            connection, "theme", state(enabled=False), effective_from=datetime.now(UTC) + timedelta(minutes=30)
        )
        while client.post(BULK, json=CONTEXT, headers={"X-API-Key": key}).status_code != 200:
            pass
        with listening(client, stream_of(client, key)) as events:
            marker = record(connection, "theme", own(enabled=True), tenant_id="t-acme")
            assert events.get(timeout=60)["etag"].startswith(f"{marker}-")
            record(connection, "theme", None, tenant_id="t-acme")
            events.get(timeout=60)
            ahead = timedelta(minutes=31)
            assert events.get(timeout=60)["lastModified"] > datetime.now(UTC).timestamp() + 1800
        flags = client.post(BULK, json=CONTEXT, headers={"X-API-Key": key}).json()["flags"]
        (theme,) = [flag for flag in flags if flag["key"] == "theme"]
        assert (theme["value"], theme["metadata"]["flagVersion"]) == (False, plan)


@pytest.mark.usefixtures("home")
def test_a_token_that_expired_is_renewed_although_nothing_changed(
    connection: Connection, database_url: str, add_tenant: Add
) -> None:
    add_tenant("acme")
    key = key_of(connection, "acme", origins=("https://shop.example",))
    ahead = timedelta()
    with serving_flags(database_url, clock=lambda: datetime.now(UTC) + ahead) as client:
        answer = client.post(BULK, json=CONTEXT, headers={"X-API-Key": key})
        etag = {"If-None-Match": answer.headers["etag"], "X-API-Key": key}
        old = answer.json()["eventStreams"][0]["endpoint"]["requestUri"]
        ahead = timedelta(hours=3)
        renew = client.get(old, headers={"Origin": "https://shop.example"})
        assert renew.headers["access-control-allow-origin"] == "https://shop.example"
        assert renew.text.startswith("retry: 1000\n\nid: renew\n")
        told = json.loads(renew.text.partition("data: ")[2])["etag"]
        # Until the flags have been looked at again, they are stale after so long.
        while client.post(BULK, json=CONTEXT, headers=etag).status_code != 304:
            pass
        fresh = client.post(f"{BULK}?flagConfigEtag={told}", json=CONTEXT, headers=etag)
        assert fresh.status_code == 200
        assert fresh.headers["etag"] == answer.headers["etag"]
        assert client.get(old, headers={"Last-Event-ID": "renew"}).status_code == 401
        with listening(client, fresh.json()["eventStreams"][0]["endpoint"]["requestUri"]) as events:
            record(connection, "dark_mode", state(enabled=False))
            assert events.get(timeout=60)["type"] == "refetchEvaluation"


@pytest.mark.usefixtures("home")
def test_a_forged_token_and_that_of_a_revoked_client_open_nothing(
    connection: Connection, database_url: str, add_tenant: Add
) -> None:
    add_tenant("acme")
    key = key_of(connection, "acme")
    with serving_flags(database_url) as client:
        path = stream_of(client, key)
        for token in ("", "x", key, path.partition("=")[2] + "x"):
            assert client.get(EVENTS, params={"token": token}).status_code == 401
        connection.execute("UPDATE trackai.feature_flag_clients SET revoked_at = now()")
        while client.post(BULK, json=CONTEXT, headers={"X-API-Key": key}).status_code != 403:
            pass
        assert client.get(path).status_code == 403
