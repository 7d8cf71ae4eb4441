"""Connections to the event database, all with the same session settings.

What belongs here: connecting, and what a session begins with. What does not: what to do where a pooler hands sessions
to others (pooler.py).
"""

from collections.abc import Mapping
from typing import Any, LiteralString
from weakref import WeakSet

from psycopg import BaseConnection, Connection, sql
from psycopg import connect as psycopg_connect
from psycopg.rows import TupleRow

from trackai_pipelines.database.statements import statement

# A role or a database may have any of these set differently, and values are read and written by them. The zone is
# UTC, because literals in partition bounds and casts to date are read in the session's zone. psycopg reads times in ISO
# only, and intervals in PostgreSQL's own style.
SPELLING: Mapping[str, str] = {
    "client_encoding": "UTF8",
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "standard_conforming_strings": "on",
}
# The time-out ends a transaction whose process hangs: while it is open, dead queue rows cannot be removed. JIT is off:
# it costs more than it gains on statements of this size. None of our statements is prepared: a plan that was cached
# while a table was small would be kept while it grows by millions. plan_cache_mode keeps its default, because the plans
# of foreign-key checks must stay cached (6 microseconds a row otherwise).
_WORK = {"idle_in_transaction_session_timeout": "5min", "jit": "off"}
# Our statements name the schemas of what they use.
_PLACE = {"search_path": "public"}
# PgBouncer gives these back to each client whose transaction it begins, in any of its versions.
_KEPT_BY_POOLERS = frozenset({"client_encoding", "datestyle", "timezone", "standard_conforming_strings"})

_pooled: WeakSet[BaseConnection[Any]] = WeakSet()


def setting(name: str, value: str) -> str:
    """Return the statement that sets it for the session."""
    return sql.SQL("SET {} = {}").format(sql.Identifier(name), sql.Literal(value)).as_string()


SESSION: Mapping[str, str] = {**SPELLING, **_WORK, **_PLACE}
"""What every session on the event database works with."""


def beginning(
    connection: BaseConnection[Any], session: Mapping[str, str] = SESSION
) -> tuple[LiteralString, dict[str, Any]]:
    """Return the statement that a connection begins with, and its parameters; hand its first row to `begun`."""
    return statement("database/begin_session"), {
        "pid": connection.info.backend_pid,
        "names": list(session),
        "values": list(session.values()),
        "kept": [name in _KEPT_BY_POOLERS for name in session],
    }


def begun(connection: BaseConnection[Any], row: TupleRow | None) -> None:
    """Remember what the statement of `beginning` said."""
    if row is not None and row[0]:
        _pooled.add(connection)


def is_pooled(connection: BaseConnection[Any]) -> bool:
    """Return whether a pooler stands between this connection and the server, so its session may not be its own."""
    return connection in _pooled


def connect(url: str, *, name: str = "trackai") -> Connection[TupleRow]:
    """Return an autocommit connection in UTC; group statements with `connection.transaction()`.

    `name` is what operators see in `pg_stat_activity`. Raises psycopg.OperationalError if the server does not answer
    within ten seconds.
    """
    return _connected(url, name, SESSION)


def connect_elsewhere(url: str, *, name: str) -> Connection[TupleRow]:
    """Return such a connection to a database that is not ours, e.g. Dagster's: its search path stays as it is."""
    return _connected(url, name, {**SPELLING, **_WORK})


def _connected(url: str, name: str, session: Mapping[str, str]) -> Connection[TupleRow]:
    connection = psycopg_connect(
        url, autocommit=True, application_name=name, connect_timeout=10, prepare_threshold=None
    )
    begun(connection, connection.execute(*beginning(connection, session)).fetchone())
    return connection
