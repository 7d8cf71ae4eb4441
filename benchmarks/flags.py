"""What feature flags cost where they are read.

What belongs here: which parts there are. What does not: the parts (flags_*.py).
"""

from collections.abc import Iterator

from benchmarks import flags_checks, flags_http, flags_matching
from benchmarks.database import Database
from benchmarks.figures import Figure, Scale

CHARTED = ("times an echo", "times the settings of now")


def run(scale: Scale, database: Database) -> Iterator[Figure]:
    """Yield the figures of each part."""
    yield from flags_checks.run(scale, database)
    yield from flags_http.run(scale, database)
    yield from flags_matching.run(scale, database)
