"""The match log by day: what it holds, and whether it agrees with the attributions.

What belongs here: reading the log. What does not: writing it (sql/matching/match_batch.sql writes it with the result).
"""

from dataclasses import dataclass
from datetime import date

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement


@dataclass(frozen=True)
class DayOfLog:
    """One UTC day of match_log."""

    day: date
    conversions: int
    outcomes: dict[tuple[str, str], int]
    """Attempts by (strategy, outcome)."""

    @property
    def rows(self) -> int:
        """All attempts of the day."""
        return sum(self.outcomes.values())


def analyse_log(connection: Connection) -> None:
    """Refresh the planner's statistics of the log: autovacuum analyses partitions, but never their parent."""
    connection.execute("ANALYZE trackai.match_log")


def day_of_log(connection: Connection, day: date) -> DayOfLog:
    """Return the counts of one UTC day of the log."""
    rows = connection.execute(statement("matching/log_of_day"), {"day": day}).fetchall()
    outcomes = {(strategy, outcome): attempts for strategy, outcome, attempts, _ in rows}
    return DayOfLog(day, sum(first for _, _, _, first in rows), outcomes)


@dataclass(frozen=True)
class Agreement:
    """How attributions decided on one UTC day and that day's log compare."""

    attributions: int
    without_log: int
    """Attributions that the log does not explain."""
    without_attribution: int
    """Hits in the log whose conversion is not attributed that way."""


def log_agreement(connection: Connection, day: date) -> Agreement:
    """Compare the attributions decided on one UTC day with that day's log, both ways."""
    with connection.cursor(row_factory=class_row(Agreement)) as cursor:
        agreement = cursor.execute(statement("matching/log_agreement"), {"day": day}).fetchone()
    assert agreement is not None
    return agreement


@dataclass(frozen=True)
class Accounts:
    """How many conversions of some days are attributed, wait, or are lost."""

    conversions: int
    attributed: int
    waiting: int
    unaccounted: int
    """Conversions that are neither attributed nor waiting: they would be lost."""
    doubled: int
    """Surplus attributions."""


def account_for(connection: Connection, from_day: date) -> Accounts:
    """Account for every conversion that happened since a UTC day."""
    with connection.cursor(row_factory=class_row(Accounts)) as cursor:
        accounts = cursor.execute(statement("matching/account_for"), {"from_day": from_day}).fetchone()
    assert accounts is not None
    return accounts
