"""Removal effects of units in a first-order Markov chain, solved exactly.

What belongs here: the chain of (start), units, (conversion) and (null). What does not: which paths it learns from.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Outcomes = tuple[int, int]
"""How many journeys took a path and ended with a conversion, and how many without."""


@dataclass(frozen=True)
class Chain:
    """What a chain says: the probability of a conversion, and of each unit the share that is lost without it."""

    conversion_probability: float
    removal_effects: Mapping[str, float]


def solve(paths: Mapping[tuple[str, ...], Outcomes]) -> Chain:
    """Return the chain of the paths, each a sequence of units by time, oldest first.

    The removal effect of u is P(ever at u) x P(conversion | at u) / P(conversion); without any conversion it is 0.
    With counts, let A = diag(moves out of each unit) - (moves between units), without moves to the same unit. The
    fundamental matrix is then A^-1 diag(moves out), and as every move into a unit is followed by one out of it,
    P(ever at u) = 1 / (journeys x (A^-1)[u][u]), and P(conversion) = conversions / journeys. Rows and columns of A are
    diagonally dominant, so it needs no pivots. Raises ValueError for a path without units.
    """
    units, matrix, into_conversion = _counts(paths)
    converted = sum(conversions for conversions, _ in paths.values())
    journeys = converted + sum(nulls for _, nulls in paths.values())
    if not converted:
        return Chain(0.0, dict.fromkeys(units, 0.0))
    inverse = _inverse(matrix)
    effects = {}
    for at, unit in enumerate(units):
        conversion_from_here = sum(
            share * moves for share, moves in zip(inverse[at], into_conversion, strict=True) if moves
        )
        # Rounding may end a hair above 1.
        effects[unit] = min(1.0, conversion_from_here / (inverse[at][at] * converted))
    return Chain(converted / journeys, effects)


def _counts(paths: Mapping[tuple[str, ...], Outcomes]) -> tuple[list[str], list[list[float]], list[float]]:
    """Return the units in order, the matrix A, and the moves from each unit into (conversion)."""
    moves: dict[tuple[str, str], int] = defaultdict(int)
    ends: dict[str, Outcomes] = {}
    for path, (conversions, nulls) in paths.items():
        if not path:
            raise ValueError("a path has no units")
        journeys = conversions + nulls
        for before, after in pairwise(path):
            if before != after:
                moves[before, after] += journeys
        so_far = ends.get(path[-1], (0, 0))
        ends[path[-1]] = (so_far[0] + conversions, so_far[1] + nulls)
    units = sorted({unit for path, outcomes in paths.items() if any(outcomes) for unit in path})
    place = {unit: at for at, unit in enumerate(units)}
    matrix = [[0.0] * len(units) for _ in units]
    for (before, after), count in moves.items():
        if count:
            matrix[place[before]][place[after]] = -float(count)
            matrix[place[before]][place[before]] += count
    for unit, outcomes in ends.items():
        if any(outcomes):
            matrix[place[unit]][place[unit]] += sum(outcomes)
    return units, matrix, [float(ends.get(unit, (0, 0))[0]) for unit in units]


def _inverse(matrix: Sequence[Sequence[float]]) -> list[list[float]]:
    """Return the inverse, by Gauss and Jordan without pivots."""
    size = len(matrix)
    rows = [[*row, *(1.0 if at == place else 0.0 for place in range(size))] for at, row in enumerate(matrix)]
    for at in range(size):
        pivot = rows[at][at]
        own = rows[at] = [value / pivot for value in rows[at]]
        for other in range(size):
            factor = rows[other][at]
            if other != at and factor:
                rows[other] = [value - factor * taken for value, taken in zip(rows[other], own, strict=True)]
    return [row[size:] for row in rows]
