"""Two proportions: the score test, its intervals, and the probability that one is larger.

The intervals invert the statistic of the test (Miettinen and Nurminen 1985): the p-value is below alpha exactly where
they leave out no effect. Counts are those of the control (`x_c` of `n_c`) and of the variant (`x_v` of `n_v`).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, betaincinv, ndtr, ndtri

from trackai_pipelines.experiments.statistics.arrays import Array, as_floats, known, quietly

# Halves a bracket of length 60 to less than 1e-13.
_HALVINGS = 50
# A ratio of e^-60 is further away than any count of users can tell.
_LEAST_LOG_RATIO = -60.0
_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(48)
# What the quadrature leaves out on each side.
_TAIL = 1e-9


@quietly
def score_test(x_c: ArrayLike, n_c: ArrayLike, x_v: ArrayLike, n_v: ArrayLike) -> tuple[Array, Array]:
    """Return z, above 0 where the variant is larger, and the two-sided p-value.

    NaN without users in either, without any conversion, and where everybody converted.
    """
    x_c, n_c, x_v, n_v = as_floats(x_c, n_c, x_v, n_v)
    z = _difference_statistic(np.zeros_like(x_c), x_c, n_c, x_v, n_v)
    pooled = (x_c + x_v) / (n_c + n_v)
    z = known((pooled > 0) & (pooled < 1), z)
    return z, 2 * ndtr(-np.abs(z))


@quietly
def difference_interval(
    x_c: ArrayLike, n_c: ArrayLike, x_v: ArrayLike, n_v: ArrayLike, alpha: float
) -> tuple[Array, Array]:
    """Return the bounds of p_v - p_c at confidence 1 - alpha. NaN without users in either."""
    x_c, n_c, x_v, n_v = as_floats(x_c, n_c, x_v, n_v)
    return _interval(_difference_statistic, (x_c, n_c, x_v, n_v), x_v / n_v - x_c / n_c, -1.0, alpha)


@quietly
def lift_interval(x_c: ArrayLike, n_c: ArrayLike, x_v: ArrayLike, n_v: ArrayLike, alpha: float) -> tuple[Array, Array]:
    """Return the bounds of p_v / p_c - 1 at confidence 1 - alpha. NaN unless both have conversions."""
    x_c, n_c, x_v, n_v = as_floats(x_c, n_c, x_v, n_v)
    estimate = np.log((x_v / n_v) / (x_c / n_c))
    lower, upper = _interval(_log_ratio_statistic, (x_c, n_c, x_v, n_v), estimate, _LEAST_LOG_RATIO, alpha)
    return np.expm1(lower), np.expm1(upper)


Counts = tuple[Array, Array, Array, Array]


def _interval(
    statistic: Callable[[Array, Array, Array, Array, Array], Array],
    counts: Counts,
    estimate: Array,
    least: float,
    alpha: float,
) -> tuple[Array, Array]:
    """Return the smallest and the largest effect that the test at alpha does not refute, by bisection.

    The upper bound is the lower one with control and variant swapped, and the sign. The bracket ends at no effect where
    the test has an opinion of it: so the bound is on the side of the p-value, however close it is to zero.
    """
    x_c, n_c, x_v, n_v = counts
    counts = np.stack([x_c, x_v]), np.stack([n_c, n_v]), np.stack([x_v, x_c]), np.stack([n_v, n_c])
    estimate = np.stack([estimate, -estimate])
    z, p = score_test(*counts)
    critical = -ndtri(alpha / 2)
    better = (p < alpha) & (z > 0)
    low = np.where(better, 0.0, least)
    high = np.where(better, estimate, np.minimum(estimate, 0.0))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        refuted = statistic(middle, *counts) > critical
        low, high = np.where(refuted, middle, low), np.where(refuted, high, middle)
    bounds = known(np.isfinite(estimate), (low + high) / 2)
    return bounds[0], -bounds[1]


def _difference_statistic(difference: Array, x_c: Array, n_c: Array, x_v: Array, n_v: Array) -> Array:
    """Return the score statistic of p_v - p_c = difference, with the most likely rates under it.

    The likelihood equation is a cubic: its root in closed form, then two steps of Newton's method, because the closed
    form loses digits where conversions are rare.
    """
    n = n_c + n_v
    x = x_c + x_v
    square = ((n_v + 2 * n_c) * difference - n - x) / n
    linear = ((n_c * difference - n - 2 * x_c) * difference + x) / n
    constant = x_c * difference * (1 - difference) / n
    q = square**3 / 27 - square * linear / 6 + constant / 2
    p = np.copysign(np.sqrt(np.maximum(square**2 / 9 - linear / 3, 0)), q)
    angle = (np.pi + np.arccos(np.clip(q / p**3, -1, 1))) / 3
    rate = 2 * p * np.cos(angle) - square / 3
    for _ in range(2):
        step = (((rate + square) * rate + linear) * rate + constant) / ((3 * rate + 2 * square) * rate + linear)
        rate = np.where(np.isfinite(step), rate - step, rate)
    rate_c = np.clip(rate, np.maximum(0, -difference), np.minimum(1, 1 - difference))
    rate_v = np.clip(rate_c + difference, 0, 1)
    variance = (rate_v * (1 - rate_v) / n_v + rate_c * (1 - rate_c) / n_c) * n / (n - 1)
    return (x_v / n_v - x_c / n_c - difference) / np.sqrt(variance)


def _log_ratio_statistic(log_ratio: Array, x_c: Array, n_c: Array, x_v: Array, n_v: Array) -> Array:
    """Return the score statistic of ln(p_v / p_c) = log_ratio, with the most likely rates under it."""
    n = n_c + n_v
    ratio = np.exp(log_ratio)
    linear = n_v * ratio + x_v + n_c + x_c * ratio
    root = np.sqrt(np.maximum(linear**2 - 4 * n * ratio * (x_c + x_v), 0))
    rate_c = np.minimum(2 * (x_c + x_v) / (linear + root), np.minimum(1, 1 / ratio))
    rate_v = np.minimum(ratio * rate_c, 1)
    variance = (rate_v * (1 - rate_v) / n_v + ratio**2 * rate_c * (1 - rate_c) / n_c) * n / (n - 1)
    return (x_v / n_v - ratio * x_c / n_c) / np.sqrt(variance)


@quietly
def probability_to_beat(x_c: ArrayLike, n_c: ArrayLike, x_v: ArrayLike, n_v: ArrayLike) -> Array:
    """Return P(p_v > p_c) under Beta(1 + converted, 1 + others) for each, to 1e-6. Without data: 0.5."""
    x_c, n_c, x_v, n_v = as_floats(x_c, n_c, x_v, n_v)
    a_c, b_c, a_v, b_v = 1 + x_c, 1 + n_c - x_c, 1 + x_v, 1 + n_v - x_v
    # Over the density of the narrower one, in whose range the other's distribution is smooth.
    swapped = _variance(a_c, b_c) < _variance(a_v, b_v)
    a, b = np.where(swapped, a_c, a_v), np.where(swapped, b_c, b_v)
    a_other, b_other = np.where(swapped, a_v, a_c), np.where(swapped, b_v, b_c)
    low, high = betaincinv(a, b, _TAIL), betaincinv(a, b, 1 - _TAIL)
    p = low[..., None] + (high - low)[..., None] * (1 + _NODES) / 2
    log_density = (a - 1)[..., None] * np.log(p) + (b - 1)[..., None] * np.log1p(-p)
    density = np.exp(log_density - log_density.max(axis=-1, keepdims=True)) * _NODE_WEIGHTS
    below = (density * betainc(a_other[..., None], b_other[..., None], p)).sum(axis=-1) / density.sum(axis=-1)
    return np.where(swapped, 1 - below, below)


def _variance(a: Array, b: Array) -> Array:
    return a * b / ((a + b) ** 2 * (a + b + 1))
