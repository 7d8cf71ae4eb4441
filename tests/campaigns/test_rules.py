"""The rules as functions of their figures: reference values, limits, and directions."""

from typing import Any

import pytest
from campaigns.reference import vectors

from trackai_pipelines.campaigns.rules import RULES, Judgement
from trackai_pipelines.campaigns.significance import wilson_upper

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
    "offer.order_value": {
        "ranks_subject": 60 * 61 / 2,
        "ties": 0,
        "converted_subject": 60,
        "clicks_subject": 600,
        "converted_rest": 200,
        "clicks_rest": 2000,
    },
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
    # The subject's are the 30 smallest.
    "ranks_subject": 465.0,
    "ties": 0,
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
    assert Judgement(True, 0.999, chance=0.025).made(2)
    assert not Judgement(True, 0.999, chance=0.025).made(3)


@pytest.mark.parametrize(
    ("rule", "figures"),
    [
        # Of 20 sales, chance puts 6 or more among 200 of 2,000 clicks in 1.1 % of cases; z says 0.2 %.
        ("creative.weak", {"x_subject": 14, "n_subject": 1_800, "x_rest": 6, "n_rest": 200}),
        ("audience.strong", {"x_subject": 6, "n_subject": 200, "x_rest": 14, "n_rest": 1_800}),
        # By rank, the subject's orders are like the rest's.
        ("offer.order_value", {**ORDERS, "n_subject": 300, "ranks_subject": 300 * 331 / 2}),
    ],
)
def test_what_chance_does_by_itself_is_not_recommended(rule: str, figures: dict[str, Any]) -> None:
    """Ten subjects were tested, and the normal distribution promises too much of each."""
    judgement = judge(rule, **figures)
    assert judgement
    assert judgement.found
    assert judgement.confidence >= 1 - 0.05 / 10
    assert not judgement.made(10)


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
