"""web: as a process of its own, from start to SIGTERM."""

import contextlib
import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from processes import process
from typer.testing import Result


@pytest.fixture
def port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


def _answer(running: "subprocess.Popen[str]", url: str) -> requests.Response:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and running.poll() is None:
        with contextlib.suppress(requests.ConnectionError):
            return requests.get(url, timeout=30)
        time.sleep(0.1)
    pytest.fail(f"no answer: {running.communicate()[1] if running.poll() is not None else 'it runs'}")


def test_serves_until_sigterm_and_logs_lines_of_json(home: Path, database_url: str, port: int) -> None:
    running = process("web", "--port", str(port), TRACKAI_DATABASE_URL=database_url)
    try:
        url = f"http://127.0.0.1:{port}"
        assert _answer(running, f"{url}/healthz").json()["status"] == "ok"
        given = requests.get(f"{url}/version?email=someone@example.com", timeout=30)
        running.send_signal(signal.SIGTERM)
        _, err = running.communicate(timeout=60)
    finally:
        running.kill()
    assert "server" not in given.headers
    said, *lines = err.splitlines()
    assert said == f"The web application is on {url}; Ctrl-C ends it."
    logged = [json.loads(line) for line in lines]
    (access,) = [line for line in logged if line.get("route") == "/version"]
    assert (access["method"], access["status"]) == ("GET", 200)
    assert access["request_id"] == given.headers["x-request-id"]
    assert "someone" not in err
    assert any(line["message"] == "Application shutdown complete." for line in logged)


def test_starts_while_the_database_is_away_and_never_says_its_password(home: Path, port: int) -> None:
    away = "postgresql://user:hunter2@127.0.0.1:1/events"
    running = process("web", "--port", str(port), TRACKAI_DATABASE_URL=away)
    try:
        answer = _answer(running, f"http://127.0.0.1:{port}/healthz")
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
    finally:
        running.kill()
    assert answer.status_code == 503
    assert "hunter2" not in answer.text + err


def test_a_port_in_use_and_a_url_that_is_none_are_told(
    run: Callable[..., Result], home: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACKAI_DATABASE_URL", "mysql://somewhere")
    result = run("web", "--port", str(port))
    assert result.exit_code == 1
    assert "TRACKAI_DATABASE_URL is not a usable URL" in result.stderr
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        listener.listen()
        result = run("web", "--port", str(port))
    assert result.exit_code == 1
    assert f"Port {port} of 127.0.0.1 is in use. Choose another, e.g. --port {port + 1}" in result.stderr
