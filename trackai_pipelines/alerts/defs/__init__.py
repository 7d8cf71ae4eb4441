"""Alerts in Dagster: the sensor that hears of failed runs."""
