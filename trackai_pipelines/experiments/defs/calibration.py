"""Calibration in Dagster: each week, whether p-values are right on the sales of tenants that test.

What belongs here: the check, its job and schedule. What does not: splitting and judging (calibration.py).
"""

import dagster as dg

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.resources import EventDatabase


@dg.asset_check(
    asset="ab_test_daily_results",
    additional_deps=["ab_test_assignments", "user_conversions"],
    description="Of 500 splits of a tenant's users by chance, 10 to 42 have a p-value below 0.05, by what users bought "
    "in the last 14 UTC days: for every tenant with a test that is not archived. More often: tests find what is not "
    "there. Less often is a warning, with what hides effects.",
)
def p_values_are_calibrated(database: EventDatabase) -> dg.AssetCheckResult:
    """Calibrate every tenant that tests."""
    # It loads scipy, which nothing else of the code location needs at its start.
    from trackai_pipelines.experiments.calibration import calibrate_tenants

    with database.connect("checks") as connection:
        found = calibrate_tenants(connection, utc_now())
    judged = [(slug, one) for slug, tenant in found.items() for one in tenant.judged]
    wrong = [(slug, one) for slug, one in judged if one.verdict != "calibrated"]
    often = any(one.verdict == "too often" for _, one in wrong)
    return dg.AssetCheckResult(
        passed=not wrong,
        severity=dg.AssetCheckSeverity.ERROR if often else dg.AssetCheckSeverity.WARN,
        description="; ".join(f"{slug}: {one.said}" for slug, one in wrong) or None,
        metadata={
            "tenants": len(found),
            "largest share below 0.05": max((one.share for _, one in judged), default=0.0),
            "smallest share below 0.05": min((one.share for _, one in judged), default=0.0),
        },
    )


calibrate_experiments = dg.define_asset_job(
    "calibrate_experiments",
    selection=dg.AssetSelection.checks(p_values_are_calibrated),
    description="Splits the users of tenants that test by chance, 500 times, and checks that p-values are right on "
    "their sales. Changes nothing.",
)

weekly_calibration = dg.ScheduleDefinition(
    name="weekly_calibration",
    job=calibrate_experiments,
    # After Sunday's links between users and conversions.
    cron_schedule="0 5 * * 1",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="On Mondays at 05:00 UTC: checks that p-values are right on tenants' own sales. One run.",
)
