"""Matching in Dagster: attributions and their log as assets, the jobs that match, their sensors and checks."""
