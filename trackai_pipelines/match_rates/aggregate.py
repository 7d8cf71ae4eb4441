"""The daily aggregate: one UTC day at a time, recomputed whole from the facts.

What belongs here: recomputing days, and which of them refunds have made stale. What does not: when (defs/).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from psycopg import Connection
from psycopg.rows import kwargs_row

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.database import locks
from trackai_pipelines.database.statements import statement


@dataclass(frozen=True)
class DayTotals:
    """One UTC day over all tenants."""

    day: date
    groups: int
    """Rows of daily_match_rates."""
    conversions: int
    fbc: int
    fbp: int
    email: int
    unmatched: int
    pending: int
    p95_match_seconds: float | None
    """That of the slowest group."""
    refunds: int
    """Refunds of the day's sales, whenever they were made."""
    value_by_currency: Mapping[str, tuple[Decimal, Decimal]]
    """Value of the sales, and what of it went back."""

    @property
    def match_rate(self) -> float | None:
        """Matched / (matched + unmatched); None where nothing is decided."""
        matched = self.fbc + self.fbp + self.email
        return matched / (matched + self.unmatched) if matched + self.unmatched else None


def aggregate_days(
    connection: Connection, from_day: date, to_day: date, *, clock: Clock = utc_now
) -> Iterator[DayTotals]:
    """Recompute the UTC days `from_day` to `to_day`, both included, each in a transaction; yield each when it is done.

    Idempotent and safe to run twice at once: a second run of the same day waits. Raises ValueError for an empty range.
    """
    if to_day < from_day:
        raise ValueError(f"the range of days is empty: {from_day} is after {to_day}; swap them")
    day = from_day
    while day <= to_day:
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", (locks.AGGREGATE_DAY, day.toordinal()))
            connection.execute("DROP TABLE IF EXISTS pg_temp.day_counts")
            # Measured: a hash join in pieces that fit into the processor's cache takes three quarters of the time.
            connection.execute("SET LOCAL work_mem = '4MB'")
            connection.execute(statement("match_rates/count_day"), {"day": day})
            with connection.cursor(row_factory=kwargs_row(partial(_totals, day))) as cursor:
                totals = cursor.execute(statement("match_rates/aggregate_day"), {"day": day, "now": clock()}).fetchone()
        assert totals is not None
        yield totals
        day += timedelta(days=1)


def _totals(day: date, **row: Any) -> DayTotals:
    values = {
        currency: (Decimal(gross), Decimal(refunded))
        for currency, (gross, refunded) in row["value_by_currency"].items()
    }
    return DayTotals(day, **{**row, "value_by_currency": values})


def days_to_net(connection: Connection, today: date) -> list[date]:
    """Return the UTC days before `today` whose refunds are others than they were computed with, in order."""
    return [day for (day,) in connection.execute(statement("match_rates/days_to_net"), {"today": today})]
