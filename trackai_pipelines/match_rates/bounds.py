"""Whether match rates look as they should, and whether a day's aggregate is complete.

What belongs here: expectations about the aggregate. What does not: computing it.
"""

from dataclasses import dataclass
from datetime import date

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement

# The shape of healthy traffic: shares of the decided conversions.
EXPECTED_SHARES = {"fbc": (0.70, 0.85), "fbp": (0.10, 0.20)}


@dataclass(frozen=True)
class Shares:
    """How the decided conversions of some days divide; None where nothing was decided."""

    decided: int
    fbc: float | None
    fbp: float | None
    email: float | None

    def outside_bounds(self) -> list[str]:
        """A sentence for each share that is not where it should be."""
        found = []
        for strategy, (low, high) in EXPECTED_SHARES.items():
            share = getattr(self, strategy)
            if share is not None and not low <= share <= high:
                found.append(f"{strategy} matches {share:.1%}, expected {low:.0%} to {high:.0%}")
        return found


def shares_of_days(connection: Connection, from_day: date, to_day: date) -> Shares:
    """Shares by strategy over the aggregated UTC days `from_day` to `to_day`, both included, all tenants together."""
    row = connection.execute(
        statement("match_rates/shares_of_days"), {"from_day": from_day, "to_day": to_day}
    ).fetchone()
    assert row is not None
    decided, fbc, fbp, email = row
    if not decided:
        return Shares(0, None, None, None)
    return Shares(decided, fbc / decided, fbp / decided, email / decided)


@dataclass(frozen=True)
class Completeness:
    """The aggregate of one UTC day beside the facts."""

    facts: int
    """Conversions that happened on the day."""
    undecided: int
    """Of these, conversions that wait for a match now."""
    aggregated: int
    pending: int
    """Aggregated while they still waited for a match."""
    log_partition: bool
    """Whether match_log has the day's partition."""

    @property
    def complete(self) -> bool:
        """Everything that happened is in the aggregate, with what was decided of it, and the log has its partition."""
        return self.facts == self.aggregated and self.undecided == self.pending and self.log_partition


def completeness_of(connection: Connection, day: date) -> Completeness:
    """Compare the aggregate of one UTC day with the facts."""
    with connection.cursor(row_factory=class_row(Completeness)) as cursor:
        completeness = cursor.execute(statement("match_rates/completeness"), {"day": day}).fetchone()
    assert completeness is not None
    return completeness
