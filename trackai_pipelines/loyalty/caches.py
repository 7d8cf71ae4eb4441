"""The caches of the ledger: sums by creator and day, and those of members.

What belongs here: making them from nothing, and what differs. What does not: keeping them up to date, which posting and
evaluation do.
"""

from datetime import datetime
from typing import Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement
from trackai_pipelines.loyalty.posting import hash_joins, lock_program


def rebuild_caches(connection: Connection[Any], tenant_id: str, now: datetime) -> int:
    """Make the caches of a tenant from its ledger; return how many rows were wrong."""
    with connection.transaction():
        lock_program(connection, tenant_id)
        about = {"tenant_id": tenant_id, "now": now}
        wrong = 0
        with hash_joins(connection):
            for name in ("loyalty/rebuild_days", "loyalty/rebuild_members"):
                row = connection.execute(statement(name), about).fetchone()
                assert row is not None
                wrong += row[0]
        return wrong


def wrong_caches(connection: Connection[Any], tenant_id: str, now: datetime) -> int:
    """Return how many rows of a tenant's caches differ from its ledger; nothing is changed."""
    with connection.transaction(force_rollback=True):
        return rebuild_caches(connection, tenant_id, now)
