"""Matching in Dagster: attributions and log as assets, jobs, sensors and checks."""

import dagster as dg

from trackai_pipelines.matching.defs import assets, checks, jobs, schedules, sensors

defs = dg.Definitions(
    assets=[assets.matched_attributions, assets.match_log],
    asset_checks=[checks.exactly_one_attribution, checks.log_agrees_with_attributions],
    jobs=[jobs.match_conversions, jobs.rematch_unmatched, jobs.check_matching],
    sensors=[sensors.match_sensor, sensors.late_clicks_sensor],
    schedules=[schedules.hourly_matching_check],
)
