"""The nightly aggregate."""

from datetime import UTC, timedelta

import dagster as dg

from trackai_pipelines.match_rates.defs.jobs import aggregate_match_rates
from trackai_pipelines.utc_days import FIRST_DAY, range_tags

# Yesterday and the two days before it: webhooks are redelivered, and clicks arrive, for about that long.
DAYS = 3


@dg.schedule(
    job=aggregate_match_rates,
    cron_schedule="30 0 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="At 00:30 UTC: recomputes the last three days, for sales and matches that arrived late. One run.",
)
def nightly_match_rates(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Request one run over the three days before the scheduled one, as far as they are partitions."""
    today = context.scheduled_execution_time.astimezone(UTC).date()
    days = [day for day in (today - timedelta(days=back) for back in range(1, DAYS + 1)) if day >= FIRST_DAY]
    if not days:
        return dg.SkipReason(f"Partitions begin on {FIRST_DAY}, as TRACKAI_FIRST_DAY says.")
    return dg.RunRequest(run_key=today.isoformat(), tags=range_tags(days))
