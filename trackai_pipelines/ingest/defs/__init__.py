"""Ingest in Dagster: the job that loads landing files and its sensor."""

import dagster as dg

from trackai_pipelines.ingest.defs import assets, jobs, sensors

defs = dg.Definitions(
    assets=[assets.landing_files],
    jobs=[jobs.ingest_landing_files],
    sensors=[sensors.landing_files_sensor],
)
