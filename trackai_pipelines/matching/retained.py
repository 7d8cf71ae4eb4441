"""What matching still needs of clicks that are old enough to leave, and what it does when clicks come back.

What belongs here: which days, and why; the list of deleted clicks. What does not: how rows leave and come back.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement


def in_reach(connection: Connection[Any], days: Sequence[date], today: date) -> Iterator[tuple[date, str]]:
    """Yield the UTC days whose clicks a sale of `today` can still be matched to, each with a sentence."""
    row = connection.execute(statement("matching/longest_lookback")).fetchone()
    longest = row[0] if row and row[0] is not None else 0
    for day in days:
        if day + timedelta(days=1) > today - timedelta(days=longest):
            yield day, f"a sale can still reach these clicks: a tenant looks back {longest} days"


def clicks_are_back(connection: Connection[Any]) -> None:
    """Take the clicks that are being restored off the list of deleted ones, in the transaction that inserts them."""
    connection.execute(statement("matching/clicks_are_back"))
