"""Whether a test measures what it says: chi-square tests, and whether an effect fades."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, ndtr

from trackai_pipelines.experiments.statistics.arrays import Array, known, quietly


@quietly
def fit_p_value(counts: ArrayLike, weights: ArrayLike) -> Array:
    """Return the p-value of counts (last axis) against the shares that they should have. Without any: NaN."""
    observed = np.asarray(counts, dtype=np.float64)
    total = observed.sum(axis=-1, keepdims=True)
    expected = total * np.asarray(weights, dtype=np.float64) / np.sum(weights)
    square = ((observed - expected) ** 2 / expected).sum(axis=-1)
    return known(total[..., 0] > 0, chdtrc(observed.shape[-1] - 1, square))


@quietly
def independence_p_value(table: ArrayLike) -> Array:
    """Return the p-value that the rows and columns of a table of counts, its last two axes, are independent.

    Empty rows and columns say nothing and are left out. With fewer than two of either: NaN.
    """
    observed = np.asarray(table, dtype=np.float64)
    rows, columns = observed.sum(axis=-1, keepdims=True), observed.sum(axis=-2, keepdims=True)
    expected = rows * columns / observed.sum(axis=(-2, -1), keepdims=True)
    square = np.where(expected > 0, (observed - expected) ** 2 / expected, 0).sum(axis=(-2, -1))
    freedom = np.maximum((rows > 0).sum(axis=(-2, -1)) - 1, 0) * ((columns > 0).sum(axis=(-2, -1)) - 1)
    return known(freedom > 0, chdtrc(freedom, square))


@quietly
def novelty(
    n: Array, early: Array, late: Array, yy_early: Array, yy_late: Array, yy_both: Array
) -> tuple[Array, Array]:
    """Return how the logarithm of the lift changed from the first to the second half of the window, and its p-value.

    `early` and `late` are orders per user, `yy_…` centred sums; the last axis is the variants, the control first, and
    is one shorter in the answer. Ratios are compared, so that buying early does not look like fading. NaN unless there
    are orders in both halves of both.
    """
    change = np.log(known(late > 0, late)) - np.log(known(early > 0, early))
    variance = (yy_early / early**2 + yy_late / late**2 - 2 * yy_both / (early * late)) / (n * (n - 1))
    difference = change[..., 1:] - change[..., :1]
    return difference, 2 * ndtr(-np.abs(difference) / np.sqrt(variance[..., 1:] + variance[..., :1]))
