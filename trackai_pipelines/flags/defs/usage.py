"""Days of checks in Dagster: a partition is a UTC day.

What belongs here: assets, job and schedule of the days. What does not: computing them (analytics.py).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, date
from typing import Any

import dagster as dg
from psycopg import Connection

from trackai_pipelines.database.defs.metadata import table_metadata
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.flags.analytics import (
    AnalysedDay,
    ExposedDay,
    analyse_days,
    days_before,
    expose_days,
    recent_days,
)
from trackai_pipelines.utc_days import FIRST_DAY, ONE_RUN, UTC_DAYS, days_of_run, is_partition, range_tags

Computed = Iterable[tuple[date, AnalysedDay | ExposedDay | None]]


class FlagDaysConfig(dg.Config):
    """What a run computes beyond its own days."""

    earlier: bool = False
    """Also compute all earlier days whose usage is in the database."""


@dg.asset(
    group_name="flags",
    deps=["feature_flag_usage", "feature_flags"],
    partitions_def=UTC_DAYS,
    backfill_policy=ONE_RUN,
    owners=["team:tracking"],
    kinds={"postgres"},
    description="Checks, users and errors of each flag per tenant and UTC day. A day is computed whole from its usage, "
    "which stays for 30 days; a day whose usage has left is refused, and its rows stay as they are. Kept.",
)
def feature_flag_analytics(
    context: dg.AssetExecutionContext, config: FlagDaysConfig, database: EventDatabase
) -> dg.MaterializeResult[None]:
    """Compute the run's days, each in a transaction of its own."""
    with database.connect("flag analytics") as connection:
        return _computed(context, config, connection, "feature_flag_analytics", analyse_days)


@dg.asset(
    group_name="flags",
    deps=["feature_flag_usage", "feature_flags"],
    partitions_def=UTC_DAYS,
    backfill_policy=ONE_RUN,
    owners=["team:tracking"],
    kinds={"postgres"},
    description="When each user was first served each variant of a UTC day, of flags with track_exposures. Computed "
    "whole from the day's usage, as feature_flag_analytics; kept for 400 days. v_flag_first_exposures has the first "
    "variant of each user, to be joined with conversions.",
)
def feature_flag_exposures(
    context: dg.AssetExecutionContext, config: FlagDaysConfig, database: EventDatabase
) -> dg.MaterializeResult[None]:
    """Compute the run's days, each in a transaction of its own."""
    with database.connect("flag exposures") as connection:
        return _computed(context, config, connection, "feature_flag_exposures", expose_days)


def _computed(
    context: dg.AssetExecutionContext,
    config: FlagDaysConfig,
    connection: Connection[Any],
    table: str,
    compute: Callable[[Connection[Any], list[date]], Computed],
) -> dg.MaterializeResult[None]:
    """Compute the run's days. Where usage of some has left, the others are recorded, and the run fails."""
    done: dict[date, Mapping[str, int]] = {}
    refused: list[date] = []
    own = days_of_run(context)
    for day, computed in compute(connection, [*(days_before(connection, own[0]) if config.earlier else ()), *own]):
        if computed is None:
            refused.append(day)
        else:
            done[day] = asdict(computed)
    for day, metadata in done.items():
        # A run that fails says itself what it did; days of others, and only those that are partitions, it says anyhow.
        if is_partition(day) and (refused or day not in own):
            context.log_event(dg.AssetMaterialization(table, partition=day.isoformat(), metadata=metadata))
    if refused:
        raise dg.Failure(
            f"the usage of {len(refused)} days from {refused[0]} to {refused[-1]} is not in the database any more: "
            f"their {table} stays as it is. The other {len(done)} days are computed."
        )
    for day in own:
        context.add_asset_metadata(done[day], partition_key=day.isoformat())
    checks = sum(metadata["checks"] for metadata in done.values())
    return dg.MaterializeResult(metadata={"checks in this run": checks, **table_metadata(connection, table)})


aggregate_flag_usage = dg.define_asset_job(
    "aggregate_flag_usage",
    selection=dg.AssetSelection.assets(feature_flag_analytics, feature_flag_exposures),
    description="Computes what the checks of the chosen UTC days come to, and who was served which variant. A range of "
    "days is one run; safe to repeat. Days whose usage has left are refused and keep their rows.",
)


@dg.schedule(
    job=aggregate_flag_usage,
    cron_schedule="40 0 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="At 00:40 UTC: computes the checks of the last three days, for rows that arrived late. One run.",
)
def nightly_flag_analytics(
    context: dg.ScheduleEvaluationContext, database: EventDatabase
) -> dg.RunRequest | dg.SkipReason:
    """Request one run over the days before the scheduled one that have usage, as far as they are partitions."""
    today = context.scheduled_execution_time.astimezone(UTC).date()
    with database.connect("flag analytics") as connection:
        days = [day for day in recent_days(connection, today) if day >= FIRST_DAY]
    if not days:
        return dg.SkipReason("There is no partition of feature_flag_usage of the last three days.")
    return dg.RunRequest(run_key=today.isoformat(), tags=range_tags(days))
