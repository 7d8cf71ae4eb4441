"""Checks that the ledger is what its sources, its digests and its caches say.

What belongs here: how bad a finding is, and what to do. What does not: comparing (reconcile.py).
"""

import dagster as dg

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.loyalty.defs.judging import judged
from trackai_pipelines.loyalty.reconcile import (
    caches_unlike_ledger,
    days_before,
    faults_of_credit,
    incomplete_syncs,
    sources_unlike_ledger,
    wrong_postings,
)

# Late sales and matches find their day within a week nearly always.
CREDIT_DAYS = 7


@dg.asset_check(
    asset="loyalty_daily_credit",
    additional_deps=["sales_ledger", "daily_match_rates"],
    blocking=True,
    description="Of the last seven UTC days, by tenant and currency: conversions are credited or have one reason, in "
    "number and value; credited sales are worth their entries, each with one creator, whom its link says; no unmatched "
    "sale is in the ledger; the matched value is that of the match rates. Figures older than the facts warn.",
)
def credit_reconciles(database: EventDatabase) -> dg.AssetCheckResult:
    """Compare credit with conversions, ledger and match rates."""
    with database.connect("checks") as connection:
        wrong, stale = faults_of_credit(connection, days_before(utc_now().date(), CREDIT_DAYS))
    return judged(wrong or stale, "`trackai loyalty post`, then credit_loyalty_sales for the days.", warns=not wrong)


@dg.asset_check(
    asset="sales_ledger",
    additional_deps=["sales_reports", "sales_adjustments", "refunds"],
    blocking=True,
    description="What is wanted of reports, adjustments and refunds is what is posted of them.",
)
def ledger_equals_sources(database: EventDatabase) -> dg.AssetCheckResult:
    """Compare the ledger with reports, adjustments and refunds."""
    with database.connect("checks") as connection:
        return judged(sources_unlike_ledger(connection), "`trackai loyalty post` posts what is missing.")


@dg.asset_check(
    asset="sales_ledger",
    blocking=True,
    description="The digest of every posting is that of its entries and of the posting before, and no number is "
    "missing: no old entry was changed, added or removed.",
)
def posting_digests_hold(database: EventDatabase) -> dg.AssetCheckResult:
    """Compute all digests again."""
    with database.connect("checks") as connection:
        return judged(wrong_postings(connection), "Restore the entries from a backup; the ledger is append-only.")


@dg.asset_check(
    asset="sales_ledger",
    blocking=True,
    description="creator_sales_daily and the caches of members are sums of the ledger.",
)
def caches_equal_ledger(database: EventDatabase) -> dg.AssetCheckResult:
    """Compute all caches again."""
    with database.connect("checks") as connection:
        found = caches_unlike_ledger(connection, utc_now())
    return judged(found, "`trackai loyalty post --rebuild-caches` makes them from the ledger.")


@dg.asset_check(
    asset="sales_ledger",
    description="Each counted sync has reported the local day before, with at least 90 % of the lines of the day "
    "before that, and at most 1 % of them are nobody's. It warns.",
)
def sync_is_complete(database: EventDatabase) -> dg.AssetCheckResult:
    """Warn of syncs that are missing or cut short."""
    with database.connect("checks") as connection:
        return judged(incomplete_syncs(connection, utc_now()), "Ask the sync for the day again.", warns=True)


CHECKS = (credit_reconciles, ledger_equals_sources, posting_digests_hold, caches_equal_ledger, sync_is_complete)
