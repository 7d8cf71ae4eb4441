"""Writing a chunk of rows and rejects in one transaction, once, even where another loader writes the same.

What belongs here: transactions, retries, and setting aside the row that the database refuses. What does not: the
statements of a kind (`staging`), what a row is (`rows`) and how a file is cut into chunks (`load`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from psycopg import Connection, Cursor, DatabaseError, DataError, IntegrityError
from psycopg.errors import DeadlockDetected, ForeignKeyViolation, ProgramLimitExceeded, SerializationFailure
from psycopg.rows import TupleRow
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.statements import statement
from trackai_pipelines.ingest.context import Context
from trackai_pipelines.ingest.kinds import Joined, Kind
from trackai_pipelines.ingest.masking import masked_text
from trackai_pipelines.ingest.outcomes import LeftOut, Reference, Row
from trackai_pipelines.ingest.records import Fields, Payload, sha256
from trackai_pipelines.ingest.rejects import Reject, reject_of
from trackai_pipelines.ingest.staging import move, stage
from trackai_pipelines.ingest.streams import Line

# A click or funnel that is deleted between our look and our insert shows as ForeignKeyViolation: look again.
_TRANSIENT = (DeadlockDetected, SerializationFailure, ForeignKeyViolation)
# Rows lock in one order, so a deadlock needs rows that meet in two unique indexes (an event and its sale), or a
# transaction of someone else. The loser of one waits for the winner's short transaction.
_ATTEMPTS = 7
_FIRST_PAUSE_SECONDS = 0.05
# Fewer rows gain little by an insert that may fail, which the server logs as an error.
_MANY_ROWS = 1_000
_UNKNOWN = "not known for this tenant"


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows by what became of them: new (or changed), here already, refused.

    `left_out` counts the values that the rows of the first two go without, by column and reason.
    """

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    left_out: Mapping[LeftOut, int] = field(default_factory=dict)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.accepted + other.accepted,
            self.duplicates + other.duplicates,
            self.rejected + other.rejected,
            Counter(self.left_out) + Counter(other.left_out) if other.left_out else self.left_out,
        )


