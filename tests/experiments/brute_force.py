"""What tests come to, by plain Python over plain rows: every sale and every sum, user by user and day by day.

What belongs here: the rules as they are written for people, as slow as may be. What does not: drawing worlds
(worlds.py), and anything of the package that is tested.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

DAY = timedelta(days=1)

Row = dict[str, Any]


@dataclass
class Test:
    """A test as it is now. `pauses` are [from, to) each; None: it is paused still."""

    # pytest takes it for one of its own otherwise.
    __test__ = False

    key: str
    variants: Sequence[str]
    start_date: datetime
    end_date: datetime | None
    started_at: datetime
    completed_at: datetime | None
    window_days: int
    pre_days: int
    event: str
    scope: str
    currency: str | None
    cap: Decimal | None
    status: str = "running"
    pauses: list[tuple[datetime, datetime | None]] = field(default_factory=list)

    def takes(self, at: datetime) -> bool:
        """Return whether users could be assigned at a moment."""
        ends = [end for end in (self.end_date, self.completed_at) if end is not None]
        return (
            at >= self.start_date
            and at >= self.started_at
            and all(at < end for end in ends)
            and not any(begin <= at and (end is None or at < end) for begin, end in self.pauses)
        )

    def days(self, now: datetime) -> list[date]:
        """Return the UTC days with figures: to yesterday, or until the window of the last user is over."""
        day, last = day_of(max(self.start_date, self.started_at)), day_of(now) - DAY
        ends = [end for end in (self.end_date, self.completed_at) if end is not None]
        if ends:
            last = min(last, day_of(min(ends)) + self.window_days * DAY)
        found = []
        while day <= last:
            found.append(day)
            day += DAY
        return found


@dataclass
class Sale:
    """A sale as it arrived; `id` is the database's."""

    id: int
    email: str | None
    phone: str | None
    event: str
    value: Decimal | None
    currency: str | None
    occurred_at: datetime
    strategy: str | None = None
    """How it was matched; None: not yet."""


@dataclass(frozen=True)
class Outcome:
    """A sale of an assigned user."""

    user: str
    day: date
    occurred_at: datetime
    reason: str
    value: Decimal | None
    currency: str | None


@dataclass(frozen=True)
class Assigned:
    """The variant and time of a user that count, and why the user is not analysed."""

    variant: str
    at: datetime
    exclusion: str | None


@dataclass
class Facts:
    """All that is known of a tenant."""

    users: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    """E-mail and phone by user id."""
    sales: list[Sale] = field(default_factory=list)
    assignments: dict[str, list[list[tuple[str, str, datetime]]]] = field(default_factory=lambda: defaultdict(list))
    """By test, what arrived together: user, variant, time."""
    excluded: set[str] = field(default_factory=set)
    anonymised: set[int] = field(default_factory=set)
    """Sales without hashes any more."""
    stayed: dict[tuple[str, int], Outcome] = field(default_factory=dict)
    """Outcomes of these, by test and sale, as they were stored by then."""

    def buyer(self, sale: Sale) -> str:
        """Return whose sale it is: by e-mail, else by phone, of several users the one with the smallest id."""
        for place, contact in enumerate((sale.email, sale.phone)):
            found = [user for user, contacts in self.users.items() if contact and contacts[place] == contact]
            if found:
                return min(found)
        return ""

    def linked(self, user: str) -> bool:
        """Return whether a user is known with a hash."""
        return any(self.users.get(user, ()))


def day_of(at: datetime) -> date:
    """Return the UTC day of a moment."""
    return at.astimezone(UTC).date()


def assigned(test: Test, facts: Facts) -> dict[str, Assigned]:
    """Return the users of a test. Of one who saw several variants, the variant is the first that arrived."""
    rows = defaultdict(list)
    for arrived, batch in enumerate(facts.assignments[test.key]):
        for user, variant, at in batch:
            rows[user].append((arrived, at, variant))
    found = {}
    for user, seen in rows.items():
        at = min(at for _, at, _ in seen)
        exclusion = "excluded_user" if user in facts.excluded else None
        if len({variant for _, _, variant in seen}) > 1:
            exclusion = "conflicting_variants"
        elif not test.takes(at):
            exclusion = "outside_test_period"
        found[user] = Assigned(min(seen)[2], at, exclusion)
    return found


def outcomes(test: Test, facts: Facts, now: datetime) -> dict[int, Outcome]:
    """Return the outcomes of a test as a night at a moment stores them, by sale."""
    days, users, found = test.days(now), assigned(test, facts), {}
    for sale in facts.sales:
        user, at = facts.buyer(sale), sale.occurred_at
        if sale.id in facts.anonymised:
            stays = facts.stayed.get((test.key, sale.id))
            if stays and stays.user in users:
                found[sale.id] = stays
        elif user in users and days and test.start_date - test.pre_days * DAY <= at and day_of(at) <= days[-1]:
            found[sale.id] = Outcome(user, day_of(at), at, _reason(test, sale, users[user]), sale.value, sale.currency)
    return found


def _reason(test: Test, sale: Sale, user: Assigned) -> str:
    if user.exclusion:
        return user.exclusion
    if sale.event != test.event:
        return "other_event"
    if sale.occurred_at < user.at:
        return "before_assignment"
    if sale.occurred_at >= user.at + test.window_days * DAY:
        return "after_window"
    return "counted" if _fits(test, sale) else "not_attributed"


