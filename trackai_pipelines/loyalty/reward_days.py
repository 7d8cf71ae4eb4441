"""What days made of rewards, in figures that plot.

What belongs here: figures of days. What does not: making anything of them (redemptions.py, missions.py, boosts.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement


@dataclass(frozen=True, slots=True)
class RewardDay:
    """A day of rewards, of all tenants."""

    day: date
    completed: int
    """Missions."""
    claimed: int
    """Claims of the UTC day."""
    activated: int
    """Boosts that began."""
    expired: int
    commission: Decimal
    """To be paid for the boosts that ended, currencies added up."""

    def figures(self) -> dict[str, dict[str, int | float]]:
        """Return the figures of each asset."""
        return {
            "mission_progress": {"missions completed": self.completed},
            "redemptions": {"claims": self.claimed},
            "commission_boost_redemptions": {
                "boosts begun": self.activated,
                "boosts ended": self.expired,
                "commission to pay": float(self.commission),
            },
        }


def reward_days(connection: Connection[Any], days: Sequence[date]) -> list[RewardDay]:
    """Return the figures of days, in order."""
    with connection.cursor(row_factory=class_row(RewardDay)) as cursor:
        return cursor.execute(statement("loyalty/reward_figures"), {"days": list(days)}).fetchall()
