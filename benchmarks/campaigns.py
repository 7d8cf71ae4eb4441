"""What campaigns cost: journeys and figures of a day, reading figures of years, and training.

What belongs here: which parts there are. What does not: the parts (campaigns_*.py).
"""

from collections.abc import Iterator

from benchmarks import campaigns_figures, campaigns_journeys, campaigns_training
from benchmarks.database import Database
from benchmarks.figures import Figure, Scale

CHARTED = ("times matching",)


def run(scale: Scale, database: Database) -> Iterator[Figure]:
    """Yield the figures of each part."""
    yield from campaigns_journeys.run(scale, database)
    yield from campaigns_figures.run(scale, database)
    yield from campaigns_training.run(scale)
