"""Days of campaigns: computing one whole, and which ones are due.

What belongs here: the transaction of a tenant's UTC day, the days that facts have changed, and runs over days. What
does not: what is computed (journeys.py, buyers.py, figures.py), when (defs/).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, LiteralString

from psycopg import Connection

from trackai_pipelines.campaigns import figures
from trackai_pipelines.campaigns.buyers import forget_buyers, number_sales, stage_sales
from trackai_pipelines.campaigns.journeys import compute_journeys, prepare_day
from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.database import locks
from trackai_pipelines.database.statements import statement

RECENT_DAYS = 3
"""The days before today that every night computes: clicks, webhooks and costs arrive late for about that long."""

HOURS_KEPT = timedelta(days=400)
"""How long figures by hour stay; those by day and week leave with retention."""

_BUYERS = "another sale of a buyer"
_REASONS: Mapping[LiteralString, LiteralString] = {
    "campaigns/due_attributions": "a late sale or match",
    "campaigns/due_clicks": "a late click",
    "campaigns/due_journeys": "a late click of a journey",
    "campaigns/due_costs": "a cost stated later",
    "campaigns/due_rates": "a rate stated later",
    "campaigns/due_aliases": "an alias made later",
    "campaigns/due_named": "a campaign named later",
    "campaigns/due_accounts": "an account's time zone",
    "campaigns/due_erasures": "a person was erased",
    "campaigns/due_retention": "30 days have passed",
    "campaigns/due_buyers": _BUYERS,
}
# A fact bears the time at which its transaction began, and is seen when it ends: a day that was computed in between is
# computed once more.
_MARGIN = timedelta(minutes=5)
_NEVER = datetime(1900, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, order=True)
class DueDay:
    """A tenant's UTC day that facts have changed since it was computed."""

    day: date
    tenant_id: str
    why: tuple[str, ...]


@dataclass(frozen=True)
class ComputedDay:
    """A UTC day that was computed."""

    day: date
    why: Sequence[str]
    """Why it was due; empty where it was asked for."""
    final: bool
    """Whether its touches have left, so that only costs were renewed."""


def compute_day(connection: Connection[Any], tenant_id: str, day: date, now: datetime) -> bool:
    """Compute a tenant's UTC day whole, in a transaction; return False where the day is final.

    Of a final day, whose touches have left, only costs are renewed. The same facts give the same rows and ids, however
    often, in whatever order and from however many runs at once: a second run of the tenant waits, because weeks and
    buyers span days. Raises psycopg.errors.LockNotAvailable when a partition cannot be made for half a minute.
    """
    final = not prepare_day(connection, day)
    with _alone(connection, tenant_id):
        if final:
            stage_sales(connection, tenant_id, day)
            figures.write_day(connection, tenant_id, day, now, final=True)
            return False
        compute_journeys(connection, tenant_id, day, now)
        changed = number_sales(connection, tenant_id, day, now)
        figures.write_day(connection, tenant_id, day, now)
        for other in changed:
            number_sales(connection, tenant_id, other, now)
            figures.write_day(connection, tenant_id, other, now)
    return True


def due_days(connection: Connection[Any], now: datetime) -> list[DueDay]:
    """Return the days of each tenant that facts have changed since they were computed, in order, with the reasons.

    The three days before today are left out: they are computed every night anyway. Reads by indexes what arrived since
    the last scan whose days were all computed (`compute_due`); the first time, everything.
    """
    return [due for tenant_id, since in _scans(connection) for due in _due_of(connection, tenant_id, since, now)]


def compute_days(
    connection: Connection[Any], days: Sequence[date], *, due: bool = False, clock: Clock = utc_now
) -> Iterator[ComputedDay]:
    """Compute UTC days of all tenants, each tenant's day in a transaction; yield each day when it is done.

    With `due` also the days that are due, and buyers and old hours are forgotten afterwards. The 90 days that end with
    the newest one follow at the end. Safe to repeat, to kill at any moment and to run twice at once: what was not
    finished is still due.
    """
    begun = clock()
    scans = _scans(connection)
    found = [item for tenant, since in scans for item in _due_of(connection, tenant, since, begun)] if due else []
    for day, why, tenants in _in_order(days, found, [tenant for tenant, _ in scans]):
        computed = [compute_day(connection, tenant, day, clock()) for tenant in tenants]
        yield ComputedDay(day, why, final=not any(computed) and bool(computed))
    for tenant, _ in scans:
        with _alone(connection, tenant):
            figures.write_90_days(connection, tenant, clock())
            if due:
                forget_buyers(connection, tenant, begun.date())
                hours = {"tenant_id": tenant, "before": begun.date() - HOURS_KEPT}
                connection.execute(statement("campaigns/forget_hours"), hours)
                connection.execute(statement("campaigns/note_scan"), {"tenant_id": tenant, "now": begun})


def _in_order(
    days: Sequence[date], due: Sequence[DueDay], tenants: Sequence[str]
) -> Iterator[tuple[date, Sequence[str], Sequence[str]]]:
    """Yield days, why each is due, and the tenants to compute; days of a buyer's other sales come after those sales."""
    why: dict[date, set[str]] = defaultdict(set)
    of_day: dict[date, list[str]] = defaultdict(list)
    for item in due:
        why[item.day].update(item.why)
        of_day[item.day].append(item.tenant_id)
    for day in sorted({*days, *of_day}, key=lambda day: (_BUYERS in why[day], day)):
        yield day, sorted(why[day]), tenants if day in days else of_day[day]


def _due_of(connection: Connection[Any], tenant_id: str, scanned_to: datetime | None, now: datetime) -> list[DueDay]:
    today = now.astimezone(UTC).date()
    given = {
        "tenant_id": tenant_id,
        "since": _NEVER if scanned_to is None else scanned_to - _MARGIN,
        "margin": _MARGIN,
        "before": today - timedelta(days=RECENT_DAYS),
        "today": today,
    }
    why: dict[date, list[str]] = defaultdict(list)
    for name, reason in _REASONS.items():
        # Whatever was never computed is due as a whole, and its journeys with it.
        if scanned_to is not None or name != "campaigns/due_journeys":
            for (day,) in connection.execute(statement(name), given):
                why[day].append(reason)
    return [DueDay(day, tenant_id, tuple(reasons)) for day, reasons in sorted(why.items())]


def _scans(connection: Connection[Any]) -> list[tuple[str, datetime | None]]:
    return connection.execute(statement("campaigns/scanned_to")).fetchall()


@contextmanager
def _alone(connection: Connection[Any], tenant_id: str) -> Iterator[None]:
    """A transaction that no other run over the tenant's days overlaps."""
    with connection.transaction():
        # A tenant's id is a text; 32 bits of its hash are enough to keep two tenants apart nearly always.
        connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (locks.CAMPAIGN_DAYS, tenant_id))
        yield
