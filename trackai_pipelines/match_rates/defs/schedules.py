"""The nightly aggregate, and that of days whose sales were refunded since."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, timedelta

import dagster as dg

from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.match_rates.aggregate import days_to_net
from trackai_pipelines.match_rates.defs.jobs import aggregate_match_rates, aggregate_refunded_days
from trackai_pipelines.utc_days import FIRST_DAY, range_tags

# Yesterday and the two days before it: webhooks are redelivered, and clicks arrive, for about that long.
DAYS = 3
# A run costs more than the days that lie between two: those less than a week apart are one run.
_APART = timedelta(days=7)


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


@dg.schedule(
    job=aggregate_refunded_days,
    cron_schedule="45 0 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="At 00:45 UTC: recomputes the days whose sales have other refunds now than when the day was computed. "
    "A run for each stretch of such days, or none.",
)
def nightly_refunded_days(
    context: dg.ScheduleEvaluationContext, database: EventDatabase
) -> list[dg.RunRequest] | dg.SkipReason:
    """Request a run for each stretch of days that are stale, as far as they are partitions."""
    today = context.scheduled_execution_time.astimezone(UTC).date()
    with database.connect("refunded days") as connection:
        days = [day for day in days_to_net(connection, today) if day >= FIRST_DAY]
    if not days:
        return dg.SkipReason("Every day has the refunds of its sales.")
    return [dg.RunRequest(run_key=f"{today}:{stretch[0]}", tags=range_tags(stretch)) for stretch in _stretches(days)]


def _stretches(days: Sequence[date]) -> Iterator[list[date]]:
    """Yield days that lie near to each other together; `days` are in order."""
    stretch = [days[0]]
    for day in days[1:]:
        if day - stretch[-1] >= _APART:
            yield stretch
            stretch = []
        stretch.append(day)
    yield stretch
