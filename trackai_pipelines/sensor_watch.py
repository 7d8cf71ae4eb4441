"""Sensors that watch: one evaluation that polls, instead of many that look once.

Every evaluation leaves 1.5 kB in Dagster's storage, rows and index entries together, and Dagster begins one every five
seconds at best. A watch sees changes sooner and leaves a small part of the rows. What belongs here: how long an
evaluation may watch. What does not: what it looks for (each domain's sensors).

A watch occupies a thread of the daemon and one of the code server; dagster.yaml and `trackai up` provide enough of
them.
"""

import time
from collections.abc import Callable
from typing import TypeVar

from trackai_pipelines.settings import Settings

# Dagster ends an evaluation that takes longer than it allows, as an error.
_SPARE_SECONDS = 20

_Found = TypeVar("_Found")


def watched(look: Callable[[], _Found], *, every_seconds: float) -> _Found:
    """Return what `look` returns, as soon as that is anything; else the result of the last look of the watch.

    It watches for as long as an evaluation may take (DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS), less a margin.
    """
    end = time.monotonic() + Settings().sensor_timeout_seconds - _SPARE_SECONDS
    while True:
        found = look()
        if found or time.monotonic() + every_seconds > end:
            return found
        time.sleep(every_seconds)
