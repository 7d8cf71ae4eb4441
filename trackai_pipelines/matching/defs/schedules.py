"""When matching is checked."""

import dagster as dg

from trackai_pipelines.matching.defs.jobs import check_matching


@dg.schedule(
    job=check_matching,
    cron_schedule="5 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Once an hour: checks that every conversion of the last seven days is accounted for, and that the "
    "log agrees.",
)
def hourly_matching_check(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Request one run of the checks."""
    return dg.RunRequest()
