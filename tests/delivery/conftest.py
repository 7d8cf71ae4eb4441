"""A sandbox that behaves, and dispatchers as processes of their own."""

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.capi_sandbox.server import sandbox

_WORKER = """
import sys
from delivery.scenes import SHORT, Tokens
from trackai_pipelines.terminal.stopping import interruptible
from trackai_pipelines.delivery.dispatcher import dispatch
from trackai_pipelines.settings import CapiSettings

url, base_url, run_id, stay, timeout = sys.argv[1:]
settings = CapiSettings(capi_url=base_url, capi_timeout_seconds=float(timeout), **SHORT)
print("started", flush=True)
with interruptible():
    until = (lambda: False) if stay == "True" else None
    dispatch(url, tokens=Tokens(), settings=settings, run_id=run_id, until=until)
"""


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """A sandbox that takes every token and knows every pixel."""
    with sandbox() as running:
        yield running


@pytest.fixture
def start_worker(database_url: str) -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """`start_worker(base_url, "run-1")` dispatches what is due in a process; with `stay=True` until it is stopped."""
    started: list[subprocess.Popen[bytes]] = []

    def start(base_url: str, run_id: str, *, stay: bool = False, timeout: float = 5) -> "subprocess.Popen[bytes]":
        worker = subprocess.Popen(
            [sys.executable, "-c", _WORKER, database_url, base_url, run_id, str(stay), str(timeout)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PYTHONPATH": "tests", "PATH": "/usr/bin:/bin"},
        )
        started.append(worker)
        return worker

    yield start
    for worker in started:
        worker.kill()
        worker.communicate()
