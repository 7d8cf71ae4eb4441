"""The ledger in Dagster, and what became of the conversions of each UTC day.

What belongs here: assets, jobs and schedule of both. What does not: posting (posting.py) and counting (credit.py).
"""

from datetime import UTC, timedelta
from time import monotonic

import dagster as dg

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.metadata import table_metadata
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.loyalty.credit import credit_days
from trackai_pipelines.loyalty.posting import post_programs
from trackai_pipelines.loyalty.retiring import retire_old_reports
from trackai_pipelines.utc_days import FIRST_DAY, ONE_RUN, UTC_DAYS, days_of_run, range_tags


@dg.asset(
    group_name="loyalty",
    deps=["conversions", "matched_attributions", "refunds", "sales_reports", "sales_adjustments", "creator_aliases"],
    owners=["team:tracking"],
    kinds={"postgres"},
    description="Every sale that is credited to a creator, signed and append-only: what is wanted of conversions, "
    "reports, adjustments and refunds less what is posted of them. Materialising it again without news writes nothing.",
)
def sales_ledger(context: dg.AssetExecutionContext, database: EventDatabase) -> dg.MaterializeResult[None]:
    """Post for every tenant that has a program, each in a transaction of its own."""
    begun = monotonic()
    with database.connect("loyalty") as connection:
        done = list(post_programs(connection, utc_now(), run_id=context.run.run_id))
        amounts: dict[str, float] = {}
        for currency, amount in (pair for one in done for pair in one.amounts.items()):
            amounts[f"amount {currency}"] = amounts.get(f"amount {currency}", 0.0) + float(amount)
        return dg.MaterializeResult(
            metadata={
                "entries": sum(one.entries for one in done),
                "creators enrolled": sum(one.enrolled for one in done),
                "seconds": round(monotonic() - begun, 3),
                **amounts,
                **table_metadata(connection, "sales_ledger"),
            }
        )


@dg.asset(
    group_name="loyalty",
    deps=["sales_ledger", "conversions", "matched_attributions"],
    partitions_def=UTC_DAYS,
    backfill_policy=ONE_RUN,
    owners=["team:tracking"],
    kinds={"postgres"},
    description="What became of the conversions of a UTC day of tenants that have a program: credited to a creator, or "
    "the one reason why not, by number and value. A day is computed whole; a range of days is one run.",
)
def loyalty_daily_credit(context: dg.AssetExecutionContext, database: EventDatabase) -> dg.MaterializeResult[None]:
    """Compute the run's days, each in a transaction of its own."""
    days = days_of_run(context)
    with database.connect("loyalty") as connection:
        for done in credit_days(connection, days[0], days[-1], utc_now()):
            shown = {"conversions": done.conversions, "matched": done.matched, "credited": done.credited}
            shares = {
                f"share of value {currency}": round(float(credited / matched), 4)
                for currency, (matched, credited) in done.values.items()
                if matched
            }
            metadata = {"dagster/partition_row_count": done.groups, **shown, **shares}
            context.add_asset_metadata(metadata, partition_key=done.day.isoformat())
        return dg.MaterializeResult(metadata=table_metadata(connection, "loyalty_daily_credit"))


post_loyalty_sales = dg.define_asset_job(
    "post_loyalty_sales",
    selection=dg.AssetSelection.assets("sales_ledger").without_checks(),
    description="Posts what differs between sales, reports, adjustments and refunds and the ledger. Safe to repeat.",
)

credit_loyalty_sales = dg.define_asset_job(
    "credit_loyalty_sales",
    selection=dg.AssetSelection.assets("loyalty_daily_credit"),
    description="Counts what became of the conversions of the chosen UTC days. A range of days is one run; safe to "
    "repeat.",
)


@dg.schedule(
    job=credit_loyalty_sales,
    cron_schedule="20 1 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="At 01:20 UTC: counts what became of the conversions of the last seven days. One run.",
)
def nightly_loyalty_credit(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Request one run for the seven days before the scheduled one."""
    today = context.scheduled_execution_time.astimezone(UTC).date()
    days = [day for day in (today - timedelta(days=back) for back in range(7, 0, -1)) if day >= FIRST_DAY]
    if not days:
        return dg.SkipReason(f"Partitions begin on {FIRST_DAY}, as TRACKAI_FIRST_DAY says.")
    return dg.RunRequest(run_key=today.isoformat(), tags=range_tags(days))


@dg.op(
    description="Posts, then marks the reports of syncs that are more than a year old and superseded: they may leave."
)
def retire_reports(database: EventDatabase) -> dg.Output[None]:
    """Mark reports of every tenant that has a program."""
    with database.connect("loyalty") as connection:
        marked = sum(reports for _, reports in retire_old_reports(connection))
    return dg.Output(None, metadata={"reports marked": marked})


@dg.job(description="Marks the reports of syncs that may leave, which makes their days final. Safe to repeat.")
def retire_sales_reports() -> None:
    """Before retention removes them."""
    retire_reports()


daily_report_retirement = dg.ScheduleDefinition(
    name="daily_report_retirement",
    job=retire_sales_reports,
    cron_schedule="20 2 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="At 02:20 UTC, before retention: marks the reports of syncs that may leave.",
)
