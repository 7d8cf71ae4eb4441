"""The partition manager: it makes the partitions that are missing, and takes days out of a table and back.

What belongs here: making, attaching, detaching and dropping the table of a UTC day, finishing a detach that was
interrupted, and making longer partitions ahead. What does not: which tables are partitioned (their owners declare it),
when a day leaves, and what becomes of its rows (lifecycle).

No step takes a lock that makes writers of the parent wait. A step that finds the parent locked gives way and retries.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta

from psycopg import Connection, errors, sql
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from trackai_pipelines.database import locks
from trackai_pipelines.database.pooler import require_own_session
from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Table

DAYS_AHEAD = 28
"""Four weeks without maintenance before a row finds no partition."""

# Of longer partitions, those of these days from today on are made: at least two ahead, and none is skipped, because a
# step is no longer than the shortest month or quarter.
_SPAN_DAYS = {"month": range(0, 85, 28), "quarter": range(0, 271, 90)}

# A change of the parent waits for its open readers, and queries wait behind the change: give way and retry.
_LOCK_TIMEOUT = "2s"
_TRIES = 15
_PAUSE_SECONDS = 0.2
_LOCAL_TIMEOUT = sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(_LOCK_TIMEOUT))


@dataclass(frozen=True)
class Maintained:
    """What one run of maintenance did."""

    made: list[str]
    """Partitions that were missing."""
    finished: list[str]
    """Detaches that had been interrupted."""
    waiting: list[str]
    """Detaches that still cannot be finished, each with the sessions that hold it up."""


def partition_name(table: str, day: date) -> str:
    """Return the name of a table's partition of one UTC day, e.g. `match_log_20260131`."""
    return f"{table}_{day:%Y%m%d}"


def partition_days(connection: Connection, table: str) -> list[date]:
    """Return the UTC days that have a partition, in order."""
    return _days_in(connection, table, "attached")


def detached_days(connection: Connection, table: str) -> list[date]:
    """Return the UTC days whose partition is detached from the table and still there, in order."""
    return _days_in(connection, table, "detached")


def days_apart(connection: Connection, table: str) -> list[date]:
    """Return the UTC days whose rows are not seen through the table: detached, or about to be; in order."""
    return [day for day, state in _states(connection, table).items() if state != "attached"]


def maintain(connection: Connection, tables: Iterable[Table], *, today: date) -> Maintained:
    """Finish interrupted detaches, make partitions ahead, and analyse the parents, which autovacuum never does.

    Only partitioned tables are touched. Safe to repeat, to kill at any moment, and to run twice at once:
    the second run waits.
    """
    tables = tuple(tables)
    partitioned = _partitioned(tables)
    finished, waiting = [], []
    for table in partitioned:
        for day in _days_in(connection, table, "pending"):
            try:
                if _finish_detach(connection, table, day):
                    finished.append(partition_name(table, day))
            except errors.LockNotAvailable as error:
                waiting.append(str(error))
    made = create_partitions_ahead(connection, tables, today=today)
    for table in [table.name for table in tables if table.partitioned or table.span]:
        connection.execute(sql.SQL("ANALYZE {}").format(_table(table)))
    return Maintained(made, finished, waiting)


def create_partitions_ahead(
    connection: Connection, tables: Iterable[Table], *, today: date, days: int = DAYS_AHEAD
) -> list[str]:
    """Attach the partitions that are missing from yesterday to `days` ahead; return their names.

    Of partitions that are longer than a day, the present one and at least two ahead are made.

    Yesterday is included for a batch that began before midnight. A day in that range that is detached is attached
    again. Safe to repeat and to run twice at once: the second run waits. Raises psycopg.errors.LockNotAvailable when a
    table stays locked for half a minute.
    """
    tables = tuple(tables)
    made = _create_ahead(connection, _partitioned(tables), today, days)
    return made + [name for table in tables if table.span for name in _create_spans(connection, table, today)]


def create_detached(connection: Connection, table: str, day: date) -> None:
    """Make an empty detached table of the day, for rows that come back; an existing one is left as it is."""
    create = sql.SQL(statement("database/create_detached"))
    connection.execute(create.format(parent=_table(table), partition=_partition(table, day)))


def attach_partition(connection: Connection, table: str, day: date) -> None:
    """Make the day's detached table part of its parent again; does nothing where there is none.

    Raises psycopg.errors.LockNotAvailable when the parent stays locked for half a minute.
    """
    if day in detached_days(connection, table):
        _put_in(connection, table, day)


def detach_partition(connection: Connection, table: str, day: date) -> None:
    """Take the day out of its parent; readers and writers of the other days go on meanwhile.

    Finishes a detach that was interrupted, and does nothing where the day is detached. As soon as it begins, the rows
    are seen in the day's own table only. Raises psycopg.errors.LockNotAvailable, naming the sessions that hold it up,
    when a transaction that may still see the day stays open. Repeat it later; `maintain` finishes it too.
    """
    with _only_manager(connection):
        _take_out(connection, table, day)


