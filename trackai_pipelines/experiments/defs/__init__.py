"""Experiments in Dagster."""

import dagster as dg

from trackai_pipelines.experiments.defs import calibration, checks, days

defs = dg.Definitions(
    assets=[days.experiment_days],
    asset_checks=[*checks.CHECKS, calibration.p_values_are_calibrated],
    jobs=[days.compute_experiments, calibration.calibrate_experiments],
    schedules=[days.nightly_experiments, calibration.weekly_calibration],
)
