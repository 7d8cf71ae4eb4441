"""Days of tests in Dagster: one op brings them up to date, because a test is one transaction; a partition is a UTC day.

What belongs here: assets, job and schedule of the days. What does not: computing them (computing.py).
"""

from collections.abc import Collection, Iterator
from datetime import UTC, date, timedelta
from time import monotonic
from typing import Any

import dagster as dg
from psycopg import Connection

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.metadata import table_metadata
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.experiments.daily_figures import changed_days, figures_of_days
from trackai_pipelines.experiments.defs.calibration import p_values_are_calibrated
from trackai_pipelines.experiments.life import complete_ended
from trackai_pipelines.utc_days import FIRST_DAY, ONE_RUN, UTC_DAYS, days_of_run, is_partition, range_tags


class ExperimentDaysConfig(dg.Config):
    """How a run computes tests."""

    from_start: bool = False
    """From nothing, not from what arrived since they were computed last: after rows were changed by plain SQL."""


def _spec(name: str, description: str, *deps: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        name,
        deps=deps,
        description=description,
        group_name="experiments",
        owners=["team:tracking"],
        kinds={"postgres"},
    )


ASSETS = (
    _spec(
        "ab_test_outcomes",
        "Each conversion of an assigned user, by test, with the one class that says whether it counts, or why not. It "
        "outlives the hashes of conversions.",
        "ab_tests",
        "ab_test_assignments",
        "excluded_users",
        "user_conversions",
        "matched_attributions",
    ),
    _spec(
        "ab_test_daily_results",
        "How each variant of a test compares with the control at the end of the UTC day, by metric, of all users so "
        "far and of those whose window is over, made from exact sums (ab_test_daily_totals), with the health of the "
        "day (ab_test_daily_health). Looking at it every day changes nothing.",
        "ab_test_outcomes",
    ),
    _spec(
        "ab_test_results",
        "One row a variant: as decided, before that as of the newest day. ab_test_decisions has the reason in words.",
        "ab_test_daily_results",
    ),
)


@dg.multi_asset(
    name="experiment_days",
    specs=ASSETS,
    partitions_def=UTC_DAYS,
    backfill_policy=ONE_RUN,
    description="Brings every test that was started and is not archived up to date, with whatever arrived late, each "
    "tenant's in one transaction, and decides those that can be decided. The same facts give the same rows. A range of "
    "days is one run in one pass.",
)
def experiment_days(
    context: dg.AssetExecutionContext, config: ExperimentDaysConfig, database: EventDatabase
) -> Iterator[dg.MaterializeResult[None]]:
    """Compute the tests, and describe the run's days and those that changed."""
    from trackai_pipelines.experiments.computing import compute_tests

    begun, now = monotonic(), utc_now()
    with database.connect("experiments") as connection:
        complete_ended(connection, now)
        computed = list(compute_tests(connection, now, from_start=config.from_start))
        _show(context, connection, changed_days(computed), round(monotonic() - begun, 3))
        for spec in ASSETS:
            metadata = table_metadata(connection, spec.key.to_user_string())
            yield dg.MaterializeResult(asset_key=spec.key, metadata={"tests changed": len(computed), **metadata})


def _show(
    context: dg.AssetExecutionContext, connection: Connection[Any], changed: Collection[date], seconds: float
) -> None:
    """Describe the days of the run; other days that changed get materialisations of their own."""
    own = days_of_run(context)
    for day, metadata in figures_of_days(connection, sorted({*own, *changed})).items():
        for spec in ASSETS:
            if day in own:
                context.add_asset_metadata({**metadata, "seconds": seconds}, spec.key, day.isoformat())
            elif is_partition(day):
                context.log_event(dg.AssetMaterialization(spec.key, partition=day.isoformat(), metadata=metadata))


compute_experiments = dg.define_asset_job(
    "compute_experiments",
    # Calibration takes 500 splits of all users, and has a job of its own.
    selection=dg.AssetSelection.assets(*(spec.key for spec in ASSETS))
    - dg.AssetSelection.checks(p_values_are_calibrated),
    description="Brings every test up to date, with whatever arrived late, and decides those that can be decided. A "
    "range of days is one run; safe to repeat, and to kill.",
)


@dg.schedule(
    job=compute_experiments,
    cron_schedule="0 1 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="At 01:00 UTC, after the match rates: brings every test up to date to the end of yesterday. One run.",
)
def nightly_experiments(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Request one run for the day before the scheduled one, if it is a partition."""
    yesterday = context.scheduled_execution_time.astimezone(UTC).date() - timedelta(days=1)
    if yesterday < FIRST_DAY:
        return dg.SkipReason(f"Partitions begin on {FIRST_DAY}, as TRACKAI_FIRST_DAY says.")
    return dg.RunRequest(run_key=yesterday.isoformat(), tags=range_tags([yesterday]))
