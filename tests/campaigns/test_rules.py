"""The rules as functions of their figures: reference values, limits, and how often they are wrong without effects."""

from collections.abc import Callable, Iterator
from datetime import date
from math import log, log1p, sqrt
from random import Random
from statistics import fmean, variance
from typing import Any

import pytest
from campaigns.reference import vectors

from trackai_pipelines.campaigns.recommendations import Case, recommendations
from trackai_pipelines.campaigns.rules import RULES, Judgement
from trackai_pipelines.campaigns.significance import wilson_upper

WINDOW = (date(2026, 5, 2), date(2026, 5, 29))
CAMPAIGNS = 3_000
# Of CAMPAIGNS campaigns, the share that may get a recommendation by chance: 5 %, and three standard errors of that.
AT_MOST = 0.05 + 3 * sqrt(0.05 * 0.95 / CAMPAIGNS)

# What the reference calls the inputs of some rules.
_NAMES = {
    "channel.budget": {
        "conversions": "x_subject",
        "spend": "spend_subject",
        "conversions_rest": "x_rest",
        "spend_rest": "spend_rest",
    }
}
# The other conditions of a rule, fulfilled.
_OTHERS: dict[str, dict[str, Any]] = {
    "offer.order_value": {"converted_subject": 60, "clicks_subject": 600, "converted_rest": 200, "clicks_rest": 2000},
    "audience.existing": {"spend": {"BRL": 1.0}},
}


def judge(rule: str, **figures: Any) -> Judgement | None:
    return RULES[rule].judge({**figures, "limits": RULES[rule].limits})


@pytest.mark.parametrize("vector", vectors("recommendations"), ids=lambda vector: vector["rule"])
def test_reference_values(vector: dict[str, Any]) -> None:
    rule, expected = vector["rule"], vector["expected"]
    names = _NAMES.get(rule, {})
    figures = {names.get(name, name): value for name, value in vector["input"].items()}
    judgement = judge(rule, **figures, **_OTHERS.get(rule, {}))
    assert judgement is not None
    assert judgement.found
    assert judgement.confidence == pytest.approx(expected["confidence"], abs=5e-7)
    if "uplift" in expected:
        assert judgement.uplift == pytest.approx(expected["uplift"], abs=5e-7)
    if "z" in expected:
        assert judgement.z == pytest.approx(expected["z"], abs=5e-7)
    if "upper" in expected:
        assert wilson_upper(figures["x"], figures["n"]) == pytest.approx(expected["upper"], abs=5e-7)
        assert figures["limit"] in RULES[rule].limits.values()


CLICKS = {"x_subject": 5, "n_subject": 200, "x_rest": 15, "n_rest": 200}
BUDGET = {"x_subject": 5, "spend_subject": 50.0, "x_rest": 25, "spend_rest": 950.0}
ORDERS = {
    "n_subject": 30,
    "mean_subject": 79.0,
    "variance_subject": 1.0,
    "n_rest": 30,
    "mean_rest": 100.0,
    "variance_rest": 1.0,
    "converted_subject": 30,
    "clicks_subject": 100,
    "converted_rest": 30,
    "clicks_rest": 100,
}


@pytest.mark.parametrize(
    ("rule", "enough", "short"),
    [
        *[("creative.weak", CLICKS, {name: CLICKS[name] - 1}) for name in ("n_subject", "n_rest", "x_rest")],
        ("timing.block", CLICKS, {"n_subject": 199}),
        ("channel.budget", BUDGET, {"x_rest": 24}),
        ("channel.budget", BUDGET, {"spend_rest": 951.0}),
        ("channel.budget", BUDGET, {"spend_rest": 0.0}),
        ("offer.order_value", ORDERS, {"n_subject": 29}),
        ("offer.order_value", ORDERS, {"n_rest": 29}),
        ("audience.existing", {"x": 0, "n": 30, "spend": {"BRL": 1.0}}, {"n": 29}),
        ("audience.existing", {"x": 0, "n": 30, "spend": {"BRL": 1.0}}, {"spend": {}}),
        ("channel.arrival", {"x": 100, "n": 200}, {"n": 199}),
        ("channel.unjoined", {"clicks": 0, "spend": {"BRL": 0.01}}, {"spend": {}}),
    ],
)
def test_a_rule_says_nothing_of_too_little(rule: str, enough: dict[str, Any], short: dict[str, Any]) -> None:
    assert judge(rule, **enough) is not None
    assert judge(rule, **{**enough, **short}) is None


@pytest.mark.parametrize(
    ("rule", "figures", "other"),
    [
        ("creative.weak", CLICKS, {"x_subject": 15, "x_rest": 5}),
        ("audience.strong", {**CLICKS, "x_subject": 15, "x_rest": 5}, {"x_subject": 10, "x_rest": 10}),
        ("channel.budget", {**BUDGET, "x_subject": 1, "x_rest": 99}, {"x_subject": 10}),
        ("offer.order_value", ORDERS, {"mean_subject": 80.0}),
        ("offer.order_value", ORDERS, {"clicks_subject": 101}),
        ("audience.existing", {"x": 0, "n": 30, "spend": {"BRL": 1.0}}, {"x": 6}),
        ("channel.arrival", {"x": 100, "n": 200}, {"x": 140}),
        ("channel.arrival", {"x": 100, "n": 200}, {"x": 300}),
        ("channel.unjoined", {"clicks": 0, "spend": {"BRL": 1.0}}, {"clicks": 1}),
    ],
)
def test_a_rule_looks_in_one_direction(rule: str, figures: dict[str, Any], other: dict[str, Any]) -> None:
    found, not_found = judge(rule, **figures), judge(rule, **{**figures, **other})
    assert found
    assert not_found
    assert found.made(1)
    assert not not_found.made(1)


