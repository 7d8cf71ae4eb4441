"""up: refusals before anything starts, and a life from start to Ctrl-C with nothing left over."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import requests
from processes import left_over, process
from typer.testing import Result

pytestmark = [pytest.mark.processes, pytest.mark.slow]

Run = Callable[..., Result]


@pytest.fixture
def port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


@pytest.fixture
def web_port() -> int:
    """Another port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.parametrize("command", ["up", "demo"])
def test_a_port_in_use_is_told_before_anything_starts(run: Run, home: Path, taken: int, command: str) -> None:
    result = run(command, "--port", str(taken))
    assert result.exit_code == 1
    assert f"Port {taken} of 127.0.0.1 is in use. Choose another, e.g. --port" in result.stderr
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("command", ["up", "demo"])
def test_the_web_applications_port_must_be_free_and_its_own(
    run: Run, home: Path, port: int, taken: int, command: str
) -> None:
    result = run(command, "--port", str(port), "--web-port", str(taken))
    assert result.exit_code == 1
    assert f"Port {taken} of 127.0.0.1 is in use. Choose another, e.g. --web-port" in result.stderr
    result = run(command, "--port", str(port), "--web-port", str(port))
    assert result.exit_code == 1
    assert f"cannot share port {port}. Choose another --port or --web-port." in result.stderr
    assert list(home.iterdir()) == []


def test_a_port_out_of_range_is_bad_usage(run: Run, home: Path) -> None:
    assert run("up", "--port", "70000").exit_code == 2


def test_serves_until_ctrl_c_and_leaves_nothing_running(server_home: Path, port: int, web_port: int, run: Run) -> None:
    running = process("up", "--port", str(port), "--web-port", str(web_port))
    try:
        _wait_until_told(running, f"http://127.0.0.1:{port}")
        second = run("up", "--port", str(port + 1), "--web-port", str(web_port + 1))
        assert second.exit_code == 1
        assert "already" in second.stderr
        locations = "{ workspaceOrError { ... on Workspace { locationEntries { name loadStatus } } } }"
        answer = requests.post(f"http://127.0.0.1:{port}/graphql", json={"query": locations}, timeout=60).json()
        assert [entry["name"] for entry in answer["data"]["workspaceOrError"]["locationEntries"]] == [
            "trackai_pipelines"
        ]
        # They have to agree on how long sensors may watch.
        for module in ("dagster", "dagster._daemon"):
            variables = psutil.Process(_service(running.pid, module)).environ()
            assert variables["DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS"] == "300"
        assert requests.get(f"http://127.0.0.1:{web_port}/healthz", timeout=5).json()["status"] == "ok"
        assert "trackai_residents_alive" in requests.get(f"http://127.0.0.1:{web_port}/metrics", timeout=5).text
        assert left_over(server_home)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 0, err
    assert "Stopped." in err
    assert left_over(server_home) == []


def test_a_child_that_dies_before_the_ui_answers_ends_everything_and_is_named(
    server_home: Path, port: int, web_port: int
) -> None:
    running = process("up", "--port", str(port), "--web-port", str(web_port))
    try:
        os.kill(_service(running.pid, "dagster._daemon"), signal.SIGKILL)
        _, err = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 1
    assert "Dagster's daemon ended by itself (exit code -9)" in err
    assert left_over(server_home) == []


def test_killed_services_are_started_again_and_nothing_is_left_running(
    server_home: Path, port: int, web_port: int
) -> None:
    running = process("up", "--port", str(port), "--web-port", str(web_port))
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_told(running, url)
        _wait_for_a_tick(url)
        for module in ("dagster_webserver", "dagster._daemon", "dagster", "trackai_pipelines.cli"):
            killed = _service(running.pid, module)
            os.kill(killed, signal.SIGKILL)
            assert _service(running.pid, module, other_than=killed) != killed
            _wait_for_a_tick(url)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 0, err
    for name in ("webserver", "daemon", "code-server"):
        assert f"Dagster's {name} ended by itself (exit code -9); it is started again." in err
    assert "The web application ended by itself (exit code -9); it is started again." in err
    assert left_over(server_home) == []


def test_a_service_that_dies_again_and_again_ends_everything(server_home: Path, port: int, web_port: int) -> None:
    running = process("up", "--port", str(port), "--web-port", str(web_port))
    killed = 0
    try:
        _wait_until_told(running, f"http://127.0.0.1:{port}")
        for _ in range(6):
            killed = _service(running.pid, "dagster._daemon", other_than=killed)
            os.kill(killed, signal.SIGKILL)
        _, err = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 1
    assert err.count("Dagster's daemon ended by itself (exit code -9); it is started again.") == 5
    assert "Dagster's daemon ended by itself (exit code -9), for the 6th time in a few minutes. Its log" in err
    assert left_over(server_home) == []


def _service(pid: int, module: str, *, other_than: int = 0) -> int:
    """The process id of a service of `up` that runs this module, once there is one."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for child in psutil.Process(pid).children():
            # Other children come and go: the server's start is among them.
            with contextlib.suppress(psutil.NoSuchProcess):
                if child.cmdline()[1:3] == ["-m", module] and child.pid != other_than:
                    return child.pid
        time.sleep(0.05)
    pytest.fail(f"up started no {module}")


_TICKS = """{ sensorsOrError(repositorySelector: {
    repositoryName: "__repository__", repositoryLocationName: "trackai_pipelines"
}) { ... on Sensors { results { sensorState { ticks(limit: 5) { status timestamp } } } } } }"""


def _wait_for_a_tick(url: str) -> None:
    """Wait until the UI shows a sensor's tick that began after now and went well, or is at it for a while.

    One that does not reach the code server fails at once.
    """
    begun, deadline = time.time(), time.monotonic() + 120
    while time.monotonic() < deadline:
        with contextlib.suppress(requests.ConnectionError):
            answer = requests.post(f"{url}/graphql", json={"query": _TICKS}, timeout=60).json()
            for sensor in answer["data"]["sensorsOrError"].get("results", []):
                for tick in sensor["sensorState"]["ticks"]:
                    since = time.time() - tick["timestamp"]
                    if tick["timestamp"] > begun and (
                        tick["status"] in ("SKIPPED", "SUCCESS") or (tick["status"] == "STARTED" and since > 2)
                    ):
                        return
        time.sleep(0.2)
    pytest.fail("no sensor ticks")


def _wait_until_told(running: "subprocess.Popen[str]", url: str) -> None:
    """Read what `up` says until it names the UI's URL."""
    assert running.stderr is not None
    for line in running.stderr:
        if url in line:
            assert requests.get(f"{url}/server_info", timeout=5).ok
            return
    pytest.fail("up ended before the UI answered")


def test_stop_ends_the_server_that_a_command_left(run: Run, server_home: Path) -> None:
    assert "Nothing was stopped" in run("stop").stderr
    assert run("migrate").exit_code == 0
    assert (server_home / "postgres" / "data" / "postmaster.pid").exists()
    ended = run("stop")
    assert (ended.exit_code, ended.stdout) == (0, "")
    assert "Stopped the embedded server" in ended.stderr
    assert not (server_home / "postgres" / "data" / "postmaster.pid").exists()
    assert "Nothing was stopped" in run("stop").stderr
