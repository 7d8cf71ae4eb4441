"""How many users a test needs, and what it can find with those that it has.

`k` is the variant's users for each user of the control; alpha is two-sided and that of one comparison.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from trackai_pipelines.experiments.statistics.arrays import Array, as_floats, quietly

# Halves the rates above a baseline to less than 1e-15.
_HALVINGS = 50


@quietly
def control_users_for_rates(p_c: ArrayLike, p_v: ArrayLike, k: ArrayLike, alpha: float, power: float) -> Array:
    """Return the users of the control with which a difference of rates is found (Fleiss, not corrected)."""
    p_c, p_v, k = as_floats(p_c, p_v, k)
    q = (p_c + k * p_v) / (1 + k)
    found = _z(alpha / 2) * np.sqrt((1 + 1 / k) * q * (1 - q))
    missed = _z(1 - power) * np.sqrt(p_c * (1 - p_c) + p_v * (1 - p_v) / k)
    return np.square((found + missed) / (p_v - p_c))


@quietly
def control_users_for_means(
    variance: ArrayLike, difference: ArrayLike, k: ArrayLike, alpha: float, power: float
) -> Array:
    """Return the users of the control with which a difference of means is found."""
    variance, difference, k = as_floats(variance, difference, k)
    return np.square(_z(alpha / 2) + _z(1 - power)) * variance * (1 + 1 / k) / np.square(difference)


@quietly
def detectable_rate(p_c: ArrayLike, n_c: ArrayLike, k: ArrayLike, alpha: float, power: float) -> Array:
    """Return the smallest rate above the control's that n_c users of the control find. Where none is: NaN."""
    p_c, n_c, k = as_floats(p_c, n_c, k)
    low, high = p_c, np.ones_like(p_c)
    enough = control_users_for_rates(p_c, high, k, alpha, power) <= n_c
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        found = control_users_for_rates(p_c, middle, k, alpha, power) <= n_c
        low, high = np.where(found, low, middle), np.where(found, middle, high)
    return np.where(enough, high, np.nan)


@quietly
def detectable_difference(variance: ArrayLike, n_c: ArrayLike, k: ArrayLike, alpha: float, power: float) -> Array:
    """Return the smallest difference of means that n_c users of the control find."""
    variance, n_c, k = as_floats(variance, n_c, k)
    return (_z(alpha / 2) + _z(1 - power)) * np.sqrt(variance * (1 + 1 / k) / n_c)


def _z(tail: float) -> float:
    return float(-ndtri(tail))
