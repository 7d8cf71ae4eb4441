"""What experiments cost, and how often their rule is right.

What belongs here: which parts there are. What does not: the parts (experiments_*.py).
"""

from collections.abc import Iterator

from benchmarks import experiments_assigning, experiments_comparing, experiments_computing, experiments_simulated
from benchmarks.database import Database
from benchmarks.figures import Figure, Scale

CHARTED = ("decided %",)


def run(scale: Scale, database: Database) -> Iterator[Figure]:
    """Yield the figures of each part."""
    for part in (experiments_assigning, experiments_computing, experiments_comparing, experiments_simulated):
        yield from part.run(scale, database)
