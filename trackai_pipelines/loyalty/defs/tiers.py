"""Evaluated days in Dagster: a partition is a local day of the programs.

What belongs here: the asset, jobs and schedule of evaluations. What does not: evaluating (evaluating.py) and playing
days again (replaying.py).
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from time import monotonic
from typing import Any

import dagster as dg
from psycopg import Connection

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.metadata import table_metadata
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.loyalty.evaluated_days import figures_of_days, number_at_risk
from trackai_pipelines.loyalty.evaluating import EvaluatedDay, due_days, evaluate_programs
from trackai_pipelines.loyalty.replaying import replay_programs
from trackai_pipelines.utc_days import FIRST_DAY, ONE_RUN, UTC_DAYS, days_of_run, is_partition, range_tags


@dg.asset(
    group_name="loyalty",
    deps=["sales_ledger"],
    partitions_def=UTC_DAYS,
    backfill_policy=ONE_RUN,
    owners=["team:tracking"],
    kinds={"postgres"},
    description="What the evaluation of a local day decided about creators: enrolled, promoted, maintained, demoted, "
    "corrected, in grace, or set by hand, with the sum behind it. A run evaluates every due day up to its last one, in "
    "order, each program and day in a transaction. A day is evaluated once: materialising it again writes nothing, "
    "plays it with what it knew, and fails where that differs.",
)
def tier_checkpoints(context: dg.AssetExecutionContext, database: EventDatabase) -> dg.MaterializeResult[None]:
    """Evaluate what is due, replay the run's days that were evaluated before, and describe all of them."""
    begun, now, days = monotonic(), utc_now(), days_of_run(context)
    with database.connect("loyalty") as connection:
        done = list(evaluate_programs(connection, now, run_id=context.run.run_id, until=days[-1]))
        evaluated = [one for one in done if isinstance(one, EvaluatedDay)]
        for one in done:
            if not isinstance(one, EvaluatedDay):
                context.log.info(f"{one.tenant_id}: {one.day or 'no day'} is not evaluated: {one.reason}")
        new = defaultdict(set)
        for one in evaluated:
            new[one.tenant_id].add(one.day)
        differences = replay_programs(connection, days[0], days[-1], now, but={**new})
        _show(context, connection, days, sorted({one.day for one in evaluated}))
        if differences:
            raise dg.Failure("; ".join(differences[:5]), metadata={"differences": len(differences)})
        return dg.MaterializeResult(
            metadata={
                "days evaluated": len(evaluated),
                "creators at risk": number_at_risk(connection),
                "seconds": round(monotonic() - begun, 3),
                **table_metadata(connection, "tier_checkpoints"),
            }
        )


def _show(
    context: dg.AssetExecutionContext, connection: Connection[Any], own: Sequence[date], evaluated: Sequence[date]
) -> None:
    """Describe the days of the run; others that were evaluated get materialisations of their own."""
    for day, metadata in figures_of_days(connection, sorted({*own, *evaluated})).items():
        if day in own:
            context.add_asset_metadata(metadata, partition_key=day.isoformat())
        elif is_partition(day):
            context.log_event(dg.AssetMaterialization("tier_checkpoints", partition=day.isoformat(), metadata=metadata))


evaluate_loyalty = dg.define_asset_job(
    "evaluate_loyalty",
    # Checks of the ledger and of rewards read all of it, and days after the run's may be due: they run once a day
    # (reconciling.py).
    selection=dg.AssetSelection.assets(
        "sales_ledger", "mission_progress", "redemptions", "commission_boost_redemptions"
    ).without_checks()
    | dg.AssetSelection.assets("tier_checkpoints")
    - dg.AssetSelection.checks(dg.AssetCheckKey(dg.AssetKey("tier_checkpoints"), "loyalty_day_is_evaluated")),
    description="Posts, then evaluates every day of the programs that is due. A range of days is one run; safe to "
    "repeat, to run twice at once, and to kill.",
)


class ReplayLoyaltyConfig(dg.Config):
    """Which days are played again."""

    from_day: str | None = None
    """The first local day, YYYY-MM-DD; every evaluated day if not given."""
    to_day: str | None = None
    """The last one, included."""


@dg.op(description="Plays evaluated days of all programs again, for all creators, with what each of them knew.")
def replay_evaluated_days(context: dg.OpExecutionContext, config: ReplayLoyaltyConfig, database: EventDatabase) -> None:
    """Replay, and fail where something is recorded otherwise."""
    first = date.fromisoformat(config.from_day) if config.from_day else date.min
    last = date.fromisoformat(config.to_day) if config.to_day else date.max
    with database.connect("loyalty") as connection:
        differences = replay_programs(connection, first, last, utc_now(), everybody=True)
    for difference in differences:
        context.log.error(difference)
    context.add_output_metadata({"differences": len(differences)})
    if differences:
        raise dg.Failure("; ".join(differences[:5]))


@dg.job(
    description="Plays evaluated days again with what each of them knew, and fails where an event or a standing is "
    "recorded otherwise. Writes nothing."
)
def replay_loyalty() -> None:
    """Replay all programs."""
    replay_evaluated_days()


@dg.schedule(
    job=evaluate_loyalty,
    cron_schedule="10 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Ten minutes past every hour, where a day of a program is due: it is over there, settled and reported. "
    "One run evaluates all of them.",
)
def hourly_loyalty(database: EventDatabase) -> dg.RunRequest | dg.SkipReason:
    """Request one run over the days that are due, as far as they are partitions."""
    with database.connect("loyalty") as connection:
        due, others = due_days(connection, utc_now())
    if not due:
        said = "; ".join(f"{tenant}: {one.reason}" for tenant, one in others.items())
        return dg.SkipReason(f"No day is due. {said}" if said else "No tenant has a loyalty program.")
    last = max(last for _, last in due.values())
    first = max(FIRST_DAY, min(first for first, _ in due.values()))
    if last < FIRST_DAY:
        return dg.SkipReason(f"Partitions begin on {FIRST_DAY}, as TRACKAI_FIRST_DAY says.")
    return dg.RunRequest(tags=range_tags([first, last]))
