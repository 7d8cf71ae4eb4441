"""What a pooler in front of the event database costs, and whether what needs a session of its own has a way around it.

What belongs here: findings about the pooler. What does not: how connections behave behind one (database/pooler.py).
"""

from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import Connection

from trackai_pipelines.database.connection import SESSION, is_pooled
from trackai_pipelines.database.errors import DatabaseSetupError
from trackai_pipelines.database.pooler import direct_url, shares_sessions
from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Finding, Level

_COSTS = (
    "in transaction mode: drains look for work twice a second and flags every few seconds, because nobody can be "
    "woken; loads make their staging tables for each chunk; the web application's limit for a statement does not hold"
)


def pooler(connection: Connection[Any], url: str) -> Iterator[Finding]:
    """Yield what is to be said about a pooler between this connection, of this URL, and the server; else nothing."""
    if not is_pooled(connection):
        return
    if not shares_sessions(connection):
        yield Finding("pooler", Level.OK, "in session mode, which costs nothing")
        return
    yield Finding("pooler", Level.OK, _COSTS)
    try:
        direct_url(url)
        yield Finding("direct URL", Level.OK, "retention and migrations have sessions of their own")
    except (DatabaseSetupError, psycopg.OperationalError) as error:
        said = f"retention, restoring, erasing, migrations and maintenance of partitions cannot work: {error}"
        yield Finding("direct URL", Level.FAIL, said, "Set TRACKAI_DATABASE_DIRECT_URL to a URL of the server itself.")
    differ = connection.execute(
        statement("doctor/session_settings"), {"names": list(SESSION), "values": list(SESSION.values())}
    ).fetchall()
    if differ:
        said = "sessions have " + ", ".join(f"{name} = {value}" for name, value, _ in differ)
        fix = "For the role of TRACKAI_DATABASE_URL: ALTER ROLE ... SET " + "; ... SET ".join(
            f"{name} = '{wanted}'" for name, _, wanted in differ
        )
        yield Finding("session settings", Level.WARN, said, fix)
