"""Tiers worked out day by day, creator by creator, the slow way: what the set-based statements are compared with.

What belongs here: the rules of tiers in plain Python, with Decimal and dateutil. What does not: anything of the
project's code. Every sum is taken again, on every day, from all entries.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from dateutil.relativedelta import relativedelta

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Program:
    """The rules from a day on."""

    valid_from: date
    vip_metric: str = "sales"
    currency: str = "USD"
    checkpoint_months: int | None = 4
    grace_days: int = 0
    demote_to: str = "earned"
    corrections: str = "up"


@dataclass(frozen=True, slots=True)
class Tier:
    """A tier from a day on."""

    tier_id: str
    valid_from: date
    tier_order: int
    sales_threshold: Decimal | None
    units_threshold: int | None
    checkpoint_exempt: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the ledger."""

    posting_no: int
    user_id: str
    sale_day: date
    amount: Decimal
    units: int
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class Member:
    """A creator."""

    user_id: str
    enrolled_on: date
    left_on: date | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """What became of a creator on a day; the fields are those of `tier_checkpoints`."""

    user_id: str
    checkpoint_date: date
    status: str
    tier_before: str | None
    tier_after: str
    period_start_date: date | None
    period_end_date: date | None
    sales_in_period: Decimal | None
    units_in_period: int | None
    sales_required: Decimal | None
    units_required: int | None
    climbed_in_period: Decimal | None
    ledger_upto: int


@dataclass(frozen=True, slots=True)
class State:
    """Where a creator stands after a day."""

    current_tier: str
    anchor_day: date
    checkpoint_no: int
    window_start: date
    window_end: date | None
    climb_start: date
    in_grace: bool
    months: int | None
    """Of the open window."""


@dataclass(slots=True)
class World:
    """A program, its creators and their ledger."""

    programs: Sequence[Program]
    tiers: Sequence[Tier]
    members: Sequence[Member]
    ledger: list[Entry] = field(default_factory=list)
    overrides: Mapping[tuple[str, date], str] = field(default_factory=dict)

    def program(self, day: date) -> Program:
        """Return the rules of a day."""
        return max((one for one in self.programs if one.valid_from <= day), key=lambda one: one.valid_from)

    def tiers_on(self, day: date) -> list[Tier]:
        """Return the tiers of a day, the lowest first."""
        newest: dict[str, Tier] = {}
        for tier in sorted(self.tiers, key=lambda one: one.valid_from):
            if tier.valid_from <= day:
                newest[tier.tier_id] = tier
        return sorted(newest.values(), key=lambda one: one.tier_order)


def bound(anchor: date, count: int, months: int | None) -> date | None:
    """Return the end of the window `count` of an anchor."""
    return None if months is None else anchor + relativedelta(months=count * months)


def _needed(tier: Tier, program: Program) -> Decimal:
    needed = tier.sales_threshold if program.vip_metric == "sales" else tier.units_threshold
    assert needed is not None
    return Decimal(needed)


def _sums(
    entries: Iterable[Entry], first: date, end: date, upto: int, program: Program
) -> tuple[Decimal, int, Decimal]:
    """Return sales in the program's currency, units, and the one of both that counts."""
    counted = [one for one in entries if first <= one.sale_day < end and one.posting_no <= upto]
    sales = sum((one.amount for one in counted if one.currency == program.currency), Decimal(0))
    units = sum(one.units for one in counted)
    return sales, units, sales if program.vip_metric == "sales" else Decimal(units)


def _opened(state: State, tier: str, day: date, program: Program, *, climbs_on: bool = False) -> State:
    return State(
        current_tier=tier,
        anchor_day=day,
        checkpoint_no=0,
        window_start=day,
        window_end=bound(day, 1, program.checkpoint_months),
        climb_start=state.climb_start if climbs_on else day,
        in_grace=False,
        months=program.checkpoint_months,
    )


def evaluate_creator(
    world: World,
    member: Member,
    until: date,
    upto: Mapping[date, int] | int,
    *,
    corrects: bool = True,
) -> tuple[list[Event], State | None]:
    """Return the events of a creator from enrolment to a day, and where they stand then.

    `upto` is the last posting that each day knows, or all days; without `corrects` this is the as-corrected path.
    """
    entries = [one for one in world.ledger if one.user_id == member.user_id and one.sale_day >= member.enrolled_on]
    known: Mapping[date, int] = {} if isinstance(upto, int) else upto
    state: State | None = None
    events: list[Event] = []
    day = member.enrolled_on
    while day <= until and (member.left_on is None or day < member.left_on):
        up = upto if isinstance(upto, int) else known[day]
        event, state = _evaluate(world, member, entries, state, day, up, known.get(day - DAY, 0) if corrects else None)
        if event is not None:
            events.append(event)
        day += DAY
    return events, state


