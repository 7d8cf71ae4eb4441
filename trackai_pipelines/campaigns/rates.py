"""Exchange rates of a tenant's UTC day.

What belongs here: which rate an amount of the day is converted with. What does not: the amounts.
"""

from datetime import date
from typing import Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement


def stage_rates(connection: Connection[Any], tenant_id: str, day: date) -> None:
    """Make `pg_temp.day_rates` (currency, times, per, how) for the transaction under way.

    An amount becomes one of the tenant's reporting currency as round(amount * times / per, 4). Both are NULL where
    there is no rate, and 1 where the tenant has no reporting currency. `how` says which rate it is, for people.
    """
    connection.execute("DROP TABLE IF EXISTS pg_temp.day_rates")
    connection.execute(statement("campaigns/stage_rates"), {"tenant_id": tenant_id, "day": day})
