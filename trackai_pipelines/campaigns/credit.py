"""Credit: what each touch of a journey deserves, under nine models.

What belongs here: dividing the sales of a tenant's UTC day. What does not: finding touches
(journeys.py), training the data-driven models.
"""

from datetime import date
from decimal import Decimal
from typing import Any

from psycopg import Connection

from trackai_pipelines.campaigns.steps import make


def divide(connection: Connection[Any], tenant_id: str, day: date, *, half_life_hours: Decimal | None = None) -> None:
    """Make the temporary table journey_credits from journey_touches; `half_life_hours` replaces the tenant's."""
    values = {"tenant_id": tenant_id, "day": day, "half_life_hours": half_life_hours}
    make(connection, "journey_credits", "campaigns/journey_credits", values, indexed="conversion_id")
