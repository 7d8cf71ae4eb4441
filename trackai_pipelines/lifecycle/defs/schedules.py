"""When partitions are looked after."""

import dagster as dg

from trackai_pipelines.lifecycle.defs.jobs import maintain_partitions

daily_partition_maintenance = dg.ScheduleDefinition(
    name="daily_partition_maintenance",
    job=maintain_partitions,
    cron_schedule="10 0 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="At 00:10 UTC: partitions of match_log four weeks ahead.",
)
