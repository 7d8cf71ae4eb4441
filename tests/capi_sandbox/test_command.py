"""trackai sandbox as a process: what it says, what it serves, and its end."""

import signal
import socket
import subprocess
from collections.abc import Callable, Iterator

import httpx
import pytest
from capi_sandbox.conftest import authorization
from capi_sandbox.events import HASH
from processes import process
from typer.testing import CliRunner

from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.cli import app

pytestmark = pytest.mark.processes

Start = Callable[..., tuple["subprocess.Popen[str]", str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """`start("--token", "t")` runs the command on a free port and yields it with the URL that it prints."""
    started = []

    def run(*arguments: str) -> tuple["subprocess.Popen[str]", str]:
        running = process("sandbox", "--port", "0", *arguments)
        started.append(running)
        assert running.stdout is not None
        variable, _, url = running.stdout.readline().strip().partition("=")
        assert variable == "export TRACKAI_CAPI_URL"
        return running, url

    yield run
    for running in started:
        running.kill()
        running.communicate()


def post(url: str, token: str, pixel: str = "1") -> httpx.Response:
    event = {
        "event_name": "Lead",
        "event_time": 1,
        "action_source": "physical_store",
        "user_data": {"em": HASH},
    }
    return httpx.post(
        f"{url}/v26.0/{pixel}/events", json={"data": [event]}, headers=authorization(token), trust_env=False, timeout=60
    )


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_serves_until_told_to_end(start: Start, sent: signal.Signals) -> None:
    running, url = start("--token", "s3cret-one", "--token", "s3cret-two", "--pixel", "1", "--latency-ms", "1")
    codes = [
        post(url, token, pixel).json()["error"]["code"]
        for token, pixel in (("s3cret-one", "1"), ("s3cret-two", "1"), ("wrong", "1"))
    ]
    assert codes == [100, 100, 190]
    assert post(url, "s3cret-one", "2").json()["error"]["error_subcode"] == 33
    with Sandbox(url) as box:
        assert box.pixel("1").refusals == {"100/2804003": 2, "190": 1}
    running.send_signal(sent)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    assert f"on {url}; Ctrl-C ends it" in err
    assert "Stopped." in err
    assert "s3cret" not in out + err
    assert "Traceback" not in err


def test_misbehaves_as_told(start: Start) -> None:
    _, url = start(
        "--misbehave", '{"do": "error", "code": 4}', "--misbehave", '{"do": "html", "probability": 1}', "--seed", "3"
    )  # fmt: skip
    assert post(url, "x").json()["error"]["code"] == 4
    assert post(url, "x").headers["Content-Type"].startswith("text/html")
    with Sandbox(url) as box:
        assert [one.do for one in box.misbehaviours()] == ["html"]


def test_a_port_in_use_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = CliRunner().invoke(app, ["sandbox", "--port", port])
    assert result.exit_code == 1
    assert f"Port {port} of 127.0.0.1 is in use. Choose another" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("given", ['{"do": "explode"}', "{", '{"do": "reset", "probability": 2}'])
def test_a_misbehaviour_that_cannot_be_is_bad_usage(given: str) -> None:
    result = CliRunner().invoke(app, ["sandbox", "--misbehave", given])
    assert result.exit_code == 2
    assert "--misbehave" in result.stderr
