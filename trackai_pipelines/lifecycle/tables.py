"""The tables whose rows leave after a time, and how.

What belongs here: what a table's days are and what identifies its rows. What does not: for how long rows stay, which
`retention_policies` says, and moving them.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class LifecycleTable:
    """A table of schema trackai whose rows leave by UTC day."""

    name: str
    time: str
    """The timestamptz column whose UTC day a row belongs to."""
    key: tuple[str, ...]
    """The columns that identify a row."""
    partitioned: bool
    """Whether each day is a partition. Else a day's rows leave by DELETE: docs/lifecycle.md has the measurements."""


MATCH_LOG = LifecycleTable("match_log", "created_at", ("tenant_id", "conversion_id", "attempt"), partitioned=True)
DISPATCH_ATTEMPTS = LifecycleTable("dispatch_attempts", "created_at", ("tenant_id", "id"), partitioned=False)
CLICKS = LifecycleTable("clicks", "created_at", ("tenant_id", "id"), partitioned=False)
INGEST_REJECTS = LifecycleTable("ingest_rejects", "created_at", ("id",), partitioned=False)

# In the order in which their rows may leave: what points at others goes before them.
LEAVING = {table.name: table for table in (MATCH_LOG, DISPATCH_ATTEMPTS, CLICKS, INGEST_REJECTS)}
