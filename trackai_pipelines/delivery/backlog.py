"""The backlog: what waits to be delivered, how much of each tenant, for how long and for what; and what failed of late.

What belongs here: quick reads of the queue, cheap enough to be taken every minute. What does not: where the event of
every sale is (`account`), which reads the sales, too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row, dict_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.delivery.account import waiting_reason
from trackai_pipelines.delivery.circuit import Circuit


@dataclass(frozen=True, slots=True)
class Backlog:
    """Events of a tenant on the queue; those of sales that lie ahead of the clock are apart.

    `oldest` is the time of the oldest sale.
    """

    slug: str
    status: str
    has_pixel: bool
    ahead: bool
    events: int
    oldest: datetime
    held: bool
    circuit: Circuit
    reason: str

    @property
    def due(self) -> bool:
        """Could go out if nothing kept it."""
        return self.status == "active" and not self.ahead

    @property
    def held_back(self) -> bool:
        """Due, and behind an open circuit: somebody may have to mend something."""
        return self.due and self.circuit.state == "open"


@dataclass(frozen=True, slots=True)
class Failures:
    """Events of a tenant that failed for good for the same reason, and what is said of one of them."""

    slug: str
    failure: str
    events: int
    message: str


def backlog_of(connection: Connection, *, now: datetime) -> list[Backlog]:
    """Everything on the queue, the oldest sale first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(statement("delivery/backlog"), {"until": now}).fetchall()
    return [_backlog(row, now) for row in rows]


def _backlog(row: Mapping[str, Any], now: datetime) -> Backlog:
    circuit = Circuit.from_row(row)
    return Backlog(
        slug=row["slug"],
        status=row["status"],
        has_pixel=row["has_pixel"],
        ahead=row["ahead"],
        events=row["events"],
        oldest=row["oldest"],
        held=row["held"],
        circuit=circuit,
        reason=waiting_reason(row["status"], circuit, held=row["held"], ahead=row["ahead"], now=now),
    )


def next_try(backlog: Iterable[Backlog], *, now: datetime) -> datetime | None:
    """When the first of the tenants that only back off, are throttled or are being served may be looked at again.

    None when there is none: whatever waits does so for the clock, or behind an open circuit.
    """
    times = [
        now if one.held or one.circuit.wait_until is None else one.circuit.wait_until
        for one in backlog
        if one.due and one.circuit.state != "open"
    ]
    return max(now, min(times)) if times else None


def latest_attempt(connection: Connection) -> int:
    """The number of the latest attempt; later ones have higher numbers."""
    row = connection.execute(statement("delivery/latest_attempt")).fetchone()
    return row[0] if row else 0


def failures_after(connection: Connection, attempt: int, slugs: Sequence[str]) -> list[Failures]:
    """What failed for good in attempts later than this one, of some tenants, by slug and reason."""
    with connection.cursor(row_factory=class_row(Failures)) as cursor:
        return cursor.execute(statement("delivery/failures_after"), {"after": attempt, "slugs": list(slugs)}).fetchall()
