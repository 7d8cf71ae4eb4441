"""Two means: Welch's test, ratios of sums by the delta method, and CUPED.

Sums of squares and products are those around the means (`centred`), not of raw values: who has the raw sums exactly
subtracts them exactly.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from trackai_pipelines.experiments.statistics.arrays import Array, known, quietly

# Below this share of its parts, a difference of variances is what rounding left of zero.
_ROUNDING = 1e-13


@dataclass(frozen=True, slots=True)
class Moments:
    """What is known of the users of a variant: how many, their mean, and the variance of one user."""

    n: Array
    mean: Array
    variance: Array
    """With n - 1."""


@dataclass(frozen=True, slots=True)
class Paired:
    """Values y of users with a covariate x: their means, and centred sums of squares and products."""

    n: Array
    y: Array
    x: Array
    yy: Array
    xx: Array
    xy: Array


@dataclass(frozen=True, slots=True)
class Effect:
    """How a variant differs from the control. Bounds are those of one look, two-sided."""

    difference: Array
    standard_error: Array
    p_value: Array
    ci_lower: Array
    ci_upper: Array
    lift: Array
    lift_ci_lower: Array
    lift_ci_upper: Array


@quietly
def moments(n: ArrayLike, mean: ArrayLike, centred: ArrayLike) -> Moments:
    """Return the moments of values with this mean and this sum of squares around it."""
    size = np.asarray(n, dtype=np.float64)
    return Moments(size, np.asarray(mean, dtype=np.float64), np.asarray(centred) / (size - 1))


@quietly
def ratio_moments(n: Array, mean_y: Array, mean_k: Array, yy: Array, kk: Array, yk: Array) -> Moments:
    """Return the ratio of two means per user, with the variance by the delta method (Deng, Knoblich and Lu 2018).

    `yy`, `kk` and `yk` are centred sums. NaN where the mean of k is 0.
    """
    ratio = mean_y / mean_k
    parts = yy + ratio**2 * kk
    return Moments(n, ratio, _no_rounding(parts - 2 * ratio * yk, parts) / (n - 1) / mean_k**2)


@quietly
def adjusted_moments(control: Paired, variant: Paired) -> tuple[Moments, Moments]:
    """Return both without what the covariate explains (CUPED, Deng et al. 2013).

    The slope is that of all users together; a covariate without variance explains nothing.
    """
    n_c, n_v = control.n, variant.n
    between = n_c * n_v / (n_c + n_v)
    xx = control.xx + variant.xx + between * (variant.x - control.x) ** 2
    xy = control.xy + variant.xy + between * (variant.x - control.x) * (variant.y - control.y)
    theta = np.where(xx > 0, xy / xx, 0.0)
    x_all = (n_c * control.x + n_v * variant.x) / (n_c + n_v)

    def adjusted(one: Paired) -> Moments:
        parts = one.yy + theta**2 * one.xx
        residual = _no_rounding(parts - 2 * theta * one.xy, parts)
        return Moments(one.n, one.y - theta * (one.x - x_all), residual / (one.n - 1))

    return adjusted(control), adjusted(variant)


def _no_rounding(value: Array, parts: Array) -> Array:
    return np.where(value > _ROUNDING * parts, value, np.where(np.isnan(value), np.nan, 0.0))


@quietly
def compare_means(control: Moments, variant: Moments, alpha: float) -> Effect:
    """Return Welch's test and intervals at confidence 1 - alpha; the lift's are of the logarithm of the ratio.

    NaN, except for the difference, with fewer than two users in either and without any variance. The lift is NaN unless
    both means are above 0.
    """
    terms = control.variance / control.n, variant.variance / variant.n
    square, df = _welch(terms, control, variant)
    enough = (control.n >= 2) & (variant.n >= 2) & (square > 0)
    error = np.sqrt(known(enough, square))
    difference = variant.mean - control.mean
    width = stdtrit(df, 1 - alpha / 2) * error
    positive = (control.mean > 0) & (variant.mean > 0)
    relative, df_lift = _welch((terms[0] / control.mean**2, terms[1] / variant.mean**2), control, variant)
    log_ratio = np.log(known(positive, variant.mean / control.mean))
    log_width = stdtrit(df_lift, 1 - alpha / 2) * np.sqrt(known(enough & positive, relative))
    return Effect(
        difference=difference,
        standard_error=error,
        p_value=2 * stdtr(df, -np.abs(difference / error)),
        ci_lower=difference - width,
        ci_upper=difference + width,
        lift=np.expm1(log_ratio),
        lift_ci_lower=np.expm1(log_ratio - log_width),
        lift_ci_upper=np.expm1(log_ratio + log_width),
    )


def _welch(terms: tuple[Array, Array], control: Moments, variant: Moments) -> tuple[Array, Array]:
    """Return the sum of the two terms, and the degrees of freedom by Satterthwaite."""
    total = terms[0] + terms[1]
    return total, total**2 / (terms[0] ** 2 / (control.n - 1) + terms[1] ** 2 / (variant.n - 1))
