"""How often rules recommend something where there is nothing: of campaigns without effects, at most 5 %."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from math import log, log1p
from random import Random

import pytest

from trackai_pipelines.campaigns.recommendations import Case, recommendations

WINDOW = (date(2026, 5, 2), date(2026, 5, 29))
AT_MOST = 0.05

Sizes = Callable[[Random], Sequence[int]]
Value = Callable[[Random], float]


def converted(random: Random, n: int, p: float) -> int:
    """How many of n clicks lead to a sale, each with probability p: by the gaps between those that do."""
    found, at = 0, 0
    while True:
        at += 1 + int(log(1 - random.random()) / log1p(-p))
        if at > n:
            return found
        found += 1


def clicks_without_effects(random: Random, campaign: str, rule: str, sizes: Sequence[int], p: float) -> Iterator[Case]:
    """Subjects whose clicks are equally good."""
    sold = [converted(random, size, p) for size in sizes]
    for number, (x, n) in enumerate(zip(sold, sizes, strict=True)):
        figures = {"x_subject": x, "n_subject": n, "x_rest": sum(sold) - x, "n_rest": sum(sizes) - n}
        yield Case(rule, campaign, str(number), {**figures, "time_zone": "UTC"}, WINDOW)


@pytest.mark.parametrize("rule", ["creative.weak", "audience.strong", "timing.block"])
@pytest.mark.parametrize(
    ("sizes", "least", "most"),
    [
        (lambda random: [random.randint(500, 2_000) for _ in range(random.randint(2, 6))], 0.04, 0.08),
        (lambda random: [random.randint(200, 400) for _ in range(10)], 0.01, 0.08),
        (lambda random: [random.randint(200, 500) for _ in range(2)], 0.02, 0.05),
        (lambda random: [20_000] + [random.randint(200, 400) for _ in range(3)], 0.001, 0.01),
    ],
    ids=["some", "ten small", "two with few sales", "a large one"],
)
def test_clicks_without_effects(rule: str, sizes: Sizes, least: float, most: float) -> None:
    random = Random(20260601)
    found = recommendations(
        case
        for number in range(5_000)
        for case in clicks_without_effects(random, str(number), rule, sizes(random), random.uniform(least, most))
    )
    assert len({one.campaign_id for one in found}) / 5_000 <= AT_MOST


def orders_without_effects(random: Random, campaign: str, sizes: Sequence[int], value: Value) -> Iterator[Case]:
    """Subjects whose orders are worth the same on average, and sell as well."""
    values = [[value(random) for _ in range(size)] for size in sizes]
    everything = sorted(amount for own in values for amount in own)
    first: dict[float, int] = {}
    same: dict[float, int] = {}
    for place, amount in enumerate(everything):
        first.setdefault(amount, place)
        same[amount] = same.get(amount, 0) + 1
    n, total, squares = len(everything), sum(everything), sum(amount * amount for amount in everything)
    for number, own in enumerate(values):
        n_own, n_rest = len(own), n - len(own)
        own_total, own_squares = sum(own), sum(amount * amount for amount in own)
        figures = {
            "n_subject": n_own,
            "mean_subject": own_total / n_own,
            "variance_subject": (own_squares - own_total**2 / n_own) / (n_own - 1),
            "n_rest": n_rest,
            "mean_rest": (total - own_total) / n_rest,
            "variance_rest": (squares - own_squares - (total - own_total) ** 2 / n_rest) / (n_rest - 1),
            "ranks_subject": sum(first[amount] + (same[amount] + 1) / 2 for amount in own),
            "ties": sum(t**3 - t for t in same.values()),
            "converted_subject": 1,
            "clicks_subject": 10,
            "converted_rest": 1,
            "clicks_rest": 10,
            "currency": "BRL",
        }
        yield Case("offer.order_value", campaign, str(number), figures, WINDOW)


@pytest.mark.parametrize(
    "sizes",
    [
        lambda random: [random.randint(30, 90) for _ in range(random.randint(2, 4))],
        lambda random: [random.randint(30, 60) for _ in range(10)],
        lambda random: [300, 30, 35],
    ],
    ids=["some", "ten small", "a large one"],
)
@pytest.mark.parametrize(
    "value",
    [
        lambda random: random.lognormvariate(4, 0.6),
        lambda random: random.lognormvariate(4, 1.2),
        lambda random: random.choice((50, 100, 100, 100, 400)),
        lambda random: 100 if random.random() > 0.03 else 3_000,
    ],
    ids=["even", "uneven", "few prices", "rare and large"],
)
def test_orders_without_effects(sizes: Sizes, value: Value) -> None:
    random = Random(20260602)
    found = recommendations(
        case for number in range(2_000) for case in orders_without_effects(random, str(number), sizes(random), value)
    )
    assert len({one.campaign_id for one in found}) / 2_000 <= AT_MOST


@pytest.mark.parametrize(
    ("rule", "limit", "least", "most"),
    [("audience.existing", 0.2, 30, 100), ("audience.existing", 0.2, 200, 1_000), ("channel.arrival", 0.7, 200, 1_000)],
)
def test_shares_at_the_limit(rule: str, limit: float, least: int, most: int) -> None:
    """The share is just the rule's limit."""
    random = Random(20260603)
    found = recommendations(
        Case(rule, str(number), "", {"x": converted(random, n, limit), "n": n, **others}, WINDOW)
        for others in ({"spend": {"BRL": 1.0}, "buyer_memory_days": 90},)
        for number in range(5_000)
        for n in (random.randint(least, most),)
    )
    assert len(found) / 5_000 <= AT_MOST


def sales_without_effects(random: Random, spend: Sequence[float]) -> Iterator[Case]:
    """Campaigns on which sales fall as their budgets do."""
    sales = [0] * len(spend)
    for place in random.choices(range(len(spend)), spend, k=random.randint(30, 200)):
        sales[place] += 1
    for number, (x, cost) in enumerate(zip(sales, spend, strict=True)):
        figures = {"x_subject": x, "spend_subject": cost, "x_rest": sum(sales) - x, "spend_rest": sum(spend) - cost}
        yield Case("channel.budget", str(number), "", {**figures, "currency": "BRL"}, WINDOW)


@pytest.mark.parametrize(
    "spend",
    [
        lambda random: [random.uniform(100, 1_000) for _ in range(random.randint(2, 10))],
        lambda random: [100.0] * 10,
        lambda random: [10_000.0, 600.0, 700.0],
    ],
    ids=["some", "ten equal ones", "a large one"],
)
def test_sales_without_effects(spend: Callable[[Random], Sequence[float]]) -> None:
    """Of tenants, because campaigns of one are tested together."""
    random = Random(20260604)
    advised = sum(bool(recommendations(sales_without_effects(random, spend(random)))) for _ in range(3_000))
    assert advised / 3_000 <= AT_MOST
