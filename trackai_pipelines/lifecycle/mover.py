"""The lock of everything that takes days of rows out of the event database, or brings them back.

What belongs here: keeping retention, restoring and erasing apart. What does not: the partition manager's lock, which is
held for one change of a table (database/partitions.py).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import Connection

from trackai_pipelines.database import locks
from trackai_pipelines.database.pooler import require_own_session
from trackai_pipelines.database.statements import statement
from trackai_pipelines.errors import ExpectedError


class MoverBusyError(ExpectedError):
    """Another session moves rows out of the database, or back; the text names it."""


@contextmanager
def only_mover(connection: Connection[Any]) -> Iterator[None]:
    """Within the block no other session archives, drops, restores or erases; it may be entered again inside.

    Raises MoverBusyError, naming who is at it, instead of waiting. Ends with the session at the latest, so it needs one
    of its own: raises PoolerError otherwise.
    """
    require_own_session(connection)
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (locks.MOVER,)).fetchone()
    if row is None or not row[0]:
        holder = connection.execute(statement("lifecycle/mover"), {"lock": locks.MOVER}).fetchone()
        who = "{} (process {}, connected since {:%Y-%m-%d %H:%M:%S} UTC)".format(*holder) if holder else "A session"
        raise MoverBusyError(
            f"{who} archives, drops, restores or erases rows of this database at the moment, and only one may. Nothing "
            "was changed: try again when it has ended."
        )
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s)", (locks.MOVER,))
