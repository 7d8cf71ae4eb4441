"""Checks that tiers are what the evaluated days come to, and that every day was evaluated.

What belongs here: how bad a finding is, and what to do. What does not: comparing (reconcile_tiers.py).
"""

import dagster as dg

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.loyalty.defs.judging import judged
from trackai_pipelines.loyalty.reconcile_tiers import days_left_out, unlike_replay, untiled_windows


@dg.asset_check(
    asset="tier_checkpoints",
    additional_deps=["sales_ledger"],
    blocking=True,
    description="The windows of every creator follow each other from enrolment without gap or overlap; of a thirtieth "
    "of the creators, another one each day, their sums as known now are the ledger's.",
)
def windows_tile_the_ledger(database: EventDatabase) -> dg.AssetCheckResult:
    """Compare windows with each other and with the ledger."""
    with database.connect("checks") as connection:
        return judged(untiled_windows(connection, utc_now()), "`trackai loyalty replay` says what a day comes to.")


@dg.asset_check(
    asset="tier_checkpoints",
    additional_deps=["sales_ledger"],
    blocking=True,
    description="Creators with an event on the last evaluated day, and a thirtieth of all, another one each day: "
    "their days from enrolment on, played again with what each of them knew, come to what is recorded.",
)
def tiers_replay(database: EventDatabase) -> dg.AssetCheckResult:
    """Play the days of some creators again."""
    with database.connect("checks") as connection:
        return judged(unlike_replay(connection, utc_now()), "`trackai loyalty replay` compares all creators.")


@dg.asset_check(
    asset="tier_checkpoints",
    description="Every active program is evaluated up to the day that was due three hours ago.",
    blocking=True,
)
def loyalty_day_is_evaluated(database: EventDatabase) -> dg.AssetCheckResult:
    """Find programs that were left out."""
    with database.connect("checks") as connection:
        return judged(days_left_out(connection, utc_now()), "Run evaluate_loyalty, or `trackai loyalty evaluate`.")


CHECKS = (windows_tile_the_ledger, tiers_replay, loyalty_day_is_evaluated)
