"""The statistics that recommendations rest on.

What belongs here: tests and bounds as functions of counts. What does not: which counts are tested, and by which limit.
"""

from collections.abc import Callable
from math import exp, inf, lgamma, log, log1p, sqrt
from statistics import NormalDist

_NORMAL = NormalDist()
# One-sided 95 %.
_Z95 = _NORMAL.inv_cdf(0.95)


def phi(z: float) -> float:
    """Return the normal distribution function."""
    return 1.0 if z == inf else _NORMAL.cdf(z)


def two_proportions(x: int, n: int, x_other: int, n_other: int) -> float:
    """Return z of the pooled two-proportion test: above 0 where x/n is the smaller share. All equal: 0."""
    pooled = (x + x_other) / (n + n_other)
    error = sqrt(pooled * (1 - pooled) * (1 / n + 1 / n_other))
    return (x_other / n_other - x / n) / error if error else 0.0


def welch(mean: float, variance: float, n: int, mean_other: float, variance_other: float, n_other: int) -> float:
    """Return z of Welch's test: above 0 where `mean` is the smaller one. Without any variance: 0 or infinity."""
    error = sqrt(variance / n + variance_other / n_other)
    if error:
        return (mean_other - mean) / error
    return 0.0 if mean == mean_other else inf * (1 if mean_other > mean else -1)


def rank_sum(ranks: float, n: int, n_other: int, ties: int) -> float:
    """Return P(sum of ranks <= `ranks`) of n values if they are like n_other others: Mann and Whitney's test.

    `ties` is the sum of t^3 - t over each t equal values, which share the mean of their ranks. The normal distribution,
    corrected for ties and for continuity, is near for 30 values each, whatever they are. All equal: 1.
    """
    total = n + n_other
    variance = n * n_other / 12 * (total + 1 - ties / (total * (total - 1)))
    return phi((ranks + 0.5 - n * (total + 1) / 2) / sqrt(variance)) if variance > 0 else 1.0


def fisher(x: int, n: int, x_other: int, n_other: int) -> float:
    """Return P(at most x of the x + x_other are among the n) if chance deals them out: Fisher's exact test."""
    drawn, total = x + x_other, n + n_other
    first = _log_choose(n, x) + _log_choose(n_other, x_other) - _log_choose(total, drawn)
    return _sum_down(
        first, x, max(0, drawn - n_other), lambda k: k * (n_other - drawn + k) / (n - k + 1) / (drawn - k + 1)
    )


def binomial(x: int, n: int, p: float) -> float:
    """Return P(Bin(n, p) <= x), 0 < p < 1."""
    first = _log_choose(n, x) + x * log(p) + (n - x) * log1p(-p)
    return _sum_down(first, x, 0, lambda k: k * (1 - p) / ((n - k + 1) * p))


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def _sum_down(first: float, x: int, least: int, ratio: Callable[[int], float]) -> float:
    """Return the sum of the terms of a distribution with one peak, from x down to `least`.

    `first` is the logarithm of term x, `ratio` returns term k - 1 over term k. Ends where terms are negligible.
    """
    total = exp(first)
    for k in range(x, least, -1):
        first += log(ratio(k))
        term = exp(first)
        total += term
        if term < total * 1e-17:
            break
    return min(1.0, total)


def wilson_upper(x: int, n: int) -> float:
    """Return the upper bound of a share by Wilson, one-sided 95 %."""
    share, square = x / n, _Z95 * _Z95
    return (share + square / (2 * n) + _Z95 * sqrt(share * (1 - share) / n + square / (4 * n * n))) / (1 + square / n)


def below(x: int, n: int, limit: float) -> float:
    """Return how sure it is that a share is below a limit: above 0.95 where Wilson's upper bound is below it."""
    return phi((limit - x / n) / sqrt(limit * (1 - limit) / n))
