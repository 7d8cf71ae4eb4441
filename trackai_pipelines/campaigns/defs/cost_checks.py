"""Checks of costs and rates. All of them warn: what is wrong is outside."""

from collections.abc import Sequence

import dagster as dg

from trackai_pipelines.campaigns import reconcile_costs
from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.resources import EventDatabase

_SHOWN = 20


def _verdict(found: Sequence[str]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=not found,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(found[:_SHOWN]) or None,
        metadata={"findings": len(found)},
    )


@dg.asset_check(
    asset="ad_cost_statements",
    description=f"In the last {reconcile_costs.DAYS} days ad sets and ads add up to the rows that count, within 1 %. "
    "A gap means that an export leaves some of them out.",
)
def costs_agree_across_levels(database: EventDatabase) -> dg.AssetCheckResult:
    """Compare the levels of costs."""
    with database.connect("checks") as connection:
        return _verdict(reconcile_costs.levels_that_differ(connection, utc_now().date()))


@dg.asset_check(
    asset="ad_cost_statements",
    description=f"Every campaign with spend in the last {reconcile_costs.DAYS} days had a click. Without one its links "
    "carry no utm_campaign, or another name: `trackai campaigns unjoined` shows the nearest.",
)
def unjoined_spend(database: EventDatabase) -> dg.AssetCheckResult:
    """Look for spend without clicks."""
    with database.connect("checks") as connection:
        return _verdict(reconcile_costs.spend_is_unjoined(connection, utc_now().date()))


@dg.asset_check(
    asset="fx_rates",
    # The night asks after it has computed the amounts.
    additional_deps=["campaign_analytics_daily"],
    description=f"All amounts of the last {reconcile_costs.DAYS} days can be converted into their tenant's reporting "
    "currency. Without a rate a sum is unknown; amounts in their own currency stay exact.",
)
def rates_are_known(database: EventDatabase) -> dg.AssetCheckResult:
    """Look for amounts without a rate."""
    with database.connect("checks") as connection:
        return _verdict(reconcile_costs.rates_that_miss(connection, utc_now().date()))


@dg.asset_check(
    asset="ad_cost_statements",
    description=f"Every ad account with costs in the last {reconcile_costs.STILL_ACTIVE.days} days has some of "
    "yesterday. A silent one may be an export that stopped.",
)
def costs_are_fresh(database: EventDatabase) -> dg.AssetCheckResult:
    """Look for accounts that have gone silent."""
    with database.connect("checks") as connection:
        return _verdict(reconcile_costs.accounts_that_are_silent(connection, utc_now().date()))


COST_CHECKS = (costs_agree_across_levels, unjoined_spend, rates_are_known, costs_are_fresh)
