"""What costs were first said to be, or believed to be at a time, and what is said now.

What belongs here: reading the history of statements. What does not: which statement counts (v_counted_ad_costs).
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement


@dataclass(frozen=True)
class Restatement:
    """A campaign's day (of the account) in one currency, whose spend is another now."""

    day: date
    source: str
    platform_campaign_id: str
    campaign_id: str
    currency: str
    then_said: Decimal | None
    """None where nothing had been said."""
    now_said: Decimal
    changed_at: datetime
    """When another figure came last."""

    @property
    def change(self) -> float | None:
        """The change as a share of what was said; None where that was nothing."""
        return float(self.now_said / self.then_said - 1) if self.then_said else None


def restatements(
    connection: Connection[Any], tenant_id: str, from_day: date, to_day: date, *, as_of: datetime | None = None
) -> list[Restatement]:
    """Return what was restated of the days `from_day` to `to_day`, both included, in order.

    It is compared with what was said first, or with what was believed at `as_of`.
    """
    with connection.cursor(row_factory=class_row(Restatement)) as cursor:
        asked = {"tenant_id": tenant_id, "from_day": from_day, "to_day": to_day, "as_of": as_of}
        return cursor.execute(statement("campaigns/restatements"), asked).fetchall()
