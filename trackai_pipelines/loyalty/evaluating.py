"""Evaluation of days: which day of a program is due, and what is done on it, a tenant and day in a transaction.

What belongs here: due days and the order of steps on a day. What does not: tiers (tiers.py), posting, which comes
before, and when it runs (defs/).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement
from trackai_pipelines.loyalty.boosts import move_boosts
from trackai_pipelines.loyalty.missions import count_missions
from trackai_pipelines.loyalty.posting import lock_program
from trackai_pipelines.loyalty.redemptions import follow_tiers, rewards_in_use
from trackai_pipelines.loyalty.refusals import LoyaltyRefusedError
from trackai_pipelines.loyalty.rules import Rules, read_rules
from trackai_pipelines.loyalty.tiers import DAY, Known, evaluate_tiers

WAITS = timedelta(days=3)
"""For how long a due day waits for the reports of the day before."""


@dataclass(frozen=True, slots=True)
class EvaluatedDay:
    """A local day of a tenant's program that was evaluated."""

    tenant_id: str
    day: date
    ledger_upto: int
    """The last posting that it knew."""
    members: int
    events: Counter[str]
    """How many of each status."""


@dataclass(frozen=True, slots=True)
class NotDue:
    """The next day of a program, and why it is not evaluated now."""

    tenant_id: str
    day: date | None
    """None where the program has no first day yet."""
    reason: str
    wrong: bool = False
    """Whether somebody has to see to it."""


@dataclass(frozen=True, slots=True)
class _Due:
    day: date
    last: date
    """The last day that is due."""
    known: Known
    rules: Rules


def evaluate_due(
    connection: Connection[Any],
    tenant_id: str,
    now: datetime,
    *,
    run_id: str | None = None,
    until: date = date.max,
    drafts: bool = False,
) -> Iterator[EvaluatedDay | NotDue]:
    """Evaluate the days of a program that are due, up to one; yield each, and last why no more are.

    Each day is a transaction under the tenant's lock, so a second run waits and finds the day evaluated. Killed at any
    moment, a repeated run gives the same events. `drafts` evaluates a draft as well.
    """
    while True:
        with connection.transaction():
            lock_program(connection, tenant_id)
            due = _next_due(connection, tenant_id, now, drafts=drafts)
            if isinstance(due, _Due) and due.day > until:
                return
            done = due if isinstance(due, NotDue) else _evaluate(connection, due, now, run_id)
        yield done
        if isinstance(done, NotDue):
            return


def reset_draft(connection: Connection[Any], tenant_id: str, now: datetime) -> None:
    """Drop the evaluations of a draft, as if it had never been tried. Raises LoyaltyRefusedError for other programs."""
    given = {"tenant_id": tenant_id, "now": now}
    with connection.transaction():
        lock_program(connection, tenant_id)
        if connection.execute(statement("loyalty/may_be_reset"), given).fetchone() != (True,):
            raise LoyaltyRefusedError(
                "Only a draft without redemptions starts again: what an active program decided stays. "
                "`trackai loyalty what-if` tries other rules on its sales."
            )
        connection.execute(statement("loyalty/drop_checkpoints"), given)
        connection.execute(statement("loyalty/drop_evaluations"), given)
        connection.execute(statement("loyalty/forget_standings"), given)


def evaluate_programs(
    connection: Connection[Any], now: datetime, *, run_id: str | None = None, until: date = date.max
) -> Iterator[EvaluatedDay | NotDue]:
    """Evaluate the days of all programs that are due, up to one."""
    for tenant_id in _tenants(connection):
        yield from evaluate_due(connection, tenant_id, now, run_id=run_id, until=until)


def due_days(
    connection: Connection[Any], now: datetime
) -> tuple[Mapping[str, tuple[date, date]], Mapping[str, NotDue]]:
    """Return the first and the last day that are due, by tenant, and why the others have none. Nothing is written."""
    next_days = {tenant: _next_due(connection, tenant, now, drafts=False) for tenant in _tenants(connection)}
    due = {tenant: (one.day, one.last) for tenant, one in next_days.items() if isinstance(one, _Due)}
    return due, {tenant: one for tenant, one in next_days.items() if isinstance(one, NotDue)}


def _tenants(connection: Connection[Any]) -> Sequence[str]:
    found = connection.execute(statement("loyalty/tenants_with_programs"), {"tenant_id": None})
    return [tenant_id for (tenant_id,) in found]


def _evaluate(connection: Connection[Any], due: _Due, now: datetime, run_id: str | None) -> EvaluatedDay:
    """Evaluate one day. Needs a transaction under the tenant's lock."""
    tenant_id, day, ledger_upto = due.rules.tenant_id, due.day, due.known.ledger_upto
    in_use = rewards_in_use(connection, tenant_id)
    if in_use.missions:
        # Before windows close: the sales of their last day count.
        count_missions(connection, tenant_id, day, ledger_upto, now)
    events = Counter(evaluate_tiers(connection, due.rules, day, due.known, now))
    if in_use.missions or in_use.offers:
        follow_tiers(connection, tenant_id, day, now)
    if in_use.boosts:
        move_boosts(connection, tenant_id, day, ledger_upto, now)
    statuses = ("promoted", "maintained", "demoted", "corrected", "grace")
    noted = {
        "tenant_id": tenant_id,
        "day": day,
        "ledger_upto": ledger_upto,
        "now": now,
        "run_id": run_id,
        **{status: events[status] for status in statuses},
    }
    row = connection.execute(statement("loyalty/insert_evaluation"), noted).fetchone()
    return EvaluatedDay(tenant_id, day, ledger_upto, row[0] if row else 0, events)


def _next_due(connection: Connection[Any], tenant_id: str, now: datetime, *, drafts: bool) -> _Due | NotDue:
    given: dict[str, Any] = {"tenant_id": tenant_id, "drafts": drafts}
    row = connection.execute(statement("loyalty/next_day"), given).fetchone()
    day, seen_upto, ledger_upto = row if row is not None else (None, 0, 0)
    if day is None:
        return NotDue(tenant_id, None, "the program is a draft" if not drafts else "there is no program")
    rules = read_rules(connection, tenant_id)
    program, tiers = rules.program(day), rules.tiers_on(day)
    assert program is not None
    (today,) = connection.execute(  # type: ignore[misc]
        statement("loyalty/local_day"), {"now": now, "time_zone": program.time_zone}
    ).fetchone()
    current = rules.program(today) or program
    if current.status == "paused" or (program.status == "draft" and not drafts) or program.status == "closed":
        return NotDue(tenant_id, day, f"the program is {'paused' if current.status == 'paused' else program.status}")
    if not tiers:
        return NotDue(tenant_id, day, f"there are no tiers on {day}", wrong=True)
    without = [tier.tier_id for tier in tiers if tier.needed(program) is None]
    if without:
        return NotDue(tenant_id, day, f"{', '.join(without)} has no threshold in {program.vip_metric}", wrong=True)
    settled = day + program.settle_days * DAY
    if today < settled:
        return NotDue(tenant_id, day, f"it is due on {settled}, and there it is {today}")
    missing = [source for (source,) in connection.execute(statement("loyalty/missing_reports"), given | {"day": day})]
    if missing and today < settled + WAITS:
        return NotDue(
            tenant_id, day, f"it waits for the report of {day - DAY} from {', '.join(missing)} until {settled + WAITS}"
        )
    return _Due(day, today - program.settle_days * DAY, Known(ledger_upto=ledger_upto, seen_upto=seen_upto), rules)
