"""What campaigns do when a person's sales are erased: forget the buyer, and make the days of the sales due again.

What belongs here: what declarations of tables cannot say. What does not: shrinking journeys (`Shrinks` in domain.py).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection

from trackai_pipelines.database import locks
from trackai_pipelines.database.statements import statement


def erased_with_sales(connection: Connection[Any], tenant_id: str, conversion_ids: Sequence[int], now: datetime) -> int:
    """Forget who bought, and make the sales' days due, in the transaction that erases them; nothing waits here: 0."""
    # A run that computes a day of the tenant has read the keys of the sales: its rows have to be seen, to shrink them.
    connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (locks.CAMPAIGN_DAYS, tenant_id))
    sales = {"tenant_id": tenant_id, "conversion_ids": list(conversion_ids), "now": now}
    connection.execute(statement("campaigns/forget_buyers_of_sales"), sales)
    connection.execute(statement("campaigns/renew_journeys"), sales)
    return 0
