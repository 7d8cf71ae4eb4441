"""Whether a run of a job is under way, as far as Dagster knows.

What belongs here: questions about runs that sensors of several domains ask. What does not: when a run is due.
"""

from datetime import datetime, timedelta

import dagster as dg

_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


def run_under_way(instance: dg.DagsterInstance, job: str, *, now: datetime, counts_for: timedelta) -> str | None:
    """Return the id of an unfinished run of the job that was created within `counts_for`, else None.

    A run's status outlives a process that is killed, hence the bound. A run that a sensor starts next to one that turns
    out to be alive must do no harm.
    """
    runs = instance.get_runs(dg.RunsFilter(job_name=job, statuses=_UNFINISHED, created_after=now - counts_for), limit=1)
    return runs[0].run_id if runs else None
