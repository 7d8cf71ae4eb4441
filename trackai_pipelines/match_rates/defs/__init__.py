"""Match rates in Dagster: the daily aggregate, its schedule and checks."""

import dagster as dg

from trackai_pipelines.match_rates.defs import assets, checks, jobs, schedules

defs = dg.Definitions(
    assets=[assets.daily_match_rates],
    asset_checks=[checks.match_rates_in_bounds, checks.yesterday_is_complete, checks.net_values_are_current],
    jobs=[jobs.aggregate_match_rates, jobs.aggregate_refunded_days],
    schedules=[schedules.nightly_match_rates, schedules.nightly_refunded_days],
)
