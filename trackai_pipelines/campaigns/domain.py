"""Campaigns: what each cost, sold and deserves."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from trackai_pipelines.campaigns.credit_models import MODELS
from trackai_pipelines.domain import (
    Checkup,
    Command,
    DemoJob,
    DemoPart,
    Domain,
    Finding,
    Need,
    Personal,
    Section,
    Shrinks,
    StoryPart,
    Table,
)

if TYPE_CHECKING:
    import dagster as dg
    from psycopg import Connection

    from trackai_pipelines.ingest.kinds import Kind


def _kinds() -> "tuple[Kind, ...]":
    from trackai_pipelines.campaigns.landing import KINDS

    return KINDS


def _commands() -> Any:
    from trackai_pipelines.campaigns.cli import app

    return app


def _definitions() -> "dg.Definitions":
    from trackai_pipelines.campaigns.defs import defs

    return defs


def _story(connection: "Connection[Any]", tenant_id: str, conversion_id: int) -> Iterator[StoryPart]:
    from trackai_pipelines.campaigns.story import story

    return story(connection, tenant_id, conversion_id)


def _health(checkup: Checkup) -> Iterable[Finding]:
    from trackai_pipelines.campaigns.health import health

    return health(checkup)


def _demo() -> DemoPart:
    from trackai_pipelines.campaigns.sample import insert, prove, write

    return DemoPart(
        write=write,
        insert=insert,
        jobs=(
            # The sample's days alone: its oldest clicks are of months ago.
            DemoJob("aggregate_campaigns", "Campaigns", days="all", config={"campaign_days": {"due": False}}),
            DemoJob("train_attribution", "Train credit models", days="today"),
            DemoJob("recommend_campaigns", "Recommend"),
        ),
        prove=prove,
        shows=(("assets/campaign_analytics_daily", "what each campaign cost and sold by day, and the checks of it"),),
    )


def _section() -> Section:
    from trackai_pipelines.campaigns.section import section

    return section()


def _without_journeys(connection: "Connection[Any]", days: Sequence[date], today: date) -> Iterator[tuple[date, str]]:
    from trackai_pipelines.campaigns.retained import without_journeys

    return without_journeys(connection, days)


def _unready(connection: "Connection[Any]", before: date) -> str | None:
    from trackai_pipelines.campaigns.retained import unready

    return unready(connection, before)


def _erased_with_sales(
    connection: "Connection[Any]", tenant_id: str, conversion_ids: Sequence[int], now: datetime
) -> int:
    from trackai_pipelines.campaigns.erased import erased_with_sales

    return erased_with_sales(connection, tenant_id, conversion_ids, now)


CAMPAIGNS = Domain(
    name="campaigns",
    says="What each campaign cost, sold and deserves.",
    tables=(
        # Facts.
        Table(name="ad_accounts", key=("tenant_id", "source", "account_id")),
        Table(name="ad_cost_statements", key=("tenant_id", "id"), time="day", leaves="delete"),
        Table(name="ad_campaign_names", key=("tenant_id", "source", "campaign_id", "name")),
        Table(name="campaign_aliases", key=("tenant_id", "source", "alias")),
        Table(name="fx_rates", key=("tenant_id", "day", "base", "quote", "digest"), time="day", leaves="delete"),
        Table(
            name="user_segments",
            key=("tenant_id", "user_id", "segment_name", "valid_from"),
            personal=Personal(user_id="user_id", delete=True),
        ),
        Table(name="campaign_lifts", key=("tenant_id", "id")),
        # Journeys and credit.
        Table(
            name="conversion_touchpoints",
            key=("tenant_id", "conversion_id", "position", "day"),
            time="day",
            leaves="partition",
            personal=Personal(
                conversion="conversion_id",
                shrinks=Shrinks(
                    stays={"via": "matched"},
                    becomes={"position": 1, **dict.fromkeys((f"credit_{model}" for model in MODELS), 1)},
                ),
            ),
        ),
        Table(
            name="conversion_journeys",
            key=("tenant_id", "conversion_id"),
            time="day",
            leaves="delete",
            personal=Personal(
                conversion="conversion_id",
                shrinks=Shrinks(becomes={"touches": 1, "shared_keys": 0, "truncated": False, "training_id": None}),
            ),
        ),
        Table(
            name="campaign_credit_daily",
            key=("tenant_id", "date", "campaign_id", "channel", "model", "currency"),
            time="date",
            leaves="delete",
        ),
        Table(
            name="campaign_daily_money",
            key=("tenant_id", "date", "campaign_id", "currency"),
            time="date",
            leaves="delete",
        ),
        Table(name="attribution_trainings", key=("tenant_id", "id"), time="to_day", leaves="delete"),
        # These two leave with their training.
        Table(name="attribution_units", key=("tenant_id", "training_id", "unit")),
        Table(name="attribution_sets", key=("tenant_id", "training_id", "set_key")),
        Table(
            name="buyers",
            key=("tenant_id", "buyer_id"),
            personal=Personal(contact_key="buyer_key", clear=("buyer_key",)),
        ),
        Table(name="conversion_buyers", key=("tenant_id", "conversion_id"), time="day", leaves="delete"),
        Table(
            name="campaign_cohorts",
            key=("tenant_id", "campaign_id", "cohort_month", "currency", "age_days"),
            time="cohort_month",
            leaves="delete",
        ),
        Table(name="campaign_scans", key=("tenant_id",)),
        # Figures.
        Table(name="campaign_analytics_daily", key=("tenant_id", "campaign_id", "date"), time="date", leaves="delete"),
        Table(name="campaign_analytics_segments", key=("tenant_id", "id"), time="date", leaves="delete"),
        Table(
            name="campaign_trend_data",
            key=("tenant_id", "campaign_id", "granularity", "period"),
            time="period",
            leaves="delete",
        ),
        Table(name="campaign_optimizations", key=("tenant_id", "id"), time="created_at", leaves="delete"),
    ),
    needs=(
        # Journeys and buyers are made from clicks and contact hashes, and outlive them.
        Need(table="clicks", blocks=(_without_journeys,)),
        Need(table="conversions", anonymise_blocks=(_unready,)),
    ),
    kinds=_kinds,
    definitions=_definitions,
    commands=(Command(name="campaigns", says="What each campaign cost, sold and deserves.", load=_commands),),
    health=_health,
    section=_section,
    demo=_demo,
    story=_story,
    erased_with_sales=_erased_with_sales,
)
