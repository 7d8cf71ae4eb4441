"""Connections to the event database, all with the same session settings."""

from psycopg import Connection
from psycopg import connect as psycopg_connect
from psycopg.rows import TupleRow

# The zone is UTC, because literals in partition bounds and casts to date are read in the session's zone. The time-out
# ends a transaction whose process hangs: while it is open, dead queue rows cannot be removed. JIT is off: it costs more
# than it gains on statements of this size. None of our statements is prepared: a plan that was cached while a table was
# small would be kept while it grows by millions. plan_cache_mode keeps its default, because the plans of foreign-key
# checks must stay cached (6 microseconds a row otherwise).
SESSION = """
SET timezone = 'UTC';
SET idle_in_transaction_session_timeout = '5min';
SET jit = off;
"""


def connect(url: str, *, name: str = "trackai") -> Connection[TupleRow]:
    """Return an autocommit connection in UTC; group statements with `connection.transaction()`.

    `name` is what operators see in `pg_stat_activity`. Raises psycopg.OperationalError if the server does not answer
    within ten seconds.
    """
    connection = psycopg_connect(
        url, autocommit=True, application_name=name, connect_timeout=10, prepare_threshold=None
    )
    connection.execute(SESSION)
    return connection
