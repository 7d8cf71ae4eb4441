"""Checks of flags, and the job that runs them."""

from typing import Any

import dagster as dg
from psycopg import Connection

from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.flags.defs.agreement import every_sale_has_one_value, matching_agrees_with_gates
from trackai_pipelines.flags.stale import stale_flags as find_stale_flags


@dg.asset_check(
    asset="feature_flags",
    additional_deps=["feature_flag_analytics"],
    description="No flag can go: none is overdue, unchecked for 30 days, always the same, or on for everybody for 30 "
    "days. Permanent flags are left out. It warns.",
)
def stale_flags(database: EventDatabase) -> dg.AssetCheckResult:
    """Name the flags that can probably go."""
    with database.connect("checks") as connection:
        return staleness_judged(connection)


def staleness_judged(connection: Connection[Any]) -> dg.AssetCheckResult:
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
