"""Track AI Pipelines: ad clicks and gateway conversions become matched, measured, delivered attributions.

There is one package for each domain and each mechanism; `domains.py` lists those that declare something, and
`<package>/domain.py` says what each one holds. A package has plain functions at its top, which know nothing of Dagster,
and `defs/` with its assets, jobs, sensors, schedules and checks. Statements are in `sql/<package>`.
"""
