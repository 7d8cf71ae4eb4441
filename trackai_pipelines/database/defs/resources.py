"""The event database as a Dagster resource.

What belongs here: how assets, sensors and checks get a connection. What does not: what they use it for.
"""

import dagster as dg
from psycopg import Connection
from psycopg.rows import TupleRow

from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.pooler import connect_directly
from trackai_pipelines.database.server import event_database_url
from trackai_pipelines.settings import Settings


class EventDatabase(dg.ConfigurableResource["EventDatabase"]):
    """Connections to the event database; an empty `url` means the environment's, else the embedded server's."""

    url: str = ""

    def resolved_url(self) -> str:
        """Return the URL in use, after starting the embedded server if needed. Raises DatabaseSetupError."""
        return self.url or event_database_url(Settings())

    def connect(self, name: str) -> Connection[TupleRow]:
        """Return an open connection, shown as `name` in pg_stat_activity; close it, preferably by `with`."""
        return connect(self.resolved_url(), name=name)

    def connect_directly(self, name: str) -> Connection[TupleRow]:
        """Return such a connection whose session is its own, also behind a pooler. Raises PoolerError."""
        return connect_directly(self.resolved_url(), name=name)
