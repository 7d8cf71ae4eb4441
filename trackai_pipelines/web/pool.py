"""Connections that requests share.

What belongs here: how many there are, and for how long a request may wait for one or for a statement. What does not:
what they are used for.
"""

import logging

from psycopg import Connection
from psycopg_pool import ConnectionPool

from trackai_pipelines.database.connection import beginning, begun, is_pooled

# Requests beyond these wait, and those beyond _MOST_WAITING are refused at once.
_MOST_CONNECTIONS = 8
_MOST_WAITING = 64
# A database that is away is reported after this long, and looked for again at the next request.
_WAIT_SECONDS = 3.0


def connection_pool(url: str, *, seconds: float) -> ConnectionPool:
    """Return a closed pool of autocommit connections in UTC; it connects when somebody asks, and not before.

    A statement may take `seconds`. `connection()` raises psycopg_pool.PoolTimeout when the database is away, and
    psycopg_pool.TooManyRequests when too many wait already.
    """
    # It would warn at each attempt, with the server's address. Requests that fail are logged.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)

    def configure(connection: Connection) -> None:
        begun(connection, connection.execute(*beginning(connection)).fetchone())
        if not is_pooled(connection):
            # Through a pooler it would stop the statements of others; `query_timeout` of the pooler does that there.
            connection.execute("SELECT set_config('statement_timeout', %s, false)", (f"{int(seconds * 1000)}ms",))

    return ConnectionPool(
        url,
        name="trackai web",
        min_size=0,
        max_size=_MOST_CONNECTIONS,
        max_waiting=_MOST_WAITING,
        timeout=_WAIT_SECONDS,
        reconnect_timeout=_WAIT_SECONDS,
        open=False,
        configure=configure,
        # The server may have been started again since a connection was last used.
        check=ConnectionPool.check_connection,
        kwargs={"autocommit": True, "application_name": "trackai web", "connect_timeout": 2, "prepare_threshold": None},
    )
