"""How a sensor keeps residents alive: it requests a run for each that is missing.

What belongs here: whether runs are due, and how one is requested. What does not: what a resident does.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import dagster as dg
from psycopg import Connection

from trackai_pipelines.clock import utc_now
from trackai_pipelines.residents.leases import Terms, holders, promise_missing, promised, withdraw
from trackai_pipelines.sensor_watch import watched

MAX_RUNTIME_TAG = "dagster/max_runtime"
_RUN_KEY_TAG = "dagster/run_key"
_LOOK_SECONDS = 1.0

QUEUED_COUNTS_FOR = timedelta(minutes=10)
_NOT_STARTED = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED]

# A run that does not end by itself counts as dead this long after the longest life of a resident.
_GRACE_SECONDS = 300


def missing_residents(
    context: dg.SensorEvaluationContext, connection: Connection, terms: Terms, *, op: str, config: Mapping[str, Any]
) -> list[dg.RunRequest] | dg.SkipReason:
    """Return a run request for each resident that the leases lack; `promised` goes into the config of `op`.

    It watches (sensor_watch) before it reports that none is missing. Runs that wait in Dagster's queue are not
    requested again for a while: when nothing can be started, that would only make the queue longer.
    """
    if not terms.wanted:
        return dg.SkipReason("None is wanted: the setting says 0.")
    queued = context.instance.get_runs_count(
        dg.RunsFilter(job_name=terms.name, statuses=_NOT_STARTED, created_after=utc_now() - QUEUED_COUNTS_FOR)
    )
    if queued >= terms.wanted:
        return dg.SkipReason(f"{queued} runs wait in the queue to be started.")

    def look() -> list[str]:
        _withdraw_forgotten(context.instance, connection, terms.name)
        return promise_missing(connection, terms)

    found = watched(look, every_seconds=_LOOK_SECONDS)
    if not found:
        at_work = ", ".join(holder[:8] for holder in holders(connection, terms.name)) or "none yet"
        return dg.SkipReason(f"Enough are at work or being started; at work: {at_work}.")
    return [
        dg.RunRequest(
            run_key=holder,
            partition_key=utc_now().date().isoformat(),
            run_config={"ops": {op: {"config": {**config, "promised": holder}}}},
            tags={MAX_RUNTIME_TAG: str(int(terms.longest_seconds + _GRACE_SECONDS))},
        )
        for holder in found
    ]


def _withdraw_forgotten(instance: dg.DagsterInstance, connection: Connection, name: str) -> None:
    """Withdraw promises without a run: an evaluation whose daemon was killed goes on watching, and promises in vain.

    Dagster creates the runs of an evaluation before it begins the next one, so a promise of an earlier evaluation has
    its run by now, or never will.
    """
    forgotten = [
        holder
        for holder in promised(connection, name)
        if not instance.get_runs_count(dg.RunsFilter(job_name=name, tags={_RUN_KEY_TAG: holder}))
    ]
    if forgotten:
        withdraw(connection, name, forgotten)
