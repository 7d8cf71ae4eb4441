"""The partition manager: daily partitions that should exist less those that do, and the steps a day takes out and back.

What belongs here: making, attaching, detaching and dropping the table of a UTC day, and finishing what was broken off.
What does not: when a day leaves (plan.py) and what becomes of its rows (archive/).

No step takes a lock that makes writers of the parent wait. One that finds the parent locked gives way and comes back.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta

from psycopg import Connection, errors, sql

from trackai_pipelines.database import locks
from trackai_pipelines.database.statements import statement
from trackai_pipelines.lifecycle.tables import LEAVING

DAYS_AHEAD = 28
"""Four weeks without maintenance before a row finds no partition."""

# An open reader of the parent makes a change of it wait, and queries behind that: give way and come back.
_LOCK_TIMEOUT = "2s"
_TRIES = 15
_PAUSE_SECONDS = 0.2


@dataclass(frozen=True)
class Maintained:
    """What one run of maintenance did."""

    made: list[str]
    """Partitions that were missing."""
    finished: list[str]
    """Detaches that had been broken off."""
    waiting: list[str]
    """Detaches that still cannot be finished, each with who holds it up."""


def partition_name(table: str, day: date) -> str:
    """The name of a table's partition of one UTC day, e.g. `match_log_20260131`."""
    return f"{table}_{day:%Y%m%d}"


def partition_days(connection: Connection, table: str = "match_log") -> list[date]:
    """The UTC days that have a partition, in order."""
    return _days_in(connection, table, "attached")


def detached_days(connection: Connection, table: str) -> list[date]:
    """The UTC days whose partition stands beside the table, and is no part of it any more, in order."""
    return _days_in(connection, table, "detached")


def maintain(connection: Connection, *, today: date) -> Maintained:
    """Finish what was broken off, make partitions ahead, and analyse the parents, which autovacuum never does.

    Safe to repeat, at any moment killed, and twice at once: the second waits.
    """
    finished, waiting = [], []
    for table in _partitioned():
        with _only_manager(connection):
            for day in _days_in(connection, table, "pending"):
                try:
                    _take_out(connection, table, day)
                    finished.append(partition_name(table, day))
                except errors.LockNotAvailable as error:
                    waiting.append(str(error))
    made = create_partitions_ahead(connection, today=today)
    for table in _partitioned():
        connection.execute(sql.SQL("ANALYZE {}").format(_table(table)))
    return Maintained(made, finished, waiting)


def create_partitions_ahead(connection: Connection, *, today: date, days: int = DAYS_AHEAD) -> list[str]:
    """Attach the partitions that are missing from yesterday to `days` ahead; gives their names.

    Yesterday's is included for a batch that began before midnight. A day of these that stands detached is attached
    again. Safe to repeat and to run twice at once: the second waits. Raises psycopg.errors.LockNotAvailable when a
    table stays locked for half a minute.
    """
    attached = []
    for table in _partitioned():
        with _only_manager(connection):
            state_of = _states(connection, table)
            for day in (today + timedelta(days=offset) for offset in range(-1, days + 1)):
                if state_of.get(day) == "pending":
                    _take_out(connection, table, day)
                if state_of.get(day) != "attached":
                    _put_in(connection, table, day)
                    attached.append(partition_name(table, day))
    return attached


def create_detached(connection: Connection, table: str, day: date) -> None:
    """Make an empty table of the day beside the parent, for rows that come back; does nothing where one stands."""
    create = sql.SQL(statement("database/create_detached"))
    connection.execute(create.format(parent=_table(table), partition=_partition(table, day)))


def attach_partition(connection: Connection, table: str, day: date) -> None:
    """Make the day's standing table part of its parent again; does nothing where none stands.

    Raises psycopg.errors.LockNotAvailable when the parent stays locked for half a minute.
    """
    with _only_manager(connection):
        if day in detached_days(connection, table):
            _put_in(connection, table, day)


