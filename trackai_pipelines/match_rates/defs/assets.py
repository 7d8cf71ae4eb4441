"""The daily match rates as an asset; a partition is a UTC day of sales."""

import dagster as dg

from trackai_pipelines.database.defs.metadata import table_metadata
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.match_rates.aggregate import DayTotals, aggregate_days
from trackai_pipelines.match_rates.gates import gate_values
from trackai_pipelines.utc_days import ONE_RUN, UTC_DAYS, days_of_run


@dg.asset(
    group_name="match_rates",
    deps=["conversions", "matched_attributions", "refunds"],
    partitions_def=UTC_DAYS,
    backfill_policy=ONE_RUN,
    owners=["team:tracking"],
    kinds={"postgres"},
    description="Conversions, matches by strategy, value gross and net of refunds, and match rate per tenant, UTC day "
    "of the sale, gateway and currency. A refund counts on the day of its sale. A day is recomputed whole from the "
    "facts: materialising it again writes the same rows. A range of days is one run.",
)
def daily_match_rates(context: dg.AssetExecutionContext, database: EventDatabase) -> dg.MaterializeResult[None]:
    """Recompute the run's days, each in a transaction of its own."""
    days = days_of_run(context)
    conversions = 0
    with database.connect("match rates") as connection:
        for totals in aggregate_days(connection, days[0], days[-1]):
            conversions += totals.conversions
            metadata = {**_metadata(totals), "gates": gate_values(connection, totals.day)}
            context.add_asset_metadata(metadata, partition_key=totals.day.isoformat())
        return dg.MaterializeResult(
            metadata={"conversions in this run": conversions, **table_metadata(connection, "daily_match_rates")}
        )


def _metadata(totals: DayTotals) -> dict[str, int | float]:
    shown: dict[str, int | float] = {
        "dagster/partition_row_count": totals.groups,
        "conversions": totals.conversions,
        "fbc": totals.fbc,
        "fbp": totals.fbp,
        "email": totals.email,
        "unmatched": totals.unmatched,
        "pending": totals.pending,
        "refunds": totals.refunds,
    }
    for currency, (gross, refunded) in sorted(totals.value_by_currency.items()):
        shown |= {f"value {currency}": float(gross), f"net value {currency}": float(gross - refunded)}
    if totals.match_rate is not None:
        shown["match rate"] = round(totals.match_rate, 4)
    if totals.p95_match_seconds is not None:
        shown["p95 match seconds"] = round(totals.p95_match_seconds, 3)
    return shown
