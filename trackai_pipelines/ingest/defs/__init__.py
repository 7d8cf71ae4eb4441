"""Ingest in Dagster: the three facts as assets, the job that loads landing files, its sensor and checks."""
