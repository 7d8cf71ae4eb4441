"""Checks of the match rates."""

from datetime import timedelta

import dagster as dg

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.match_rates.aggregate import days_to_net
from trackai_pipelines.match_rates.bounds import EXPECTED_SHARES, completeness_of, shares_of_days

DAYS = 7


@dg.asset_check(
    asset="daily_match_rates",
    description="Over the last 7 days fbc matches 70-85 % and fbp a further 10-20 % of the decided conversions. "
    "Outside these bounds it warns, because tracking is probably broken somewhere.",
)
def match_rates_in_bounds(database: EventDatabase) -> dg.AssetCheckResult:
    """Check that each strategy matches its expected share."""
    yesterday = utc_now().date() - timedelta(days=1)
    with database.connect("checks") as connection:
        shares = shares_of_days(connection, yesterday - timedelta(days=DAYS - 1), yesterday)
    outside = shares.outside_bounds()
    return dg.AssetCheckResult(
        passed=not outside,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(outside) or None,
        metadata={
            "decided": shares.decided,
            **{f"{name} share": round(getattr(shares, name) or 0, 4) for name in EXPECTED_SHARES},
        },
    )


@dg.asset_check(
    asset="daily_match_rates",
    description="Yesterday's partition exists, has every conversion that happened, and was not counted before they "
    "were matched. Freshness by the last materialisation would pass after a backfill of any old day; this does not.",
)
def yesterday_is_complete(database: EventDatabase) -> dg.AssetCheckResult:
    """Check that yesterday's partition exists and agrees with the facts."""
    yesterday = utc_now().date() - timedelta(days=1)
    with database.connect("checks") as connection:
        found = completeness_of(connection, yesterday)
    return dg.AssetCheckResult(
        passed=found.complete,
        description=None if found.complete else f"Materialise daily_match_rates for {yesterday}.",
        metadata={
            "day": yesterday.isoformat(),
            "conversions": found.facts,
            "aggregated": found.aggregated,
            "aggregated as pending": found.pending,
            "pending now": found.undecided,
            "log partition": found.log_partition,
        },
    )


@dg.asset_check(
    asset="daily_match_rates",
    description="Every day before today subtracts the refunds that its sales have now; the night recomputes others.",
)
def net_values_are_current(database: EventDatabase) -> dg.AssetCheckResult:
    """Compare the refunds of every day with the facts."""
    with database.connect("checks") as connection:
        days = days_to_net(connection, utc_now().date())
    return dg.AssetCheckResult(
        passed=not days,
        # Refunds that arrived since the last night are no harm until the next.
        severity=dg.AssetCheckSeverity.WARN,
        description=f"Materialise daily_match_rates for {days[0]} to {days[-1]}, or wait for the night."
        if days
        else None,
        metadata={"days with other refunds": len(days)},
    )
