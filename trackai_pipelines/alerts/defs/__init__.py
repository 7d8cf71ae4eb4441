"""Alerts in Dagster: the sensor of failed runs."""

import dagster as dg

from trackai_pipelines.alerts.defs import sensors

defs = dg.Definitions(
    sensors=[sensors.run_failure_alert_sensor],
)
