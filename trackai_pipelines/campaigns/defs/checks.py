"""Checks of the campaigns' figures.

What belongs here: which days are compared, and how bad a difference is. What does not: comparing (reconcile.py).
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import dagster as dg
from psycopg import Connection

from trackai_pipelines.campaigns.reconcile import (
    AT_MOST_SHARED,
    DAYS,
    Comparison,
    compare_parts,
    compare_spend,
    compare_totals,
    shared_keys,
)
from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.utc_days import RANGE_END_TAG, RANGE_START_TAG

Compare = Callable[[Connection[Any], date, date, date], Comparison]


@dg.asset_check(
    asset="campaign_analytics_daily",
    additional_deps=["campaign_credit_daily", "daily_match_rates"],
    blocking=True,
    description=f"Per tenant, day and currency, campaigns and each of the nine models sum to the matched sales of "
    f"daily_match_rates, credit is that of the touches, and the model `matched` is what campaigns show. Judges the "
    f"last {DAYS} days and the run's own. A day with a sale that was decided later is stale; after three days it "
    f"warns.",
)
def campaign_totals_reconcile(context: dg.AssetCheckExecutionContext, database: EventDatabase) -> dg.AssetCheckResult:
    """Compare sales and revenue with the match rates."""
    return _judged(context, database, compare_totals)


@dg.asset_check(
    asset="campaign_analytics_daily",
    additional_deps=["ad_cost_statements"],
    description="The spend of every campaign, day and currency is the sum of the costs that count: the newest "
    "statements of one level. A day with a statement that arrived later is stale; after three days it warns.",
)
def spend_is_complete(context: dg.AssetCheckExecutionContext, database: EventDatabase) -> dg.AssetCheckResult:
    """Compare spend with the costs."""
    return _judged(context, database, compare_spend)


@dg.asset_check(
    asset="campaign_analytics_daily",
    additional_deps=["campaign_trend_data", "campaign_analytics_segments"],
    description="Hours sum to the day, days to the week, and each family of segments and all customers to the "
    "campaign.",
)
def parts_agree(context: dg.AssetCheckExecutionContext, database: EventDatabase) -> dg.AssetCheckResult:
    """Compare parts with the whole."""
    return _judged(context, database, compare_parts)


@dg.asset_check(
    asset="conversion_touchpoints",
    description=f"At most {AT_MOST_SHARED:.0%} of a tenant's journeys of the last {DAYS} days met a key that too many "
    "people share. More of them mean that a placeholder or a broken tag is taken for a person.",
)
def shared_keys_in_bounds(database: EventDatabase) -> dg.AssetCheckResult:
    """Warn of tenants with many journeys that met a shared key."""
    today = utc_now().date()
    with database.connect("checks") as connection:
        tenants = list(shared_keys(connection, today - timedelta(days=DAYS), today - timedelta(days=1)))
    beyond = [
        f"{keys.tenant}: {keys.share:.1%} of {keys.journeys:,} journeys" for keys in tenants if not keys.in_bounds
    ]
    return dg.AssetCheckResult(
        passed=not beyond,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{'; '.join(beyond)}. `trackai campaigns journey` names the keys of a sale." if beyond else None,
        metadata={
            "journeys": sum(keys.journeys for keys in tenants),
            "journeys with a shared key": sum(keys.met for keys in tenants),
        },
    )


def _judged(context: dg.AssetCheckExecutionContext, database: EventDatabase, compare: Compare) -> dg.AssetCheckResult:
    today = utc_now().date()
    ranges = [(today - timedelta(days=DAYS), today - timedelta(days=1)), *_days_of_run(context.run.tags)]
    with database.connect("checks") as connection:
        found = [compare(connection, first, last, today) for first, last in ranges]
    worst = next((one for one in found if one.faults), next((one for one in found if one.overdue), found[0]))
    return dg.AssetCheckResult(
        passed=not worst.faults and not worst.overdue,
        severity=dg.AssetCheckSeverity.ERROR if worst.faults else dg.AssetCheckSeverity.WARN,
        description=worst.said(),
        metadata={
            "differences": sum(len(one.faults) for one in found),
            "stale": sum(len(one.stale) for one in found),
        },
    )


def _days_of_run(tags: Mapping[str, str]) -> list[tuple[date, date]]:
    """Return the range of UTC days that the run is for; none for a run without partitions."""
    first = tags.get(RANGE_START_TAG) or tags.get("dagster/partition")
    last = tags.get(RANGE_END_TAG) or tags.get("dagster/partition")
    return [(date.fromisoformat(first), date.fromisoformat(last))] if first and last else []
