"""Loyalty: what creators sold, the tier that they hold for it, and their rewards."""

from typing import Any

from trackai_pipelines.domain import Command, Domain, Personal, Table

_SAYS = "What creators sold, which tier they hold for it, and their rewards."


def _commands() -> Any:
    from trackai_pipelines.loyalty.cli import app

    return app


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
            personal=Personal(user_id="user_id", clear=("video_url", "video_title")),
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
        # Figures.
        Table(name="loyalty_daily_credit", key=("tenant_id", "day", "currency"), time="day"),
    ),
    commands=(Command(name="loyalty", says=_SAYS, load=_commands),),
)
