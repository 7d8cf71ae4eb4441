"""What loyalty costs.

What belongs here: which parts there are. What does not: the parts (loyalty_*.py).
"""

from collections.abc import Iterator

from benchmarks import loyalty_claims, loyalty_evaluating, loyalty_posting
from benchmarks.database import Database
from benchmarks.figures import Figure, Scale

CHARTED = ("CPU s",)


def run(scale: Scale, database: Database) -> Iterator[Figure]:
    """Yield the figures of each part."""
    for part in (loyalty_evaluating, loyalty_posting, loyalty_claims):
        yield from part.run(scale, database)
