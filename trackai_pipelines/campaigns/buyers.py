"""Buyers: whose sale each conversion is, and whether it is that buyer's first.

A buyer is an e-mail hash, else a phone hash. Hashes leave sales after a time; `buyers.buyer_key` recognises the buyer
for `tenants.buyer_memory_days` after the last sale, and what is stored of older sales is never computed again.

What belongs here: numbering the sales of a tenant's UTC day, forgetting buyers. What does not: figures of customers
(figures.py), cohorts.
"""

from datetime import date, datetime
from typing import Any

from psycopg import Connection

from trackai_pipelines.campaigns.steps import make
from trackai_pipelines.database.statements import statement


def number_sales(connection: Connection[Any], tenant_id: str, day: date, now: datetime) -> list[date]:
    """Store whose each conversion of a tenant's UTC day is, matched or not, and renumber its buyers' other sales.

    Makes `pg_temp.buyer_sales`. Returns other days whose sales changed although their hashes have left, in order: their
    figures have to be computed with this day's. The day's touches are there, and the transaction holds the tenant's
    lock.
    """
    given = {"tenant_id": tenant_id, "day": day, "today": now.date()}
    stage_sales(connection, tenant_id, day)
    connection.execute(statement("campaigns/forget_earlier_buyers"), given)
    connection.execute(statement("campaigns/add_buyers"), given)
    row = connection.execute(statement("campaigns/first_days")).fetchone()
    assert row is not None
    connection.execute(statement("campaigns/update_buyers"), {**given, "first_days": row[0]})
    changed = connection.execute(statement("campaigns/write_conversion_buyers"), given).fetchall()
    connection.execute(statement("campaigns/remove_empty_buyers"), given)
    connection.execute(statement("campaigns/remember_buyers"), given)
    if not changed:
        return []
    days, conversion_ids = (list(column) for column in zip(*changed, strict=True))
    sales = {"tenant_id": tenant_id, "days": days, "conversion_ids": conversion_ids}
    return [other for (other,) in connection.execute(statement("campaigns/days_of_matched_sales"), sales)]


def stage_sales(connection: Connection[Any], tenant_id: str, day: date) -> None:
    """Make `pg_temp.buyer_sales`: all sales of everybody who bought on a tenant's UTC day, in order and numbered."""
    given = {"tenant_id": tenant_id, "day": day}
    make(connection, "buyer_contacts", "campaigns/stage_buyer_contacts", given)
    make(connection, "buyer_told", "campaigns/stage_told_sales", given)
    make(connection, "buyer_sales", "campaigns/stage_buyer_sales", given)


def forget_buyers(connection: Connection[Any], tenant_id: str, today: date) -> int:
    """Clear the keys of buyers whose last sale is longer ago than the tenant remembers; return how many.

    Call it once every day before `today` is computed: a buyer's newest sale must have been seen.
    """
    row = connection.execute(statement("campaigns/forget_buyers"), {"tenant_id": tenant_id, "today": today}).fetchone()
    assert row is not None
    return int(row[0])
