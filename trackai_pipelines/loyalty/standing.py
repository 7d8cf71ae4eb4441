"""Standing: where a creator stands after an evaluated day, why, and what is missing to keep the tier or to climb.

What belongs here: one creator, now or on a day that is over. What does not: all creators (the view creator_standing),
and how it is printed (cli_standing.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.loyalty.refusals import LoyaltyRefusedError
from trackai_pipelines.loyalty.replaying import known_days
from trackai_pipelines.loyalty.rules import Program, Rules, Tier, read_rules
from trackai_pipelines.loyalty.tiers import RECORDED, Tables, course, play


@dataclass(frozen=True, slots=True, kw_only=True)
class TierEvent:
    """A row of `tier_checkpoints`, with the number of entries behind its sum."""

    checkpoint_date: date
    status: str
    tier_before: str | None
    tier_after: str
    period_start_date: date | None
    period_end_date: date | None
    sales_in_period: Decimal | None
    sales_required: Decimal | None
    units_in_period: int | None
    units_required: int | None
    climbed_in_period: Decimal | None
    ledger_upto: int
    entries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _At:
    current_tier: str
    anchor_day: date
    window_start: date
    window_end: date | None
    in_grace: bool
    kept_sales: Decimal
    kept_units: int
    climbed_sales: Decimal
    climbed_units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a creator stands after an evaluated day; amounts are in what the program counts, sales or units."""

    user_id: str
    day: date
    program: Program
    tier: Tier
    window_start: date
    checkpoint_on: date | None
    """The next checkpoint, or the end of grace; None: the window does not end."""
    in_grace: bool
    kept: Decimal
    climbed: Decimal
    missing_to_keep: Decimal
    next_tier: Tier | None
    missing_to_climb: Decimal | None
    projected: Tier
    """The tier after the next checkpoint, should nothing more be sold."""
    events: Sequence[TierEvent]
    """Up to the day, the newest first."""


def standing(
    connection: Connection[Any], tenant_id: str, user_id: str, now: datetime, on: date | None = None
) -> Standing:
    """Return where a creator stands after the last evaluated day, or stood after one that is given.

    The past is played again from enrolment with what was known then. Raises LoyaltyRefusedError where the day is not
    evaluated or the creator was not enrolled.
    """
    given = {"tenant_id": tenant_id, "user_id": user_id}
    row = connection.execute(statement("loyalty/last_evaluated_day"), given).fetchone()
    last = row[0] if row else None
    day = on or last
    known = known_days(connection, tenant_id, day) if last is not None and day is not None and day <= last else ()
    if day is None or not known:
        raise LoyaltyRefusedError(f"{day or 'No day'} is not evaluated. `trackai loyalty evaluate` does what is due.")
    rules = read_rules(connection, tenant_id)
    if day == last:
        at = _at(connection, rules, RECORDED, user_id, day, 0)
    else:
        upto = known[-1][1].ledger_upto
        with connection.transaction(), course(connection, tenant_id, [user_id], upto, "replayed") as tables:
            play(connection, rules, tables, day, known, now)
            at = _at(connection, rules, tables, user_id, day, upto)
    if at is None:
        raise LoyaltyRefusedError(
            f"{user_id} was not evaluated up to {day}: no creator with this id was enrolled then."
        )
    with connection.cursor(row_factory=class_row(TierEvent)) as cursor:
        events = cursor.execute(statement("loyalty/events_of_creator"), given | {"day": day}).fetchall()
    return _standing(rules, user_id, day, at, events)


def _at(
    connection: Connection[Any], rules: Rules, tables: Tables, user_id: str, day: date, ledger_upto: int
) -> _At | None:
    query = sql.SQL(statement("loyalty/creator_at")).format(creators=tables.creators, sums=tables.sums_of_each())
    given = {**rules.parameters(day), "user_id": user_id, "ledger_upto": ledger_upto}
    with connection.cursor(row_factory=class_row(_At)) as cursor:
        return cursor.execute(query, given).fetchone()


def _standing(rules: Rules, user_id: str, day: date, at: _At, events: Sequence[TierEvent]) -> Standing:
    program, tiers = rules.program(day), rules.tiers_on(day)
    assert program is not None
    by_units = program.vip_metric == "units"
    kept, climbed = (
        (Decimal(at.kept_units), Decimal(at.climbed_units)) if by_units else (at.kept_sales, at.climbed_sales)
    )
    place = next(place for place, tier in enumerate(tiers) if tier.tier_id == at.current_tier)
    tier, higher = tiers[place], tiers[place + 1] if place + 1 < len(tiers) else None
    ends = None if at.window_end is None else at.window_end + timedelta(days=at.in_grace * program.grace_days)
    required = tier.needed(program) or Decimal(0)
    safe = ends is None or tier.checkpoint_exempt or place == 0
    missing = Decimal(0) if safe else max(Decimal(0), required - kept)
    return Standing(
        user_id=user_id,
        day=day,
        program=program,
        tier=tier,
        window_start=at.window_start,
        checkpoint_on=ends,
        in_grace=at.in_grace,
        kept=kept,
        climbed=climbed,
        missing_to_keep=missing,
        next_tier=higher,
        missing_to_climb=None if higher is None else max(Decimal(0), (higher.needed(program) or Decimal(0)) - climbed),
        projected=tier if not missing else _lower(program, tiers[:place], kept),
        events=events,
    )


def _lower(program: Program, below: Sequence[Tier], kept: Decimal) -> Tier:
    """Return where a creator who falls short goes: the next lower tier, or the highest that was reached."""
    if program.demote_to == "one_step":
        return below[-1]
    return next((tier for tier in reversed(below) if kept >= (tier.needed(program) or Decimal(0))), below[0])
