"""The backlog: how many events of each tenant wait to be delivered, since when and for what; and what failed recently.

What belongs here: reads of the queue that are cheap enough for every minute. What does not: where the event of every
sale is (`account`), which reads the sales, too.
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
from trackai_pipelines.delivery.targets import holds_of


@dataclass(frozen=True, slots=True)
class Backlog:
    """Events of a tenant on the queue; those of sales in the future are counted apart (`ahead`).

    `oldest` is the time of the oldest sale. `set_aside` events were refused alone, and are tried again later.
    """

    slug: str
    status: str
    has_pixel: bool
    ahead: bool
    events: int
    set_aside: int
    oldest: datetime
    held: bool
    circuit: Circuit
    reason: str
    hold: str | None
    """What the flag dispatch_target says about the tenant; None where it lets events go."""

    @property
    def due(self) -> bool:
        """Whether the events could go out if nothing held them back."""
        return self.status == "active" and not self.ahead

    @property
    def held_back(self) -> bool:
        """Whether something may need to be done: a hold by the flag dispatch_target, an open circuit, or due events
        that are refused while none is accepted."""
        return self.due and (bool(self.hold) or self.circuit.state == "open" or self.circuit.refusal is not None)


@dataclass(frozen=True, slots=True)
class Failures:
    """Events of a tenant that failed for good for the same reason, and the message of one of them."""

    slug: str
    failure: str
    events: int
    message: str


def backlog_of(connection: Connection, *, now: datetime) -> list[Backlog]:
    """Return everything on the queue, the oldest sale first."""
    holds = holds_of(connection, at=now)
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(statement("delivery/backlog"), {"until": now}).fetchall()
    return [_backlog(row, holds.of(row["slug"]), now) for row in rows]


def _backlog(row: Mapping[str, Any], hold: str | None, now: datetime) -> Backlog:
    circuit = Circuit.from_row(row)
    return Backlog(
        slug=row["slug"],
        status=row["status"],
        has_pixel=row["has_pixel"],
        ahead=row["ahead"],
        events=row["events"],
        set_aside=row["set_aside"],
        oldest=row["oldest"],
        held=row["held"],
        circuit=circuit,
        reason=waiting_reason(row["status"], circuit, hold=hold, held=row["held"], ahead=row["ahead"], now=now),
        hold=hold,
    )


def next_try(backlog: Iterable[Backlog], *, now: datetime) -> datetime | None:
    """Return when the first tenant that backs off, is throttled or is being served can be tried again.

    None where there is no such tenant: everything that waits has a sale in the future, is held by the flag
    dispatch_target, is behind an open circuit, or is set aside.
    """
    times = [
        now if one.held or one.circuit.wait_until is None else one.circuit.wait_until
        for one in backlog
        if one.due and not one.hold and one.circuit.state != "open" and one.set_aside < one.events
    ]
    return max(now, min(times)) if times else None


def latest_attempt(connection: Connection) -> int:
    """Return the number of the latest attempt; later attempts have higher numbers."""
    row = connection.execute(statement("delivery/latest_attempt")).fetchone()
    return row[0] if row else 0


def failures_after(connection: Connection, attempt: int, slugs: Sequence[str]) -> list[Failures]:
    """Return which events of some tenants failed for good in attempts later than this one, by slug and reason."""
    with connection.cursor(row_factory=class_row(Failures)) as cursor:
        return cursor.execute(statement("delivery/failures_after"), {"after": attempt, "slugs": list(slugs)}).fetchall()
