"""Child processes that run for as long as a command does: started, watched, ended with all of their own children.

What belongs here: processes and their logs. What does not: which processes, and with what arguments (serving.py).
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from trackai_pipelines.service import tethered

# Runs end in a second or two; a process that has not ended after this is killed.
_PATIENCE_SECONDS = 8
_STEP_SECONDS = 0.1
_LARGEST_LOG = 10 * 1024**2
_SHOWN_LINES = 20


@dataclass(frozen=True)
class Service:
    """A running child, the leader of a process group of its own, and the file that it writes to."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def died(self) -> bool:
        """Whether the child itself has ended; its own children may live on."""
        return self.process.poll() is not None

    @property
    def alive(self) -> bool:
        """Whether any process of its group lives; the group outlives its leader."""
        self.process.poll()
        return any(_in_group(process, self.process.pid) for process in psutil.process_iter())

    def last_words(self) -> str:
        """The end of its log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-_SHOWN_LINES:]) or "(its log is empty)"


def start(name: str, arguments: Sequence[str], *, environment: Mapping[str, str], logs: Path) -> Service:
    """Start `python <arguments>` in a session of its own: Ctrl-C reaches only us."""
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{name}.log"
    if log.exists() and log.stat().st_size > _LARGEST_LOG:
        log.replace(log.with_suffix(".log.1"))
    # -I: the wrapper must not find our modules where it expects Python's.
    wrapper = [sys.executable, "-I", tethered.__file__, str(os.getpid())]
    with log.open("ab") as out:
        process = subprocess.Popen(
            [*wrapper, sys.executable, *arguments],
            env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Service(name, arguments, environment, process, log)


def start_again(service: Service) -> Service:
    """Start a service again that has died. The children of the dead one work on: ending them is up to the caller."""
    return start(service.name, service.arguments, environment=service.environment, logs=service.log.parent)


def stop(services: Sequence[Service], *, patience: float = _PATIENCE_SECONDS) -> None:
    """End the services together, each with all processes that it started.

    A service that has not ended after `patience` seconds is killed.
    """
    for service in services:
        _signal(service, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while left := [service for service in services if service.alive]:
        if time.monotonic() > deadline:
            for service in left:
                _signal(service, signal.SIGKILL)
        time.sleep(_STEP_SECONDS)


def _signal(service: Service, number: signal.Signals) -> None:
    # The system does not reuse the number of a group that has a member, and this looks for one just before.
    if service.alive:
        try:
            os.killpg(service.process.pid, number)
        except ProcessLookupError:
            return


def _in_group(process: psutil.Process, group: int) -> bool:
    try:
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, PermissionError, psutil.NoSuchProcess, psutil.AccessDenied):
        return False
