"""All checks of loyalty in one job, and when it runs."""

import dagster as dg

reconcile_loyalty = dg.define_asset_job(
    "reconcile_loyalty",
    selection=dg.AssetSelection.groups("loyalty") - dg.AssetSelection.groups("loyalty").without_checks(),
    description="Checks the ledger, its credit, tiers and rewards of all programs. Changes nothing.",
)

daily_loyalty_checks = dg.ScheduleDefinition(
    name="daily_loyalty_checks",
    job=reconcile_loyalty,
    cron_schedule="20 5 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="At 05:20 UTC: checks the ledger, its credit, tiers and rewards of all programs. One run.",
)
