"""What became of the conversions of a UTC day: credited to a creator, or why not.

What belongs here: computing days, and what is wrong with one. What does not: crediting, which posting does.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from psycopg import Connection

from trackai_pipelines.database import locks
from trackai_pipelines.database.statements import statement
from trackai_pipelines.loyalty.posting import hash_joins


@dataclass(frozen=True, slots=True)
class CreditedDay:
    """A UTC day over all tenants that have a program."""

    day: date
    groups: int
    """Rows of loyalty_daily_credit."""
    conversions: int
    matched: int
    credited: int
    values: Mapping[str, tuple[Decimal, Decimal]]
    """The matched and the credited value by currency."""


def credit_days(connection: Connection[Any], from_day: date, to_day: date, now: datetime) -> Iterator[CreditedDay]:
    """Compute the UTC days `from_day` to `to_day`, both included, each in a transaction; yield each when it is done."""
    for offset in range((to_day - from_day).days + 1):
        day = from_day + timedelta(days=offset)
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", (locks.CREDIT_DAY, day.toordinal()))
            _stage(connection, day)
            row = connection.execute(statement("loyalty/write_credit"), {"day": day, "now": now}).fetchone()
            connection.execute(statement("loyalty/drop_credit"))
        assert row is not None
        groups, conversions, matched, credited, values = row
        amounts = {
            currency: (Decimal(of_matched), Decimal(of_credited))
            for currency, (of_matched, of_credited) in values.items()
        }
        yield CreditedDay(day, groups, conversions, matched, credited, amounts)


def credit_faults(connection: Connection[Any], day: date) -> list[tuple[str, bool]]:
    """Return what is wrong with a day, in sentences, each with whether it only warns; nothing is changed."""
    with connection.transaction(force_rollback=True):
        _stage(connection, day)
        return connection.execute(statement("loyalty/credit_faults"), {"day": day}).fetchall()


def _stage(connection: Connection[Any], day: date) -> None:
    connection.execute(statement("loyalty/make_credit"))
    with hash_joins(connection):
        connection.execute(statement("loyalty/stage_credit"), {"day": day})
    # It was made in this transaction: nothing is known of its size otherwise.
    connection.execute("ANALYZE pg_temp.day_credit")
