"""What one sale made of a creator's tier, for `trackai explain`: whose it is, the window it counts in, and its outcome.

What belongs here: sentences about one conversion. What does not: everything about a creator (standing.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import StoryPart


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditedSale:
    """A conversion's entries of one creator and day, and the window that they count in."""

    user_id: str
    sale_day: date
    amount: Decimal
    units: int
    currency: str
    posting_no: int
    checkpoint_date: date | None
    """The day that closed the window; None: no window of that day is closed."""
    status: str | None
    tier_after: str | None
    current_tier: str | None
    window_start: date | None

    def sentence(self) -> str:
        """Return what the sale made of the creator's tier."""
        if not self.amount and not self.units:
            return f"No creator's sale any more: {self.user_id} had it until posting {self.posting_no}."
        said = (
            f"Creator {self.user_id} is credited with {self.amount:,.2f} {self.currency} on {self.sale_day} "
            f"(posting {self.posting_no})"
        )
        if self.checkpoint_date is not None:
            return f"{said}; its window was closed on {self.checkpoint_date}: {self.status}, {self.tier_after}."
        if self.window_start is not None and self.sale_day >= self.window_start:
            return f"{said}; it counts in the window that began on {self.window_start}, in {self.current_tier}."
        return f"{said}; it counts in no window."


def story(connection: Connection[Any], tenant_id: str, conversion_id: int) -> Iterator[StoryPart]:
    """Yield a sentence for each creator that the sale is, or was, credited to."""
    given = {"tenant_id": tenant_id, "conversion_id": conversion_id}
    with connection.cursor(row_factory=class_row(CreditedSale)) as cursor:
        for sale in cursor.execute(statement("loyalty/story"), given):
            yield StoryPart(sentence=sale.sentence())
