"""Sensors that watch: one evaluation that looks again and again, instead of many that look once.

Every evaluation leaves 1.5 kB in Dagster's storage, rows and index entries together, and Dagster begins one every five
seconds at best. A watch is quicker to see what happens and leaves a small part of the rows. What belongs here: for how
long an evaluation may watch. What does not: what is looked for (each domain's sensors).

A watch keeps a thread of the daemon and one of the code server for as long; dagster.yaml and `trackai up` see to it
that there are enough of them.
"""

import time
from collections.abc import Callable
from typing import TypeVar

from trackai_pipelines.settings import Settings

# Dagster ends an evaluation that takes longer than it allows, as an error.
_SPARE_SECONDS = 20

_Found = TypeVar("_Found")


def watched(look: Callable[[], _Found], *, every_seconds: float) -> _Found:
    """What `look` finds as soon as that is anything, else what the last look of the watch gave.

    Watches for as long as an evaluation may take (DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS), less a margin.
    """
    end = time.monotonic() + Settings().sensor_timeout_seconds - _SPARE_SECONDS
    while True:
        found = look()
        if found or time.monotonic() + every_seconds > end:
            return found
        time.sleep(every_seconds)
