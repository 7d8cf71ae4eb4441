"""Lifecycle in Dagster: the job that makes partitions ahead, its schedule and its check."""
