"""Lifecycle in Dagster: the jobs that make partitions ahead and prune Dagster's history, schedules and checks."""
