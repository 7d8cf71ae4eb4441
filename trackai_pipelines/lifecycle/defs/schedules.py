"""When partitions and Dagster's storage are looked after."""

import dagster as dg

from trackai_pipelines.lifecycle.defs.jobs import maintain_partitions, prune_dagster_history

daily_partition_maintenance = dg.ScheduleDefinition(
    name="daily_partition_maintenance",
    job=maintain_partitions,
    cron_schedule="10 0 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="At 00:10 UTC: partitions of match_log four weeks ahead.",
)

daily_history_pruning = dg.ScheduleDefinition(
    name="daily_history_pruning",
    job=prune_dagster_history,
    cron_schedule="40 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="At 03:40 UTC: old runs and superseded events leave Dagster's own storage.",
)
