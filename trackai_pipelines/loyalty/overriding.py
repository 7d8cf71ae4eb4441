"""Tiers that people set by hand: a fact for a day that is not evaluated yet.

What belongs here: what is refused, and the insert. What does not: what the evaluation makes of it
(sql/loyalty/evaluate_creators.sql).
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement
from trackai_pipelines.loyalty.posting import lock_program
from trackai_pipelines.loyalty.refusals import LoyaltyRefusedError
from trackai_pipelines.loyalty.rules import read_rules


@dataclass(frozen=True, slots=True, kw_only=True)
class TierByHand:
    """A creator's tier from a local day on, with why and by whom."""

    user_id: str
    tier_id: str
    day: date
    reason: str
    by: str


def override(connection: Connection[Any], tenant_id: str, tier: TierByHand, now: datetime) -> None:
    """Set a creator's tier. Raises LoyaltyRefusedError for a day that is evaluated, or what does not exist."""
    given = {
        "tenant_id": tenant_id,
        "user_id": tier.user_id,
        "tier_id": tier.tier_id,
        "day": tier.day,
        "reason": tier.reason.strip(),
        "by": tier.by,
        "now": now,
    }
    if not given["reason"]:
        raise LoyaltyRefusedError("Say why the tier is set by hand: --reason.")
    with connection.transaction():
        lock_program(connection, tenant_id)
        (last,) = connection.execute(statement("loyalty/last_evaluated_day"), given).fetchone() or (None,)
        if last is not None and tier.day <= last:
            raise LoyaltyRefusedError(f"{tier.day} is evaluated, as all days up to {last}: give a later day.")
        if tier.tier_id not in {one.tier_id for one in read_rules(connection, tenant_id).tiers_on(tier.day)}:
            raise LoyaltyRefusedError(f"There is no tier {tier.tier_id} on {tier.day}.")
        member = connection.execute(statement("loyalty/is_member"), given).fetchone()
        if member is None or not member[0]:
            raise LoyaltyRefusedError(f"{tier.user_id} is no creator of this program on {tier.day}.")
        if connection.execute(statement("loyalty/insert_override"), given).fetchone() is None:
            raise LoyaltyRefusedError(f"The tier of {tier.user_id} is set by hand for {tier.day} already.")
