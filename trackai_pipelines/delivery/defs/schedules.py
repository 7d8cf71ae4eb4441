"""When it is looked whether delivery keeps up."""

import dagster as dg

from trackai_pipelines.delivery.defs.checks import oldest_due_event
from trackai_pipelines.delivery.defs.jobs import check_delivery


@dg.schedule(
    job=check_delivery,
    cron_schedule="*/15 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Four times an hour: how old the oldest event is that waits. On the hour: whether every event of seven "
    "days is accounted for, too.",
)
def quarter_hourly_delivery_check(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Both checks on the hour; in between only the one that costs no more than the queue is long."""
    if context.scheduled_execution_time.minute == 0:
        return dg.RunRequest()
    return dg.RunRequest(asset_check_keys=list(oldest_due_event.check_keys))
