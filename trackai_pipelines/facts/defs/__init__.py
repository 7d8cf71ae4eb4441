"""The facts in Dagster: their checks."""
