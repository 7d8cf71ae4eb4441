"""The demo's work as runs of Dagster's jobs, inside this process, so the UI shows lineage, partitions and checks.

What belongs here: running jobs on the real instance. What does not: which jobs, and what they do.
"""

import os
from collections.abc import Iterable
from datetime import date
from typing import Any

import dagster as dg

from trackai_pipelines.domain import DemoJob, Domain
from trackai_pipelines.terminal.output import fail, step
from trackai_pipelines.utc_days import RANGE_END_TAG, RANGE_START_TAG

# Events are written in batches of this size; one by one, each costs a round trip and a commit.
_EVENT_BATCH = "500"
_QUIET: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def run_jobs(
    jobs: Iterable[DemoJob],
    domains: tuple[Domain, ...],
    *,
    first_day: date,
    last_day: date,
    today: date,
) -> None:
    """Run the jobs one after the other, each as a run that Dagster's UI shows.

    This process's environment has the variables of `environment()` and of the demo's companions.
    """
    os.environ["DAGSTER_EVENT_BATCH_SIZE"] = _EVENT_BATCH
    with step("Dagster"):
        # Imported here, because the definitions read the environment when something runs.
        from trackai_pipelines.definitions import build_definitions

        defs = build_definitions(resources={"domains": domains})
        instance = dg.DagsterInstance.get()
    options: dict[str, dict[str, Any]] = {
        "none": {},
        "today": {"partition_key": today.isoformat()},
        "all": {"tags": {RANGE_START_TAG: first_day.isoformat(), RANGE_END_TAG: last_day.isoformat()}},
    }
    with instance:
        for job in jobs:
            _run(instance, defs, job, **options[job.days])


def _run(instance: dg.DagsterInstance, defs: dg.Definitions, job: DemoJob, **options: Any) -> None:
    with step(job.title):
        result = defs.resolve_job_def(job.name).execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config={**_QUIET, "ops": {name: {"config": dict(of)} for name, of in job.config.items()}},
            **options,
        )
    if not result.success:
        failures = [str(event.event_specific_data) for event in result.all_events if event.is_step_failure]
        fail(f"The run {result.run_id} of {job.name} failed. {' '.join(failures)[:2000]}")