def _fits(test: Test, sale: Sale) -> bool:
    return test.scope == "all" or _attributed(sale)


def _attributed(sale: Sale) -> bool:
    return sale.strategy not in (None, "unmatched")


def account(test: Test, facts: Facts, now: datetime) -> dict[tuple[date, str, str], tuple[int, Decimal | None, int]]:
    """Return conversions, their value, and how many are in another currency, by day, class and variant."""
    users = assigned(test, facts)
    groups = defaultdict(list)
    for outcome in outcomes(test, facts, now).values():
        groups[outcome.day, outcome.reason, users[outcome.user].variant].append(outcome)
    found = {}
    for group, rows in groups.items():
        values = [row.value for row in rows if row.value is not None]
        other = sum(None not in (row.currency, test.currency) and row.currency != test.currency for row in rows)
        found[group] = (len(rows), sum(values, Decimal(0)) if values else None, other)
    return found


def excluded(test: Test, facts: Facts, now: datetime) -> dict[date, dict[str, dict[str, int]]]:
    """Return how many users are not analysed, by day, reason and variant."""
    found = {}
    for day in test.days(now):
        users: dict[str, Counter[str]] = defaultdict(Counter)
        for user in assigned(test, facts).values():
            if user.exclusion and day_of(user.at) <= day:
                users[user.exclusion][user.variant] += 1
        found[day] = {reason: dict(variants) for reason, variants in users.items()}
    return found


def totals(test: Test, facts: Facts, now: datetime) -> dict[tuple[date, str, str], Row]:
    """Return the totals of a test by day, population and variant."""
    by_id = {sale.id: sale for sale in facts.sales}
    bought, earlier = defaultdict(list), defaultdict(list)
    users = assigned(test, facts)
    for number, outcome in outcomes(test, facts, now).items():
        sale, at = by_id[number], users[outcome.user].at
        if outcome.reason == "counted":
            bought[outcome.user].append(sale)
        elif (
            outcome.reason == "before_assignment" and at - test.pre_days * DAY <= sale.occurred_at and _fits(test, sale)
        ):
            earlier[outcome.user].append(sale)
    found = {}
    for day in test.days(now):
        for population in ("so_far", "mature"):
            for variant in test.variants:
                sums: Counter[str] = Counter()
                for name, user in users.items():
                    if user.variant != variant or user.exclusion or day_of(user.at) > day:
                        continue
                    mature = day_of(user.at) + test.window_days * DAY <= day
                    if mature or population == "so_far":
                        own = bought[name] if population == "mature" else _until(bought[name], day)
                        for column, value in _of_user(test, user, own, earlier[name], population):
                            sums[column] += value
                        sums["users_count"] += 1
                        sums["mature_users"] += mature
                        sums["unlinked_users"] += not facts.linked(name)
                found[day, population, variant] = dict(sums)
    return found


def _until(sales: Iterable[Sale], day: date) -> list[Sale]:
    return [sale for sale in sales if day_of(sale.occurred_at) <= day]


def _of_user(
    test: Test, user: Assigned, bought: Sequence[Sale], earlier: Sequence[Sale], population: str
) -> Iterator[tuple[str, Any]]:
    """Yield what one user adds to each total."""
    orders, before = len(bought), len(earlier)
    revenue, capped, paid = _revenue(test, bought)
    _, capped_before, _ = _revenue(test, earlier)
    first = min(bought, key=lambda sale: (sale.occurred_at, sale.id), default=None)
    yield "converted_users", int(orders > 0)
    yield "attributed_users", int(first is not None and _attributed(first))
    yield "conversions", orders
    yield "conversion_squares", orders * orders
    yield "revenue", revenue
    yield "revenue_conversions", paid
    yield "revenue_conversion_squares", paid * paid
    yield "capped_revenue", capped
    yield "revenue_squares", capped * capped
    yield "revenue_conversion_products", capped * paid
    yield "pre_converted_users", int(before > 0)
    yield "both_converted_users", int(before > 0 and orders > 0)
    yield "pre_conversions", before
    yield "pre_conversion_squares", before * before
    yield "conversion_products", orders * before
    yield "pre_revenue", capped_before
    yield "pre_revenue_squares", capped_before * capped_before
    yield "revenue_products", capped * capped_before
    if population == "mature":
        half = user.at + test.window_days * DAY / 2
        early = sum(sale.occurred_at < half for sale in bought)
        late = orders - early
        yield "early_conversions", early
        yield "early_conversion_squares", early * early
        yield "late_conversions", late
        yield "late_conversion_squares", late * late
        yield "early_late_products", early * late


def _revenue(test: Test, sales: Iterable[Sale]) -> tuple[Fraction, Fraction, int]:
    """Return what a user paid in the test's currency, the same at most the cap, and by how many sales."""
    paid = [sale for sale in sales if test.currency is not None and sale.currency == test.currency]
    revenue = sum((Fraction(sale.value or 0) for sale in paid), Fraction(0))
    return revenue, revenue if test.cap is None else min(revenue, Fraction(test.cap)), len(paid)
