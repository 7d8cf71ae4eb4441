"""All tests, a line each."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement


@dataclass(frozen=True, slots=True)
class ListedTest:
    """A test in the list."""

    slug: str
    test_key: str
    name: str
    status: str
    users_assigned: int
    total_conversions: int
    """Counted ones, of all variants."""
    start_date: datetime
    end_date: datetime | None
    winner: str | None
    reason: str | None
    """What the decision in force says; None while it waits."""


def listed_tests(connection: Connection[Any], tenant_id: str | None = None) -> list[ListedTest]:
    """Return the tests of a tenant, or of all, by tenant and key."""
    with connection.cursor(row_factory=class_row(ListedTest)) as cursor:
        return cursor.execute(statement("experiments/list_tests"), {"tenant_id": tenant_id}).fetchall()
