"""The gate drain_batch_size: how many conversions the next micro-batch takes.

What belongs here: its value for a run, from memory. What does not: taking them (`drain`).
"""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.flag_values.client import Flags
from trackai_pipelines.flag_values.evaluation import evaluate
from trackai_pipelines.flag_values.gates import GATES

FLAG = "drain_batch_size"
BATCH_SIZE = 5_000
"""Conversions in a micro-batch: enough to make the statement's fixed cost negligible, few enough that a batch takes a
fraction of a second and its loss costs nothing."""


class BatchSize(NamedTuple):
    """Conversions in a micro-batch, and the version of the flag that says so; 0: built in."""

    size: int
    version: int = 0


SizeOfNext = Callable[[], BatchSize]


def built_in() -> BatchSize:
    """Return the size for a drain that reads no flags."""
    return BatchSize(BATCH_SIZE)


def sizes_of_run(flags: Flags, run_id: str, *, clock: Clock = utc_now) -> SizeOfNext:
    """Return a function that returns the size of a run's next micro-batch: the last known one, else the built-in."""
    return lambda: _size_of(flags, run_id, clock())


def _size_of(flags: Flags, run_id: str, at: datetime) -> BatchSize:
    snapshot = flags.snapshot
    if snapshot is None:
        return built_in()
    # It is no tenant's, so there is nobody to count a check for.
    found = evaluate(snapshot.ruleset, FLAG, tenant=None, context={"run": run_id}, at=at)
    gate = GATES[FLAG]
    if found.error_code is not None:
        return BatchSize(BATCH_SIZE, found.flag_version)
    return BatchSize(min(max(found.value, gate.least), gate.most), found.flag_version)
