"""JavaScript's clients of our server: OpenFeature's for servers and for browsers, and GrowthBook's, which loads flags.

What belongs here: what only they can show. What does not: OFREP itself, and its client in Python (tests/flags). It is
no part of the suite, because it needs Node and packages of npm: `make test-javascript`.
"""

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from flag_values.reference import attribute, state, vectors
from flags.serving import key_of, record, serving_flags
from psycopg import Connection

HERE = Path(__file__).parent
TYPES = {"boolean": "boolean", "string": "string", "integer": "number", "number": "number", "json": "object"}
DEFAULTS: Mapping[str, Any] = {"boolean": False, "string": "", "number": 0, "object": {}}
_REFERENCE = vectors("evaluation")
_SEGMENTS = {name: attribute(condition) for name, condition in _REFERENCE["segments"].items()}
_USER = {"targetingKey": "user-1"}


@pytest.fixture
def server(home: object, connection: Connection, database_url: str, add_tenant: Callable[..., str]) -> Iterator[str]:
    """The address of a server with three tenants and the reference flags."""
    for slug in ("acme", "globex", "initech"):
        add_tenant(slug)
    for flag in _REFERENCE["flags"]:
        record(connection, flag["key"], {**state(**flag, segments=_SEGMENTS)})
    with serving_flags(database_url) as client:
        yield str(client.base_url).rstrip("/")


@contextmanager
def node(script: str, *arguments: str) -> Iterator[Callable[..., Any]]:
    """Run a script of this folder: `answer(line)` writes a line of JSON and reads one, `answer()` reads one alone."""
    command = ["node", str(HERE / script), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def answer(line: object = None) -> Any:
            assert process.stdin
            assert process.stdout
            if line is not None:
                process.stdin.write(json.dumps(line) + "\n")
                process.stdin.flush()
            return json.loads(process.stdout.readline())

        try:
            yield answer
        finally:
            process.kill()


@pytest.mark.parametrize("slug", ["acme", "globex", "initech"])
def test_the_provider_for_servers_serves_the_reference_values(server: str, connection: Connection, slug: str) -> None:
    types = {flag["key"]: TYPES[flag["value_type"]] for flag in _REFERENCE["flags"]}
    asked = 0
    with node("ofrep_server.mjs", server, key_of(connection, slug)) as ask:
        for expected in _REFERENCE["results"]:
            context = _REFERENCE["contexts"][expected["context"]]
            if expected["overrides"] or context["tenant"] != slug:
                continue
            type_ = types.get(expected["flag"], "boolean")
            otherwise = DEFAULTS[type_]
            found = ask({"type": type_, "key": expected["flag"], "otherwise": otherwise, "context": context})
            asked += 1
            if "error_code" in expected:
                assert (found["errorCode"], found["value"]) == (expected["error_code"], otherwise), expected
                continue
            assert (found["value"], found["variant"]) == (expected["value"], expected["variant"]), expected
            reason = "UNKNOWN" if expected["reason"] == "DEFAULT" else expected["reason"]
            assert found["reason"] == reason
            assert found["flagMetadata"].get("reason", reason) in (reason, "DEFAULT")
    assert asked == {"acme": 139, "globex": 46, "initech": 23}[slug]


def test_the_provider_for_servers_says_who_is_not_answered(server: str, connection: Connection) -> None:
    key = key_of(connection, "acme")
    question = {"type": "boolean", "key": "dark_mode", "otherwise": False, "context": _USER}
    with node("ofrep_server.mjs", server, key[:-1]) as unknown:
        assert unknown(question)["errorCode"] == "GENERAL"
    with node("ofrep_server.mjs", server, key_of(connection, "acme", per_second=1)) as hasty:
        codes = [hasty(question).get("errorCode") for _ in range(20)]
        assert set(codes) == {None, "GENERAL"}
    with node("ofrep_server.mjs", server, key) as answered:
        assert answered(question)["value"] is True
        assert answered({**question, "type": "string", "otherwise": ""})["errorCode"] == "TYPE_MISMATCH"


def events(page: Callable[..., Any], event: str) -> Any:
    """Read a page's lines to the next event of a name."""
    while True:
        line = page()
        assert "failed" not in line
        if line.get("event") == event:
            return line


def web(server: str, key: str, **options: object) -> Any:
    return node("ofrep_web.mjs", server, key, json.dumps(options), json.dumps(_USER))


def test_a_page_learns_of_a_change_by_the_event_stream(server: str, connection: Connection) -> None:
    with web(server, key_of(connection, "acme")) as page:
        ready = events(page, "PROVIDER_READY")
        assert ready["flags"]["dark_mode"]["value"] is True
        assert ready["flags"]["needs_half"]["reason"] == "DISABLED"
        for killed in (True, False):
            record(connection, "dark_mode", state(salt="dark_mode", killed=killed))
            changed = events(page, "PROVIDER_CONFIGURATION_CHANGED")
            # What requires it changes with it.
            assert {"dark_mode", "needs_dark_mode"} <= set(changed["changed"])
            assert changed["flags"]["dark_mode"]["value"] is not killed


def test_a_page_that_polls_is_told_that_nothing_changed(server: str, connection: Connection) -> None:
    with web(server, key_of(connection, "acme"), changeDetection="polling", pollInterval=20) as page:
        statuses: list[int] = []
        while statuses.count(304) < 3:
            line = page()
            if "status" in line:
                statuses.append(line["status"])
        assert set(statuses[1:]) == {304}
        assert statuses[0] == 200
        record(connection, "dark_mode", state(salt="dark_mode", enabled=False))
        changed = events(page, "PROVIDER_CONFIGURATION_CHANGED")
        assert changed["flags"]["dark_mode"] == {
            **changed["flags"]["dark_mode"],
            "value": False,
            "reason": "DISABLED",
        }


def test_a_page_with_a_key_that_nobody_has_fails(server: str, connection: Connection) -> None:
    with web(server, key_of(connection, "acme")[:-1]) as page:
        while "failed" not in (line := page()):
            assert line.get("status", 401) == 401


def test_growthbook_loads_flags_and_serves_what_ofrep_answers(server: str, connection: Connection) -> None:
    key = key_of(connection, "acme")
    # JavaScript hashes `true` as text, where we say that it is no unit.
    contexts = [
        one for one in _REFERENCE["contexts"] if one["tenant"] == "acme" and one.get("targetingKey") is not True
    ]
    with node("growthbook.mjs") as growthbook, httpx.Client(trust_env=False) as client:
        for context in contexts:
            answers = client.post(
                f"{server}/ofrep/v1/evaluate/flags", json={"context": context}, headers={"X-API-Key": key}
            ).json()["flags"]
            # Those that GrowthBook has not: one requires a flag that is not there, another has no readable value.
            found = {one["key"]: one["value"] for one in answers if "value" in one and one["key"] != "needs_missing"}
            attributes = {**context, "id": context.get("targetingKey")}
            asked = [{"key": flag, "attributes": attributes} for flag in found]
            values = growthbook({"apiHost": server, "clientKey": key, "asked": asked})
            assert dict(zip(found, values, strict=True)) == found
            assert len(found) > 10
