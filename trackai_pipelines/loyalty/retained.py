"""Which days of claims and missions stay in the database, whatever their age."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement


def days_of_open_claims(connection: Connection[Any], days: Sequence[date]) -> Iterator[date]:
    """Yield the UTC days with ended redemptions that count for a stock, or bar a second claim."""
    return _among(connection, "loyalty/days_of_open_claims", days)


def days_of_open_windows(connection: Connection[Any], days: Sequence[date]) -> Iterator[date]:
    """Yield the UTC days on which windows began that are still open."""
    return _among(connection, "loyalty/days_of_open_windows", days)


def _among(connection: Connection[Any], name: str, days: Sequence[date]) -> Iterator[date]:
    if days:
        given = {"first": min(days), "last": max(days)}
        yield from (day for (day,) in connection.execute(statement(name), given))
