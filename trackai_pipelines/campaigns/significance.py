"""The statistics that recommendations rest on.

What belongs here: tests and bounds as functions of counts. What does not: which counts are tested, and by which limit.
"""

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


def binomial(x: int, n: int, p: float) -> float:
    """Return P(Bin(n, p) <= x), 0 < p < 1."""
    terms = (
        exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(p) + (n - k) * log1p(-p)) for k in range(x + 1)
    )
    return min(1.0, sum(terms))


def wilson_upper(x: int, n: int) -> float:
    """Return the upper bound of a share by Wilson, one-sided 95 %."""
    share, square = x / n, _Z95 * _Z95
    return (share + square / (2 * n) + _Z95 * sqrt(share * (1 - share) / n + square / (4 * n * n))) / (1 + square / n)


def below(x: int, n: int, limit: float) -> float:
    """Return how sure it is that a share is below a limit: above 0.95 where Wilson's upper bound is below it."""
    return phi((limit - x / n) / sqrt(limit * (1 - limit) / n))
