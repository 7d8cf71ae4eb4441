"""Track AI Pipelines: ad clicks and gateway conversions become matched, measured, delivered attributions.

One package per domain (`ingest`, `matching`, `match_rates`, `lifecycle`), each with the same rooms: plain
functions at its top that know nothing of Dagster, and `defs/` with the domain's assets, jobs, sensors,
schedules and checks. All stand on the base: `database`, `settings`, `clock`. SQL is in the project's `sql/`.
"""
