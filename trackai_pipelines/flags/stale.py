"""Flags that can probably go.

What belongs here: reading them. What does not: what makes a flag stale, which the view v_stale_feature_flags says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement


@dataclass(frozen=True, slots=True)
class StaleFlag:
    """A flag, the first reason why it can go, and since when that is so."""

    key: str
    why: str
    """overdue, never_checked, not_checked, always_same or fully_on."""
    since: datetime
    checks_30d: int
    """Checks of the last 30 complete UTC days."""
    last_checked_at: datetime | None
    owner_email: str | None

    @property
    def said(self) -> str:
        """Return it in a few words."""
        owner = f", {self.owner_email}" if self.owner_email else ""
        return f"{self.key} ({self.why.replace('_', ' ')} since {self.since:%Y-%m-%d}{owner})"


def stale_flags(connection: Connection[Any]) -> Sequence[StaleFlag]:
    """Return the flags that are stale now, the longest first."""
    with connection.cursor(row_factory=class_row(StaleFlag)) as cursor:
        return cursor.execute(statement("flags/stale_flags")).fetchall()
