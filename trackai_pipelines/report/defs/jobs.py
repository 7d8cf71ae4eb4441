"""The job that writes reports."""

import dagster as dg

make_report = dg.define_asset_job(
    "make_report",
    selection=dg.AssetSelection.assets("daily_report"),
    description="Writes the report of the chosen UTC days, each about the 30 days up to it. A range of days is one "
    "run; safe to repeat.",
)