def drop_detached(connection: Connection, table: str, day: date) -> None:
    """Drop the day's detached table. Raises ValueError where it is part of its parent, or not there."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (locks.PARTITIONS,))
        if day not in detached_days(connection, table):
            raise ValueError(f"trackai.{partition_name(table, day)} is not detached, so it is not dropped")
        connection.execute(sql.SQL("DROP TABLE {}").format(_partition(table, day)))


def _partitioned(tables: Iterable[Table]) -> list[str]:
    return [table.name for table in tables if table.partitioned]


def _create_ahead(connection: Connection, tables: Iterable[str], today: date, days: int) -> list[str]:
    attached = []
    for table in tables:
        state_of = _states(connection, table)
        for day in (today + timedelta(days=offset) for offset in range(-1, days + 1)):
            if state_of.get(day) == "pending":
                _finish_detach(connection, table, day)
            if state_of.get(day) != "attached" and _put_in(connection, table, day):
                attached.append(partition_name(table, day))
    return attached


def _create_spans(connection: Connection, table: Table, today: date) -> list[str]:
    assert table.span is not None
    days = [today + timedelta(days=ahead) for ahead in _SPAN_DAYS[table.span]]
    about = {"parent": table.name, "span": table.span, "days": days}
    made: list[str] = []

    def make() -> None:
        with connection.transaction():
            connection.execute(_LOCAL_TIMEOUT)
            found = connection.execute(statement("database/make_partitions"), about).fetchall()
        made.extend(name for (name,) in found)

    _patiently(connection, make)
    return made


def _states(connection: Connection, table: str) -> dict[date, str]:
    """Return the state of each UTC day that has a table of its own: attached, pending or detached; in order."""
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


def _put_in(connection: Connection, table: str, day: date) -> bool:
    """Attach the day's table, made if it is missing; return False where another manager has done so."""
    attach = sql.SQL(statement("database/attach_partition")).format(
        parent=_table(table),
        partition=_partition(table, day),
        from_day=sql.Literal(day.isoformat()),
        to_day=sql.Literal((day + timedelta(days=1)).isoformat()),
    )

    put_in = False

    def make_and_attach() -> None:
        nonlocal put_in
        # One transaction, so a failure leaves no stray table, and lock and time-out end with it, also through a pooler.
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (locks.PARTITIONS,))
            if _states(connection, table).get(day) == "attached":
                return
            connection.execute(_LOCAL_TIMEOUT)
            create_detached(connection, table, day)
            connection.execute(attach)
        put_in = True

    _patiently(connection, make_and_attach)
    return put_in


def _take_out(connection: Connection, table: str, day: date) -> None:
    target = {"parent": _table(table), "partition": _partition(table, day)}
    steps = {
        "attached": sql.SQL("ALTER TABLE {parent} DETACH PARTITION {partition} CONCURRENTLY").format(**target),
        # The state that a DETACH leaves when it is interrupted, or when it waits for others in vain.
        "pending": sql.SQL("ALTER TABLE {parent} DETACH PARTITION {partition} FINALIZE").format(**target),
    }

    def next_step() -> None:
        step = steps.get(_states(connection, table).get(day, "gone"))
        if step:
            # A detach beside readers runs in no transaction.
            with _impatience(connection):
                connection.execute(step)

    try:
        _patiently(connection, next_step)
    except errors.LockNotAvailable:
        raise errors.LockNotAvailable(_held_up(connection, table, day)) from None


def _finish_detach(connection: Connection, table: str, day: date) -> bool:
    """Finish a detach that was interrupted; return False where another manager has done so."""
    with _only_manager(connection):
        if day not in _days_in(connection, table, "pending"):
            return False
        _take_out(connection, table, day)
    return True


def _held_up(connection: Connection, table: str, day: date) -> str:
    holders = connection.execute(statement("database/lock_holders"), {"table": table}).fetchall()
    who = "; ".join(f"{name} (process {pid}), open since {since:%Y-%m-%d %H:%M:%S} UTC" for pid, name, since in holders)
    return (
        f"trackai.{partition_name(table, day)} cannot be detached while a transaction that may see it is open"
        f"{': ' + who if who else ''}. End that transaction; the next maintenance finishes the detach."
    )


@contextmanager
def _only_manager(connection: Connection) -> Iterator[None]:
    require_own_session(connection)
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
    attempts = Retrying(
        retry=retry_if_exception_type(errors.LockNotAvailable),
        stop=stop_after_attempt(_TRIES),
        wait=wait_fixed(_PAUSE_SECONDS),
        reraise=True,
    )
    for attempt in attempts:
        with attempt:
            change()
