"""When partitions, old rows and Dagster's storage are looked after."""

from datetime import UTC

import dagster as dg

from trackai_pipelines.lifecycle.defs.jobs import apply_retention, maintain_partitions, prune_dagster_history

daily_partition_maintenance = dg.ScheduleDefinition(
    name="daily_partition_maintenance",
    job=maintain_partitions,
    cron_schedule="10 0 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="At 00:10 UTC: makes partitions four weeks ahead.",
)


@dg.schedule(
    job=apply_retention,
    cron_schedule="40 2 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="At 02:40 UTC, after the nightly aggregate: anonymises, archives or drops what is old enough.",
)
def daily_retention(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """One run as of the scheduled day."""
    today = context.scheduled_execution_time.astimezone(UTC).date().isoformat()
    return dg.RunRequest(run_key=today, partition_key=today)


daily_history_pruning = dg.ScheduleDefinition(
    name="daily_history_pruning",
    job=prune_dagster_history,
    cron_schedule="40 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="At 03:40 UTC: removes old runs and superseded events from Dagster's own storage.",
)
