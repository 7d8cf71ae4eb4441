"""Whether each matched sale has one whole journey, whose credits sum to 1 under every model.

What belongs here: comparing journeys with sales and clicks. What does not: computing them (journeys.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement

DAYS = 30
"""How many days are compared, the last of them today."""

PATIENCE = timedelta(days=3)
"""How old a day may be whose journeys wait to be computed again."""


@dataclass(frozen=True)
class CreditFaults:
    """What is wrong with a tenant's journeys of a UTC day; counts of sales."""

    tenant: str
    sales: int
    """Matched sales."""
    stale: bool
    """Whether a sale was matched since the journeys were computed: the counts mean nothing yet."""
    missing: int
    """Sales without a journey, or with one that has no touches."""
    stray: int
    """Journeys without a matched sale."""
    torn: int
    """Touches are missing, doubled or not numbered in order."""
    unmatched: int
    """Not exactly one touch is the matched click's."""
    unequal: int
    """Credits of a model do not sum to 1."""
    misnamed: int
    """A touch has another campaign or channel than its click."""
    example: int | None
    """A conversion with a fault."""

    def sentence(self) -> str | None:
        """Say what is wrong, or None."""
        words = {
            "without a journey": self.missing,
            "not matched, but with a journey": self.stray,
            "with missing or doubled touches": self.torn,
            "without exactly one matched touch": self.unmatched,
            "whose credits do not sum to 1": self.unequal,
            "with another campaign or channel than the click": self.misnamed,
        }
        found = [f"{count:,} {what}" for what, count in words.items() if count]
        return f"{self.tenant}: sales {', '.join(found)} (e.g. conversion {self.example})" if found else None


def credit_faults(connection: Connection[Any], day: date) -> Iterator[CreditFaults]:
    """Yield each tenant's faults of the UTC day, tenants without any included."""
    with connection.cursor(row_factory=class_row(CreditFaults)) as cursor:
        yield from cursor.execute(statement("campaigns/credit_faults"), {"day": day})


@dataclass(frozen=True)
class CreditVerdict:
    """What is wrong with the journeys of some days."""

    sales: int
    """Matched sales that were judged."""
    stale: int
    """Matched sales that were not, because another was matched since the journeys were computed."""
    faults: list[str]
    """A sentence for each tenant and day whose journeys are wrong."""
    overdue: list[str]
    """A sentence for each tenant and day that should have been computed again by now."""


def verdict_on(connection: Connection[Any], from_day: date, to_day: date) -> CreditVerdict:
    """Judge the UTC days `from_day` to `to_day`, both included; `to_day` is today."""
    sales, stale, faults, overdue = 0, 0, [], []
    day = from_day
    while day <= to_day:
        for found in credit_faults(connection, day):
            sentence = found.sentence()
            if found.stale:
                stale += found.sales
                if to_day - day > PATIENCE:
                    fix = f"run `trackai campaigns aggregate --from {day} --to {day}`"
                    overdue.append(
                        f"{found.tenant}: sales of {day} were matched since their journeys were computed; {fix}"
                    )
            else:
                sales += found.sales
                if sentence:
                    faults.append(f"{day}: {sentence}")
        day += timedelta(days=1)
    return CreditVerdict(sales, stale, faults, overdue)
