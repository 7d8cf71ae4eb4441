"""Daily partitions of `match_log`: those that should exist less those that do, made one by one.

What belongs here: creating partitions ahead of time. What does not: removing old ones, and any row in them.
"""

import time
from datetime import date, timedelta

from psycopg import Connection, errors, sql

from trackai_pipelines.database.statements import statement

DAYS_AHEAD = 28
"""Four weeks without maintenance before a row finds no partition."""

# One manager at a time; the number only has to differ from the project's other advisory locks.
_MANAGER_LOCK = 7_221_001
# An open reader of the parent makes ATTACH wait, and queries behind it: give way and come back.
_LOCK_TIMEOUT = "2s"
_TRIES = 15


def partition_name(table: str, day: date) -> str:
    """The name of a table's partition of one UTC day, e.g. `match_log_20260131`."""
    return f"{table}_{day:%Y%m%d}"


def partition_days(connection: Connection, table: str = "match_log") -> list[date]:
    """The UTC days that have a partition, in order."""
    names = connection.execute(statement("lifecycle/partition_names"), {"table": table}).fetchall()
    return [_day_of(table, name) for (name,) in names]


def create_partitions_ahead(connection: Connection, *, today: date, days: int = DAYS_AHEAD) -> list[str]:
    """Make the missing partitions of `match_log` from yesterday to `days` ahead; gives the names made.

    Yesterday's is included for a batch that began before midnight. Safe to repeat and to run twice at once: the
    second waits. Raises psycopg.errors.LockNotAvailable when the table stays locked for half a minute.
    """
    connection.execute("SELECT pg_advisory_lock(%s)", (_MANAGER_LOCK,))
    try:
        present = set(partition_days(connection))
        wanted = [today + timedelta(days=offset) for offset in range(-1, days + 1)]
        missing = [day for day in wanted if day not in present]
        for day in missing:
            _create(connection, "match_log", day)
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", (_MANAGER_LOCK,))
    return [partition_name("match_log", day) for day in missing]


def _day_of(table: str, partition: str) -> date:
    digits = partition.removeprefix(f"{table}_")
    return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))


def _create(connection: Connection, table: str, day: date) -> None:
    create = sql.SQL(statement("lifecycle/create_day_partition")).format(
        parent=sql.Identifier("trackai", table),
        partition=sql.Identifier("trackai", partition_name(table, day)),
        from_day=sql.Literal(day.isoformat()),
        to_day=sql.Literal((day + timedelta(days=1)).isoformat()),
    )
    for left in reversed(range(_TRIES)):
        try:
            with connection.transaction():
                connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(_LOCK_TIMEOUT)))
                connection.execute(create)
        except errors.LockNotAvailable:
            if not left:
                raise
            time.sleep(0.2)
        else:
            return
