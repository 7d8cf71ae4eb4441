"""The account of delivery: where the event of every sale is, and why.

What belongs here: reading queue, attempts and circuits for checks and for people. What does not: changing them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.database.statements import statement
from trackai_pipelines.delivery.circuit import Circuit
from trackai_pipelines.delivery.prepare import arrives_at
from trackai_pipelines.delivery.targets import holds_of
from trackai_pipelines.delivery.validate import LONGEST_AGE

TRANSIENT_FAILURES = (
    "timeout",
    "connection",
    "server_error",
    "throttled",
    "setup",
    "unknown_outcome",
    "refused_together",
    "refused_alone",
)
"""Transient failures: an event whose last attempt failed with one of them must be on the queue."""


@dataclass(frozen=True, slots=True)
class Place:
    """Events of a tenant that are in the same place for the same reason.

    `place` is sent, waiting, failed, sandbox, not_due or unexplained. `oldest` is the time of the oldest sale.
    """

    slug: str
    place: str
    reason: str
    events: int
    oldest: datetime


@dataclass(frozen=True)
class Account:
    """Where the events since a moment are, by tenant and reason, as of `at`."""

    at: datetime
    places: Sequence[Place]

    @property
    def totals(self) -> Counter[str]:
        """Events by place, over all tenants."""
        total: Counter[str] = Counter()
        for place in self.places:
            total[place.place] += place.events
        return total

    @property
    def unexplained(self) -> int:
        """Events that are due but neither sent, nor waiting, nor failed: it must be 0."""
        return self.totals["unexplained"]


def account_for(
    connection: Connection,
    since: datetime | None = None,
    *,
    before: datetime | None = None,
    tenant: str | None = None,
    clock: Clock = utc_now,
) -> Account:
    """Account for every attributed sale since a moment, by default those that Meta still takes.

    `before` bounds the sales' time, and `tenant` (a slug) restricts them to one tenant.
    """
    now = clock()
    holds = holds_of(connection, at=now)
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            statement("delivery/account_for"),
            {
                "since": since or now - LONGEST_AGE,
                "before": before,
                "tenant": tenant,
                "until": now,
                "arrives_at": arrives_at(now),
                "transient": list(TRANSIENT_FAILURES),
            },
        ).fetchall()
    return Account(now, [_place(row, holds.of(row["slug"]), now) for row in rows])


def _place(row: Mapping[str, Any], hold: str | None, now: datetime) -> Place:
    reason = {
        "waiting": waiting_reason(
            row["status"], Circuit.from_row(row), hold=hold, held=row["held"], ahead=row["ahead"], now=now
        ),
        "failed": row["failure"],
        "sandbox": in_sandbox(row["failure"]),
        "not_due": "the tenant is not active, wants matched sales only, or the sale was too old from the start",
        "unexplained": "due, but neither queued nor tried to its end: replay the days of these sales",
    }.get(row["place"], "accepted")
    return Place(slug=row["slug"], place=row["place"], reason=reason, events=row["events"], oldest=row["oldest"])


def in_sandbox(failure: str | None) -> str:
    """Return what became of an event in the sandbox, and how Meta gets it; `failure` is None if it was accepted."""
    ended = "accepted" if failure is None else f"refused ({failure})"
    return f"the sandbox {ended} it, and Meta has not got it: replay its day once the flag dispatch_target is meta"


def waiting_reason(status: str, circuit: Circuit, *, hold: str | None, held: bool, ahead: bool, now: datetime) -> str:
    """Return why an event on the queue has not gone out yet.

    `hold` is what the flag dispatch_target says (`targets`); `held` that a worker holds the tenant.
    """
    if status != "active":
        return f"the tenant is {status}"
    if ahead:
        return "the sale's time lies in the future"
    if hold:
        return hold
    if circuit.state == "open":
        when = (
            f"the next try is at {circuit.retry_at:%Y-%m-%d %H:%M:%S} UTC" if circuit.retry_at else "no try is planned"
        )
        return f"the circuit is open ({when}): {circuit.reason or 'no reason was recorded'}"
    if held or circuit.state == "half_open":
        return "a request is on its way"
    if not circuit.lets_through(now):
        return f"the tenant waits until {circuit.wait_until:%Y-%m-%d %H:%M:%S} UTC: {circuit.reason or 'Meta said so'}"
    return circuit.reason if circuit.refusal and circuit.reason else "queued for the next dispatch"
