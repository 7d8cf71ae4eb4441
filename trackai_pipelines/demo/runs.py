"""The demo's work as runs of Dagster's jobs, inside this process, so that the UI shows lineage, partitions, checks.

What belongs here: running jobs on the real instance. What does not: what the jobs do.
"""

import os
from collections.abc import Mapping
from datetime import date
from typing import Any

import dagster as dg

from trackai_pipelines.terminal.output import fail, step

# Events are written in batches of this size; one by one each costs a round trip and a commit.
_EVENT_BATCH = "500"
_QUIET: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def run_jobs(variables: Mapping[str, str], *, first_day: date, last_day: date, today: date) -> None:
    """Ingest what waits in the landing folder, match it, aggregate the days, dispatch, and check that; each is a run.

    `variables` are those of `environment()` and of the sandbox; they become this process's.
    """
    os.environ.update(variables)
    os.environ["DAGSTER_EVENT_BATCH_SIZE"] = _EVENT_BATCH
    with step("Dagster"):
        # Here, because the definitions read the environment when something runs.
        from trackai_pipelines.definitions import defs
        from trackai_pipelines.utc_days import RANGE_END_TAG, RANGE_START_TAG

        instance = dg.DagsterInstance.get()
    with instance:
        _run(instance, defs, "ingest_landing_files", "Ingest")
        _run(instance, defs, "match_conversions", "Match", partition_key=today.isoformat())
        days = {RANGE_START_TAG: first_day.isoformat(), RANGE_END_TAG: last_day.isoformat()}
        _run(instance, defs, "aggregate_match_rates", "Aggregate", tags=days)
        _run(instance, defs, "dispatch_conversions", "Dispatch", partition_key=today.isoformat())
        _run(instance, defs, "check_matching", "Check matching")
        _run(instance, defs, "check_delivery", "Check delivery")


def _run(instance: dg.DagsterInstance, defs: dg.Definitions, job: str, name: str, **options: Any) -> None:
    with step(name):
        result = defs.resolve_job_def(job).execute_in_process(
            instance=instance, raise_on_error=False, run_config=_QUIET, **options
        )
    if not result.success:
        failures = [str(event.event_specific_data) for event in result.all_events if event.is_step_failure]
        fail(f"The run {result.run_id} of {job} failed. {' '.join(failures)[:2000]}")
