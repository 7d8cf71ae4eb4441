"""Residents in Dagster: the sensors' part, runs that are kept alive."""
