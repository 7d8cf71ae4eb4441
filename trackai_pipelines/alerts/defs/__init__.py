"""Alerts in Dagster: the sensors of failed runs, of open circuits and of held steps."""

import dagster as dg

from trackai_pipelines.alerts.defs import sensors

defs = dg.Definitions(
    sensors=[sensors.run_failure_alert_sensor, sensors.open_circuit_alert_sensor, sensors.held_step_alert_sensor],
)
