"""Sixteen flags as an app has them, for the benchmarks of flags.

What belongs here: the flags and their tenant. What does not: what is measured.
"""

from psycopg import Connection

from benchmarks.database import benchmark_sql

TENANT = "shop-flags"
STATIC, SPLIT = "dark_mode", "benchmark_split"
KINDS = {"static": STATIC, "split": SPLIT, "segment and variants": "benchmark_segment"}
"""What a flag may be, with one that is: on for everyone, on for half of the users, three variants behind a segment."""
FLAGS = 16


def have_flags(connection: Connection) -> None:
    """See to it that the flags are there; those that were there before stay as they are."""
    connection.execute(benchmark_sql("have_flags"))
