"""`trackai flags serve` as processes of their own."""

import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest
from flag_values.reference import state
from flags.serving import BULK, SINGLE, key_of, record
from processes import process
from psycopg import Connection, sql

pytestmark = pytest.mark.processes
Add = Callable[..., str]
CONTEXT = {"context": {"targetingKey": "user-1"}}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


@contextmanager
def server(url: str, said: list[str]) -> Iterator[httpx.Client]:
    """A server's client, once it is ready; what the process wrote on stderr is added to `said`."""
    port = _free_port()
    running = process("flags", "serve", "--port", str(port), TRACKAI_DATABASE_URL=url)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
            _wait_until_ready(running, client)
            yield client
        running.send_signal(signal.SIGTERM)
        _, err = running.communicate(timeout=60)
        said.append(err)
        # Uvicorn passes the signal on once everything has ended.
        assert running.returncode in (0, -signal.SIGTERM)
    finally:
        running.kill()
        running.communicate()


def _wait_until_ready(running: "subprocess.Popen[str]", client: httpx.Client) -> None:
    while running.poll() is None:
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail(f"it ended: {running.communicate()[1]}")


def test_two_processes_answer_alike_and_both_see_a_kill(
    home: Path, connection: Connection, database_url: str, add_tenant: Add
) -> None:
    add_tenant("acme")
    record(connection, "checkout", state())
    key = key_of(connection, "acme")
    headers = {"X-API-Key": key}
    said: list[str] = []
    with ExitStack() as stack:
        one, other = (stack.enter_context(server(database_url, said)) for _ in range(2))
        first = one.post(BULK, json=CONTEXT, headers=headers)
        etag = first.headers["etag"]
        second = other.post(BULK, json=CONTEXT, headers=headers)
        assert (second.headers["etag"], second.json()) == (etag, first.json())
        again = other.post(BULK, json=CONTEXT, headers={**headers, "If-None-Match": etag})
        assert (again.status_code, again.content) == (304, b"")
        # A token of one opens a stream of the other.
        path = first.json()["eventStreams"][0]["endpoint"]["requestUri"]
        with other.stream("GET", path) as events:
            lines = events.iter_lines()
            assert next(lines).startswith("retry: ")
            version = record(connection, "checkout", state(killed=True))
            event = next(line for line in lines if line.startswith("data: "))
        etag = json.loads(event.removeprefix("data: "))["etag"]
        assert etag.startswith(f"{version}-")
        # Whichever server answers, it is not behind the one that told of the change.
        fresh = one.post(f"{BULK}?flagConfigEtag={etag}", json=CONTEXT, headers=headers).json()["flags"]
        (checkout,) = [flag for flag in fresh if flag["key"] == "checkout"]
        assert (checkout["value"], checkout["reason"]) == (False, "DISABLED")
    for err in said:
        assert "user-1" not in err
        assert key not in err
    counted = connection.execute(
        "SELECT sum(u.checks) FROM trackai.feature_flag_usage u JOIN trackai.feature_flags f ON f.id = u.flag_id"
        " WHERE f.key = 'checkout'"
    ).fetchone()
    # What was checked last is written as they end.
    assert counted == (4,)


def test_it_answers_by_what_it_knew_while_the_database_is_away(
    home: Path, connection: Connection, database_url: str, server_url: str, add_tenant: Add
) -> None:
    add_tenant("acme")
    headers = {"X-API-Key": key_of(connection, "acme")}
    name = database_url.rpartition("/")[2].partition("?")[0]
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    with server(database_url, []) as client, psycopg.connect(server_url, autocommit=True) as postgres:
        postgres.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
        postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        answer = client.post(SINGLE + "dark_mode", json=CONTEXT, headers=headers)
        assert answer.json()["value"] is True
        assert client.get("/healthz").status_code == 200
        postgres.execute(allow.format(sql.Identifier(name), sql.SQL("true")))
