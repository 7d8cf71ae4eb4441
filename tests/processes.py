"""Commands as processes of their own, where signals, two at once or a clean interpreter matter.

What belongs here: starting them and seeing what is left of them. What does not: fixtures.
"""

import os
import subprocess
import sys
from pathlib import Path

import psutil

import trackai_pipelines

CHECKOUT = Path(trackai_pipelines.__file__).parents[1]


def process(*arguments: str | Path, **environment: str) -> "subprocess.Popen[str]":
    """A command in an environment of this one's and these variables; its output is text."""
    return subprocess.Popen(
        [sys.executable, "-m", "trackai_pipelines.cli", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )


def left_over(home: Path) -> list[str]:
    """Living processes of Dagster or PostgreSQL that belong to a home, by their environment or working folder."""
    found = []
    for candidate in psutil.process_iter():
        try:
            if candidate.pid == os.getpid() or candidate.status() == psutil.STATUS_ZOMBIE:
                continue
            place = candidate.environ().get("DAGSTER_HOME", "")
            if place.startswith(str(home)) or candidate.cwd().startswith(str(home)):
                found.append(" ".join(candidate.cmdline()))
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found