def detach_partition(connection: Connection, table: str, day: date) -> None:
    """Take the day out of its parent; readers and writers of the other days go on meanwhile.

    Finishes a detach that was broken off, and does nothing where the day stands detached. From the first moment on the
    rows are seen in the standing table only. Raises psycopg.errors.LockNotAvailable, naming who holds it up, when a
    transaction that may still see the day stays open; repeat it later, `maintain` finishes it too.
    """
    with _only_manager(connection):
        _take_out(connection, table, day)


def drop_detached(connection: Connection, table: str, day: date) -> None:
    """Drop the day's standing table. Raises ValueError where it is (again) part of its parent."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (locks.PARTITIONS,))
        if day not in detached_days(connection, table):
            raise ValueError(f"trackai.{partition_name(table, day)} does not stand detached: it is not dropped")
        connection.execute(sql.SQL("DROP TABLE {}").format(_partition(table, day)))


def _partitioned() -> Iterator[str]:
    return (table.name for table in LEAVING.values() if table.partitioned)


def _states(connection: Connection, table: str) -> dict[date, str]:
    """What each UTC day that has a table of its own is: attached, pending or detached; in order of days."""
    found = connection.execute(statement("database/partitions_of"), {"table": table}).fetchall()
    return {_day_of(table, name): state for name, state in found}


def _days_in(connection: Connection, table: str, state: str) -> list[date]:
    return [day for day, its_state in _states(connection, table).items() if its_state == state]


def _day_of(table: str, partition: str) -> date:
    digits = partition.removeprefix(f"{table}_")
    return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))


def _table(table: str) -> sql.Identifier:
    return sql.Identifier("trackai", table)


def _partition(table: str, day: date) -> sql.Identifier:
    return sql.Identifier("trackai", partition_name(table, day))


def _put_in(connection: Connection, table: str, day: date) -> None:
    attach = sql.SQL(statement("database/attach_partition")).format(
        parent=_table(table),
        partition=_partition(table, day),
        from_day=sql.Literal(day.isoformat()),
        to_day=sql.Literal((day + timedelta(days=1)).isoformat()),
    )

    def make_and_attach() -> None:
        # One transaction: never a stray table.
        with connection.transaction():
            create_detached(connection, table, day)
            connection.execute(attach)

    _patiently(connection, make_and_attach)


def _take_out(connection: Connection, table: str, day: date) -> None:
    target = {"parent": _table(table), "partition": _partition(table, day)}
    steps = {
        "attached": sql.SQL("ALTER TABLE {parent} DETACH PARTITION {partition} CONCURRENTLY").format(**target),
        # What a DETACH leaves that is broken off, or that waits for others in vain.
        "pending": sql.SQL("ALTER TABLE {parent} DETACH PARTITION {partition} FINALIZE").format(**target),
    }

    def next_step() -> None:
        step = steps.get(_states(connection, table).get(day, "gone"))
        if step:
            connection.execute(step)

    try:
        _patiently(connection, next_step)
    except errors.LockNotAvailable:
        raise errors.LockNotAvailable(_held_up(connection, table, day)) from None


def _held_up(connection: Connection, table: str, day: date) -> str:
    holders = connection.execute(statement("database/lock_holders"), {"table": table}).fetchall()
    who = "; ".join(f"{name} (process {pid}), open since {since:%Y-%m-%d %H:%M:%S} UTC" for pid, name, since in holders)
    return (
        f"trackai.{partition_name(table, day)} cannot be detached while a transaction that may see it is open"
        f"{': ' + who if who else ''}. End it; the next maintenance goes on by itself."
    )


@contextmanager
def _only_manager(connection: Connection) -> Iterator[None]:
    connection.execute("SELECT pg_advisory_lock(%s)", (locks.PARTITIONS,))
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s)", (locks.PARTITIONS,))


@contextmanager
def _impatience(connection: Connection) -> Iterator[None]:
    connection.execute(sql.SQL("SET lock_timeout = {}").format(sql.Literal(_LOCK_TIMEOUT)))
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("RESET lock_timeout")


def _patiently(connection: Connection, change: Callable[[], None]) -> None:
    for left in reversed(range(_TRIES)):
        try:
            with _impatience(connection):
                change()
        except errors.LockNotAvailable:
            if not left:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return
