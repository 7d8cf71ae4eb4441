"""A day's figures of all campaigns in a few numbers, for people who look at a run.

What belongs here: reading them. What does not: computing them (figures.py), reports by campaign (report.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from psycopg import Connection
from psycopg.rows import kwargs_row

from trackai_pipelines.database.statements import statement


@dataclass(frozen=True, kw_only=True)
class CampaignDay:
    """A UTC day over all tenants; amounts by currency, in its major units."""

    conversions: int
    new_customers: int
    touches: int
    shared_keys: int
    revenue: Mapping[str, Decimal]
    spend: Mapping[str, Decimal]
    without_campaign: Mapping[str, Decimal]
    """Revenue of sales whose click named no campaign."""


def day_totals(connection: Connection[Any], day: date) -> CampaignDay:
    """Return the totals of a computed UTC day."""
    with connection.cursor(row_factory=kwargs_row(_totals)) as cursor:
        totals = cursor.execute(statement("campaigns/totals_of_day"), {"day": day}).fetchone()
    assert totals is not None
    return totals


def _totals(**row: Any) -> CampaignDay:
    amounts = {name: {k: Decimal(v) for k, v in row[name].items()} for name in ("revenue", "spend", "without_campaign")}
    return CampaignDay(**{**row, **amounts})
