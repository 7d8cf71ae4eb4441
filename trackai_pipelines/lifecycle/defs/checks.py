"""Checks that tables have room for the rows to come."""

from datetime import timedelta

import dagster as dg

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.lifecycle.partitions import partition_days

# Maintenance makes 28; with fewer than a week left somebody has to look.
LEAST_DAYS_AHEAD = 7


@dg.asset_check(asset="match_log", description="The next 7 days of match_log have their partitions.")
def partitions_ahead(database: EventDatabase) -> dg.AssetCheckResult:
    """No row will be without a partition in the coming week."""
    today = utc_now().date()
    with database.connect("checks") as connection:
        present = set(partition_days(connection))
    missing = [day for ahead in range(LEAST_DAYS_AHEAD + 1) if (day := today + timedelta(days=ahead)) not in present]
    return dg.AssetCheckResult(
        passed=not missing,
        description=f"Run maintain_partitions: {missing[0]} has no partition." if missing else None,
        metadata={"partitions": len(present), "last day": max(present).isoformat() if present else "none"},
    )
