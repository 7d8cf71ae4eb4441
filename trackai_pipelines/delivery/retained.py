"""What delivery still needs of its attempts, and retention must leave in the database.

What belongs here: which days, and why. What does not: how rows leave.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement


def unanswered(connection: Connection[Any], days: Sequence[date]) -> Iterator[tuple[date, str]]:
    """Yield the UTC days that have attempts without an outcome, each with a sentence."""
    for day, attempts in connection.execute(statement("delivery/unanswered_days"), {"days": list(days)}):
        yield day, f"the outcome of {attempts:,} attempts is not known yet: run `trackai dispatch`"
