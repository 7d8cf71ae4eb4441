"""The jobs that aggregate days."""

import dagster as dg

aggregate_match_rates = dg.define_asset_job(
    "aggregate_match_rates",
    selection=dg.AssetSelection.assets("daily_match_rates", "match_log"),
    description="Recomputes the match rates of the chosen UTC days and closes their match log. A range of days is one "
    "run; safe to repeat.",
)

aggregate_refunded_days = dg.define_asset_job(
    "aggregate_refunded_days",
    selection=dg.AssetSelection.assets("daily_match_rates"),
    description="Recomputes the match rates of UTC days whose sales had refunds since; their match log stays as it is. "
    "A range of days is one run; safe to repeat.",
)
