"""The statistics of recommendations, against exact fractions."""

from fractions import Fraction
from itertools import combinations
from math import comb, erf, inf, isinf, sqrt
from statistics import fmean, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackai_pipelines.campaigns.significance import (
    below,
    binomial,
    fisher,
    phi,
    rank_sum,
    two_proportions,
    welch,
    wilson_upper,
)


@given(st.floats(-6, 6))
def test_phi(z: float) -> None:
    assert phi(z) == pytest.approx((1 + erf(z / sqrt(2))) / 2, abs=1e-12)


def test_phi_of_infinity() -> None:
    assert (phi(inf), phi(-inf)) == (1, 0)


@given(st.integers(1, 200), st.data(), st.fractions(Fraction(1, 50), Fraction(49, 50)))
def test_binomial(n: int, data: st.DataObject, p: Fraction) -> None:
    x = data.draw(st.integers(0, n))
    exact = sum(comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(x + 1))
    assert binomial(x, n, float(p)) == pytest.approx(float(exact), abs=1e-11)


@pytest.mark.parametrize("x", [0, 1, 250_000, 299_000, 300_000, 301_000, 999_999, 1_000_000])
def test_binomial_of_many(x: int) -> None:
    """Next to 300,000 +- 458, the normal distribution is near."""
    assert binomial(x, 1_000_000, 0.3) == pytest.approx(phi((x + 0.5 - 300_000) / sqrt(210_000)), abs=1e-3)


@given(st.integers(1, 150), st.integers(1, 150), st.data())
def test_fisher(n: int, other: int, data: st.DataObject) -> None:
    x, x_other = data.draw(st.integers(0, n)), data.draw(st.integers(0, other))
    drawn = x + x_other
    ways = sum(comb(n, k) * comb(other, drawn - k) for k in range(x + 1) if drawn - k <= other)
    assert fisher(x, n, x_other, other) == pytest.approx(float(Fraction(ways, comb(n + other, drawn))), abs=1e-11)


@given(st.lists(st.integers(0, 4), min_size=3, max_size=9), st.data())
def test_rank_sum(values: list[int], data: st.DataObject) -> None:
    """The mean and the spread are those of all ways to choose some of the values."""
    n = data.draw(st.integers(1, len(values) - 1))
    ranks = [sum(other < value for other in values) + (values.count(value) + 1) / 2 for value in values]
    sums = [sum(chosen) for chosen in combinations(ranks, n)]
    ties = sum(values.count(value) ** 3 - values.count(value) for value in set(values))
    deviation = pstdev(sums)
    expected = (1 + erf((sums[0] + 0.5 - fmean(sums)) / deviation / sqrt(2))) / 2 if deviation > 1e-9 else 1
    assert rank_sum(sums[0], n, len(values) - n, ties) == pytest.approx(expected, abs=1e-9)


@given(st.integers(1, 10_000), st.data(), st.sampled_from([0.2, 0.7]))
def test_wilsons_bound_is_where_the_test_is_as_sure(n: int, data: st.DataObject, limit: float) -> None:
    """The bound u solves (u - p)^2 = z^2 u (1 - u) / n, so a share is below u with a confidence of 95 %."""
    x = data.draw(st.integers(0, n))
    bound = wilson_upper(x, n)
    if x < n:
        assert below(x, n, bound) == pytest.approx(0.95, abs=1e-6)
    if abs(bound - limit) > 1e-9:
        assert (bound < limit) == (below(x, n, limit) > 0.95)


@given(st.integers(1, 500), st.integers(1, 500), st.data())
def test_two_proportions(n: int, other: int, data: st.DataObject) -> None:
    x, x_other = data.draw(st.integers(0, n)), data.draw(st.integers(0, other))
    pooled = Fraction(x + x_other, n + other)
    square = pooled * (1 - pooled) * (Fraction(1, n) + Fraction(1, other))
    z = two_proportions(x, n, x_other, other)
    difference = Fraction(x_other, other) - Fraction(x, n)
    assert z == pytest.approx(float(difference) / sqrt(square) if square else 0, abs=1e-9)
    assert two_proportions(x_other, other, x, n) == pytest.approx(-z, abs=1e-9)


def test_welch_without_variance() -> None:
    assert welch(5, 0, 30, 5, 0, 30) == 0
    assert isinf(welch(5, 0, 30, 6, 0, 30))
    assert welch(6, 0, 30, 5, 0, 30) == -inf
