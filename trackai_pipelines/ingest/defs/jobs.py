"""The job that loads landing files."""

import dagster as dg

from trackai_pipelines.ingest.defs.assets import SOURCE_TAG

ingest_landing_files = dg.define_asset_job(
    "ingest_landing_files",
    selection=dg.AssetSelection.tag(*SOURCE_TAG),
    description="Loads landing files and webhooks into the tables of their kinds. Without configuration it takes every "
    "file of the landing folder that is new or changed. Safe to repeat.",
)
