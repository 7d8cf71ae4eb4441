"""The buckets of many users at once: the same hash as `flag_values.bucketing`, over arrays.

What belongs here: hashing all users of a tenant with one seed after another. What does not: which bucket sees what.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trackai_pipelines.flag_values.bucketing import BUCKETS, fnv1a32

# As in flag_values.bucketing.
_PRIME = np.uint32(16_777_619)
_DIGITS = [np.uint32(10**place) for place in range(9, -1, -1)]
_ZERO = np.uint32(ord("0"))
_TEN = np.uint32(10)


@dataclass(frozen=True, slots=True)
class Units:
    """Users' ids as UTF-16 code units, the longest first."""

    columns: Sequence[NDArray[np.uint32]]
    """The first code unit of all that have one, then the second of all that have two, and so on."""
    order: NDArray[np.int64]
    """The place of each of them among the users as given."""


def units_of(users: Sequence[str]) -> Units:
    """Return users as code units, which are hashed again and again."""
    encoded = [np.frombuffer(user.encode("utf-16-le", "surrogatepass"), dtype="<u2") for user in users]
    lengths = np.array([len(one) for one in encoded], dtype=np.int64)
    order = np.argsort(-lengths, kind="stable")
    longest = int(lengths.max(initial=0))
    padded = np.zeros((len(users), longest), dtype=np.uint32)
    for place, user in enumerate(order):
        padded[place, : lengths[user]] = encoded[user]
    longer = [int((lengths > at).sum()) for at in range(longest)]
    return Units([padded[:many, at].copy() for at, many in enumerate(longer)], order)


def buckets_of(salt: str, units: Units) -> NDArray[np.int64]:
    """Return the bucket of each user, 0 to 9999, in the order in which users were given."""
    state = np.full(len(units.order), fnv1a32(salt), dtype=np.uint32)
    for column in units.columns:
        state[: len(column)] = (state[: len(column)] ^ column) * _PRIME
    again = np.full_like(state, fnv1a32(""))
    for power in _DIGITS:
        # A number begins with its first digit that is not zero; zero itself is one digit.
        begun = (state >= power) | (power == 1)
        digit = state // power % _TEN + _ZERO
        again = np.where(begun, (again ^ digit) * _PRIME, again)
    buckets = np.empty(len(units.order), dtype=np.int64)
    buckets[units.order] = again % np.uint32(BUCKETS)
    return buckets
