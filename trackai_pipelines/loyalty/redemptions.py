"""Redemptions: what becomes of claims, and offers that follow the tiers.

What belongs here: rows of eager rewards as of an evaluated day, and changes of claims by hand. What does not: claiming
(claims.py), and boosts, which have a life of their own (boosts.py).
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.loyalty.refusals import LoyaltyRefusedError

_BEFORE = {"fulfilled": "claimed", "concluded": "fulfilled", "rejected": "claimed"}


@dataclass(frozen=True, slots=True)
class RewardsInUse:
    """What the evaluation of a tenant's day has to look at."""

    missions: bool
    offers: bool
    """Whether rows follow the tiers: there are eager rewards."""
    boosts: bool
    """Whether there are boosts that are not paid."""


@dataclass(frozen=True, slots=True)
class OffersOfDay:
    """How many offers changed with an evaluated day."""

    made: int
    """New rows of eager rewards, and those that came back."""
    taken_back: int
    """Expired, or marked as deleted."""
    missions_changed: int
    """Progress that rests, or goes on, because the tier changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftNews:
    """What became known of a gift; None: nothing new."""

    size: str | None = None
    shipping_ref: str | None = None
    carrier: str | None = None
    tracking: str | None = None
    shipped: bool = False
    delivered: bool = False


def rewards_in_use(connection: Connection[Any], tenant_id: str) -> RewardsInUse:
    """Return what a tenant has of missions, eager rewards and boosts."""
    with connection.cursor(row_factory=class_row(RewardsInUse)) as cursor:
        found = cursor.execute(statement("loyalty/rewards_in_use"), {"tenant_id": tenant_id}).fetchone()
    assert found is not None
    return found


def follow_tiers(connection: Connection[Any], tenant_id: str, day: date, now: datetime) -> OffersOfDay:
    """Let offers and missions follow the tiers that creators hold after the evaluation of a day.

    Needs the transaction of the evaluation. Repeating it changes nothing.
    """
    given = {"tenant_id": tenant_id, "day": day, "now": now}

    def counted(name: str) -> int:
        row = connection.execute(statement(name), given).fetchone()
        assert row is not None
        return int(row[0])

    # A planner that does not know how many rows there are by now would loop over all of them for each.
    connection.execute("SET LOCAL enable_nestloop = off")
    missions_changed = counted("loyalty/rest_missions")
    taken_back = counted("loyalty/take_offers_back")
    made = counted("loyalty/create_offers")
    connection.execute("SET LOCAL enable_nestloop = DEFAULT")
    return OffersOfDay(made, taken_back, missions_changed)


def change_redemption(
    connection: Connection[Any],
    tenant_id: str,
    redemption_id: int,
    to_status: Literal["fulfilled", "concluded", "rejected"],
    *,
    by: str,
    now: datetime,
    notes: str | None = None,
    transaction: str | None = None,
) -> None:
    """Fulfil, conclude or reject a claim; a rejected one gives its stock back and may be claimed again.

    Raises LoyaltyRefusedError where the claim has another status, or is a boost's.
    """
    given = {
        "tenant_id": tenant_id,
        "id": redemption_id,
        "before": _BEFORE[to_status],
        "after": to_status,
        "by": by,
        "notes": notes,
        "transaction": transaction,
        "now": now,
    }
    with connection.transaction():
        row = connection.execute(statement("loyalty/change_redemption"), given).fetchone()
        if row is None:
            raise LoyaltyRefusedError(
                f"Redemption {redemption_id} is not {_BEFORE[to_status]}, so it cannot become {to_status}. Boosts are "
                "changed by `trackai loyalty boost`."
            )
        if to_status == "rejected":
            connection.execute(statement("loyalty/give_stock_back"), {"tenant_id": tenant_id, "reward_id": row[1]})


def change_gift(
    connection: Connection[Any], tenant_id: str, redemption_id: int, news: GiftNews, now: datetime
) -> list[str]:
    """Write down what is known of a gift by now, and return what is still missing before it can be shipped.

    Raises LoyaltyRefusedError where the redemption has no gift.
    """
    given = {
        "tenant_id": tenant_id,
        "redemption_id": redemption_id,
        "size": news.size,
        "shipping_ref": news.shipping_ref,
        "carrier": news.carrier,
        "tracking": news.tracking,
        "shipped": news.shipped,
        "delivered": news.delivered,
        "now": now,
    }
    row = connection.execute(statement("loyalty/change_gift"), given).fetchone()
    if row is None:
        raise LoyaltyRefusedError(f"Redemption {redemption_id} is no gift that is sent.")
    return [name for name, is_missing in zip(("size", "address"), row, strict=True) if is_missing]
