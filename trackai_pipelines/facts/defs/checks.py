"""Checks of the facts."""

from datetime import timedelta

import dagster as dg

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.facts.integrity import duplicate_conversions
from trackai_pipelines.facts.links import wrong_links

# Far enough back to cover redeliveries, near enough to stay a matter of seconds.
DAYS = 7


@dg.asset_check(asset="conversions", description="No gateway event is stored twice (sales of the last 7 days).")
def no_duplicate_conversions(database: EventDatabase) -> dg.AssetCheckResult:
    """The unique constraint's promise, counted."""
    with database.connect("checks") as connection:
        found = duplicate_conversions(connection, utc_now().date() - timedelta(days=DAYS))
    return dg.AssetCheckResult(
        passed=found.duplicates == 0,
        metadata={
            "conversions": found.conversions,
            "duplicates": found.duplicates,
            "orders reported by several event ids": found.alike,
        },
    )


@dg.asset_check(
    asset="user_conversions",
    description="Every conversion that still has hashes is linked with the user that they lead to, and with no other.",
)
def user_links_are_current(database: EventDatabase) -> dg.AssetCheckResult:
    """The rule, compared with what is stored."""
    with database.connect("checks") as connection:
        links, wrong = wrong_links(connection)
    return dg.AssetCheckResult(
        passed=wrong == 0,
        # Rows that arrived since the links were refreshed are no harm until the next night.
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"links": links, "conversions with another link": wrong},
    )
