"""Campaigns in Dagster."""

import dagster as dg

from trackai_pipelines.campaigns.defs import checks, cost_checks, credit_checks, days, decisions

defs = dg.Definitions(
    assets=[
        days.campaign_days,
        decisions.attribution_weights,
        decisions.campaign_cohorts,
        decisions.campaign_optimizations,
    ],
    asset_checks=[
        checks.campaign_totals_reconcile,
        checks.spend_is_complete,
        checks.parts_agree,
        checks.shared_keys_in_bounds,
        credit_checks.credits_sum_to_one,
        *cost_checks.COST_CHECKS,
    ],
    jobs=[days.aggregate_campaigns, decisions.train_attribution, decisions.recommend_campaigns],
    schedules=[
        days.nightly_campaigns,
        decisions.weekly_attribution_training,
        decisions.nightly_recommendations,
    ],
)