@dataclass(slots=True)
class Chunk:
    """Rows of one kind and the rejects met next to them, written together or not at all.

    `rows` and `lines` go in parallel. `references` are the rows, by index, that need a row elsewhere, with the record
    from which a reject would be made.
    """

    kind: Kind
    source: str
    context: Context
    rows: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    references: list[tuple[int, Reference, Line | Fields | Payload]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    # By the row's index, what it goes without.
    left_out: dict[int, tuple[LeftOut, ...]] = field(default_factory=dict)
    # What rows of webhooks stand for, and their payloads, to say which of them were left out (`kinds.SameThing`).
    sales: list[tuple[tuple[str, ...], Payload]] = field(default_factory=list)
    # The names of what a row stands for, by the row.
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    # What identifies a row, and a text in it that may name a row elsewhere (`kinds.Carried`).
    carried: list[tuple[str, ...]] = field(default_factory=list)

    def add(self, row: Row, record: Line | Fields | Payload) -> None:
        """Take a row in."""
        if row.references:
            self.references += [(len(self.rows), reference, record) for reference in row.references]
        if row.sale and isinstance(record, Payload):
            self.sales.append((row.sale, record))
            if row.names:
                self.names[row.text] = row.names
        self.carried += row.carried
        if self.context.left_out:
            self.left_out[len(self.rows)] = self.context.taken_left_out()
        self.rows.append(row.text)
        self.lines.append(record.number)

    def going_without(self, columns: Mapping[int, Sequence[str]], reason: str) -> "Chunk":
        """Return the chunk with these columns of the rows of these indexes left out."""
        rows, left_out = list(self.rows), dict(self.left_out)
        for index, names in columns.items():
            cells = rows[index].split("\t")
            for name in names:
                cells[self.kind.columns.index(name)] = ""
            rows[index] = "\t".join(cells)
            left_out[index] = (*left_out.get(index, ()), *(LeftOut(name, reason) for name in names))
        return replace(self, rows=rows, left_out=left_out)

    def without(self, dropped: set[int], reasons: Iterable[Reject]) -> "Chunk":
        """Return the chunk without the rows of these indexes, which are rejects now."""
        kept = [index for index in range(len(self.rows)) if index not in dropped]
        return replace(
            self,
            rows=[self.rows[index] for index in kept],
            lines=[self.lines[index] for index in kept],
            references=[],
            rejects=[*self.rejects, *reasons],
            left_out={place: self.left_out[index] for place, index in enumerate(kept) if index in self.left_out},
        )


def write_chunk(connection: Connection[TupleRow], chunk: Chunk) -> Counts:
    """Write the chunk in one transaction and return exact counts.

    Deadlocks are retried. When the database refuses a row that passed all checks, the chunk is halved until that row
    stands alone; it becomes a reject. Raises psycopg.Error for everything else, e.g. a lost connection.
    """
    try:
        return _retrying(_written, connection, chunk)
    except _TRANSIENT:
        raise
    except (DataError, IntegrityError, ProgramLimitExceeded) as error:
        return _written_in_halves(connection, chunk, error)


_retrying = Retrying(
    retry=retry_if_exception_type(_TRANSIENT),
    stop=stop_after_attempt(_ATTEMPTS),
    wait=wait_exponential(multiplier=_FIRST_PAUSE_SECONDS),
    reraise=True,
)


def _written(connection: Connection[TupleRow], chunk: Chunk) -> Counts:
    with connection.transaction():
        chunk = _without_unknown(connection, chunk)
        accepted = 0
        renamed: Mapping[tuple[str, str, str], str] = {}
        if chunk.rows:
            with connection.cursor() as cursor:
                # A row begins with its unique key. Sorted here, because the server is the busier of the two.
                rows, renamed = _joined(connection, chunk)
                stage(cursor, chunk.kind, rows)
                _complete(cursor, chunk)
                likely_new = len(chunk.rows) >= _MANY_ROWS and chunk.kind.name not in chunk.context.repeated
                accepted = move(cursor, chunk.kind, utc_now(), likely_new=likely_new)
                if accepted < len(chunk.rows):
                    chunk.context.repeated.add(chunk.kind.name)
        set_aside = _set_aside(connection, chunk, renamed)
        if chunk.rejects or set_aside:
            _keep(connection, chunk.source, [*chunk.rejects, *set_aside])
    return Counts(
        accepted,
        len(chunk.rows) - accepted - len(set_aside),
        len(chunk.rejects) + len(set_aside),
        _values_left_out(chunk, set_aside),
    )


def _complete(cursor: Cursor[TupleRow], chunk: Chunk) -> None:
    """Complete staged rows by the rows elsewhere that they name."""
    if chunk.kind.carried is None or not chunk.carried:
        return
    columns = (*chunk.kind.carried.columns, "name")
    values = map(list, zip(*chunk.carried, strict=True))
    cursor.execute(statement(chunk.kind.carried.statement), dict(zip(columns, values, strict=True)))


def _values_left_out(chunk: Chunk, set_aside: list[Reject]) -> Mapping[LeftOut, int]:
    refused = {reject.line for reject in set_aside}
    return Counter(
        value for index, values in chunk.left_out.items() if chunk.lines[index] not in refused for value in values
    )


def _joined(connection: Connection[TupleRow], chunk: Chunk) -> Joined:
    if not chunk.names or chunk.kind.same_thing is None or chunk.kind.same_thing.join is None:
        return Joined(sorted(chunk.rows), {})
    return chunk.kind.same_thing.join(connection, chunk.rows, chunk.names)


def _set_aside(
    connection: Connection[TupleRow], chunk: Chunk, renamed: Mapping[tuple[str, str, str], str]
) -> list[Reject]:
    """Return payloads whose row is not there because another stands for the same: kept, with that reason."""
    same = chunk.kind.same_thing
    if same is None or not chunk.sales:
        return []
    sales = [(*sale[:-1], renamed.get((sale[0], sale[1], sale[-1]), sale[-1])) for sale, _ in chunk.sales]
    values = zip(*sales, strict=True)
    found = connection.execute(
        statement(same.statement), dict(zip(same.columns, map(list, values), strict=True))
    ).fetchall()
    return [reject_of(chunk.sales[place - 1][1], reason, chunk.context) for place, reason in found]


def _without_unknown(connection: Connection[TupleRow], chunk: Chunk) -> Chunk:
    """Return the chunk without names of rows that do not exist, e.g. of a funnel or a click.

    Where the column is optional the row goes without it, elsewhere the row is refused.
    """
    refused: dict[int, Reject] = {}
    left_out: dict[int, list[str]] = {}
    for column, query in chunk.kind.references.items():
        wanted = sorted({reference for _, reference, _ in chunk.references if reference.column == column})
        if not wanted:
            continue
        found = connection.execute(
            statement(query), {"tenant_ids": [w.tenant_id for w in wanted], "ids": [w.value for w in wanted]}
        )
        unknown = {Reference(column, tenant_id, value) for tenant_id, value in found}
        for index, reference, record in chunk.references:
            if reference not in unknown:
                continue
            if column in chunk.kind.optional:
                left_out.setdefault(index, []).append(column)
            elif index not in refused:
                refused[index] = reject_of(record, f"{column} is {_UNKNOWN}", chunk.context)
    if left_out:
        chunk = chunk.going_without(left_out, _UNKNOWN)
    return chunk.without(set(refused), refused.values()) if refused else chunk


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
        said = masked_text(error.diag.message_primary or "")
        reason = f"the database refused the row: {said}"
        reject = Reject(chunk.lines[0], sha256(chunk.rows[0].encode()), None, reason, None)
        return write_chunk(connection, chunk.without({0}, [reject]))
    middle = len(chunk.rows) // 2
    # What belongs to no row is written with one half.
    first = replace(
        chunk,
        rows=chunk.rows[:middle],
        lines=chunk.lines[:middle],
        references=[entry for entry in chunk.references if entry[0] < middle],
        left_out={index: values for index, values in chunk.left_out.items() if index < middle},
        sales=[],
    )
    second = replace(
        chunk,
        rows=chunk.rows[middle:],
        lines=chunk.lines[middle:],
        references=[(i - middle, reference, record) for i, reference, record in chunk.references if i >= middle],
        rejects=[],
        left_out={index - middle: values for index, values in chunk.left_out.items() if index >= middle},
    )
    return write_chunk(connection, first) + write_chunk(connection, second)
