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
from cli.processes import left_over, process
from typer.testing import Result

Run = Callable[..., Result]


@pytest.fixture
def port() -> int:
    """A port that nobody listens on."""
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


def test_a_port_out_of_range_is_bad_usage(run: Run, home: Path) -> None:
    assert run("up", "--port", "70000").exit_code == 2


def test_serves_until_ctrl_c_and_leaves_nothing_running(server_home: Path, port: int, run: Run) -> None:
    running = process("up", "--port", str(port))
    try:
        _wait_until_told(running, f"http://127.0.0.1:{port}")
        second = run("up", "--port", str(port + 1))
        assert second.exit_code == 1
        assert "already" in second.stderr
        locations = "{ workspaceOrError { ... on Workspace { locationEntries { name loadStatus } } } }"
        answer = requests.post(f"http://127.0.0.1:{port}/graphql", json={"query": locations}, timeout=60).json()
        assert [entry["name"] for entry in answer["data"]["workspaceOrError"]["locationEntries"]] == [
            "trackai_pipelines"
        ]
        assert left_over(server_home)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 0, err
    assert "Stopped." in err
    assert left_over(server_home) == []


def test_a_dead_child_ends_everything_and_is_named(server_home: Path, port: int) -> None:
    running = process("up", "--port", str(port))
    try:
        os.kill(_daemon_of(running.pid), signal.SIGKILL)
        _, err = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 1
    assert "Dagster's daemon ended by itself (exit code -9)" in err
    assert left_over(server_home) == []


def _daemon_of(pid: int) -> int:
    """The process id of the daemon, once `up` has started it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for child in psutil.Process(pid).children():
            # Other children come and go: the server's start is among them.
            with contextlib.suppress(psutil.NoSuchProcess):
                if child.cmdline()[1:3] == ["-m", "dagster._daemon"]:
                    return child.pid
        time.sleep(0.05)
    pytest.fail("up started no daemon")


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
