"""Checks of attributions and their log."""

from datetime import timedelta

import dagster as dg

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.matching.log import account_for, log_agreement

# Every run accounts for sales this recent one by one.
DAYS = 7


@dg.asset_check(
    asset="matched_attributions",
    description="Every conversion of the last 7 days has exactly one attribution or waits on the queue.",
)
def exactly_one_attribution(database: EventDatabase) -> dg.AssetCheckResult:
    """Check that no conversion is lost and none is attributed twice."""
    with database.connect("checks") as connection:
        found = account_for(connection, utc_now().date() - timedelta(days=DAYS))
    return dg.AssetCheckResult(
        passed=found.unaccounted == 0 and found.doubled == 0,
        description=f"{found.unaccounted:,} conversions are neither attributed nor queued: run rematch_unmatched."
        if found.unaccounted
        else None,
        metadata={
            "conversions": found.conversions,
            "attributed": found.attributed,
            "waiting": found.waiting,
            "unaccounted for": found.unaccounted,
            "doubled": found.doubled,
        },
    )


@dg.asset_check(
    asset="match_log",
    additional_deps=["matched_attributions"],
    description="What was decided today and yesterday is in the log, and every hit in the log is an attribution.",
)
def log_agrees_with_attributions(database: EventDatabase) -> dg.AssetCheckResult:
    """Check that the audit trail can be trusted."""
    today = utc_now().date()
    with database.connect("checks") as connection:
        days = [log_agreement(connection, day) for day in (today - timedelta(days=1), today)]
    without_log = sum(day.without_log for day in days)
    without_attribution = sum(day.without_attribution for day in days)
    return dg.AssetCheckResult(
        passed=without_log == 0 and without_attribution == 0,
        metadata={
            "attributions decided": sum(day.attributions for day in days),
            "attributions without their log": without_log,
            "hits without their attribution": without_attribution,
        },
    )
