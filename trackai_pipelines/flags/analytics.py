"""Days of checks: what the usage of a UTC day comes to, by tenant and flag, and who was served which variant.

What belongs here: computing days whole, from the partition of the day, and which days that cannot be done for. What
does not: when (defs/), and how usage is written (`flag_values`).
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, LiteralString, TypeVar

from psycopg import Connection, errors, sql
from psycopg.rows import class_row

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.database import locks
from trackai_pipelines.database.partitions import partition_days, partition_name
from trackai_pipelines.database.statements import statement

RECENT_DAYS = 3
"""Days that the night computes again: files of checks arrive late."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AnalysedDay:
    """What feature_flag_analytics has of a UTC day."""

    rows: int
    """Tenants and flags with a check."""
    checks: int
    enabled: int
    disabled: int
    errors: int
    overflow: int
    """Checks whose user was left out."""
    changed: int
    """Rows that were written."""


@dataclass(frozen=True, slots=True)
class ExposedDay:
    """What feature_flag_exposures has of a UTC day, of flags whose exposures are kept."""

    rows: int
    users: int
    checks: int
    changed: int
    """Rows that were written."""


def analyse_days(
    connection: Connection[Any], days: Sequence[date], *, clock: Clock = utc_now
) -> Iterator[tuple[date, AnalysedDay | None]]:
    """Compute feature_flag_analytics of UTC days, each in a transaction; yield each with what it comes to.

    A day whose usage has left yields None, and its rows stay as they are. Idempotent and safe to run twice at once: a
    second run of the same day waits.
    """
    return _computed(connection, "flags/analyse_day", AnalysedDay, days, clock)


def expose_days(
    connection: Connection[Any], days: Sequence[date], *, clock: Clock = utc_now
) -> Iterator[tuple[date, ExposedDay | None]]:
    """Compute feature_flag_exposures of UTC days, as `analyse_days` does."""
    return _computed(connection, "flags/expose_day", ExposedDay, days, clock)


def unanalysed(connection: Connection[Any], days: Sequence[date]) -> Iterator[tuple[date, str]]:
    """Yield the UTC days with checks that their analytics do not count, each with a sentence."""
    if not days:
        return
    for day, missing in connection.execute(statement("flags/unanalysed_days"), {"days": list(days)}):
        yield day, f"the analytics of flags of {day} miss {missing:,} checks: run aggregate_flag_usage for that day"


def recent_days(connection: Connection[Any], today: date) -> list[date]:
    """Return the days that the night of a UTC day computes, in order: those before it that have a partition."""
    return [day for day in days_before(connection, today) if today - timedelta(days=RECENT_DAYS) <= day]


def days_before(connection: Connection[Any], day: date) -> list[date]:
    """Return the UTC days before a day that have a partition, in order."""
    return [earlier for earlier in partition_days(connection, "feature_flag_usage") if earlier < day]


def _computed(
    connection: Connection[Any], name: LiteralString, kind: type[T], days: Sequence[date], clock: Clock
) -> Iterator[tuple[date, T | None]]:
    for day in days:
        # The partition itself, not the table: while it is being taken out its rows are not seen through the table, and
        # the day would be computed to nothing.
        partition = sql.Identifier("trackai", partition_name("feature_flag_usage", day))
        query = sql.SQL(statement(name)).format(partition=partition)
        computed = None
        with suppress(errors.UndefinedTable), connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", (locks.FLAG_DAY, day.toordinal()))
            with connection.cursor(row_factory=class_row(kind)) as cursor:
                computed = cursor.execute(query, {"day": day, "now": clock()}).fetchone()
        yield day, computed
