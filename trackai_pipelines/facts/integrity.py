"""Whether the facts are what they promise to be.

What belongs here: the questions the checks ask of facts. What does not: results of matching.
"""

from dataclasses import dataclass
from datetime import date

from psycopg import Connection

from trackai_pipelines.database.statements import statement


@dataclass(frozen=True)
class Duplicates:
    """What a search for duplicate conversions found."""

    conversions: int
    duplicates: int
    """Rows beyond the first for the same tenant, gateway and event."""
    alike: int
    """Orders that several event ids report with one value: perhaps one sale, perhaps two."""


def duplicate_conversions(connection: Connection, from_day: date) -> Duplicates:
    """Look for duplicate conversions among the sales since a UTC day."""
    row = connection.execute(statement("facts/duplicate_conversions"), {"from_day": from_day}).fetchone()
    assert row is not None
    return Duplicates(*row)
