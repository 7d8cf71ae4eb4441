"""The sample's tests: a shop whose users are split five times, and what must be found.

What belongs here: the tests, their users and sales as rows of landing files, and what they come to. What does not:
writing files, starting the tests, and the proof (sample.py).
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

Row = dict[str, Any]

TENANT: dict[str, Any] = {
    "id": "cm0sampleluna0000000000e5",
    "slug": "luna-pets",
    "name": "Luna Pets",
    # Its sales are matched and not delivered.
    "status": "provisioning",
    "lookback_days": 30,
    "default_country": "BR",
    "currency": "BRL",
}
DAYS = 14
"""UTC days from the start of the tests to the sample's end, however many days have other sales."""
WINDOW_DAYS = 3
VARIANTS = ("control", "b")
AUTHOR = "marina"


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleTest:
    """A test, the users of each variant with how many of them buy, and what must be decided; None: it waits."""

    key: str
    name: str
    hypothesis: str
    sample_size: int
    users: tuple[int, int]
    buyers: tuple[int, int]
    days: int
    """UTC days over which users are assigned."""
    decision: tuple[str, str, str | None] | None
    """Kind, outcome and winner."""
    lift: float
    """What it was planned for."""
    ends_after: int | None = None
    """UTC days after which it is completed; None: it runs."""
    trouble: bool = False
    """Whether users are in it who saw both variants, are bots or not known, and who pay in dollars."""


TESTS = (
    SampleTest(
        key="free_shipping",
        name="Free shipping from the first order",
        hypothesis="Shipping costs at the last step keep people from buying.",
        sample_size=600,
        users=(300, 300),
        buyers=(36, 66),
        days=6,
        decision=("horizon", "winner", "b"),
        lift=0.8,
        ends_after=8,
    ),
    SampleTest(
        key="same_page",
        name="The same page twice (A/A)",
        hypothesis="None: both see the same page, so nothing may be found.",
        sample_size=600,
        users=(300, 300),
        buyers=(40, 42),
        days=6,
        decision=("horizon", "not_significant", None),
        lift=0.8,
        ends_after=8,
    ),
    SampleTest(
        key="quick_login",
        name="Login without a password",
        hypothesis="People forget passwords. A redirect loses a part of those who see the new page.",
        sample_size=400,
        users=(360, 220),
        buyers=(40, 40),
        days=7,
        decision=("horizon", "sample_ratio_mismatch", None),
        lift=1.0,
        ends_after=9,
    ),
    SampleTest(
        key="long_form",
        name="Ask for the pet's age first",
        hypothesis="A longer form sells better fitting food.",
        sample_size=1_000,
        users=(240, 240),
        buyers=(96, 32),
        days=10,
        decision=("early", "control_better", "control"),
        lift=0.5,
    ),
    SampleTest(
        key="bundle_offer",
        name="Offer a bundle in the cart",
        hypothesis="Food and leads together raise the order.",
        sample_size=1_000,
        users=(210, 210),
        buyers=(26, 31),
        days=14,
        decision=None,
        lift=0.3,
        trouble=True,
    ),
)
CONFLICTING, BOTS, IN_DOLLARS = 3, 4, 2
"""Users of the test with trouble who saw both variants, who are bots, and who pay in dollars."""
# One of so many users who do not buy is not among the users, bought earlier, buys when the window is over, or asks.
_UNKNOWN_EVERY, _EARLIER_EVERY, _LATER_EVERY, _LEAD_EVERY = 35, 20, 50, 60
_PRICES = ("49.90", "79.90", "119.00", "189.00")


