"""Checks that flags agree with sales, decisions, history and usage, which flags can go, and the job of the checks.

What belongs here: which days are compared, and how bad a finding is. What does not: comparing (reconcile.py,
repeating.py), and what makes a flag stale (stale.py).
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
from trackai_pipelines.flags.stale import stale_flags as find_stale_flags

DAYS = 7

_SETTLE = "SELECT trackai.lock_flags(), trackai.settle_matching(NULL) writes matching_settings again from the history."


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
    return _result(found, {"stale days": found.stale}, f"Run aggregate_match_rates for these days. {_SETTLE}")


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
    return _result(found, {"superseded": found.superseded}, "`trackai explain` shows a sale's gates.")


@dg.asset_check(
    asset="feature_flags",
    description="matching_settings and the columns of tenants that are gates are what the versions of the gates say.",
)
def settings_equal_history(database: EventDatabase) -> dg.AssetCheckResult:
    """Compare settings with the history."""
    with database.connect("checks") as connection:
        return settings_result(connection)


def settings_result(connection: Connection[Any]) -> dg.AssetCheckResult:
    """Return the result of settings_equal_history."""
    found = settings_against_history(connection, utc_now())
    return _result(found, {}, f"Run apply_flag_plans, which writes the columns of tenants. {_SETTLE}")


@dg.asset_check(
    asset="feature_flags",
    description="Each flag and override is as its version in force says, and each version has its one row of the audit "
    "log. What was written past triggers and commands is found here.",
)
def flag_history_is_complete(database: EventDatabase) -> dg.AssetCheckResult:
    """Compare flags with their history, and that with the audit log."""
    with database.connect("checks") as connection:
        return history_result(connection)


def history_result(connection: Connection[Any]) -> dg.AssetCheckResult:
    """Return the result of flag_history_is_complete."""
    found = history_faults(connection, utc_now())
    return _result(found, {}, "Set the flag again by `trackai flags set`, which records it.")


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
    return _result(found, {"days": len(days)}, "Run the job aggregate_flag_usage for these days.")


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
    return _result(together, {}, "A client hashes otherwise, or rows were changed: see `trackai flags history`.")


@dg.asset_check(
    asset="feature_flags",
    additional_deps=["feature_flag_analytics"],
    description="No flag can go: none is overdue, unchecked for 30 days, always the same, or on for everybody for 30 "
    "days. Permanent flags are left out. It warns.",
)
def stale_flags(database: EventDatabase) -> dg.AssetCheckResult:
    """Name the flags that can probably go."""
    with database.connect("checks") as connection:
        return staleness_result(connection)


def staleness_result(connection: Connection[Any]) -> dg.AssetCheckResult:
    """Return the result of stale_flags."""
    found = find_stale_flags(connection)
    return dg.AssetCheckResult(
        passed=not found,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{'; '.join(one.said for one in found)}. Remove them from code, then `trackai flags archive KEY`."
        if found
        else None,
        metadata={"stale flags": len(found)},
    )


def _result(found: Compared, metadata: dict[str, int], then: str) -> dg.AssetCheckResult:
    said = found.said()
    return dg.AssetCheckResult(
        passed=said is None,
        description=f"{said} {then}" if said else None,
        metadata={"differences": len(found.faults), **metadata},
    )


check_flags = dg.define_asset_job(
    "check_flags",
    selection=dg.AssetSelection.checks_for_assets(
        *(dg.AssetKey(name) for name in ("feature_flags", "feature_flag_usage", "feature_flag_analytics"))
    )
    | dg.AssetSelection.checks(every_sale_has_one_value, matching_agrees_with_gates),
    description="Checks that flags, their history, what was checked and what they decided agree, and which flags are "
    "stale. Changes nothing.",
)

daily_flag_checks = dg.ScheduleDefinition(
    name="daily_flag_checks",
    job=check_flags,
    # After the night's analytics, and before people look.
    cron_schedule="0 4 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="At 04:00 UTC: checks flags. One run.",
)
