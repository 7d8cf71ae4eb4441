"""The job that aggregates days."""

import dagster as dg

aggregate_match_rates = dg.define_asset_job(
    "aggregate_match_rates",
    selection=dg.AssetSelection.assets("daily_match_rates", "match_log"),
    description="Recomputes the match rates of the chosen UTC days and closes their match log. A range of days is one "
    "run; safe to repeat.",
)
