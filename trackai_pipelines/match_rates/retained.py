"""What the match rates still need of the rows that they are counted from, and retention must leave in the database.

What belongs here: which days, and why. What does not: how rows leave.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement


def uncounted(connection: Connection[Any], days: Sequence[date]) -> Iterator[tuple[date, str]]:
    """Yield the UTC days with conversions that the day's match rates do not count, each with a sentence."""
    for day, missing in connection.execute(statement("match_rates/uncounted_days"), {"days": list(days)}):
        fix = f"run aggregate_match_rates for that day, or `trackai aggregate --from {day} --to {day}`"
        yield day, f"the match rates of {day} do not count {missing:,} conversions: {fix}"
