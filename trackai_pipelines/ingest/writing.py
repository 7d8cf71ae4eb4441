"""Writing a chunk of rows and rejects in one transaction, once, whoever else writes the same.

Here: staging, inserting, retrying, setting aside the row that the database refuses. Not here: what a row is
(`rows`) and how a file is cut into chunks (`load`).
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import LiteralString, NamedTuple

from psycopg import Connection, DatabaseError, DataError, IntegrityError
from psycopg.errors import DeadlockDetected, ForeignKeyViolation, ProgramLimitExceeded, SerializationFailure
from psycopg.rows import TupleRow

from trackai_pipelines.database.statements import statement
from trackai_pipelines.ingest.formats import Fields, Payload, sha256
from trackai_pipelines.ingest.masking import masked_text
from trackai_pipelines.ingest.rejects import Reject, reject_of
from trackai_pipelines.ingest.rows import Reference, Row
from trackai_pipelines.ingest.streams import Line
from trackai_pipelines.ingest.tenants import Context

# Rows lock in one order, so a deadlock needs rows that meet in two unique indexes (an event and its sale), or a
# transaction of someone else. The loser of one waits for the winner's short transaction.
_ATTEMPTS = 6
_FIRST_PAUSE_SECONDS = 0.05
# A click or funnel that is deleted between our look and our insert shows as ForeignKeyViolation: look again.
_PASSING = (DeadlockDetected, SerializationFailure, ForeignKeyViolation)


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows by what became of them: new, here already, refused."""

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.accepted + other.accepted,
            self.duplicates + other.duplicates,
            self.rejected + other.rejected,
        )


class SaleEvent(NamedTuple):
    """A paid event, and the payload that told of it."""

    tenant_id: str
    gateway: str
    event_id: str
    sale_key: str
    payload: Payload