@dataclass
class SplitShop:
    """Rows of landing files by name, and what is true of them."""

    files: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    sums: dict[tuple[str, str], tuple[int, int, int, Decimal]] = field(default_factory=dict)
    """Analysed users, how many of them buy, counted conversions and their revenue in BRL, by test and variant."""
    classes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Conversions by test and class."""
    unlinked: Counter[str] = field(default_factory=Counter)
    """Analysed users who are not among the users, by test."""


def first_moment(end: datetime) -> datetime:
    """Return the midnight that the tests start at."""
    return end - timedelta(days=DAYS)


def build(seed: int, end: datetime) -> SplitShop:
    """Return the world that ends at a UTC midnight; the same arguments make the same rows."""
    makers = ShopMaker(f"{seed}:{end.isoformat()}:luna")
    start = first_moment(end)
    for test in TESTS:
        for variant, users, buyers in zip(VARIANTS, test.users, test.buyers, strict=True):
            _split(makers, test, variant, users, buyers, start)
        if test.trouble:
            _trouble(makers, test, start)
    return makers.world


class ShopMaker:
    """Draws keys and rows from one random generator."""

    def __init__(self, seed: str) -> None:
        self.rng = Random(seed)  # noqa: S311 - invented data, no secrets
        self.world = SplitShop()

    def user(self, at: datetime, *, known: bool = True) -> str:
        user = f"luna_{self.rng.getrandbits(48):012x}"
        if known:
            row = {"id": user, "email": _email(user), "updated_at": at.isoformat(timespec="milliseconds")}
            self.world.files["users_luna"].append(row)
        return user

    def assign(self, test: SampleTest, user: str, variant: str, at: datetime) -> None:
        row = {"test_key": test.key, "user_id": user, "variant": variant}
        self.world.files["ab_assignments_luna"].append({**row, "assigned_at": at.isoformat(timespec="milliseconds")})

    def sale(
        self, test: SampleTest, user: str, at: datetime, of_class: str, *, currency: str = "BRL", lead: bool = False
    ) -> Decimal:
        """Add a conversion, two of three with the click that led to it; return its value."""
        files, number = self.world.files, len(self.world.files["conversions_luna"])
        value = Decimal(self.rng.choice(_PRICES))
        row: Row = {
            "gateway": "cakto",
            "gateway_event_id": f"luna-{number}",
            "event_name": "Lead" if lead else "Purchase",
            "value": str(value),
            "currency": currency,
            "occurred_at": at.isoformat(timespec="milliseconds"),
            "email": _email(user),
        }
        if number % 3:
            clicked = at - timedelta(minutes=self.rng.randrange(5, 600))
            click_id = f"IwLuna{self.rng.getrandbits(96):024x}"
            click = {"external_id": f"luna_{number}", "fbclid": click_id, "utm_campaign": "racao-2026"}
            files["clicks_luna"].append({**click, "created_at": clicked.isoformat(timespec="milliseconds")})
            row["fbc"] = f"fb.1.{int(clicked.timestamp() * 1000)}.{click_id}"
        files["conversions_luna"].append(row)
        self.world.classes[test.key, of_class] += 1
        return value

    def hours(self, first: float, last: float) -> timedelta:
        return timedelta(milliseconds=round(3_600_000 * self.rng.uniform(first, last)))


def _split(makers: ShopMaker, test: SampleTest, variant: str, users: int, buyers: int, start: datetime) -> None:
    """Give users the variant, evenly over the days; some of them buy."""
    span, world = timedelta(days=test.days) / users, makers.world
    # Whoever comes on the last days may buy after the sample's end.
    early = users * min(test.days, DAYS - WINDOW_DAYS) // test.days
    buying = sorted(makers.rng.sample(range(early), buyers))
    dollars = set(buying[:IN_DOLLARS] if test.trouble and variant == VARIANTS[0] else ())
    conversions, revenue = 0, Decimal(0)
    for number in range(users):
        at = start + span * (number + makers.rng.random())
        buys = number in buying
        known = buys or not test.trouble or number % _UNKNOWN_EVERY != 0
        user = makers.user(at, known=known)
        world.unlinked[test.key] += not known
        makers.assign(test, user, variant, at)
        if buys:
            for _ in range(1 + (number % 5 == 0)):
                currency = "USD" if number in dollars else "BRL"
                value = makers.sale(test, user, at + makers.hours(0.2, 40), "counted", currency=currency)
                conversions, revenue = conversions + 1, revenue + (value if currency == "BRL" else 0)
        elif known and number < early:
            _does_otherwise(makers, test, user, number, at)
    world.sums[test.key, variant] = (users, buyers, conversions, revenue)


def _does_otherwise(makers: ShopMaker, test: SampleTest, user: str, number: int, at: datetime) -> None:
    if number % _EARLIER_EVERY == 1:
        makers.sale(test, user, at - makers.hours(1, 48), "before_assignment")
    if number % _LATER_EVERY == 2:
        makers.sale(test, user, at + makers.hours(24 * WINDOW_DAYS + 1, 24 * WINDOW_DAYS + 12), "after_window")
    if number % _LEAD_EVERY == 3:
        makers.sale(test, user, at + makers.hours(1, 24), "other_event", lead=True)


def _trouble(makers: ShopMaker, test: SampleTest, start: datetime) -> None:
    """Users who saw both variants, and bots: the first of each buys."""
    for number in range(CONFLICTING):
        at = start + timedelta(days=1 + number)
        user = makers.user(at)
        makers.assign(test, user, VARIANTS[0], at)
        makers.assign(test, user, VARIANTS[1], at + makers.hours(1, 24))
        if not number:
            makers.sale(test, user, at + makers.hours(25, 40), "conflicting_variants")
    for number in range(BOTS):
        at = start + timedelta(days=2 + number)
        user = makers.user(at)
        makers.assign(test, user, VARIANTS[number % 2], at)
        makers.world.files["excluded_users_luna"].append({"user_id": user, "reason": "bot"})
        if not number:
            makers.sale(test, user, at + makers.hours(1, 24), "excluded_user")


def _email(user: str) -> str:
    return f"{user}@example.com"
