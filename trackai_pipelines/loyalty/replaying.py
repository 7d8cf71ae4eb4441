"""Replay: evaluated days played again with what each of them knew, and compared with what is recorded.

What belongs here: which creators and days, and the comparison. What does not: playing a course (tiers.py).
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement
from trackai_pipelines.loyalty.refusals import LoyaltyRefusedError
from trackai_pipelines.loyalty.rules import read_rules
from trackai_pipelines.loyalty.tiers import Known, course, play

CREATORS_AT_ONCE = 5_000


@dataclass(slots=True)
class ReplayedDays:
    """What a replay came to."""

    days: int = 0
    creators: int = 0
    events: int = 0
    differences: list[str] = field(default_factory=list)
    """A sentence for each event or standing that is recorded otherwise."""


def replay(
    connection: Connection[Any],
    tenant_id: str,
    from_day: date,
    to_day: date,
    now: datetime,
    *,
    sampled: date | None = None,
    moved: bool = False,
) -> ReplayedDays:
    """Play the evaluated days of a tenant again, from each creator's enrolment, and compare those between two days.

    With `sampled`, only creators with an event on that day and a thirtieth of all; with `moved`, only those with an
    event between the days. Nothing is written. Raises LoyaltyRefusedError where no day between them is evaluated.
    """
    known = known_days(connection, tenant_id, to_day)
    days = sum(day >= from_day for day, _ in known)
    if not days:
        raise LoyaltyRefusedError(f"No day from {from_day} to {to_day} is evaluated: there is nothing to replay.")
    last = known[-1][0]
    given = {"tenant_id": tenant_id, "from_day": from_day, "to_day": last, "sampled": sampled, "moved": moved}
    creators = [user for (user,) in connection.execute(statement("loyalty/evaluated_creators"), given)]
    found = ReplayedDays(days=days, creators=len(creators))
    for at in range(0, len(creators), CREATORS_AT_ONCE):
        _replay(connection, creators[at : at + CREATORS_AT_ONCE], known, given, now, found)
    return found


def replay_programs(
    connection: Connection[Any],
    from_day: date,
    to_day: date,
    now: datetime,
    *,
    everybody: bool = False,
    but: Mapping[str, Container[date]] = MappingProxyType({}),
) -> list[str]:
    """Return where evaluated days of all programs between two days, played again, differ from what is recorded.

    Of creators with an event between the days, or of all. `but` has days, by tenant, that are left out.
    """
    found = []
    for (tenant_id,) in connection.execute(statement("loyalty/tenants_with_programs"), {"tenant_id": None}).fetchall():
        left_out = but.get(tenant_id, ())
        days = [day for day, _ in known_days(connection, tenant_id, to_day) if day >= from_day and day not in left_out]
        if days:
            replayed = replay(connection, tenant_id, days[0], days[-1], now, moved=not everybody)
            found += [f"{tenant_id}: {difference}" for difference in replayed.differences]
    return found


def known_days(connection: Connection[Any], tenant_id: str, to_day: date) -> Sequence[tuple[date, Known]]:
    """Return the evaluated days of a tenant up to one, in order, each with what it knew of the ledger."""
    known, seen_upto = [], 0
    given = {"tenant_id": tenant_id, "to_day": to_day}
    for day, ledger_upto in connection.execute(statement("loyalty/evaluations"), given):
        known.append((day, Known(ledger_upto=ledger_upto, seen_upto=seen_upto)))
        seen_upto = ledger_upto
    return known


def _replay(
    connection: Connection[Any],
    creators: Sequence[str],
    known: Sequence[tuple[date, Known]],
    given: dict[str, Any],
    now: datetime,
    found: ReplayedDays,
) -> None:
    tenant_id, last = given["tenant_id"], known[-1]
    with (
        connection.transaction(),
        course(connection, tenant_id, creators, last[1].ledger_upto, "replayed") as tables,
    ):
        play(connection, read_rules(connection, tenant_id), tables, last[0], known, now)
        (events,) = connection.execute(tables.composed("loyalty/replayed_events"), given).fetchone() or (0,)
        others = connection.execute(tables.composed("loyalty/replay_differences"), given).fetchall()
        stand = connection.execute(tables.composed("loyalty/standing_differences")).fetchall()
        # Those of a day that is evaluated later, perhaps meanwhile, are others.
        if known_days(connection, tenant_id, date.max)[-1][0] != last[0]:
            stand = []
    found.events += events
    for user, day, status, tier, now_status, now_tier in others:
        found.differences.append(
            f"{user} on {day}: recorded is {_said(status, tier)}, and it comes to {_said(now_status, now_tier)}"
            + (", with other sums or days" if (status, tier) == (now_status, now_tier) else "")
        )
    for user, tier, now_tier in stand:
        said = f"{user} is in {tier}, and the evaluated days come to {now_tier}"
        found.differences.append(said + (", with another window" if tier == now_tier else ""))


def _said(status: str | None, tier: str | None) -> str:
    return "nothing" if status is None else f"{status}, {tier}"
