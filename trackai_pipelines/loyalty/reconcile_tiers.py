"""Whether tiers are what evaluated days come to: windows, events, and days that nobody evaluated.

What belongs here: the questions that checks ask, and their findings in sentences. What does not: how bad a finding is
(defs/tier_checks.py), and playing days again (replaying.py).
"""

from datetime import date, datetime, timedelta
from typing import Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement
from trackai_pipelines.loyalty.evaluating import due_days
from trackai_pipelines.loyalty.replaying import known_days, replay

OVERDUE = timedelta(hours=3)
"""Programs are evaluated every hour; later, it was left out."""


def untiled_windows(connection: Connection[Any], now: datetime) -> list[str]:
    """Return the creators whose windows have gaps, overlap, or have other sums than the ledger."""
    tenants = connection.execute(statement("loyalty/tenants_with_programs"), {"tenant_id": None}).fetchall()
    return [
        f"{tenant_id}: {user_id}: {said}"
        for (tenant_id,) in tenants
        for user_id, said in connection.execute(
            statement("loyalty/untiled_windows"), {"tenant_id": tenant_id, "day": now.date()}
        )
    ]


def unlike_replay(connection: Connection[Any], now: datetime, *, everybody: bool = False) -> list[str]:
    """Return the events and standings that are recorded otherwise than the days come to when they are played again.

    Of each tenant, those with an event on the last evaluated day and a thirtieth of the creators, or all.
    """
    tenants = connection.execute(statement("loyalty/tenants_with_programs"), {"tenant_id": None}).fetchall()
    found = []
    for (tenant_id,) in tenants:
        known = known_days(connection, tenant_id, date.max)
        if known:
            last = known[-1][0]
            replayed = replay(connection, tenant_id, known[0][0], last, now, sampled=None if everybody else last)
            found += [f"{tenant_id}: {difference}" for difference in replayed.differences]
    return found


def days_left_out(connection: Connection[Any], now: datetime) -> list[str]:
    """Return the programs with a day that should have been evaluated hours ago, or that cannot be evaluated."""
    due, others = due_days(connection, now - OVERDUE)
    return [
        *(f"{tenant_id}: {first} to {last} are due" for tenant_id, (first, last) in due.items()),
        *(f"{tenant_id}: {one.reason}" for tenant_id, one in others.items() if one.wrong),
    ]
