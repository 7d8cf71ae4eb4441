"""The sensors that report failed runs, open circuits and held steps of ramps."""

from collections.abc import Sequence

import dagster as dg

from trackai_pipelines.alerts.alert import FailedRun, deliver
from trackai_pipelines.alerts.circuits import new_messages, open_circuits
from trackai_pipelines.alerts.held_steps import held_steps, newly_held
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.settings import Settings
from trackai_pipelines.utc_days import RANGE_END_TAG, RANGE_START_TAG


@dg.run_failure_sensor(
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Reports every failed run: in the log of its tick, and to the chat webhook TRACKAI_ALERT_WEBHOOK_URL "
    "if that is set.",
)
def run_failure_alert_sensor(context: dg.RunFailureSensorContext) -> None:
    """Send one message for each failed run."""
    run = context.dagster_run
    start, end = run.tags.get(RANGE_START_TAG), run.tags.get(RANGE_END_TAG)
    failed = FailedRun(
        job=run.job_name,
        run_id=run.run_id,
        partition=run.tags.get("dagster/partition") or (f"{start} to {end}" if start else None),
        error=cause_of(context),
    )
    context.log.error(failed.message)
    webhook_url = Settings().alert_webhook_url
    if webhook_url:
        deliver(failed.message, webhook_url.get_secret_value())


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Reports every circuit of delivery that opens while events wait behind it, with Meta's own message: in "
    "the log of its tick, and to the chat webhook TRACKAI_ALERT_WEBHOOK_URL if that is set.",
)
def open_circuit_alert_sensor(context: dg.SensorEvaluationContext, database: EventDatabase) -> dg.SkipReason:
    """Send one message for each circuit that opened."""
    with database.connect("open circuit alert") as connection:
        messages, cursor = new_messages(open_circuits(connection), context.cursor)
    _report(context, messages)
    context.update_cursor(cursor)
    return dg.SkipReason(f"{len(messages)} circuits were reported.")


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Reports every step of a flag's ramp that its guard holds, with what was measured: in the log of its "
    "tick, and to the chat webhook TRACKAI_ALERT_WEBHOOK_URL if that is set.",
)
def held_step_alert_sensor(context: dg.SensorEvaluationContext, database: EventDatabase) -> dg.SkipReason:
    """Send one message for each step that is held."""
    with database.connect("held step alert") as connection:
        messages, cursor = newly_held(held_steps(connection), context.cursor)
    _report(context, messages)
    context.update_cursor(cursor)
    return dg.SkipReason(f"{len(messages)} steps were reported.")


def _report(context: dg.SensorEvaluationContext, messages: Sequence[str]) -> None:
    webhook_url = Settings().alert_webhook_url
    for message in messages:
        context.log.warning(message)
        if webhook_url:
            deliver(message, webhook_url.get_secret_value())


def cause_of(context: dg.RunFailureSensorContext) -> str:
    """Return why the run failed: the first failed step and the exception behind it, else Dagster's own message.

    Only the exception's first line is used, because PostgreSQL's details quote rows.
    """
    for step in context.get_step_failure_events():
        error = step.step_failure_data.error
        while error is not None and error.cause is not None:
            error = error.cause
        lines = error.message.strip().splitlines() if error is not None else []
        if lines:
            return f"{step.step_key}: {lines[0]}"
    return context.failure_event.message or "no error was recorded"
