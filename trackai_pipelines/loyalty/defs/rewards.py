"""Rewards in Dagster: what the evaluation of local days made of missions, offers and boosts.

What belongs here: the assets. What does not: the evaluation, which writes their rows with the tiers (tiers.py), and
claims, which come when creators make them.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from trackai_pipelines.database.defs.metadata import table_metadata
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.loyalty.reward_days import reward_days
from trackai_pipelines.utc_days import ONE_RUN, UTC_DAYS, days_of_run


def _spec(name: str, description: str, *deps: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        name,
        deps=("tier_checkpoints", *deps),
        description=description,
        group_name="loyalty",
        owners=["team:tracking"],
        kinds={"postgres"},
    )


ASSETS = (
    _spec(
        "mission_progress",
        "How far creators came in missions, by window. It is counted with the evaluation of each local day, before "
        "windows close on it.",
        "sales_ledger",
    ),
    _spec(
        "redemptions",
        "What creators claimed; of eager rewards also what is on offer, which follows the tiers of each evaluated day.",
        "mission_progress",
    ),
    _spec(
        "commission_boost_redemptions",
        "Boosts of the commission. The evaluation of each local day activates and ends them, and sums up their sales "
        "until they are paid.",
        "redemptions",
        "sales_ledger",
    ),
)


@dg.multi_asset(
    name="loyalty_rewards",
    specs=ASSETS,
    partitions_def=UTC_DAYS,
    backfill_policy=ONE_RUN,
    description="Describes what evaluated days made of missions, redemptions and boosts. Writes nothing.",
)
def loyalty_rewards(context: dg.AssetExecutionContext, database: EventDatabase) -> Iterator[dg.MaterializeResult[Any]]:
    """Describe the run's days."""
    with database.connect("loyalty") as connection:
        for day in reward_days(connection, days_of_run(context)):
            for name, figures in day.figures().items():
                context.add_asset_metadata(figures, asset_key=name, partition_key=day.day.isoformat())
        for spec in ASSETS:
            yield dg.MaterializeResult(
                asset_key=spec.key, metadata=table_metadata(connection, spec.key.to_user_string())
            )
