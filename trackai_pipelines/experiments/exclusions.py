"""Users who count in no test of a tenant."""

from datetime import datetime
from typing import Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement
from trackai_pipelines.ingest.personal import emails_hashed

REASONS = ("bot", "employee", "test_account", "other")


def exclude_user(
    connection: Connection[Any], tenant_id: str, user_id: str, reason: str, by: str | None, now: datetime
) -> bool:
    """Exclude a user from all tests, those that run as well; return False where the user is excluded already."""
    given = {"tenant_id": tenant_id, "user_id": emails_hashed(user_id), "reason": reason, "by": by, "now": now}
    return connection.execute(statement("experiments/exclude_user"), given).fetchone() is not None
