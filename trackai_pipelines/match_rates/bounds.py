"""Whether match rates are as expected, and whether a day's aggregate is complete.

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
    """The share of each strategy in the decided conversions of some days; None if nothing was decided."""

    decided: int
    fbc: float | None
    fbp: float | None
    email: float | None

    def outside_bounds(self) -> list[str]:
        """Return a sentence for each share that is outside its bounds."""
        found = []
        for strategy, (low, high) in EXPECTED_SHARES.items():
            share = getattr(self, strategy)
            if share is not None and not low <= share <= high:
                found.append(f"{strategy} matches {share:.1%}, expected {low:.0%} to {high:.0%}")
        return found


def shares_of_days(connection: Connection, from_day: date, to_day: date) -> Shares:
    """Return all tenants' shares by strategy over the aggregated UTC days `from_day` to `to_day`, both included."""
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
    """The aggregate of one UTC day, compared with the facts."""

    facts: int
    """Conversions that happened on the day."""
    undecided: int
    """How many of them wait for a match now."""
    aggregated: int
    pending: int
    """Conversions that were aggregated while they waited for a match."""
    log_partition: bool
    """Whether match_log has the day's partition."""

    @property
    def complete(self) -> bool:
        """Whether the aggregate has every conversion and its present decision, and the log has the day's partition."""
        return self.facts == self.aggregated and self.undecided == self.pending and self.log_partition


def completeness_of(connection: Connection, day: date) -> Completeness:
    """Compare the aggregate of one UTC day with the facts."""
    with connection.cursor(row_factory=class_row(Completeness)) as cursor:
        completeness = cursor.execute(statement("match_rates/completeness"), {"day": day}).fetchone()
    assert completeness is not None
    return completeness
