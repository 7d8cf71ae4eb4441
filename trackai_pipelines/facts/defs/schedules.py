"""The nightly links between users and conversions."""

import dagster as dg

from trackai_pipelines.facts.defs.jobs import link_users

# Before anything that is computed of yesterday, and before retention: sales are anonymised only once they are linked.
nightly_user_links = dg.ScheduleDefinition(
    name="nightly_user_links",
    job=link_users,
    cron_schedule="20 0 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="At 00:20 UTC: links conversions with users and refunds with sales, and registers campaigns, where "
    "plain SQL inserted them. One run.",
)
