"""Settings of the server that decide the pace of bulk work: which of them were left as they come.

What belongs here: what a server of somebody else's should have. What does not: the embedded server, which is tuned by
itself (database/tuning.py). Nothing is changed here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Finding, Level

_MB = 1024**2
LEAST_SHARED_BUFFERS = 256 * _MB
LEAST_MAX_WAL = 4096 * _MB
LEAST_CHECKPOINT_SECONDS = 900
MOST_RANDOM_PAGE_COST = 2.0


@dataclass(frozen=True)
class ServerSettings:
    """What a session of ours finds: bytes, bytes, seconds, a text, a number, a flag, and a number of tables."""

    shared_buffers: int
    max_wal_size: int
    checkpoint_timeout: float
    wal_compression: str
    random_page_cost: float
    autovacuum: bool
    unvacuumed_queues: int


def server_settings(connection: Connection) -> ServerSettings:
    """Return the server's settings."""
    with connection.cursor(row_factory=class_row(ServerSettings)) as cursor:
        (found,) = cursor.execute(statement("doctor/server_settings")).fetchall()
    return found


def tuning(found: ServerSettings) -> Finding:
    """Return what is worth changing, each with its value here and its reason."""
    said = list(_left_as_they_come(found))
    if not said:
        return Finding("server settings", Level.OK, "suit bulk work")
    fix = "Set them on the server, e.g. ALTER SYSTEM; docs/performance.md says what each does."
    return Finding("server settings", Level.WARN, "; ".join(said), fix)


def _left_as_they_come(found: ServerSettings) -> Iterator[str]:
    if found.shared_buffers < LEAST_SHARED_BUFFERS:
        yield f"shared_buffers is {found.shared_buffers // _MB} MB: a quarter of the memory keeps indexes in it"
    if found.max_wal_size < LEAST_MAX_WAL:
        yield f"max_wal_size is {found.max_wal_size // _MB} MB: with 4 GB bulk loads need fewer checkpoints"
    if found.checkpoint_timeout < LEAST_CHECKPOINT_SECONDS:
        yield f"checkpoint_timeout is {found.checkpoint_timeout:.0f} s: with 900 s fewer whole pages go to the WAL"
    if found.wal_compression == "off":
        yield "wal_compression is off: lz4 (or on) makes those pages smaller"
    if found.random_page_cost > MOST_RANDOM_PAGE_COST:
        yield f"random_page_cost is {found.random_page_cost:g}: 1.1 suits solid-state disks"
    if not found.autovacuum:
        yield "autovacuum is off: the queues grow, and reading them slows down"
    elif found.unvacuumed_queues:
        yield f"autovacuum leaves {found.unvacuumed_queues} of the queues alone: they grow, and reading them slows down"
