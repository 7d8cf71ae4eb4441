"""Corrections: creators with entries that came too late for their window, and the tier that they come to with them.

What belongs here: the comparison of recorded with corrected tiers. What does not: the rule by which an evaluation acts
on it (sql/loyalty/evaluate_creators.sql).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement
from trackai_pipelines.loyalty.replaying import known_days
from trackai_pipelines.loyalty.rules import read_rules
from trackai_pipelines.loyalty.tiers import corrected_tiers


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """A creator with late entries."""

    user_id: str
    entries: int
    """Late entries."""
    first_day: date
    """The first day that one is dated, ..."""
    last_day: date
    """... and the last one."""
    tier: str
    """As recorded."""
    corrected_tier: str
    """Had everything been known from enrolment on, without corrections."""
    corrected_on: date | None
    """The last day on which a late entry corrected the tier."""


def corrections(
    connection: Connection[Any], tenant_id: str, from_day: date, to_day: date, now: datetime
) -> Sequence[Corrected]:
    """Return the creators whose late entries were recorded between two UTC days. Nothing is written."""
    given = {"tenant_id": tenant_id, "from_day": from_day, "to_day": to_day}
    known = known_days(connection, tenant_id, date.max)
    rows = connection.execute(statement("loyalty/late_by_creator"), given).fetchall()
    if not rows or not known:
        return []
    last, newest = known[-1]
    with connection.transaction():
        rules = read_rules(connection, tenant_id)
        tiers = corrected_tiers(connection, rules, [row[0] for row in rows], last, newest.ledger_upto, now)
    return [
        Corrected(
            user_id=user_id,
            entries=entries,
            first_day=first_day,
            last_day=last_day,
            tier=tier,
            corrected_tier=tiers.get(user_id, tier),
            corrected_on=corrected_on,
        )
        for user_id, tier, entries, first_day, last_day, corrected_on in rows
    ]