def _evaluate(
    world: World, member: Member, entries: list[Entry], state: State | None, day: date, upto: int, seen: int | None
) -> tuple[Event | None, State]:
    program, tiers = world.program(day), world.tiers_on(day)
    by_id = {tier.tier_id: tier for tier in tiers}
    if state is None:
        first = State(tiers[0].tier_id, day, 0, day, None, day, in_grace=False, months=None)
        begun = Event(
            member.user_id, day, "enrolled", None, tiers[0].tier_id, None, None, None, None, None, None, None, upto
        )
        return begun, _opened(first, tiers[0].tier_id, day, program)

    held = by_id[state.current_tier]
    sales, units, kept = _sums(entries, state.window_start, day, upto, program)
    months = program.checkpoint_months
    climb_from = state.climb_start
    if months is not None:
        climb_from = max(climb_from, day - relativedelta(months=months))
    climbed = _sums(entries, climb_from, day, upto, program)[2]
    reached = [tier for tier in tiers if climbed >= _needed(tier, program)][-1:]

    def event(status: str, tier: str, ends: date | None, climbed: Decimal | None = None) -> Event:
        return Event(
            member.user_id,
            day,
            status,
            state.current_tier,
            tier,
            state.window_start,
            ends,
            sales,
            units,
            held.sales_threshold,
            held.units_threshold,
            climbed,
            upto,
        )

    override = world.overrides.get((member.user_id, day))
    if override is not None:
        return event("manual", override, day), _opened(state, override, day, program)

    if (
        seen is not None
        and program.corrections != "none"
        and any(seen < one.posting_no <= upto and one.sale_day < state.window_start for one in entries)
    ):
        corrected = evaluate_creator(world, member, day - DAY, upto, corrects=False)[1]
        assert corrected is not None
        tier = by_id[corrected.current_tier]
        higher = tier.tier_order > held.tier_order
        if higher or (program.corrections == "both" and tier.tier_order != held.tier_order):
            return event("corrected", tier.tier_id, day), _opened(state, tier.tier_id, day, program)

    if reached and reached[0].tier_order > held.tier_order:
        tier_id = reached[0].tier_id
        return event("promoted", tier_id, day, climbed), _opened(state, tier_id, day, program, climbs_on=True)

    if state.window_end is None or day < state.window_end:
        return None, state
    if kept >= _needed(held, program) or held.checkpoint_exempt or held is tiers[0]:
        after = event("maintained", held.tier_id, day)
        if state.in_grace or months != state.months:
            return after, _opened(state, held.tier_id, day, program)
        next_no = state.checkpoint_no + 1
        return after, replace(
            state,
            checkpoint_no=next_no,
            window_start=day,
            window_end=bound(state.anchor_day, next_no + 1, months),
            climb_start=day,
        )
    if day >= state.window_end + timedelta(days=program.grace_days):
        below = [tier for tier in tiers if tier.tier_order < held.tier_order]
        if program.demote_to == "earned":
            below = [tier for tier in below if kept >= _needed(tier, program)] or below[:1]
        return event("demoted", below[-1].tier_id, day), _opened(state, below[-1].tier_id, day, program)
    if not state.in_grace:
        return event("grace", held.tier_id, None), replace(state, in_grace=True)
    return None, state


def evaluate(world: World, until: date, upto: Mapping[date, int]) -> tuple[list[Event], dict[str, State]]:
    """Return all events until a day, by creator and day, and where everybody stands then."""
    events: list[Event] = []
    states: dict[str, State] = {}
    for member in world.members:
        of_member, state = evaluate_creator(world, member, until, upto)
        events += of_member
        if state is not None:
            states[member.user_id] = state
    return sorted(events, key=lambda one: (one.user_id, one.checkpoint_date)), states


def world_of_vectors(example: Mapping[str, Any], tenant_id: str) -> tuple[World, dict[date, int]]:
    """Return a tenant's world of the worked example, and the last posting that each evaluated day knows."""
    own = {
        name: [row for row in example[name] if row["tenant_id"] == tenant_id]
        for name in ("programs", "tiers", "members", "tier_overrides", "ledger")
    }
    first, last = (date.fromisoformat(example[name]) for name in ("first_evaluated_day", "last_evaluated_day"))
    (program,) = own["programs"]
    names = ("vip_metric", "currency", "checkpoint_months", "grace_days", "demote_to", "corrections")
    rules = Program(first, **{name: program[name] for name in names})
    sells = rules.vip_metric == "sales"
    world = World(
        programs=[rules],
        tiers=[
            Tier(
                row["tier_id"],
                date.fromisoformat(row["valid_from"]),
                row["tier_order"],
                Decimal(row["threshold"]) if sells else None,
                None if sells else int(Decimal(row["threshold"])),
                row["checkpoint_exempt"],
            )
            for row in own["tiers"]
        ],
        members=[Member(row["user_id"], date.fromisoformat(row["enrolled_on"])) for row in own["members"]],
        ledger=[
            Entry(
                row["posting_no"],
                row["user_id"],
                date.fromisoformat(row["sale_day"]),
                Decimal(row["amount"]),
                row["units"],
                row["currency"],
            )
            for row in own["ledger"]
        ],
        overrides={
            (row["user_id"], date.fromisoformat(row["effective_on"])): row["tier_id"] for row in own["tier_overrides"]
        },
    )
    recorded = {row["posting_no"]: date.fromisoformat(row["recorded_on"]) for row in own["ledger"]}
    upto = {}
    for count in range((last - first).days + 1):
        day = first + count * DAY
        known = [no for no, on in recorded.items() if on <= day + program["settle_days"] * DAY]
        upto[day] = max(known, default=0)
    return world, upto
