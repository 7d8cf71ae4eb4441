"""The job that loads landing files."""

import dagster as dg

from trackai_pipelines.ingest.defs.assets import landing_files

ingest_landing_files = dg.define_asset_job(
    "ingest_landing_files",
    selection=dg.AssetSelection.assets(landing_files),
    description="Loads landing files and webhooks into clicks, identities and conversions. Without configuration it "
    "takes every file of the landing folder that is new or changed. Safe to repeat.",
)
