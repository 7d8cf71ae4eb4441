"""Recorded versions as a list to follow: what changed, for whom, who changed it and why.

What belongs here: reading versions after one. What does not: the history of one flag (`history`), and where versions
are shown (defs/).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.flags.states import State
from trackai_pipelines.flags.wording import difference


@dataclass(frozen=True, slots=True)
class RecordedVersion:
    """A version, and what its scope was before."""

    version: int
    flag_key: str
    tenant: str | None
    """The tenant's slug; None: for everyone."""
    effective_from: datetime | None
    """None: from the beginning."""
    recorded_at: datetime
    state: State | None
    before: State | None
    action: str | None
    changed_by: str | None
    """None, as the action and the reason, once the row of the audit log has left."""
    change_reason: str | None

    @property
    def change(self) -> str:
        """Return what changed in words, e.g. `off -> on, 10 %`."""
        return difference(self.before, self.state)


def versions_after(connection: Connection[Any], version: int, *, most: int) -> Sequence[RecordedVersion]:
    """Return the versions after one, at most `most` of them, in the order in which they were recorded."""
    with connection.cursor(row_factory=class_row(RecordedVersion)) as cursor:
        return cursor.execute(statement("flags/versions_after"), {"after": version, "most": most}).fetchall()
