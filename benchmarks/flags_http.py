"""What an answer over HTTP costs a server, next to an endpoint of the same libraries that echoes the body.

What belongs here: CPU time of server processes, by requests of one client. What does not: checks in a process
(flags_checks).
"""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

import psutil

from benchmarks.database import Database
from benchmarks.figures import Figure, Scale
from benchmarks.flags_world import FLAGS, KINDS, TENANT, have_flags
from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.connection import connect
from trackai_pipelines.flags.clients import add_client

_TITLE = "Flags: an answer over HTTP"
_REQUESTS = {"small": 50, "medium": 2_000, "full": 5_000}
_ROUNDS = {"small": 1, "medium": 7, "full": 11}
_WARM = 50
_START_SECONDS = 120
_BULK = "/ofrep/v1/evaluate/flags"
_PYTHON = (sys.executable, "-m")
_SERVE = (*_PYTHON, "trackai_pipelines.cli", "flags", "serve", "--port")


@dataclass(frozen=True)
class _Server:
    process: psutil.Process
    client: http.client.HTTPConnection

    def answer(self, path: str, body: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
        self.client.request("POST", path, body, headers)
        answer = self.client.getresponse()
        return answer.status, answer.read()

    def cpu_seconds(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)


def run(scale: Scale, database: Database) -> Iterator[Figure]:
    """Yield the CPU time of an answer, and how many times that of an echo it is."""
    with connect(database.url, name="benchmark") as connection:
        have_flags(connection)
        given = {"tenant_id": f"t-{TENANT}", "slug": TENANT, "name": "benchmark", "app_type": "web"}
        _, key = add_client(connection, **given, now=utc_now())  # type: ignore[arg-type]
    context = {"targetingKey": "user-1", "plan": "premium", "country": "BR", "orders": 12}
    body = json.dumps({"context": context})
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    with _started([*_PYTHON, "benchmarks.echo"], database) as echo, _started(_SERVE, database) as flags:
        _, text = flags.answer(_BULK, body, headers)
        assert len(json.loads(text)["flags"]) == FLAGS
        cases = {
            "echo": (echo, "/echo"),
            **{f"one flag, {name}": (flags, f"{_BULK}/{flag}") for name, flag in KINDS.items()},
            f"all {FLAGS} flags": (flags, _BULK),
        }
        seconds: dict[str, list[float]] = {case: [] for case in cases}
        for _ in range(_ROUNDS[scale]):
            for case, (server, path) in cases.items():
                seconds[case].append(_cpu_seconds(server, path, body, headers, _REQUESTS[scale]))
    took = {case: median(rounds) for case, rounds in seconds.items()}
    for case, of_one in took.items():
        yield Figure(_TITLE, case, "CPU µs", 1e6 * of_one)
        if case != "echo" and took["echo"]:
            at_most = 10 if case.startswith("all") else 3
            yield Figure(_TITLE, case, "times an echo", of_one / took["echo"], at_most=at_most)


def _cpu_seconds(server: _Server, path: str, body: str, headers: Mapping[str, str], requests: int) -> float:
    """Return the CPU time that the server takes for a request."""
    # The connection has been idle for too long to be open still.
    server.client.close()
    for _ in range(_WARM):
        status, _ = server.answer(path, body, headers)
        assert status == 200
    begun = server.cpu_seconds()
    for _ in range(requests):
        server.answer(path, body, headers)
    return (server.cpu_seconds() - begun) / requests


@contextmanager
def _started(command: Sequence[str], database: Database) -> Iterator[_Server]:
    """Within the block, a server runs in a process of its own; its command ends with the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    variables = {"TRACKAI_HOME": str(database.home), "TRACKAI_DATABASE_URL": database.url}
    log = database.home / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, str(port)],
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        _wait(process, client)
        yield _Server(psutil.Process(process.pid), client)
    finally:
        client.close()
        process.terminate()
        process.wait(60)


def _wait(process: "subprocess.Popen[bytes]", client: http.client.HTTPConnection) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            client.request("GET", "/readyz")
            # The echo has no such address, and answers all the same.
            if client.getresponse().read() != b'{"status":"unknown"}':
                return
        except OSError:
            client.close()
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("a server does not answer; its log is server.log in the benchmark's home")
        time.sleep(0.1)
