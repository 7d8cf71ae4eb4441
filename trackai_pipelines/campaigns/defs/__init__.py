"""Campaigns in Dagster."""

import dagster as dg

from trackai_pipelines.campaigns.defs import cost_checks, decisions

defs = dg.Definitions(
    assets=[decisions.attribution_weights, decisions.campaign_cohorts, decisions.campaign_optimizations],
    asset_checks=[
        cost_checks.costs_agree_across_levels,
        cost_checks.unjoined_spend,
        cost_checks.rates_are_known,
        cost_checks.costs_are_fresh,
    ],
    jobs=[decisions.train_attribution, decisions.recommend_campaigns],
    schedules=[decisions.weekly_attribution_training, decisions.nightly_recommendations],
)
