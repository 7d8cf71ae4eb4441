"""Whether the refunds are what they promise to be.

What belongs here: the questions that the checks and doctor ask of refunds. What does not: how a refund finds its sale
(the view `v_wrong_refund_links`), and what is computed of them (match rates).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Unlinked:
    """Refunds that wait for their sale."""

    refunds: int
    """All of them, linked or not."""
    waiting: int
    overdue: int
    """Those that have waited since before the time that was asked for."""
    oldest: datetime | None
    """When the first of those that wait arrived."""


@dataclass(frozen=True, slots=True)
class Breaches:
    """How many rows break a rule, and some of them: tenant, gateway and event."""

    count: int
    examples: list[str]


def unlinked_refunds(connection: Connection, before: datetime) -> Unlinked:
    """Count the refunds that wait for their sale, and those that arrived before a time."""
    with connection.cursor(row_factory=class_row(Unlinked)) as cursor:
        found = cursor.execute(statement("facts/unlinked_refunds"), {"before": before}).fetchone()
    assert found is not None
    return found


def wrong_refund_links(connection: Connection) -> int:
    """Return how many refunds have another sale than the rule gives, or none."""
    row = connection.execute(statement("facts/wrong_refund_links")).fetchone()
    assert row is not None
    return int(row[0])


def sales_refunded_above_their_value(connection: Connection) -> Breaches:
    """Look for sales of which more went back than they were worth, in their own currency."""
    return _found(connection, "facts/refunds_above_sales")


def refunds_taken_for_sales(connection: Connection) -> Breaches:
    """Look for refunds whose event is a conversion as well, which is sent to Meta."""
    return _found(connection, "facts/refunds_taken_for_sales")


def refunds_in_other_currencies(connection: Connection) -> Breaches:
    """Look for refunds in another currency than their sale has: they are not subtracted from it."""
    return _found(connection, "facts/refunds_in_other_currencies")


def _found(connection: Connection, name: LiteralString) -> Breaches:
    row = connection.execute(statement(name), {"shown": _SHOWN}).fetchone()
    assert row is not None
    return Breaches(row[0], row[1] or [])
