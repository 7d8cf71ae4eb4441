"""Checks of journeys and credit."""

from datetime import timedelta

import dagster as dg

from trackai_pipelines.campaigns.reconcile_credit import DAYS, verdict_on
from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.resources import EventDatabase


@dg.asset_check(
    asset="conversion_touchpoints",
    description=f"Every matched conversion of the last {DAYS} days has one journey: one matched touch, positions in "
    "order, the campaigns of its clicks, and credits that sum to exactly 1 under every model. A day with a match that "
    "is newer than its journeys is not judged; after three days it warns.",
)
def credits_sum_to_one(database: EventDatabase) -> dg.AssetCheckResult:
    """Compare the journeys of every day with its sales and clicks."""
    today = utc_now().date()
    with database.connect("checks") as connection:
        verdict = verdict_on(connection, today - timedelta(days=DAYS - 1), today)
    return dg.AssetCheckResult(
        passed=not verdict.faults and not verdict.overdue,
        severity=dg.AssetCheckSeverity.ERROR if verdict.faults else dg.AssetCheckSeverity.WARN,
        description="; ".join([*verdict.faults, *verdict.overdue]) or None,
        metadata={"sales": verdict.sales, "stale": verdict.stale},
    )
