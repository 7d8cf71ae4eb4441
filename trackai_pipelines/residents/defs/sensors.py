"""How a sensor keeps residents alive: it requests a run for each that is missing.

What belongs here: whether runs are due, how one is requested, and what became of those that were. What does not: what a
resident does.
"""

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import dagster as dg
from dagster._core.launcher import WorkerStatus
from psycopg import Connection

from trackai_pipelines.clock import utc_now
from trackai_pipelines.residents.leases import (
    Terms,
    holders,
    keep,
    next_start,
    note_failed_starts,
    promise_missing,
    promised,
    withdraw,
)
from trackai_pipelines.run_launcher import LocalRunLauncher
from trackai_pipelines.sensor_watch import watched
from trackai_pipelines.settings import Settings

MAX_RUNTIME_TAG = "dagster/max_runtime"
_RUN_KEY_TAG = "dagster/run_key"
_LOOK_SECONDS = 1.0

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
    queue_time = timedelta(seconds=Settings().run_queue_seconds)
    queued = context.instance.get_runs_count(
        dg.RunsFilter(job_name=terms.name, statuses=_NOT_STARTED, created_after=utc_now() - queue_time)
    )
    if queued >= terms.wanted:
        return dg.SkipReason(f"{queued} runs wait in the queue to be started.")

    began = time.monotonic()

    def look() -> list[str]:
        _review_promises(context.instance, connection, terms, watched_seconds=time.monotonic() - began)
        return promise_missing(connection, terms)

    found = watched(look, every_seconds=_LOOK_SECONDS)
    if not found:
        failures, seconds = next_start(connection, terms.name)
        if seconds:
            return dg.SkipReason(f"{failures} starts in a row failed; the next one is due in {seconds:.0f} s.")
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


def _review_promises(
    instance: dg.DagsterInstance, connection: Connection, terms: Terms, *, watched_seconds: float
) -> None:
    """Keep the promises whose runs are on their way, and withdraw the others; a run that ended is a failed start.

    An evaluation whose daemon was killed goes on watching, and promises in vain. Dagster creates the runs of an
    evaluation before it begins the next one, so a promise from before this evaluation has its run by now, or never
    will.
    """
    on_their_way: list[str] = []
    failed: list[str] = []
    forgotten: list[str] = []
    for holder, age in promised(connection, terms).items():
        records = instance.get_run_records(dg.RunsFilter(job_name=terms.name, tags={_RUN_KEY_TAG: holder}), limit=1)
        if records:
            (failed if _start_failed(instance, records[0]) else on_their_way).append(holder)
        elif age > watched_seconds:
            forgotten.append(holder)
    if on_their_way:
        keep(connection, terms, on_their_way)
    if forgotten:
        withdraw(connection, terms.name, forgotten)
    if failed:
        note_failed_starts(connection, terms.name, failed)


def _start_failed(instance: dg.DagsterInstance, record: dg.RunRecord) -> bool:
    """Return whether the run ended. One whose process is gone while it starts is failed, which nobody else would do.

    That holds for local processes only. Another launcher may have nothing to show for minutes, while it pulls an
    image; Dagster's run monitoring fails what never starts (`start_timeout_seconds` of dagster.yaml).
    """
    run = record.dagster_run
    start_time = timedelta(seconds=Settings().run_start_seconds)
    if run.status is dg.DagsterRunStatus.STARTING and record.update_timestamp < utc_now() - start_time:
        launcher = instance.run_launcher
        health = launcher.check_run_worker_health(run) if isinstance(launcher, LocalRunLauncher) else None
        if health and health.status is WorkerStatus.NOT_FOUND:
            instance.report_run_failed(run, health.msg)
            return True
    return run.is_finished
