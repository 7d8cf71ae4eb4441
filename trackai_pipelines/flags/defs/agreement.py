"""Checks that flags add up: with sales, decisions, their history and what was checked.

What belongs here: which days are compared, and how bad a finding is. What does not: comparing (reconcile.py,
repeating.py).
"""

from datetime import timedelta
from typing import Any

import dagster as dg
from psycopg import Connection

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.database.partitions import partition_days
from trackai_pipelines.flags.analytics import RECENT_DAYS
from trackai_pipelines.flags.reconcile import (
    TOLERANCE,
    Compared,
    analytics_against_usage,
    decisions_of,
    history_faults,
    settings_against_history,
    values_of_sales,
)
from trackai_pipelines.flags.repeating import repeat_answers

DAYS = 7


@dg.asset_check(
    asset="daily_match_rates",
    additional_deps=["feature_flags"],
    description=f"Each sale of the last {DAYS} days has one value of each gate that matching reads: per tenant and day "
    "as many values as daily_match_rates has conversions. A day whose rates are older than its sales is stale.",
)
def every_sale_has_one_value(database: EventDatabase) -> dg.AssetCheckResult:
    """Compare the values of sales with the match rates."""
    today = utc_now().date()
    with database.connect("checks") as connection:
        found = values_of_sales(connection, today - timedelta(days=DAYS), today - timedelta(days=1))
    return _judged(found, {"stale days": found.stale}, "Run the job check_matching, and see `trackai flags gates`.")


@dg.asset_check(
    asset="matched_attributions",
    additional_deps=["feature_flags"],
    description="Every decision of yesterday and today agrees with email_matching and lookback_days of its sale, as "
    "known when it was made: e-mail was tried exactly where it was on, and the click lies in the window. Decisions "
    f"within {TOLERANCE.seconds} s of a change may be of either version; those that a later change made for the past "
    "would decide otherwise are counted.",
)
def matching_agrees_with_gates(database: EventDatabase) -> dg.AssetCheckResult:
    """Compare decisions with the gates."""
    today = utc_now().date()
    with database.connect("checks") as connection:
        found = decisions_of(connection, [today - timedelta(days=1), today])
    return _judged(found, {"superseded": found.superseded}, "`trackai explain` shows a sale's gates.")


@dg.asset_check(
    asset="feature_flags",
    description="matching_settings and the columns of tenants that are gates are what the versions of the gates say.",
)
def settings_equal_history(database: EventDatabase) -> dg.AssetCheckResult:
    """Compare settings with the history."""
    with database.connect("checks") as connection:
        return settings_judged(connection)


def settings_judged(connection: Connection[Any]) -> dg.AssetCheckResult:
    """Return the result of settings_equal_history."""
    found = settings_against_history(connection, utc_now())
    return _judged(found, {}, "Run the job apply_flag_plans; if it stays, a row was changed past its triggers.")


@dg.asset_check(
    asset="feature_flags",
    description="Each flag and override is as its version in force says, and each version has its one row of the audit "
    "log. What was written past triggers and commands is found here.",
)
def flag_history_is_complete(database: EventDatabase) -> dg.AssetCheckResult:
    """Compare flags with their history, and that with the audit log."""
    with database.connect("checks") as connection:
        return history_judged(connection)


def history_judged(connection: Connection[Any]) -> dg.AssetCheckResult:
    """Return the result of flag_history_is_complete."""
    found = history_faults(connection, utc_now())
    return _judged(found, {}, "Set the flag again by `trackai flags set`, which records it.")


@dg.asset_check(
    asset="feature_flag_analytics",
    description="For each complete UTC day whose checks are still here, the analytics of each tenant and flag count "
    "them.",
)
def analytics_equal_usage(database: EventDatabase) -> dg.AssetCheckResult:
    """Compare analytics with the checks."""
    today = utc_now().date()
    with database.connect("checks") as connection:
        days = [day for day in partition_days(connection, "feature_flag_usage") if day < today]
        found = analytics_against_usage(connection, days)
    return _judged(found, {"days": len(days)}, "Run the job aggregate_flag_usage for these days.")


@dg.asset_check(
    asset="feature_flag_usage",
    description=f"Every check of the last {RECENT_DAYS} UTC days that a bucket decided got what its version, segment "
    "and bucket say, and its user is in that bucket, where the user is not hashed.",
)
def exposures_repeat(database: EventDatabase) -> dg.AssetCheckResult:
    """Answer logged checks again."""
    today = utc_now().date()
    with database.connect("checks") as connection:
        found = [repeat_answers(connection, today - timedelta(days=back)) for back in range(RECENT_DAYS, -1, -1)]
    together = Compared([fault for one in found for fault in one.faults])
    return _judged(together, {}, "A client hashes otherwise, or rows were changed: see `trackai flags history`.")


def _judged(found: Compared, metadata: dict[str, int], then: str) -> dg.AssetCheckResult:
    said = found.said()
    return dg.AssetCheckResult(
        passed=said is None,
        description=f"{said} {then}" if said else None,
        metadata={"differences": len(found.faults), **metadata},
    )
