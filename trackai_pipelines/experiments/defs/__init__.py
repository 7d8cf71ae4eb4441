"""Experiments in Dagster."""

import dagster as dg

from trackai_pipelines.experiments.defs import checks, days

defs = dg.Definitions(
    assets=[days.experiment_days],
    asset_checks=checks.CHECKS,
    jobs=[days.compute_experiments],
    schedules=[days.nightly_experiments],
)
