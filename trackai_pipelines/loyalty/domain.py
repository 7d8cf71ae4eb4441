"""Loyalty: what creators sold, the tier that they hold for it, and their rewards."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from trackai_pipelines.domain import (
    Checkup,
    Command,
    DemoJob,
    DemoPart,
    Domain,
    Finding,
    Personal,
    Section,
    StoryPart,
    Table,
)

if TYPE_CHECKING:
    import dagster as dg
    from psycopg import Connection
    from starlette.routing import BaseRoute

    from trackai_pipelines.ingest.kinds import Kind

_SAYS = "What creators sold, which tier they hold for it, and their rewards."


def _kinds() -> "tuple[Kind, ...]":
    from trackai_pipelines.loyalty.landing import KINDS

    return KINDS


def _definitions() -> "dg.Definitions":
    from trackai_pipelines.loyalty.defs import defs

    return defs


def _commands() -> Any:
    from trackai_pipelines.loyalty.cli import app

    return app


def _health(checkup: Checkup) -> Iterable[Finding]:
    from trackai_pipelines.loyalty.health import health

    return health(checkup)


def _demo() -> DemoPart:
    from trackai_pipelines.loyalty.sample import insert, prove, write

    return DemoPart(
        write=write,
        insert=insert,
        jobs=(DemoJob("evaluate_loyalty", "Loyalty", days="all"),),
        prove=prove,
        shows=(("assets/tier_checkpoints", "which tiers creators reached, kept and lost, day by day"),),
    )


def _section() -> Section:
    from trackai_pipelines.loyalty.section import section

    return section()


def _story(connection: "Connection[Any]", tenant_id: str, conversion_id: int) -> Iterable[StoryPart]:
    from trackai_pipelines.loyalty.story import story

    return story(connection, tenant_id, conversion_id)


def _routes() -> "Sequence[BaseRoute]":
    from trackai_pipelines.loyalty.web import routes

    return routes()


def _of_open_claims(connection: "Connection[Any]", days: Sequence[date], _before: date) -> Iterator[date]:
    from trackai_pipelines.loyalty.retained import days_of_open_claims

    return days_of_open_claims(connection, days)


def _of_open_windows(connection: "Connection[Any]", days: Sequence[date], _before: date) -> Iterator[date]:
    from trackai_pipelines.loyalty.retained import days_of_open_windows

    return days_of_open_windows(connection, days)


LOYALTY = Domain(
    name="loyalty",
    says=_SAYS,
    tables=(
        # Rules.
        Table(name="loyalty_programs", key=("tenant_id", "valid_from")),
        Table(name="tiers", key=("tenant_id", "tier_id", "valid_from")),
        # Creators. Their ids stay: sums and replays hold when nobody knows who they are.
        Table(name="loyalty_members", key=("tenant_id", "user_id")),
        Table(
            name="creator_aliases",
            key=("tenant_id", "kind", "alias", "valid_from"),
            personal=Personal(user_id="user_id", delete=True),
        ),
        # Facts.
        Table(
            name="sales_reports",
            key=("tenant_id", "id"),
            # The newest figure of an item is not superseded, and stays.
            time="superseded_on",
            leaves="delete",
            personal=Personal(user_id="user_id", clear=("handle",)),
        ),
        Table(name="sales_sync_days", key=("tenant_id", "source", "report_day")),
        Table(
            name="videos",
            key=("tenant_id", "video_id", "post_date"),
            time="post_date",
            span="month",
            personal=Personal(user_id="user_id", clear=("handle", "video_url", "video_title")),
        ),
        Table(
            name="sales_adjustments",
            key=("tenant_id", "id"),
            time="created_at",
            personal=Personal(user_id="user_id", clear=("reason",)),
        ),
        # The ledger never leaves.
        Table(name="ledger_postings", key=("tenant_id", "posting_no")),
        Table(name="sales_ledger", key=("tenant_id", "id"), time="recorded_at"),
        Table(name="creator_sales_daily", key=("tenant_id", "user_id", "sale_day", "currency", "source")),
        # Tiers.
        Table(name="tier_evaluations", key=("tenant_id", "day")),
        Table(name="tier_checkpoints", key=("tenant_id", "user_id", "checkpoint_date")),
        Table(
            name="tier_overrides",
            key=("tenant_id", "user_id", "effective_on"),
            personal=Personal(user_id="user_id", clear=("reason",)),
        ),
        # Rewards. What belongs to a redemption ends with it, and leaves before it.
        Table(name="rewards", key=("tenant_id", "reward_id")),
        Table(name="missions", key=("tenant_id", "mission_id")),
        Table(
            name="mission_progress",
            key=("tenant_id", "user_id", "mission_id", "checkpoint_start"),
            time="checkpoint_start",
            leaves="delete",
            stays=_of_open_windows,
        ),
        Table(
            name="redemptions",
            key=("tenant_id", "id"),
            time="ended_at",
            leaves="delete",
            stays=_of_open_claims,
            personal=Personal(user_id="user_id", clear=("fulfillment_notes", "rejection_reason")),
        ),
        Table(
            name="commission_boost_redemptions",
            key=("tenant_id", "id"),
            time="ended_at",
            leaves="delete",
            personal=Personal(user_id="user_id", clear=("payment_account_ref", "payout_notes")),
        ),
        Table(
            name="commission_boost_state_history",
            key=("tenant_id", "boost_redemption_id", "transitioned_at", "id"),
            time="transitioned_at",
            leaves="delete",
            span="quarter",
            personal=Personal(user_id="user_id", clear=("notes",)),
        ),
        Table(
            name="physical_gift_redemptions",
            key=("tenant_id", "id"),
            time="ended_at",
            leaves="delete",
            personal=Personal(user_id="user_id", clear=("size_value", "shipping_ref", "tracking_number")),
        ),
        Table(name="raffle_draws", key=("tenant_id", "mission_id")),
        Table(name="raffle_participations", key=("tenant_id", "mission_id", "user_id")),
        # Figures.
        Table(name="loyalty_daily_credit", key=("tenant_id", "day", "currency"), time="day"),
    ),
    kinds=_kinds,
    definitions=_definitions,
    commands=(Command(name="loyalty", says=_SAYS, load=_commands),),
    health=_health,
    section=_section,
    demo=_demo,
    story=_story,
    routes=_routes,
)
