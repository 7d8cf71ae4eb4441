"""Checks that tests add up, are split and tracked evenly, and that what was decided stands.

What belongs here: how bad a finding is, and what to do. What does not: comparing (reconcile.py).
"""

import dagster as dg

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.experiments.designs import HEALTHY
from trackai_pipelines.experiments.reconcile import (
    CONFLICTING,
    Reconciled,
    changed_configurations,
    changed_decisions,
    outcomes_of_sales,
    totals_of_outcomes,
    uncomputed_tests,
    uneven_linkage,
    uneven_splits,
)

_COMPUTE = (
    "`trackai experiments compute --from-start`, or compute_experiments with `from_start: true`, computes tests from "
    "nothing."
)


@dg.asset_check(
    asset="ab_test_outcomes",
    additional_deps=["user_conversions", "matched_attributions", "capi_dispatches"],
    description="Each linked sale of an assigned user has one outcome in each test. Counted conversions are distinct, "
    "and split by attribution (or pending) and by delivery (accepted, waiting, failed, not due) they are as many. "
    "What arrived after the last computation waits for the next. Days whose sales are anonymised are left out.",
)
def outcomes_are_accounted_for(database: EventDatabase) -> dg.AssetCheckResult:
    """Compare outcomes with sales, attribution and delivery."""
    with database.connect("checks") as connection:
        return _judged(outcomes_of_sales(connection, utc_now()), _COMPUTE)


@dg.asset_check(
    asset="ab_test_daily_results",
    additional_deps=["ab_test_outcomes", "ab_test_results"],
    description="The totals of every day are the users and counted outcomes of their variants, by number and by value "
    "in the test's currency. ab_test_results are the totals of the decision's day, or the newest, and only the "
    "variant that the decision names is a winner.",
)
def results_equal_totals(database: EventDatabase) -> dg.AssetCheckResult:
    """Compare totals with outcomes, and results with totals."""
    with database.connect("checks") as connection:
        return _judged(totals_of_outcomes(connection), _COMPUTE)


@dg.asset_check(
    asset="ab_test_daily_results",
    description=f"On the newest day of each test, users are split as its weights say (p at least {HEALTHY}, before "
    f"and after exclusions), at most {CONFLICTING:.0%} of them saw several variants, and their variants do not go "
    "together with those of another test. It warns; such a test has no winner.",
)
def no_sample_ratio_mismatch(database: EventDatabase) -> dg.AssetCheckResult:
    """Warn of tests that are not split as planned."""
    with database.connect("checks") as connection:
        found = uneven_splits(connection)
    return _judged(found, "Look for a redirect, a cache or bots that only one variant meets.", warns=True)


@dg.asset_check(
    asset="ab_test_daily_results",
    description="On the newest day of each test, its variants have as many users who are linked with their sales, and "
    f"as many buyers with a click, as chance allows (p at least {HEALTHY}). It warns: a variant that breaks sign-in "
    "or click ids shows here before it looks like a loss.",
)
def linkage_and_tracking_alike(database: EventDatabase) -> dg.AssetCheckResult:
    """Warn of tests whose variants are linked or tracked differently."""
    with database.connect("checks") as connection:
        found = uneven_linkage(connection)
    return _judged(found, "Look at sign-in and at the links of each variant.", warns=True)


@dg.asset_check(
    asset="ab_test_results",
    description="Nothing that starting a test froze was changed since. A test of which something was changed has no "
    "winner.",
)
def configuration_is_frozen(database: EventDatabase) -> dg.AssetCheckResult:
    """Compare tests with their digests."""
    with database.connect("checks") as connection:
        found = changed_configurations(connection)
    return _judged(found, "Put the rows back as they were (ab_test_events has them), or start a new test.")


@dg.asset_check(
    asset="ab_test_results",
    description="Late data changed no decision of a test that is not archived. It warns, and names the difference.",
)
def decisions_stand(database: EventDatabase) -> dg.AssetCheckResult:
    """Warn of decisions that late data changed."""
    with database.connect("checks") as connection:
        return _judged(changed_decisions(connection), "Archive the test when people know.", warns=True)


@dg.asset_check(
    asset="ab_test_daily_results",
    description="Every test that was started and is not archived has figures of yesterday, or of the day on which its "
    "last user's window was over.",
)
def yesterday_is_computed(database: EventDatabase) -> dg.AssetCheckResult:
    """Find tests without figures of yesterday."""
    with database.connect("checks") as connection:
        return _judged(uncomputed_tests(connection, utc_now()), "Run compute_experiments for the missing days.")


CHECKS = (
    outcomes_are_accounted_for,
    results_equal_totals,
    no_sample_ratio_mismatch,
    linkage_and_tracking_alike,
    configuration_is_frozen,
    decisions_stand,
    yesterday_is_computed,
)


def _judged(found: Reconciled, then: str, *, warns: bool = False) -> dg.AssetCheckResult:
    said = found.said()
    return dg.AssetCheckResult(
        passed=said is None,
        severity=dg.AssetCheckSeverity.WARN if warns else dg.AssetCheckSeverity.ERROR,
        description=f"{said} {then}" if said else None,
        metadata={"findings": len(found.faults), "waiting": found.waiting},
    )
