"""Which days of users and outcomes stay in the database: those of tests that were archived too short a time ago."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from psycopg import Connection, sql

from trackai_pipelines.database.statements import statement


def days_of_later_tests(
    connection: Connection[Any], table: str, time: str, days: Sequence[date], before: date
) -> Iterator[date]:
    """Yield the UTC days, by the column `time`, with rows of tests that were not archived before a day."""
    if not days:
        return
    query = sql.SQL(statement("experiments/days_of_later_tests")).format(
        table=sql.Identifier("trackai", table), time=sql.Identifier(time)
    )
    given = {"first": min(days), "last": max(days), "before": before}
    yield from (day for (day,) in connection.execute(query, given))
