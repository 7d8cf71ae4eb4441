"""Connections to the event database, all with the same session settings."""

from collections.abc import Mapping

from psycopg import Connection, sql
from psycopg import connect as psycopg_connect
from psycopg.rows import TupleRow

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


def setting(name: str, value: str) -> str:
    """Return the statement that sets it for the session."""
    return sql.SQL("SET {} = {}").format(sql.Identifier(name), sql.Literal(value)).as_string()


def _set(settings: Mapping[str, str]) -> str:
    return ";\n".join(setting(name, value) for name, value in settings.items())


SESSION = _set({**SPELLING, **_WORK, **_PLACE})
"""What every session on the event database begins with."""


def connect(url: str, *, name: str = "trackai") -> Connection[TupleRow]:
    """Return an autocommit connection in UTC; group statements with `connection.transaction()`.

    `name` is what operators see in `pg_stat_activity`. Raises psycopg.OperationalError if the server does not answer
    within ten seconds.
    """
    return _connected(url, name, SESSION)


def connect_elsewhere(url: str, *, name: str) -> Connection[TupleRow]:
    """Return such a connection to a database that is not ours, e.g. Dagster's: its search path stays as it is."""
    return _connected(url, name, _set({**SPELLING, **_WORK}))


def _connected(url: str, name: str, session: str) -> Connection[TupleRow]:
    connection = psycopg_connect(
        url, autocommit=True, application_name=name, connect_timeout=10, prepare_threshold=None
    )
    connection.execute(session)
    return connection
