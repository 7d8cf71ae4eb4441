"""Whether the campaigns' figures add up: to the match rates, to the costs, and in their parts.

What belongs here: comparing days that were computed. What does not: computing them, and journeys one by one
(reconcile_credit.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, LiteralString

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.campaigns.reconcile_credit import PATIENCE
from trackai_pipelines.database.statements import statement

DAYS = 7
"""How many days before today are compared at least."""
AT_MOST_SHARED = 0.02
"""Share of journeys that may meet a shared key; more of them point at a placeholder or a broken tag."""


@dataclass(frozen=True)
class Difference:
    """A figure of a tenant's UTC day that is not what it must be."""

    tenant: str
    day: date
    figure: str
    currency: str | None
    found: Decimal
    expected: Decimal
    found_revenue: Decimal
    expected_revenue: Decimal
    stale: bool
    """Whether a fact is newer than the figure: it waits to be computed again."""

    def sentence(self) -> str:
        """Say what differs."""
        counts = f"{self.found:f} conversions, not {self.expected:f}; " if self.found != self.expected else ""
        amounts = (
            f"{self.found_revenue:f} {self.currency or ''}".rstrip() + f", not {self.expected_revenue:f}; "
            if self.found_revenue != self.expected_revenue
            else ""
        )
        said = (counts + amounts).removesuffix("; ") or "other clicks, costs or touches"
        return f"{self.tenant} on {self.day}: {self.figure}: {said}"


@dataclass(frozen=True)
class Comparison:
    """What was found in some days."""

    faults: list[Difference]
    stale: list[Difference]
    overdue: list[Difference]
    """Stale for more than three days."""

    def said(self) -> str | None:
        """Return the first findings in a few sentences, or None."""
        found = self.faults or self.overdue
        if not found:
            return None
        first = "; ".join(difference.sentence() for difference in found[:3])
        others = f"; and {len(found) - 3:,} others" if len(found) > 3 else ""
        days = f"`trackai campaigns aggregate --from {min(d.day for d in found)} --to {max(d.day for d in found)}`"
        return f"{first}{others}. Compute the days again: {days}."


def compare_totals(connection: Connection[Any], from_day: date, to_day: date, today: date) -> Comparison:
    """Compare money, the nine models and analytics with the match rates and the touches."""
    return _compare(connection, "campaigns/credit_differences", from_day, to_day, today)


def compare_spend(connection: Connection[Any], from_day: date, to_day: date, today: date) -> Comparison:
    """Compare the spend of campaigns with the costs that count."""
    return _compare(connection, "campaigns/spend_differences", from_day, to_day, today)


def compare_parts(connection: Connection[Any], from_day: date, to_day: date, today: date) -> Comparison:
    """Compare hours, days, weeks, segments and customers with each campaign's day."""
    return _compare(connection, "campaigns/part_differences", from_day, to_day, today)


def _compare(connection: Connection[Any], name: LiteralString, from_day: date, to_day: date, today: date) -> Comparison:
    given = {"from_day": from_day, "to_day": to_day, "today": today}
    with connection.cursor(row_factory=class_row(Difference)) as cursor:
        found = cursor.execute(statement(name), given).fetchall()
    stale = [difference for difference in found if difference.stale]
    return Comparison(
        faults=[difference for difference in found if not difference.stale],
        stale=stale,
        overdue=[difference for difference in stale if today - difference.day > PATIENCE],
    )


@dataclass(frozen=True)
class SharedKeys:
    """A tenant's journeys, and how many of them met a key that too many people share."""

    tenant: str
    journeys: int
    met: int

    @property
    def share(self) -> float:
        """Return the share of journeys that met one."""
        return self.met / self.journeys

    @property
    def in_bounds(self) -> bool:
        """Return whether these are few enough."""
        return self.share <= AT_MOST_SHARED


def shared_keys(connection: Connection[Any], from_day: date, to_day: date) -> Iterator[SharedKeys]:
    """Yield each tenant with journeys in the UTC days, both ends included."""
    with connection.cursor(row_factory=class_row(SharedKeys)) as cursor:
        yield from cursor.execute(
            statement("campaigns/shares_of_shared_keys"), {"from_day": from_day, "to_day": to_day}
        )
