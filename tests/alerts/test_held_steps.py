"""A step of a ramp that its guard holds is reported once, by a real job and a real sensor."""

from collections.abc import Callable
from typing import Any

import dagster as dg
from psycopg import Connection
from typer.testing import Result

from trackai_pipelines.alerts.defs.sensors import held_step_alert_sensor
from trackai_pipelines.alerts.held_steps import held_steps, newly_held
from trackai_pipelines.database.defs.resources import EventDatabase


def test_a_held_step_is_told_once(
    trackai: Callable[..., Result],
    connection: Connection[Any],
    add_tenant: Callable[..., str],
    database: EventDatabase,
    run_job: Any,
) -> None:
    add_tenant("acme")
    ramp = ("ramp", "dark_mode", "--steps", "5@0d,25@1m", "--guard", "match_rate>=0.7 over 2d", "--reason", "pilot")
    assert trackai("flags", *ramp).exit_code == 0

    def told(cursor: str | None) -> tuple[int, str | None]:
        context = dg.build_sensor_context(cursor=cursor, resources={"database": database})
        return len(newly_held(held_steps(connection), cursor)[0]), _cursor_after(context)

    assert told(None)[0] == 0
    connection.execute("UPDATE trackai.feature_flag_plans SET apply_at = apply_at - interval '2 minutes'")
    run_job("apply_flag_plans")
    (message,) = newly_held(held_steps(connection), None)[0]
    assert message.startswith("The flag dark_mode is not raised to 25 %, which was due at ")
    assert "it waits for match_rate >= 0.7 over 2 days, and there is nothing to measure." in message
    new, cursor = told(None)
    assert new == 1
    assert told(cursor)[0] == 0


def _cursor_after(context: dg.SensorEvaluationContext) -> str | None:
    held_step_alert_sensor(context)
    return context.cursor
