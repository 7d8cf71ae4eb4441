"""Key coverage: the share of a tenant's events that carry each key that Meta matches by.

Meta's own match quality cannot be computed here; coverage predicts it. It is counted from what was sent, so it stays
when clicks are deleted and conversions anonymised. What does not belong here: what an event carries (`events`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from psycopg import Connection
from psycopg.rows import dict_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.delivery.events import KEYS


@dataclass(frozen=True)
class Coverage:
    """The accepted events of a tenant and UTC day of sale, and how many of them carry each of KEYS."""

    slug: str
    day: date
    events: int
    carrying: Mapping[str, int]

    @property
    def shares(self) -> dict[str, float]:
        """The share of the events that carry each key, 0 to 1."""
        return {key: count / self.events for key, count in self.carrying.items()}


def coverage_of_days(connection: Connection, first: date, last: date) -> list[Coverage]:
    """Return the coverage of the UTC days `first` to `last`, both included, by tenant; empty days are absent."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            statement("delivery/key_coverage"), {"from_day": first, "to_day": last + timedelta(days=1)}
        ).fetchall()
    return [Coverage(row["slug"], row["day"], row["events"], {key: row[key] for key in KEYS}) for row in rows]
