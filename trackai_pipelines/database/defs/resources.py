"""The event database as a Dagster resource.

What belongs here: how assets, sensors and checks get a connection. What does not: what they do with it.
"""

import dagster as dg
from psycopg import Connection
from psycopg.rows import TupleRow

from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.server import event_database_url
from trackai_pipelines.settings import Settings


class EventDatabase(dg.ConfigurableResource["EventDatabase"]):
    """Connections to the event database; an empty `url` means the environment's, or the embedded server's."""

    url: str = ""

    def resolved_url(self) -> str:
        """The URL in use; starts the embedded server if it must. Raises DatabaseSetupError."""
        return self.url or event_database_url(Settings())

    def connect(self, name: str) -> Connection[TupleRow]:
        """An open connection, shown as `name` in pg_stat_activity; close it, best by `with`."""
        return connect(self.resolved_url(), name=name)
