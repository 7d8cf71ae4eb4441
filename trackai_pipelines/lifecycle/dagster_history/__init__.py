"""Dagster's own storage, kept small."""
