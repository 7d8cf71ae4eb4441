"""When delivery is checked."""

from datetime import timedelta

import dagster as dg

from trackai_pipelines.delivery.defs.checks import oldest_due_event
from trackai_pipelines.delivery.defs.jobs import check_delivery

# Two windows of a dispatcher, and less than the time between two evaluations of this schedule.
_RECENT = timedelta(minutes=10)


@dg.schedule(
    job=check_delivery,
    cron_schedule="*/15 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Four times an hour: checks how old the oldest waiting event is, unless a dispatcher has just "
    "reported it. On the hour: also checks that every event of the last seven days is accounted for.",
)
def quarter_hourly_delivery_check(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Run both checks on the hour; in between only the cheap one, whose cost is the queue's length, if it is due."""
    at = context.scheduled_execution_time
    if at.minute == 0:
        return dg.RunRequest()
    (check,) = oldest_due_event.check_keys
    latest = context.instance.get_latest_asset_check_evaluation_record(check)
    if latest and latest.evaluation and latest.create_timestamp >= (at - _RECENT).timestamp():
        return dg.SkipReason("A dispatcher has reported in the last ten minutes how old the oldest event is.")
    return dg.RunRequest(asset_check_keys=list(oldest_due_event.check_keys))
