"""What campaigns are judged by, in Dagster: training of the data-driven models, cohorts, recommendations."""

from collections.abc import Iterable
from datetime import UTC, timedelta

import dagster as dg

from trackai_pipelines.campaigns.cohorts import compute_cohorts
from trackai_pipelines.campaigns.recommendations import recommend
from trackai_pipelines.campaigns.training import Training, train
from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.metadata import table_metadata
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.utc_days import FIRST_DAY, ONE_RUN, UTC_DAYS, days_of_run, range_tags


@dg.asset(
    group_name="campaigns",
    # It learns from conversion_touchpoints, too. To Dagster that is a circle: those of later days are made from it.
    deps=["clicks"],
    partitions_def=UTC_DAYS,
    backfill_policy=ONE_RUN,
    owners=["team:tracking"],
    kinds={"postgres"},
    metadata={"dagster/table_name": "trackai.attribution_units"},
    description="What the data-driven models learned from the 90 UTC days that end with the partition: each unit's "
    "removal effect (Markov) and each set's shares (Shapley), for every tenant with 100 conversions and two units. "
    "Later days take their weights from it. Materialising a partition again writes the same rows.",
)
def attribution_weights(context: dg.AssetExecutionContext, database: EventDatabase) -> dg.MaterializeResult[None]:
    """Train every tenant on each of the run's days."""
    with database.connect("training") as connection:
        for day in days_of_run(context):
            trainings = train(connection, day, utc_now())
            context.add_asset_metadata(_learned(trainings), partition_key=day.isoformat())
        return dg.MaterializeResult(metadata=table_metadata(connection, "attribution_units"))


def _learned(trainings: Iterable[Training]) -> dict[str, int]:
    trained = [training for training in trainings if training.conversion_probability is not None]
    return {
        "tenants": len(trained),
        "journeys": sum(training.journeys for training in trained),
        "conversions": sum(training.conversions for training in trained),
        "units": sum(training.units for training in trained),
    }


train_attribution = dg.define_asset_job(
    "train_attribution",
    selection=dg.AssetSelection.assets("attribution_weights"),
    description="Trains the data-driven models of every tenant on the 90 UTC days that end with each chosen day. A "
    "range of days is one run; safe to repeat.",
)


@dg.schedule(
    job=train_attribution,
    cron_schedule="30 3 * * 1",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="On Mondays at 03:30 UTC, when Sunday's journeys are there: trains the data-driven models on the 90 "
    "days up to Sunday. The new weights count from Monday on. One run.",
)
def weekly_attribution_training(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Request one run for the day before the scheduled one, if it is a partition."""
    sunday = context.scheduled_execution_time.astimezone(UTC).date() - timedelta(days=1)
    if sunday < FIRST_DAY:
        return dg.SkipReason(f"Partitions begin on {FIRST_DAY}, as TRACKAI_FIRST_DAY says.")
    return dg.RunRequest(run_key=sunday.isoformat(), tags=range_tags([sunday]))


@dg.asset(
    group_name="campaigns",
    deps=["conversions", "campaign_analytics_daily"],
    partitions_def=UTC_DAYS,
    backfill_policy=ONE_RUN,
    owners=["team:tracking"],
    kinds={"postgres"},
    description="Buyers by month and campaign of their first sale, and what they bought in their first 0 to 365 days, "
    "per currency. A partition is the last day that counts; a row exists once the whole month is old enough, and is "
    "the same whatever day computes it.",
)
def campaign_cohorts(context: dg.AssetExecutionContext, database: EventDatabase) -> dg.MaterializeResult[None]:
    """Compute the rows that are complete on the run's last day."""
    days = days_of_run(context)
    with database.connect("cohorts") as connection:
        rows = sum(of.rows for of in compute_cohorts(connection, days[0], days[-1], utc_now()))
        return dg.MaterializeResult(metadata={"rows computed": rows, **table_metadata(connection, "campaign_cohorts")})


@dg.asset(
    group_name="campaigns",
    deps=["clicks", "matched_attributions", "campaign_analytics_daily"],
    owners=["team:tracking"],
    kinds={"postgres"},
    description="Recommendations for campaigns that eight rules make from the 28 UTC days that ended 3 days ago, each "
    "with the evidence that it can be computed from again. What no longer holds is withdrawn, and what was implemented "
    "28 days ago is measured. It always says what holds now, so it has no partitions; repeating it changes nothing.",
)
def campaign_optimizations(database: EventDatabase) -> dg.MaterializeResult[None]:
    """Bring every tenant's recommendations up to date."""
    with database.connect("recommendations") as connection:
        found = recommend(connection, utc_now())
        counts = {name: sum(getattr(one, name) for one in found) for name in ("new", "withdrawn", "measured")}
        return dg.MaterializeResult(metadata={**counts, **table_metadata(connection, "campaign_optimizations")})


recommend_campaigns = dg.define_asset_job(
    "recommend_campaigns",
    selection=dg.AssetSelection.assets("campaign_optimizations"),
    description="Brings the recommendations for every tenant's campaigns up to date; safe to repeat.",
)


@dg.schedule(
    job=recommend_campaigns,
    cron_schedule="0 2 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="At 02:00 UTC, when the night has computed the campaigns' days: brings recommendations up to date. One "
    "run.",
)
def nightly_recommendations(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Request one run."""
    return dg.RunRequest(run_key=f"{context.scheduled_execution_time.astimezone(UTC):%Y-%m-%d}")
