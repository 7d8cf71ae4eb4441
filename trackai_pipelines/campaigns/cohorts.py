"""Cohorts: buyers by month and campaign of their first sale, and what they were worth at each age.

What belongs here: computing them. What does not: who is a buyer (buyers.py).
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from psycopg import Connection

from trackai_pipelines.campaigns.chosen import chosen_tenants
from trackai_pipelines.database.statements import statement

AGES = (0, 7, 30, 60, 90, 180, 365)
# A month's last row is due a year and a month after it began. The rest is for sales and matches that arrive late.
_UNSETTLED = timedelta(days=430)


@dataclass(frozen=True)
class Cohorts:
    """How many rows a tenant has of the months that were computed."""

    slug: str
    rows: int


def compute_cohorts(connection: Connection, from_day: date, to_day: date, now: datetime) -> list[Cohorts]:
    """Compute every tenant's cohorts with the rows that became complete from one UTC day to another.

    Rows of the 14 months before `from_day` are computed, too, for what arrived late. Older months stay as they are, and
    so do those whose sales have begun to leave. Each tenant's are written in a statement of its own. The same facts
    give the same rows, whatever the days.
    """
    month = (from_day - _UNSETTLED).replace(day=1)
    (left,) = connection.execute(statement("campaigns/last_day_without_buyers")).fetchone() or (None,)
    if left is not None and left >= month:
        month = (left.replace(day=1) + timedelta(days=31)).replace(day=1)
    found = []
    for tenant in chosen_tenants(connection, None):
        given = {"tenant_id": tenant.id, "first_month": month, "to_day": to_day, "ages": list(AGES), "now": now}
        (rows,) = connection.execute(statement("campaigns/write_cohorts"), given).fetchone() or (0,)
        found.append(Cohorts(tenant.slug, rows))
    return found
