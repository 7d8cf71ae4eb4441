"""Shapley shares of the units of each set that led to conversions, computed exactly.

What belongs here: the game on a set of units. What does not: which journeys it is learned from.
"""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import chain, combinations
from math import factorial, lcm

from trackai_pipelines.campaigns.markov import Outcomes

LARGEST_SET = 8
"""Units of larger sets share equally: the game has 2^n coalitions."""

Units = tuple[str, ...]
"""Distinct units in order."""


def sets_of(paths: Mapping[tuple[str, ...], Outcomes]) -> dict[Units, Outcomes]:
    """Return how many journeys have exactly these units, with and without a conversion."""
    found: dict[Units, Outcomes] = {}
    for path, (conversions, nulls) in paths.items():
        units = tuple(sorted(set(path)))
        before = found.get(units, (0, 0))
        found[units] = (before[0] + conversions, before[1] + nulls)
    return found


def shares(sets: Mapping[Units, Outcomes]) -> dict[Units, dict[str, float]]:
    """Return each unit's share of a conversion, for every set with conversions; the shares of a set sum to 1.

    Negative values count as 0. Where all are 0, and in sets of more than `LARGEST_SET` units, the shares are equal.
    """
    worth = {units: Fraction(of[0], sum(of)) for units, of in sets.items() if of[0]}
    found = {}
    for units in worth:
        values = values_in(units, worth) if len(units) <= LARGEST_SET else dict.fromkeys(units, 0)
        positive = {unit: max(value, 0) for unit, value in values.items()}
        total = sum(positive.values())
        found[units] = {unit: value / total if total else 1 / len(units) for unit, value in positive.items()}
    return found


def values_in(units: Units, worth: Mapping[Units, Fraction]) -> dict[str, int]:
    """Return the Shapley values in the game on `units`, times n! and what else makes all of them whole.

    `worth` is v(S), above 0 only; sets that it does not have are worth 0. A coalition S adds (|S|-1)! (n-|S|)! v(S) to
    n! times the value of each member, and takes |S|! (n-|S|-1)! v(S) from that of each other unit.
    """
    size = len(units)
    coalitions = [(subset, worth[subset]) for subset in _subsets(units) if subset in worth]
    scale = lcm(*(value.denominator for _, value in coalitions))
    values = dict.fromkeys(units, 0)
    for subset, value in coalitions:
        whole = value.numerator * (scale // value.denominator)
        gained = factorial(len(subset) - 1) * factorial(size - len(subset)) * whole
        taken = factorial(len(subset)) * factorial(size - len(subset) - 1) * whole if len(subset) < size else 0
        for unit in units:
            values[unit] += gained if unit in subset else -taken
    return values


def _subsets(units: Units) -> Iterator[Units]:
    """Yield every subset but the empty one."""
    return chain.from_iterable(combinations(units, size) for size in range(1, len(units) + 1))
