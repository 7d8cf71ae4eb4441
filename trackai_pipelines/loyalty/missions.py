"""Missions: what creators do within one of their windows for a reward.

What belongs here: counting progress on an evaluated day. What does not: claiming the reward (claims.py), and raffles.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement


@dataclass(frozen=True, slots=True)
class MissionsOfDay:
    """How much progress an evaluated day made."""

    changed: int
    """Rows of progress that were written."""
    completed: int


def count_missions(
    connection: Connection[Any], tenant_id: str, day: date, ledger_upto: int, now: datetime
) -> MissionsOfDay:
    """Count the missions of a tenant in the windows that are open before a day closes any, up to that day.

    Needs the transaction of the evaluation. Repeating it changes nothing.
    """
    given = {"tenant_id": tenant_id, "day": day, "ledger_upto": ledger_upto, "now": now}
    row = connection.execute(statement("loyalty/count_missions"), given).fetchone()
    assert row is not None
    return MissionsOfDay(*row)
