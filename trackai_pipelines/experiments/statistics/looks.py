"""P-values that hold for any number of looks and for several variants.

The always-valid p-value is that of an asymptotic confidence sequence (Waudby-Smith et al., arXiv 2103.06476), which
equals a sequential probability ratio test with a normal mixture.
"""

import numpy as np
from numpy.typing import ArrayLike

from trackai_pipelines.experiments.statistics.arrays import Array, quietly


def _information(n: ArrayLike, n_planned: ArrayLike, alpha: float) -> Array:
    """Return n rho², where the mixture is tightest at n_planned users of the two variants together."""
    rho_square = (np.log1p(-2 * np.log(alpha)) - 2 * np.log(alpha)) / np.asarray(n_planned, dtype=np.float64)
    return np.asarray(n, dtype=np.float64) * rho_square


@quietly
def always_valid_p_value(z: ArrayLike, n: ArrayLike, n_planned: ArrayLike, alpha: float) -> Array:
    """Return the p-value of difference / standard error = z among n users, on any day and whatever was seen before."""
    r = _information(n, n_planned, alpha)
    return np.minimum(1.0, np.sqrt(1 + r) * np.exp(-(np.square(z) / 2) * r / (1 + r)))


@quietly
def always_valid_half_width(n: ArrayLike, n_planned: ArrayLike, alpha: float) -> Array:
    """Return half the width of the interval that holds on all days at once, in standard errors."""
    r = _information(n, n_planned, alpha)
    return np.sqrt((1 + r) / r * 2 * np.log(np.sqrt(1 + r) / alpha))


def holm(p_values: ArrayLike) -> Array:
    """Return the p-values adjusted for as many comparisons as the last axis is long.

    NaN stays NaN and counts as a comparison without an effect.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, axis=-1)  # NaN comes last.
    steps = np.arange(p.shape[-1], 0, -1) * np.take_along_axis(p, order, axis=-1)
    adjusted = np.minimum(1.0, np.fmax.accumulate(steps, axis=-1))
    result = np.empty_like(p)
    np.put_along_axis(result, order, adjusted, axis=-1)
    return np.where(np.isnan(p), np.nan, result)
