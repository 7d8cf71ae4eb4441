"""The tenant that a command is for."""

from typing import Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement
from trackai_pipelines.loyalty.refusals import LoyaltyRefusedError


def tenant_of(connection: Connection[Any], tenant: str) -> str:
    """Return the id of the tenant with a slug or id. Raises LoyaltyRefusedError where there is none."""
    found = connection.execute(statement("loyalty/find_tenant"), {"tenant": tenant}).fetchone()
    if found is None:
        raise LoyaltyRefusedError(f"There is no tenant {tenant}. `trackai tenant list` shows those that there are.")
    return str(found[0])
