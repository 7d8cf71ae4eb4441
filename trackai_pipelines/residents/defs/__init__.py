"""Residents in Dagster: what sensors need to keep resident runs alive."""
