"""What training of the data-driven models takes once the paths are read: CPU time of one process, no database.

Paths are random, of 1 to 20 units whose shares fall like 1/n, so nearly every one is different and so is its set. What
does not belong here: whether the models are right (tests).
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from benchmarks.figures import Figure, Scale, row, short
from benchmarks.processes import begin_together, in_processes, peak_megabytes
from trackai_pipelines.campaigns.markov import Outcomes, solve
from trackai_pipelines.campaigns.shapley import sets_of, shares
from trackai_pipelines.campaigns.training import with_fewer_units

_TITLE = "Campaigns: training"
_AT_MOST_SECONDS = 2
_AT_MOST_MB = 300


@dataclass(frozen=True)
class _Sizes:
    units: int
    paths: int
    repeats: int


SIZES = {
    "small": _Sizes(units=10, paths=200, repeats=1),
    "medium": _Sizes(units=100, paths=20_000, repeats=3),
    "full": _Sizes(units=100, paths=20_000, repeats=5),
}


def run(scale: Scale) -> Iterator[Figure]:
    """Yield the CPU time of each model and the peak memory, the best of some processes."""
    sizes = SIZES[scale]
    case = f"{sizes.units} units, {short(sizes.paths)} paths"
    found = [in_processes(_train, [(sizes.units, sizes.paths)])[0] for _ in range(sizes.repeats)]
    markov, shapley, peak = min(found, key=lambda one: one[0] + one[1])
    yield from row(_TITLE, case, {"Markov CPU s": markov, "Shapley CPU s": shapley})
    yield Figure(_TITLE, case, "CPU s", markov + shapley, at_most=_AT_MOST_SECONDS)
    yield Figure(_TITLE, case, "peak MB", peak, at_most=_AT_MOST_MB)


def _train(units: int, paths: int) -> tuple[float, float, float]:
    made = _paths(units, paths)
    begin_together()
    begun = time.process_time()
    named = with_fewer_units(made)
    chain = solve(named)
    solved = time.process_time()
    found = shares(sets_of(named))
    ended = time.process_time()
    if len(chain.removal_effects) != units or not found:
        raise RuntimeError("units are missing from the chain, or sets have no shares: the models are broken")
    return solved - begun, ended - solved, peak_megabytes()


def _paths(units: int, paths: int) -> dict[tuple[str, ...], Outcomes]:
    random = Random(1)  # noqa: S311 - it draws paths, no secrets
    names = [f"campaign {number:03}" for number in range(units)]
    weights = [1 / (number + 1) for number in range(units)]
    found: dict[tuple[str, ...], Outcomes] = {}
    while len(found) < paths:
        path = tuple(random.choices(names, weights, k=random.randint(1, 20)))
        found[path] = (random.randint(0, 3), random.randint(0, 9))
    return found
