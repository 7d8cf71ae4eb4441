"""Totals become results: exact sums, what each metric reads, and what is adjusted for several variants."""

from decimal import Decimal

import numpy as np
import pytest
from experiments.courses import design, totals

from trackai_pipelines.experiments.comparing import add_decision, compare, computed, needed_users
from trackai_pipelines.experiments.planning import Baseline, detectable_lift, sample_size


def test_equal_sums_of_money_leave_exactly_no_variance() -> None:
    """Everybody spends 19.99. In floating point a little variance is left of it, and with that a p-value."""
    users, price = 30_000, Decimal("19.99")
    sums = {name: np.array([0, 0], dtype=object) for name in totals(design(), 1, users=[0, 0], rates=[0, 0])}
    sums |= {"users_count": np.array([users, users], dtype=object)}
    sums |= {"capped_revenue": np.array([users * price] * 2), "revenue_squares": np.array([users * price * price] * 2)}
    found = compare(sums, "revenue_per_user", "plain", 0.05, None)
    assert found["estimate"].tolist() == [pytest.approx(19.99)] * 2
    assert found["difference"][1] == 0
    for name in ("standard_error", "p_value", "ci_lower", "lift_ci_lower", "p_value_always_valid"):
        assert np.isnan(found[name]).all(), name
    in_floats = {name: values.astype(float) for name, values in sums.items()}
    assert compare(in_floats, "revenue_per_user", "plain", 0.05, None)["standard_error"][1] != 0


def test_without_a_currency_there_are_no_results_of_revenue() -> None:
    of_orders = [(metric, how) for metric in ("conversion_rate", "orders_per_user") for how in ("plain", "cuped")]
    assert list(computed(design(currency=None))) == of_orders
    of_revenue = [("revenue_per_user", "plain"), ("revenue_per_user", "cuped"), ("avg_order_value", "plain")]
    assert list(computed(design())) == of_orders + of_revenue


def test_users_that_are_needed_are_whole_and_floats_add_none() -> None:
    weights = {"variants": ("control", "a", "b"), "weights": (0.3, 0.6, 0.1)}
    assert needed_users(design(sample_size=28_723)) == (14_362, 14_362)
    assert needed_users(design(sample_size=30, **weights)) == (9, 18, 3)
    assert needed_users(design(sample_size=None)) is None


def test_the_horizon_alone_reads_the_mature_and_spends_the_rest_of_alpha() -> None:
    test = design(variants=("control", "a", "b", "c"), sample_size=4_000)
    sums = totals(test, 24, users=[100] * 4, rates=[0.1, 0.13, 0.12, 0.125])
    results = compare(sums, "conversion_rate", "plain", 0.05, needed_users(test))
    found = add_decision(results, 23)
    always, mature = results["p_value_always_valid"][:, 0], results["p_value"][:, 1]
    decision = found["p_value_decision"]
    np.testing.assert_array_equal(decision[:, 0], decision[:, 1])
    np.testing.assert_allclose(decision[:23, 0, 1:], np.minimum(1, always[:23, 1:] / 0.1))
    np.testing.assert_allclose(
        decision[23, 0, 1:], np.minimum(1, np.minimum(always[23, 1:] / 0.1, mature[23, 1:] / 0.9))
    )
    # a has the smallest of three p-values, b the largest.
    a, b, c = decision[23, 0, 1:]
    np.testing.assert_allclose(
        found["p_value_adjusted"][23, 0, 1:], np.minimum(1, [3 * a, max(3 * a, 2 * c, b), max(3 * a, 2 * c)])
    )
    assert np.isnan(found["p_value_decision"][:, :, 0]).all()


@pytest.mark.parametrize("variance", [None, 12.5])
def test_what_is_detectable_with_the_planned_users_is_the_planned_lift(variance: float | None) -> None:
    baseline, weights = Baseline(mean=0.03, variance=variance), (0.5, 0.3, 0.2)
    terms = {"confidence_level": 95.0, "power": 80.0}
    users = sample_size(baseline, 0.2, weights, **terms)
    assert detectable_lift(baseline, [users * weight for weight in weights], **terms) == pytest.approx(0.2, rel=1e-3)
    assert detectable_lift(baseline, [users, 0, 10], **terms) is None
    assert detectable_lift(Baseline(mean=0.0, variance=variance), [10, 10, 10], **terms) is None


def test_the_plan_of_the_documentation() -> None:
    baseline = Baseline(mean=0.03, variance=None)
    for variants, users in ((2, 28_723), (4, 76_008)):
        weights = [1 / variants] * variants
        assert sample_size(baseline, 0.2, weights, confidence_level=95, power=80) == users
    with pytest.raises(ValueError, match="no test can find a lift"):
        sample_size(Baseline(mean=0.4, variance=None), 2.0, [0.5, 0.5], confidence_level=95, power=80)
