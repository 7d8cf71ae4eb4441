"""When the report is made: every night, after the aggregate."""

from datetime import UTC, timedelta

import dagster as dg

from trackai_pipelines.report.defs.jobs import make_report


@dg.schedule(
    job=make_report,
    cron_schedule="15 1 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="At 01:15 UTC, when yesterday has been aggregated: writes the report of the 30 days up to "
    "yesterday. One run.",
)
def nightly_report(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """One run for the day before the scheduled one."""
    yesterday = context.scheduled_execution_time.astimezone(UTC).date() - timedelta(days=1)
    return dg.RunRequest(run_key=yesterday.isoformat(), partition_key=yesterday.isoformat())
