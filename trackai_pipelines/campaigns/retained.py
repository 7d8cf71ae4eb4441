"""What campaigns still need of the rows of others: journeys and buyers are made from clicks and contact hashes.

What belongs here: which days and sales, why, and what to run. What does not: how rows leave (lifecycle).
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement


def without_journeys(connection: Connection[Any], days: Sequence[date]) -> Iterator[tuple[date, str]]:
    """Yield the UTC days with clicks that a matched sale without a journey may have had, each with a sentence."""
    given = {"first_day": min(days, default=None), "last_day": max(days, default=None), "days": list(days)}
    for day, sales, first, last in connection.execute(statement("campaigns/days_without_journeys"), given):
        what = f"{sales:,} matched sales of {first} to {last}"
        yield day, f"{what}, whose journeys may need these clicks, have none: {_run(first, last)}"


def unready(connection: Connection[Any], before: date) -> str | None:
    """Return why the conversions before a UTC day may not lose their hashes yet, in a sentence, or None."""
    row = connection.execute(statement("campaigns/sales_without_buyers"), {"before": before}).fetchone()
    assert row is not None
    sales, first, last = row
    if not sales:
        return None
    return f"the journeys or buyers of {sales:,} sales of {first} to {last} are not known yet: {_run(first, last)}"


def _run(first: date, last: date) -> str:
    return f"run `trackai campaigns aggregate --from {first} --to {last}`"
