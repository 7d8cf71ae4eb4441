"""Campaigns in Dagster."""

import dagster as dg

from trackai_pipelines.campaigns.defs import decisions

defs = dg.Definitions(
    assets=[decisions.attribution_weights, decisions.campaign_cohorts, decisions.campaign_optimizations],
    jobs=[decisions.train_attribution, decisions.recommend_campaigns],
    schedules=[decisions.weekly_attribution_training, decisions.nightly_recommendations],
)
