"""Delivery in Dagster: events sent as an asset, the dispatchers that stay, their sensor, schedule and checks."""
