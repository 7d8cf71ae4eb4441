"""Costs that no click arrived for, clicks that nothing was spent on, and which of them may belong together.

What belongs here: finding them, and the nearest names. What does not: joining them (campaign_aliases).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement

# Names that have half of their letters in common, in order, may be one campaign's.
_LIKENESS = 0.5
_NEAREST = 3
# Comparing takes time in proportion to both numbers.
_COMPARED = 500


@dataclass(frozen=True)
class UnjoinedSpend:
    """What a platform's campaign cost, in one currency, without a click."""

    source: str
    platform_campaign_id: str
    campaign_id: str
    """What it is joined to."""
    names: Sequence[str]
    """Every name that the platform's campaign was stated with, the earliest first."""
    currency: str
    spend: Decimal
    last_day: date


@dataclass(frozen=True)
class UnjoinedClicks:
    """A campaign that clicks name, and that nothing was spent on."""

    campaign_id: str
    clicks: int
    last_day: date


def spend_without_clicks(
    connection: Connection[Any], tenant_id: str, from_day: date, to_day: date
) -> list[UnjoinedSpend]:
    """Return what was spent on the UTC days, both included, without a single click on them; the dearest first."""
    with connection.cursor(row_factory=class_row(UnjoinedSpend)) as cursor:
        days = {"tenant_id": tenant_id, "from_day": from_day, "to_day": to_day}
        return cursor.execute(statement("campaigns/spend_without_clicks"), days).fetchall()


def clicks_without_spend(
    connection: Connection[Any], tenant_id: str, from_day: date, to_day: date
) -> list[UnjoinedClicks]:
    """Return the campaigns that clicks of the UTC days name and that nothing was spent on; most clicks first."""
    with connection.cursor(row_factory=class_row(UnjoinedClicks)) as cursor:
        days = {"tenant_id": tenant_id, "from_day": from_day, "to_day": to_day}
        return cursor.execute(statement("campaigns/clicks_without_spend"), days).fetchall()


def nearest(spend: UnjoinedSpend, clicks: Sequence[UnjoinedClicks]) -> list[str]:
    """Return the campaigns of clicks whose names are most like those of the platform's campaign, the likest first."""
    campaigns = {found.campaign_id.casefold(): found.campaign_id for found in clicks[:_COMPARED]}
    likest: dict[str, None] = {}
    for name in (*spend.names, spend.campaign_id):
        likest |= dict.fromkeys(get_close_matches(name.casefold(), campaigns, _NEAREST, _LIKENESS))
    return [campaigns[name] for name in likest][:_NEAREST]
