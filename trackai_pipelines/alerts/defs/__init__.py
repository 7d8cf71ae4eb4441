"""Alerts in Dagster: the sensors of failed runs and of open circuits."""

import dagster as dg

from trackai_pipelines.alerts.defs import sensors

defs = dg.Definitions(
    sensors=[sensors.run_failure_alert_sensor, sensors.open_circuit_alert_sensor],
)