@dataclass(slots=True)
class Chunk:
    """Rows of one fact and the rejects met beside them, written together or not at all.

    `fact` is clicks, identities or conversions. `rows` and `lines` go in parallel. `references` are the rows, by
    index, that need a row elsewhere, with the record from which a reject would be made.
    """

    fact: str
    source: str
    context: Context
    rows: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    references: list[tuple[int, Reference, Line | Fields]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    # Events of sales that a gateway may tell of more than once, to say which of them were not counted.
    events: list["SaleEvent"] = field(default_factory=list)

    def add(self, row: Row, record: Line | Fields) -> None:
        """Takes a row in."""
        if row.reference is not None:
            self.references.append((len(self.rows), row.reference, record))
        self.rows.append(row.text)
        self.lines.append(record.number)

    def without(self, dropped: set[int], reasons: Iterable[Reject]) -> "Chunk":
        """The chunk without the rows of these indexes, which are rejects now."""
        return Chunk(
            self.fact,
            self.source,
            self.context,
            [row for index, row in enumerate(self.rows) if index not in dropped],
            [line for index, line in enumerate(self.lines) if index not in dropped],
            [],
            [*self.rejects, *reasons],
            self.events,
        )


def prepare_staging(connection: Connection[TupleRow]) -> None:
    """Makes the staging tables of this connection; to be called once before the first chunk."""
    connection.execute(statement("ingest/staging"))


def write_chunk(connection: Connection[TupleRow], chunk: Chunk) -> Counts:
    """Writes the chunk in one transaction and gives exact counts.

    Deadlocks are tried again. When the database refuses a row that passed all checks, the chunk is halved until
    that row stands alone; it becomes a reject. Raises psycopg.Error for everything else, e.g. a lost connection.
    """
    for attempt in range(_ATTEMPTS):
        try:
            with connection.transaction():
                return _written(connection, chunk)
        except _PASSING:
            time.sleep(_FIRST_PAUSE_SECONDS * 2**attempt)
        except (DataError, IntegrityError, ProgramLimitExceeded) as error:
            return _written_in_halves(connection, chunk, error)
    with connection.transaction():
        return _written(connection, chunk)


def _written(connection: Connection[TupleRow], chunk: Chunk) -> Counts:
    chunk = _without_unknown(connection, chunk)
    accepted = 0
    if chunk.rows:
        with connection.cursor() as cursor:
            with cursor.copy(statement(f"ingest/copy_{chunk.fact}")) as copy:
                # A row begins with its unique key. Sorted here, because the server is the busier of the two.
                copy.write("\n".join(sorted(chunk.rows)).encode() + b"\n")
            accepted = cursor.execute(statement(f"ingest/insert_{chunk.fact}")).rowcount
    repeated = _repeated_sales(connection, chunk)
    if chunk.rejects or repeated:
        _keep(connection, chunk.source, [*chunk.rejects, *repeated])
    return Counts(accepted, len(chunk.rows) - accepted - len(repeated), len(chunk.rejects) + len(repeated))


def _repeated_sales(connection: Connection[TupleRow], chunk: Chunk) -> list[Reject]:
    """Paid events that are no conversion because another event of their sale is: kept, with that reason."""
    if not chunk.events:
        return []
    found = connection.execute(
        statement("ingest/repeated_sales"),
        {
            "tenant_ids": [event.tenant_id for event in chunk.events],
            "gateways": [event.gateway for event in chunk.events],
            "event_ids": [event.event_id for event in chunk.events],
            "sale_keys": [event.sale_key for event in chunk.events],
        },
    ).fetchall()
    return [
        reject_of(
            chunk.events[place - 1].payload,
            f"the sale {chunk.events[place - 1].sale_key} is counted already, by event {counted}",
            chunk.context,
        )
        for place, counted in found
    ]


def _without_unknown(connection: Connection[TupleRow], chunk: Chunk) -> Chunk:
    """The chunk with rows refused whose funnel or click does not exist."""
    if not chunk.references:
        return chunk
    name, query = _REFERENCED[chunk.fact]
    wanted = sorted({reference for _, reference, _ in chunk.references})
    found = connection.execute(
        statement(query),
        {"tenant_ids": [w.tenant_id for w in wanted], "ids": [w.value for w in wanted]},
    )
    unknown = {Reference(tenant_id, value) for tenant_id, value in found}
    if not unknown:
        return chunk
    refused = {index: record for index, reference, record in chunk.references if reference in unknown}
    reason = f"{name} is not known for this tenant"
    return chunk.without(set(refused), [reject_of(r, reason, chunk.context) for r in refused.values()])


_REFERENCED: dict[str, tuple[str, LiteralString]] = {
    "clicks": ("funnel_id", "ingest/unknown_funnels"),
    "identities": ("click_id", "ingest/unknown_clicks"),
}


def _keep(connection: Connection[TupleRow], source: str, rejects: list[Reject]) -> None:
    connection.execute(
        statement("ingest/insert_rejects"),
        {
            "source": source,
            "tenant_ids": [reject.tenant_id for reject in rejects],
            "lines": [reject.line for reject in rejects],
            "payloads": [reject.payload for reject in rejects],
            "reasons": [reject.reason for reject in rejects],
            "digests": [reject.digest for reject in rejects],
        },
    )


def _written_in_halves(connection: Connection[TupleRow], chunk: Chunk, error: DatabaseError) -> Counts:
    if not chunk.rows:
        raise error
    if len(chunk.rows) == 1:
        told = masked_text(error.diag.message_primary or "")
        reason = f"the database refused the row: {told}"
        reject = Reject(chunk.lines[0], sha256(chunk.rows[0].encode()), None, reason, None)
        return write_chunk(connection, chunk.without({0}, [reject]))
    middle = len(chunk.rows) // 2
    first = Chunk(
        chunk.fact,
        chunk.source,
        chunk.context,
        chunk.rows[:middle],
        chunk.lines[:middle],
        [entry for entry in chunk.references if entry[0] < middle],
        chunk.rejects,
    )
    second = Chunk(
        chunk.fact,
        chunk.source,
        chunk.context,
        chunk.rows[middle:],
        chunk.lines[middle:],
        [(i - middle, reference, record) for i, reference, record in chunk.references if i >= middle],
        events=chunk.events,
    )
    return write_chunk(connection, first) + write_chunk(connection, second)