def test_more_subjects_take_more_confidence() -> None:
    assert Judgement(True, 0.96).made(1)
    assert not Judgement(True, 0.96).made(2)
    assert Judgement(True, 0.976).made(2)


@pytest.mark.parametrize(
    ("uplift", "priority"), [(0.0, 10), (2.4, 10), (2.5, 9), (19.9, 3), (20.0, 2), (80.0, 2), (None, 5)]
)
def test_priority(uplift: float | None, priority: int) -> None:
    assert RULES["creative.weak"].priority(uplift) == priority
    assert RULES["channel.arrival"].priority(None) == 1


def test_orders_of_one_value_each_are_certain() -> None:
    judgement = judge("offer.order_value", **{**ORDERS, "variance_subject": 0.0, "variance_rest": 0.0})
    assert judgement
    assert (judgement.confidence, judgement.z) == (1.0, None)
    free = judge("offer.order_value", **{**ORDERS, "mean_subject": 0.0})
    assert free
    assert free.uplift == 50


def converted(random: Random, n: int, p: float) -> int:
    """How many of n clicks lead to a sale, each with probability p: by the gaps between those that do."""
    found, at = 0, 0
    while True:
        at += 1 + int(log(1 - random.random()) / log1p(-p))
        if at > n:
            return found
        found += 1


def clicks_without_effects(random: Random, campaign: str, rule: str) -> Iterator[Case]:
    """Two to six subjects whose clicks are equally good."""
    p = random.uniform(0.04, 0.08)
    sizes = [random.randint(500, 2_000) for _ in range(random.randint(2, 6))]
    sold = [converted(random, size, p) for size in sizes]
    for number, (x, n) in enumerate(zip(sold, sizes, strict=True)):
        figures = {
            "x_subject": x,
            "n_subject": n,
            "x_rest": sum(sold) - x,
            "n_rest": sum(sizes) - n,
            "time_zone": "UTC",
        }
        yield Case(rule, campaign, str(number), figures, WINDOW)


def orders_without_effects(random: Random, campaign: str, rule: str) -> Iterator[Case]:
    """Two to four subjects whose orders are worth the same on average."""
    values = [
        [random.lognormvariate(4, 0.3) for _ in range(random.randint(30, 90))] for _ in range(random.randint(2, 4))
    ]
    for number, own in enumerate(values):
        rest = [value for other in values if other is not own for value in other]
        figures = {
            "n_subject": len(own),
            "mean_subject": fmean(own),
            "variance_subject": variance(own),
            "n_rest": len(rest),
            "mean_rest": fmean(rest),
            "variance_rest": variance(rest),
            "converted_subject": len(own),
            "clicks_subject": 1_000,
            "converted_rest": 0,
            "clicks_rest": 1_000,
            "currency": "BRL",
        }
        yield Case(rule, campaign, str(number), figures, WINDOW)


def share_at_the_limit(random: Random, campaign: str, rule: str) -> Iterator[Case]:
    """A share that is just the rule's limit."""
    n, limit = random.randint(200, 1_000), 0.2 if rule == "audience.existing" else 0.7
    figures = {"x": converted(random, n, limit), "n": n, "spend": {"BRL": 1.0}, "buyer_memory_days": 90}
    yield Case(rule, campaign, "", figures, WINDOW)


@pytest.mark.parametrize(
    ("rule", "without_effects"),
    [
        ("creative.weak", clicks_without_effects),
        ("audience.strong", clicks_without_effects),
        ("timing.block", clicks_without_effects),
        ("offer.order_value", orders_without_effects),
        ("audience.existing", share_at_the_limit),
        ("channel.arrival", share_at_the_limit),
    ],
)
def test_without_effects_few_campaigns_get_a_recommendation(
    rule: str, without_effects: Callable[[Random, str, str], Iterator[Case]]
) -> None:
    """Of 3,000 campaigns, at most 5 % plus three standard errors: 6.2 %."""
    random = Random(20260601)
    found = recommendations(
        case for number in range(CAMPAIGNS) for case in without_effects(random, f"campaign {number}", rule)
    )
    assert len({one.campaign_id for one in found}) / CAMPAIGNS <= AT_MOST


def test_without_effects_few_tenants_move_a_budget() -> None:
    """3,000 tenants of two to ten campaigns, whose sales fall on campaigns as their budgets do."""
    random = Random(20260602)
    advised = 0
    for _ in range(CAMPAIGNS):
        spend = [random.uniform(100, 1_000) for _ in range(random.randint(2, 10))]
        sales = [0] * len(spend)
        for place in random.choices(range(len(spend)), spend, k=random.randint(30, 200)):
            sales[place] += 1
        found = recommendations(
            Case(
                *("channel.budget", str(number), ""),
                {
                    "x_subject": sales[number],
                    "spend_subject": spend[number],
                    "x_rest": sum(sales) - sales[number],
                    "spend_rest": sum(spend) - spend[number],
                    "currency": "BRL",
                },
                WINDOW,
            )
            for number in range(len(spend))
        )
        advised += bool(found)
    assert advised / CAMPAIGNS <= AT_MOST
