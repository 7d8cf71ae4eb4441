"""What the functions of arrays share: their type, and arithmetic in which 0/0 is NaN without a warning."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

quietly = np.errstate(all="ignore")
"""Decorates functions in which divisions by zero are expected: what they return is NaN."""


def as_floats(*values: ArrayLike) -> list[Array]:
    """Return the values as float64 arrays of one shape."""
    return [np.array(value, dtype=np.float64) for value in np.broadcast_arrays(*values)]


def known(condition: NDArray[Any], value: ArrayLike) -> Array:
    """Return the value where the condition holds, else NaN."""
    return np.where(condition, value, np.nan)
