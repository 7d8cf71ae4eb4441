"""Campaigns in Dagster."""

import dagster as dg

from trackai_pipelines.campaigns.defs import decisions

defs = dg.Definitions(
    assets=[decisions.attribution_weights],
    jobs=[decisions.train_attribution],
    schedules=[decisions.weekly_attribution_training],
)
