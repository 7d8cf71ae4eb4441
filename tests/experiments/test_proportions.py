"""Two proportions: reference values, published intervals, and that the p-value and the intervals agree."""

from collections.abc import Callable
from itertools import product
from math import exp, lgamma, log

import numpy as np
import pytest
from experiments.reference import VECTORS, floats
from numpy.typing import NDArray

from trackai_pipelines.experiments.statistics.proportions import (
    difference_interval,
    lift_interval,
    probability_to_beat,
    score_test,
)

Interval = Callable[..., tuple[NDArray[np.float64], NDArray[np.float64]]]

ROWS = VECTORS["conversion_rate"]["rows"]
TOLERANCE = VECTORS["conversion_rate"]["tolerance"]
COUNTS = [np.array([row[group][at] for row in ROWS]) for group in ("control", "variant") for at in (0, 1)]


def test_reference_values_of_the_test() -> None:
    z, p = score_test(*COUNTS)
    np.testing.assert_allclose(z, floats([row["z"] for row in ROWS]), rtol=TOLERANCE)
    np.testing.assert_allclose(p, floats([row["p_value"] for row in ROWS]), rtol=TOLERANCE)


@pytest.mark.parametrize(("interval", "name"), [(difference_interval, "ci"), (lift_interval, "lift_ci")])
def test_reference_values_of_the_intervals(interval: Interval, name: str) -> None:
    lower, upper = interval(*COUNTS, 0.05)
    expected = [row[name] or (None, None) for row in ROWS]
    np.testing.assert_allclose(lower, floats([bounds[0] for bounds in expected]), rtol=TOLERANCE, atol=1e-12)
    np.testing.assert_allclose(upper, floats([bounds[1] for bounds in expected]), rtol=TOLERANCE, atol=1e-12)


def test_the_published_interval_of_a_difference() -> None:
    # Newcombe 1998, method 6: 56/70 against 48/80.
    assert np.round(difference_interval(48, 80, 56, 70, 0.05), 4).tolist() == [0.0528, 0.3382]


def _tables() -> tuple[NDArray[np.int64], ...]:
    """Return 10,000 tables: every one of up to four users, and random ones with nobody, everybody or few converted."""
    small = [
        (x_c, n_c, x_v, n_v)
        for n_c, n_v in product(range(5), repeat=2)
        for x_c in range(n_c + 1)
        for x_v in range(n_v + 1)
    ]
    random = np.random.default_rng(7)
    more = 10_000 - len(small)
    n = np.floor(10 ** random.uniform(0, 6, (2, more))).astype(int)
    rates = 10 ** random.uniform(-6, 0, more) * random.uniform(0.5, 1.5, (2, more))
    x = random.binomial(n, np.minimum(rates, 1))
    x = np.where(random.random((2, more)) < 0.1, 0, x)
    x = np.where(random.random((2, more)) < 0.1, n, x)
    tables = np.concatenate([np.array(small), np.stack([x[0], n[0], x[1], n[1]], axis=1)])
    return tuple(tables.T)


@pytest.mark.parametrize("alpha", [0.05, 0.2, 0.001])
def test_p_is_below_alpha_exactly_where_the_intervals_leave_out_no_effect(alpha: float) -> None:
    x_c, n_c, x_v, n_v = _tables()
    _, p = score_test(x_c, n_c, x_v, n_v)
    users, conversions, both = (n_c > 0) & (n_v > 0), x_c + x_v, (x_c > 0) & (x_v > 0)
    assert (np.isnan(p) == ~(users & (conversions > 0) & (conversions < n_c + n_v))).all()
    for interval, given in ((difference_interval, users), (lift_interval, both)):
        lower, upper = interval(x_c, n_c, x_v, n_v, alpha)
        assert (np.isnan(lower) == ~given).all()
        assert (np.isnan(upper) == ~given).all()
        excluded = (lower > 0) | (upper < 0)
        assert (excluded == (p < alpha))[given].all()
        assert (lower <= upper)[given].all()
        assert 100 < excluded.sum() < 9_900
    lower, upper = difference_interval(x_c, n_c, x_v, n_v, alpha)
    estimate = x_v[users] / n_v[users] - x_c[users] / n_c[users]
    assert ((lower[users] <= estimate + 1e-12) & (estimate - 1e-12 <= upper[users])).all()
    assert (lower[users] >= -1).all()
    assert (upper[users] <= 1).all()


def test_few_conversions_of_very_many_users_lose_no_digits() -> None:
    # The same counts in ten times the users: the difference is a tenth, the ratio hardly another.
    few, many = ((20, n, 45, n) for n in (10**8, 10**9))
    differences = [np.array(difference_interval(*counts, 0.05)) for counts in (few, many)]
    np.testing.assert_allclose(differences[0] / 10, differences[1], rtol=1e-6)
    np.testing.assert_allclose(lift_interval(*few, 0.05), lift_interval(*many, 0.05), rtol=1e-6)


def test_reference_values_of_the_probability() -> None:
    rows = VECTORS["probability_to_beat_control"]["rows"]
    for row in rows:
        assert probability_to_beat(*row["control"], *row["variant"]) == pytest.approx(row["probability"], abs=1e-6)


def test_the_probability_is_the_exact_sum() -> None:
    random = np.random.default_rng(3)
    n_c, n_v = np.floor(10 ** random.uniform(0, 4.5, (2, 200))).astype(int)
    rates = 10 ** random.uniform(-3, 0, 200)
    x_c, x_v = random.binomial(n_c, rates), random.binomial(n_v, np.minimum(1, rates * random.uniform(0.5, 1.5, 200)))
    exact = [_probability(*map(int, counts)) for counts in zip(x_c, n_c, x_v, n_v, strict=True)]
    np.testing.assert_allclose(probability_to_beat(x_c, n_c, x_v, n_v), exact, atol=1e-6)
    assert probability_to_beat(0, 0, 0, 0) == pytest.approx(0.5)


def _probability(x_c: int, n_c: int, x_v: int, n_v: int) -> float:
    """Return P(p_v > p_c) as the sum over the variant's first parameter, which is a whole number."""

    def log_beta(a: int, b: int) -> float:
        return lgamma(a) + lgamma(b) - lgamma(a + b)

    a, b, b_v = 1 + x_c, 1 + n_c - x_c, 1 + n_v - x_v
    terms = (log_beta(a + i, b + b_v) - log(b_v + i) - log_beta(1 + i, b_v) - log_beta(a, b) for i in range(1 + x_v))
    return sum(map(exp, terms))
