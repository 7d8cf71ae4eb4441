"""Work in fresh processes, whose memory is their own, and processes that only keep the processors busy.

What belongs here: starting functions in processes of their own and their peak memory. What does not: what they do.
"""

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from threading import BrokenBarrierError
from typing import Any, TypeVar

from trackai_pipelines.service import tethered

T = TypeVar("T")

# How long processes wait for each other before they begin.
_START_SECONDS = 60
_gate: Any = None


def in_processes(function: Callable[..., T], arguments: Sequence[tuple[Any, ...]]) -> list[T]:
    """The results of `function(*each)` for each of `arguments`, each in a new process of its own.

    They are forks of one small process that has imported what all of them need, and nothing else.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.costs"])
    gate = context.Barrier(len(arguments))
    with ProcessPoolExecutor(len(arguments), context, initializer=_begin, initargs=(gate, dict(os.environ))) as pool:
        return [future.result() for future in [pool.submit(function, *each) for each in arguments]]


def begin_together() -> None:
    """Wait, inside such a process, until all of them have come here."""
    try:
        _gate.wait(_START_SECONDS)
    except BrokenBarrierError:
        raise RuntimeError(
            f"the other processes were not ready within {_START_SECONDS} s; look for their errors"
        ) from None


def _begin(gate: Any, environment: dict[str, str]) -> None:
    global _gate
    _gate = gate
    # The process that it was forked from has the environment of its own start.
    os.environ.clear()
    os.environ.update(environment)


@contextmanager
def busy_processes(number: int) -> Iterator[None]:
    """Within the block, this many processes use all the CPU time that they get; they end with this process, too."""
    tie = [sys.executable, "-I", tethered.__file__, str(os.getpid())]
    processes = [
        subprocess.Popen([*tie, sys.executable, "-c", "while True: pass"], stdin=subprocess.DEVNULL)
        for _ in range(number)
    ]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


def peak_megabytes() -> float:
    """The largest resident memory of this process so far."""
    status = Path("/proc/self/status")
    if status.exists():
        # What getrusage reports includes the process that started this one, on Linux.
        (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) / 1024
    # Kilobytes elsewhere, bytes on macOS.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
