"""Poolers in transaction mode: the server's session goes to another client after each transaction.

What belongs here: finding out, and the way around for what needs a session of its own: a lock that outlives a
transaction, a setting outside of one, a statement that is prepared. What does not: what else differs on a pooled
connection, which is next to the code that it concerns (`connection.is_pooled`).
"""

from typing import Any

import psycopg
from psycopg import Connection
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow

from trackai_pipelines.database.connection import connect, is_pooled
from trackai_pipelines.database.errors import DatabaseSetupError
from trackai_pipelines.database.server import libpq_url
from trackai_pipelines.database.statements import statement
from trackai_pipelines.settings import Settings

_VARIABLE = "TRACKAI_DATABASE_DIRECT_URL"
# An idle pooler hands out the session that was used last; a busy one may need a few looks.
_LOOKS = 10


class PoolerError(DatabaseSetupError):
    """A session of its own is needed, and the pooler in between gives none; the text says what to set."""


def shares_sessions(connection: Connection[Any]) -> bool:
    """Return whether a pooler gives the server's session of this connection to others between its transactions.

    Asks by a second connection of the same kind. Must not be called within a transaction.
    """
    if not is_pooled(connection):
        return False
    same = {**connection.info.get_parameters(), "password": connection.info.password}
    with psycopg.connect(make_conninfo(**same), autocommit=True) as other:
        first = _server_process(connection)
        for _ in range(_LOOKS):
            if _server_process(other) == first or _server_process(connection) != first:
                return True
    return False


def direct_url(url: str) -> str:
    """Return a URL whose sessions are the client's own: this one, or TRACKAI_DATABASE_DIRECT_URL behind a pooler.

    Raises PoolerError where that is not set, or leads to another database, and psycopg.OperationalError.
    """
    with connect(url, name="trackai") as connection:
        if not shares_sessions(connection):
            return url
        here = connection.execute(statement("database/identity")).fetchone()
    given = Settings().database_direct_url
    if given is None:
        raise PoolerError(
            "A pooler in transaction mode stands before the database of TRACKAI_DATABASE_URL, and this needs a session "
            f"of its own. Set {_VARIABLE} to a URL of the server itself."
        )
    direct = libpq_url(_VARIABLE, given)
    with connect(direct, name="trackai") as connection:
        if connection.execute(statement("database/identity")).fetchone() != here:
            raise PoolerError(
                f"{_VARIABLE} leads to another database than TRACKAI_DATABASE_URL. Set it to the same one, without the "
                "pooler."
            )
        if shares_sessions(connection):
            raise PoolerError(f"{_VARIABLE} leads to a pooler, too. Set it to a URL of the server itself.")
    return direct


def connect_directly(url: str, *, name: str) -> Connection[TupleRow]:
    """Return a connection, as `connect` does, whose session is its own. Raises PoolerError."""
    return connect(direct_url(url), name=name)


def require_own_session(connection: Connection[Any]) -> None:
    """Raise PoolerError where the session of this connection goes to others."""
    if shares_sessions(connection):
        raise PoolerError(
            "This needs a session of its own, and the connection leads to a pooler in transaction mode. Set "
            f"{_VARIABLE} to a URL of the server itself."
        )


def _server_process(connection: Connection[Any]) -> int:
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None
    return int(row[0])
