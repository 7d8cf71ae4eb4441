"""What feature flags cost where they are read.

What belongs here: which parts there are. What does not: the parts (flags_*.py).
"""

from collections.abc import Iterator

from benchmarks import flags_checks, flags_days, flags_http, flags_matching, flags_reading, flags_usage
from benchmarks.database import Database
from benchmarks.figures import Figure, Scale

CHARTED = ("times an echo", "times the settings of now")


def run(scale: Scale, database: Database) -> Iterator[Figure]:
    """Yield the figures of each part."""
    for part in (flags_reading, flags_checks, flags_usage, flags_http, flags_days, flags_matching):
        yield from part.run(scale, database)
