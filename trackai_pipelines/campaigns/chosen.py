"""The tenants that decisions are made for."""

from dataclasses import dataclass

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.errors import ExpectedError


@dataclass(frozen=True)
class ChosenTenant:
    """A tenant, and its settings that decisions depend on."""

    id: str
    slug: str
    credit_unit: str
    time_zone: str
    buyer_memory_days: int


def chosen_tenants(connection: Connection, tenant: str | None) -> list[ChosenTenant]:
    """Return every tenant, or the one with this slug or id, by slug. Raises ExpectedError for an unknown one."""
    with connection.cursor(row_factory=class_row(ChosenTenant)) as cursor:
        found = cursor.execute(statement("campaigns/chosen_tenants"), {"tenant": tenant}).fetchall()
    if tenant is not None and not found:
        raise ExpectedError(f"There is no tenant {tenant}. `trackai tenant list` shows those that there are.")
    return found
