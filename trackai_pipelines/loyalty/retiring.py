"""Reports that may leave: those that a newer figure of their item makes needless for all days that can still change.

What belongs here: marking them, which makes their days final. What does not: removing them (lifecycle).
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from psycopg import Connection

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.database.statements import statement
from trackai_pipelines.loyalty.posting import lock_program, post_programs

FINAL_AFTER = timedelta(days=365)
"""The age at which days of reports become final: retention begins later, by default after 400 days."""


def retire_reports(connection: Connection[Any], tenant_id: str, before: date) -> int:
    """Mark the reports of a tenant that days from `before` on do not need; return how many.

    What is wanted of earlier days must be posted: it cannot be computed once they have left.
    """
    with connection.transaction():
        lock_program(connection, tenant_id)
        row = connection.execute(
            statement("loyalty/retire_reports"), {"tenant_id": tenant_id, "before": before}
        ).fetchone()
        assert row is not None
        return int(row[0])


def retire_old_reports(connection: Connection[Any], *, clock: Clock = utc_now) -> Iterator[tuple[str, int]]:
    """Post, then mark the reports of every tenant that are old enough; yield tenants and how many were marked."""
    now = clock()
    for posted in post_programs(connection, now):
        yield posted.tenant_id, retire_reports(connection, posted.tenant_id, now.date() - FINAL_AFTER)
