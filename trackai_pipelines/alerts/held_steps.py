"""Steps of flags' ramps that are held by their guards, as messages.

What belongs here: which are new, and the text. What does not: deciding steps (flags), and sending (`alert`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement


@dataclass(frozen=True, slots=True)
class HeldStep:
    """A step that its guard does not permit."""

    id: int
    key: str
    slug: str | None
    percentage: int
    guard: Mapping[str, Any]
    measured: Mapping[str, Any] | None
    apply_at: datetime

    @property
    def message(self) -> str:
        """What happened, and what to do."""
        value = (self.measured or {}).get("value")
        found = "there is nothing to measure" if value is None else f"it is {value:.4f}"
        wanted = f"{self.guard['measure']} {self.guard['comparison']} {self.guard['threshold']:g}"
        return (
            f"The flag {self.key}{f' at {self.slug}' if self.slug else ''} is not raised to {self.percentage} %, which "
            f"was due at {self.apply_at:%Y-%m-%d %H:%M} UTC: it waits for {wanted} over {self.guard['days']} days, and "
            f"{found}.\nIt is looked at every five minutes, and cancelled after a day. `trackai flags plans "
            f"{self.key}` shows it; `trackai flags cancel {self.key}` ends the ramp."
        )


def held_steps(connection: Connection[Any]) -> list[HeldStep]:
    """Return the steps that are held."""
    with connection.cursor(row_factory=class_row(HeldStep)) as cursor:
        return cursor.execute(statement("alerts/held_steps")).fetchall()


def newly_held(held: Sequence[HeldStep], cursor: str | None) -> tuple[list[str], str]:
    """Return a message for each step that the cursor does not know, and the cursor that knows them all."""
    known = {*json.loads(cursor)} if cursor else set()
    return [one.message for one in held if one.id not in known], json.dumps([one.id for one in held])
