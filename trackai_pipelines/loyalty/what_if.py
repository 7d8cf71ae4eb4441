"""What-if: the last months of a program played under other rules, beside what they were.

What belongs here: changing the rules, and comparing both courses. What does not: playing a course (tiers.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement
from trackai_pipelines.loyalty.refusals import LoyaltyRefusedError
from trackai_pipelines.loyalty.replaying import CREATORS_AT_ONCE, known_days
from trackai_pipelines.loyalty.rules import Rules, read_rules
from trackai_pipelines.loyalty.tiers import Known, course, play


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherRules:
    """Rules to try instead of those that hold; None or empty: as they are."""

    thresholds: Mapping[str, Decimal]
    """By tier, in what the program counts."""
    checkpoint_months: int | None = None
    grace_days: int | None = None
    demote_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayedMonths:
    """What the months came to under some rules."""

    moves: Mapping[str, int]
    """Events by status."""
    creators: Mapping[str, int]
    """Creators by tier at the end."""
    commission: Decimal
    """What the tiers' commission rates make of the sales, in the program's currency."""
    boosts: Decimal
    """What the boosts pay that were claimed in the months, of creators who hold their tier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedRules:
    """Both courses of the same days and sales, as known now."""

    from_day: date
    to_day: date
    currency: str
    as_is: PlayedMonths
    as_if: PlayedMonths


def what_if(connection: Connection[Any], tenant_id: str, months: int, choices: OtherRules, now: datetime) -> TriedRules:
    """Play the last months up to the last evaluated day as they were, and with other rules in those months.

    Both start from the same tiers, and know the ledger as it is now; nothing is written. Raises LoyaltyRefusedError
    where no day is evaluated, or a tier does not exist.
    """
    known = known_days(connection, tenant_id, date.max)
    if not known:
        raise LoyaltyRefusedError("No day is evaluated yet: there is nothing to compare with.")
    to_day, newest = known[-1]
    (from_day,) = connection.execute(  # type: ignore[misc]
        statement("loyalty/months_before"), {"day": to_day, "months": months}
    ).fetchone()
    from_day = max(from_day, known[0][0])
    rules = read_rules(connection, tenant_id)
    program = rules.program(to_day)
    assert program is not None
    unknown = set(choices.thresholds) - {tier.tier_id for tier in rules.tiers}
    if unknown:
        raise LoyaltyRefusedError(f"There is no tier {', '.join(sorted(unknown))}.")
    given = {"tenant_id": tenant_id, "to_day": to_day, "sampled": None, "moved": False, "from_day": from_day}
    users = [user for (user,) in connection.execute(statement("loyalty/evaluated_creators"), given)]
    both = [
        _course(connection, rules, tried, users, given, newest.ledger_upto, now)
        for tried in (rules, _changed(rules, choices, from_day))
    ]
    return TriedRules(from_day=from_day, to_day=to_day, currency=program.currency, as_is=both[0], as_if=both[1])


def _changed(rules: Rules, choices: OtherRules, from_day: date) -> Rules:
    """Return rules that hold other values from a day on."""
    changed = {
        name: value
        for name in ("checkpoint_months", "grace_days", "demote_to")
        if (value := getattr(choices, name)) is not None
    }
    program = rules.program(from_day)
    assert program is not None
    by_units = program.vip_metric == "units"

    def tier_values(tier_id: str) -> dict[str, Any]:
        threshold = choices.thresholds.get(tier_id)
        if threshold is None:
            return {}
        return {"units_threshold": int(threshold)} if by_units else {"sales_threshold": threshold}

    first = [replace(program, valid_from=from_day, **changed)]
    later = [replace(one, **changed) for one in rules.programs if one.valid_from > from_day]
    now = [replace(tier, valid_from=from_day, **tier_values(tier.tier_id)) for tier in rules.tiers_on(from_day)]
    then = [replace(tier, **tier_values(tier.tier_id)) for tier in rules.tiers if tier.valid_from > from_day]
    return replace(
        rules,
        programs=[*(one for one in rules.programs if one.valid_from < from_day), *first, *later],
        tiers=[*(tier for tier in rules.tiers if tier.valid_from < from_day), *now, *then],
    )


def _course(
    connection: Connection[Any],
    rules: Rules,
    tried: Rules,
    users: Sequence[str],
    given: Mapping[str, Any],
    ledger_upto: int,
    now: datetime,
) -> PlayedMonths:
    """Play up to the first day by the rules as they were, and from then on by those that are tried."""
    known = [(date.min, Known(ledger_upto=ledger_upto, seen_upto=ledger_upto))]
    moves: dict[str, int] = {}
    creators: dict[str, int] = {}
    commission = boosts = Decimal(0)
    first, last = given["from_day"], given["to_day"]
    for at in range(0, len(users), CREATORS_AT_ONCE):
        of = users[at : at + CREATORS_AT_ONCE]
        with connection.transaction(), course(connection, rules.tenant_id, of, ledger_upto, "tried") as tables:
            play(connection, rules, tables, first - timedelta(days=1), known, now, corrects=False)
            play(connection, tried, tables, last, known, now, corrects=False, after=first - timedelta(days=1))
            for name, count in connection.execute(tables.composed("loyalty/course_moves"), given):
                moves[name] = moves.get(name, 0) + count
            for name, count in connection.execute(tables.composed("loyalty/course_creators")):
                creators[name] = creators.get(name, 0) + count
            costs = [
                connection.execute(tables.composed(name), {**given, "ledger_upto": ledger_upto}).fetchone() or (0,)
                for name in ("loyalty/course_commission", "loyalty/course_boosts")
            ]
            commission += costs[0][0]
            boosts += costs[1][0]
    return PlayedMonths(moves=moves, creators=creators, commission=commission, boosts=boosts)
