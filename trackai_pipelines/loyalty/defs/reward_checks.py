"""Checks that rewards follow tiers, that stock and boosts add up, and that draws come out again.

What belongs here: how bad a finding is, and what to do. What does not: comparing (reconcile_rewards.py).
"""

import dagster as dg

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.loyalty.defs.judging import judged
from trackai_pipelines.loyalty.reconcile_rewards import (
    illegal_boosts,
    offers_unlike_tiers,
    stock_unlike_claims,
    unlike_draws,
)


@dg.asset_check(
    asset="redemptions",
    additional_deps=["tier_checkpoints"],
    blocking=True,
    description="After the last evaluated day, rows of eager rewards are on offer for present holders of the tier, and "
    "for nobody else; nothing is claimed more often than a cycle allows. Rewards that were set since then wait.",
)
def redemptions_follow_tiers(database: EventDatabase) -> dg.AssetCheckResult:
    """Compare offers with tiers."""
    with database.connect("checks") as connection:
        return judged(offers_unlike_tiers(connection), "The next evaluation makes what is missing.")


@dg.asset_check(
    asset="redemptions",
    blocking=True,
    description="What is taken of each stock is what is claimed of it and not rejected.",
)
def stock_equals_claims(database: EventDatabase) -> dg.AssetCheckResult:
    """Compare stock with claims."""
    with database.connect("checks") as connection:
        return judged(stock_unlike_claims(connection), "`trackai loyalty reward set` counts the claims again.")


@dg.asset_check(
    asset="commission_boost_redemptions",
    additional_deps=["sales_ledger"],
    blocking=True,
    description="The history of each boost is a chain of transitions that are allowed and ends in its status; its "
    "payout comes out again from the postings that it was computed from.",
)
def boost_history_is_legal(database: EventDatabase) -> dg.AssetCheckResult:
    """Compare boosts with their history and the ledger."""
    with database.connect("checks") as connection:
        return judged(illegal_boosts(connection, utc_now()), "Put the rows back as the history says.")


@dg.asset_check(
    asset="redemptions",
    blocking=True,
    description="Commitment, digest of the entries, scores and winners of each raffle come out again from what it "
    "published.",
)
def raffles_reproduce(database: EventDatabase) -> dg.AssetCheckResult:
    """Draw all raffles again."""
    with database.connect("checks") as connection:
        return judged(unlike_draws(connection), "`trackai loyalty raffle verify` names what differs.")


CHECKS = (redemptions_follow_tiers, stock_equals_claims, boost_history_is_legal, raffles_reproduce)
