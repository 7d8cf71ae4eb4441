"""Lifecycle in Dagster: partitions, retention and the pruning of Dagster's history."""

import dagster as dg

from trackai_pipelines.lifecycle.defs import checks, jobs, schedules

defs = dg.Definitions(
    asset_checks=[checks.partitions_ahead, checks.retention_keeps_up],
    jobs=[jobs.maintain_partitions, jobs.apply_retention, jobs.prune_dagster_history],
    schedules=[
        schedules.daily_partition_maintenance,
        schedules.daily_retention,
        schedules.daily_history_pruning,
    ],
)
