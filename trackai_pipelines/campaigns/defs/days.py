"""Days of campaigns in Dagster: one op computes them, because a day is one transaction; a partition is a UTC day.

What belongs here: assets, job and schedule of the days. What does not: computing them (days.py).
"""

from collections.abc import Iterator
from datetime import UTC, timedelta

import dagster as dg

from trackai_pipelines.campaigns.days import RECENT_DAYS, ComputedDay, compute_days
from trackai_pipelines.campaigns.defs.cost_checks import COST_CHECKS
from trackai_pipelines.campaigns.totals import CampaignDay, day_totals
from trackai_pipelines.database.defs.metadata import table_metadata
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.utc_days import FIRST_DAY, ONE_RUN, UTC_DAYS, days_of_run, is_partition, range_tags


class CampaignDaysConfig(dg.Config):
    """What a run computes beyond its own days."""

    due: bool = True
    """Also compute the days that facts have changed since they were computed, and forget buyers."""


def _spec(name: str, description: str, *deps: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        name,
        deps=deps,
        description=description,
        group_name="campaigns",
        owners=["team:tracking"],
        kinds={"postgres"},
    )


ASSETS = (
    _spec(
        "conversion_touchpoints",
        "The ad clicks that led to each matched sale of the UTC day, in order, and what each deserves under nine "
        "models.",
        "clicks",
        "identities",
        "matched_attributions",
        "attribution_weights",
    ),
    _spec(
        "campaign_credit_daily",
        "Conversions and revenue that each campaign and channel deserves by model and currency. Every model sums to "
        "the matched sales of daily_match_rates.",
        "conversion_touchpoints",
        "daily_match_rates",
    ),
    _spec(
        "campaign_analytics_daily",
        "What each campaign cost, sold and did on the UTC day, in the tenant's reporting currency; "
        "campaign_daily_money has the amounts as they were.",
        "conversion_touchpoints",
        "campaigns",
        "ad_cost_statements",
        "fx_rates",
    ),
    _spec(
        "campaign_trend_data",
        "Clicks, conversions, revenue and costs of each campaign by hour, day and ISO week.",
        "campaign_analytics_daily",
    ),
    _spec(
        "campaign_analytics_segments",
        "Matched sales of each campaign by customers, channel, source, gateway and the tenant's own segments, by day "
        "and over 90 days.",
        "conversion_touchpoints",
        "user_segments",
    ),
)


@dg.multi_asset(
    name="campaign_days",
    specs=ASSETS,
    partitions_def=UTC_DAYS,
    backfill_policy=ONE_RUN,
    description="Computes the campaigns of UTC days whole, each tenant's day in one transaction. The same facts give "
    "the same rows. A range of days is one run.",
)
def campaign_days(
    context: dg.AssetExecutionContext, config: CampaignDaysConfig, database: EventDatabase
) -> Iterator[dg.MaterializeResult[None]]:
    """Compute the run's days, and those that facts have changed."""
    own = days_of_run(context)
    further = 0
    with database.connect("campaigns") as connection:
        for computed in compute_days(connection, own, due=config.due):
            further += computed.day not in own
            _show(context, computed, day_totals(connection, computed.day), own=computed.day in own)
        for spec in ASSETS:
            metadata = table_metadata(connection, spec.key.to_user_string())
            yield dg.MaterializeResult(asset_key=spec.key, metadata={"further days": further, **metadata})


def _show(context: dg.AssetExecutionContext, computed: ComputedDay, totals: CampaignDay, *, own: bool) -> None:
    """Describe a day of the run; another day gets materialisations of its own."""
    metadata = _metadata(computed, totals)
    day = computed.day.isoformat()
    for spec in ASSETS:
        if own:
            context.add_asset_metadata(metadata, asset_key=spec.key, partition_key=day)
        elif is_partition(computed.day):
            context.log_event(dg.AssetMaterialization(spec.key, partition=day, metadata=metadata))


def _metadata(computed: ComputedDay, totals: CampaignDay) -> dict[str, int | float | str]:
    shown: dict[str, int | float | str] = {
        "conversions": totals.conversions,
        "new customers": totals.new_customers,
        "touches": totals.touches,
        "shared keys": totals.shared_keys,
    }
    for currency, revenue in sorted(totals.revenue.items()):
        shown[f"revenue {currency}"] = float(revenue)
    for currency, spend in sorted(totals.spend.items()):
        shown[f"spend {currency}"] = float(spend)
    for currency, revenue in sorted(totals.without_campaign.items()):
        shown[f"share of revenue in (none) {currency}"] = round(float(revenue / totals.revenue[currency]), 4)
    if computed.why:
        shown["due because of"] = ", ".join(computed.why)
    if computed.final:
        shown["final"] = "the touches of this day have left: only costs were renewed"
    return shown


aggregate_campaigns = dg.define_asset_job(
    "aggregate_campaigns",
    # A load checks costs after itself; nothing loads when every export stops.
    selection=dg.AssetSelection.assets(*(spec.key for spec in ASSETS), "campaign_cohorts")
    | dg.AssetSelection.checks(*COST_CHECKS),
    description="Computes the campaigns of the chosen UTC days, and of those that facts have changed: journeys, "
    "credit, figures, and the cohorts up to the last of them. Checks the costs of the last days. A range of days is "
    "one run; safe to repeat.",
)


@dg.schedule(
    job=aggregate_campaigns,
    cron_schedule="0 1 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="At 01:00 UTC, after the match rates: computes the last three days, and each day whose sales, clicks, "
    "costs, rates or aliases have changed since it was computed. One run.",
)
def nightly_campaigns(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Request one run over the three days before the scheduled one, as far as they are partitions."""
    today = context.scheduled_execution_time.astimezone(UTC).date()
    days = [day for day in (today - timedelta(days=back) for back in range(1, RECENT_DAYS + 1)) if day >= FIRST_DAY]
    if not days:
        return dg.SkipReason(f"Partitions begin on {FIRST_DAY}, as TRACKAI_FIRST_DAY says.")
    return dg.RunRequest(run_key=today.isoformat(), tags=range_tags(days))
