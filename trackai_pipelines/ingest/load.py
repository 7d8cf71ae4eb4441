"""Loading landing files: from paths to rows in the database, in bounded memory, as often as one likes.

What belongs here: the course of a load, cutting files into chunks, what is reported about each file. What does not:
which kinds there are (the domains), which files there are (`files`), how they are read (`formats`, `rows`) and written
(`writing`).

While chunks are written by threads, each over a connection of its own, the next is read: this process and the
server work at once. At most WRITERS + 1 chunks are in memory.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue

from psycopg import Connection, OperationalError
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.statements import statement
from trackai_pipelines.errors import ExpectedError
from trackai_pipelines.ingest import fields
from trackai_pipelines.ingest.context import Context, Owner, owners_by_name
from trackai_pipelines.ingest.csv_files import csv_records, no_record
from trackai_pipelines.ingest.dialects import NOTHING_STATED, Dialect, Stated, dialect_of
from trackai_pipelines.ingest.files import LandingFile, source_of
from trackai_pipelines.ingest.formats import json_records, webhook_payloads
from trackai_pipelines.ingest.kinds import Kind, WebhookReader, columns_of
from trackai_pipelines.ingest.outcomes import LeftOut, MalformedPayload, NotTaken, Refused, Row
from trackai_pipelines.ingest.parquet_files import parquet_records
from trackai_pipelines.ingest.records import Fields, Payload, Unreadable
from trackai_pipelines.ingest.rejects import reject_of
from trackai_pipelines.ingest.rows import RowReader
from trackai_pipelines.ingest.staging import prepare
from trackai_pipelines.ingest.streams import Line, Notes
from trackai_pipelines.ingest.writing import Chunk, Counts, write_chunk
from trackai_pipelines.ingest.zones import Zone, zone_of

# Rows and bytes of a chunk, whichever comes first. Larger chunks are no faster, but hold locks and memory longer.
CHUNK_ROWS = 20_000
CHUNK_BYTES = 16_000_000
# Writing a row costs the server about three times what reading it costs here, and a connection is one process of
# the server. More than two gain nothing on two cores and would crowd out the matching on more.
WRITERS = 2


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of a file. `kind` is the name of its kind, webhooks, or ignored.

    `accepted` rows are new, `duplicates` were here already, `rejected` records are kept with their reasons. `note`
    says what should be known of the file as a whole. `by_kind` has the rows that it held by their kind; what a file of
    webhooks holds for no kind is counted for the first one that reads the gateway.
    """

    source: str
    kind: str
    accepted: int
    duplicates: int
    rejected: int
    note: str | None
    seconds: float
    by_kind: Mapping[str, Counts] = field(default_factory=dict)
    left_out: Mapping[LeftOut, int] = field(default_factory=dict)
    """How many values the rows go without, by column and reason."""
    damaged: bool = False
    """Whether some of the file could not be read."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the load of a file is: the last line whose chunk is committed, and the rows until there."""

    source: str
    line: int
    counts: Counts


class LoadInterruptedError(ExpectedError):
    """The database went away in mid-load. What was committed is complete; loading again adds the rest."""


def load_paths(
    database_url: str,
    paths: Iterable[Path],
    *,
    landing_dir: Path | str,
    kinds: Sequence[Kind],
    clock: Clock = utc_now,
    stated: Stated = NOTHING_STATED,
    on_progress: Callable[[Progress], None] | None = None,
) -> list[FileReport]:
    """Load landing files, and all those in folders, into the database; return a report per file, ignored ones too.

    `landing_dir` is a folder, or a URL whose files have paths like `/bucket/folder/...` (`zones`). Loading a file again
    changes nothing. What is `stated` of CSV files is not looked for in them. Raises
    FileNotFoundError for a path that does not exist (before anything is loaded), psycopg.OperationalError when there
    is no database, LoadInterruptedError when it goes away.
    """
    zone = zone_of(landing_dir)
    files, ignored = zone.files(paths, kinds)
    reports = []
    with _writers(database_url) as writers:
        owners = owners_of(writers.connection)
        for file in files:
            reports.append(_load_file(writers, zone, file, owners, clock(), stated, on_progress))
    for skipped in ignored:
        source = source_of(skipped.path, zone.root)
        reports.append(FileReport(source, "ignored", 0, 0, 0, skipped.reason, 0.0))
    return reports


@dataclass(frozen=True, slots=True)
class _Writers:
    """Threads that write chunks. `connection` is one of theirs, for use while no chunk is under way."""

    threads: ThreadPoolExecutor
    free: SimpleQueue[Connection[TupleRow]]
    connection: Connection[TupleRow]

    def start(self, chunk: Chunk) -> Future[Counts]:
        return self.threads.submit(self._write, chunk)

    def _write(self, chunk: Chunk) -> Counts:
        connection = self.free.get()
        try:
            return write_chunk(connection, chunk)
        finally:
            self.free.put(connection)


@contextmanager
def _writers(database_url: str) -> Iterator[_Writers]:
    """Open connections and threads; leaving waits for the chunks under way."""
    with ExitStack() as stack:
        free: SimpleQueue[Connection[TupleRow]] = SimpleQueue()
        for _ in range(WRITERS):
            connection = stack.enter_context(closing(connect(database_url, name="trackai ingest")))
            prepare(connection)
            free.put(connection)
        threads = stack.enter_context(ThreadPoolExecutor(WRITERS, thread_name_prefix="ingest-writer"))
        yield _Writers(threads, free, connection)


def _load_file(
    writers: _Writers,
    zone: Zone,
    file: LandingFile,
    owners: Mapping[str, Owner],
    now: datetime,
    stated: Stated,
    on_progress: Callable[[Progress], None] | None,
) -> FileReport:
    begun = time.monotonic()
    by_kind, notes, line = {kind.name: Counts() for kind in file.kinds[:1]}, Notes(), 0
    try:
        with zone.at_hand(file) as (here, state):
            written_at = datetime.fromtimestamp(state.changed_at, UTC)
            context = Context(
                owners,
                file.folder,
                now + fields.CLOCK_SKEW,
                min(written_at, now),
                source=file.source,
                in_root=file.in_root,
                word=file.word,
                day=stated.day,
                known=known_values(writers.connection, file.kinds),
            )
            for line, kind, written in _written_chunks(writers, here, context, stated, notes):
                by_kind[kind] = by_kind.get(kind, Counts()) + written
                if on_progress is not None:
                    on_progress(Progress(file.source, line, sum(by_kind.values(), Counts())))
            counts = sum(by_kind.values(), Counts())
            for (column, became), count in sorted(context.noted.items()):
                notes.add(f"{column} {became} ({count:,} records)" if count > 1 else f"{column} {became} (1 record)")
            if counts == Counts() and not notes.texts:
                notes.add("the file is empty")
            note = "; ".join(notes.texts) or None
            _record(writers.connection, file, state.fingerprint, counts, note)
    except OSError as error:
        # Not recorded as loaded, so the next load tries it again.
        counts = sum(by_kind.values(), Counts())
        notes.damaged = True
        note = "; ".join([*notes.texts, f"the file could not be read to its end: {error.strerror or error}"])
    except OperationalError as error:
        raise LoadInterruptedError(
            f"the database failed while {file.source} was loaded; everything up to line {line} is "
            "committed and the rest is not. Load the file again once the database is back: nothing is doubled. "
            f"The database said: {str(error).strip() or type(error).__name__}"
        ) from error
    return FileReport(
        file.source,
        file.kind,
        counts.accepted,
        counts.duplicates,
        counts.rejected,
        note,
        time.monotonic() - begun,
        by_kind,
        counts.left_out,
        notes.damaged,
    )


def _written_chunks(
    writers: _Writers, file: LandingFile, context: Context, stated: Stated, notes: Notes
) -> Iterator[tuple[int, str, Counts]]:
    """Yield each chunk's last line, kind and counts, in order, once it and all before it are committed."""
    under_way: deque[tuple[int, str, Future[Counts]]] = deque()
    for line, chunk in chunks_of(file, context, notes, stated):
        if len(under_way) == WRITERS:
            last, kind, written = under_way.popleft()
            yield last, kind, written.result()
        under_way.append((line, chunk.kind.name, writers.start(chunk)))
    for last, kind, written in under_way:
        yield last, kind, written.result()


def chunks_of(
    file: LandingFile, context: Context, notes: Notes, stated: Stated = NOTHING_STATED
) -> Iterator[tuple[int, Chunk]]:
    """Yield the file in chunks of one kind each, with the number of the last line."""
    if file.gateway:
        yield from _chunks_of_payloads(file, file.gateway, context, notes)
        return
    (kind,) = file.kinds
    chunk, size, number = Chunk(kind, file.source, context), 0, 0
    try:
        row_of, records = _opened(file, kind, stated, notes)
    except Refused as refusal:
        notes.add(f"nothing was read: {refusal}")
        chunk.rejects.append(reject_of(no_record(file.path, str(refusal)), str(refusal), context))
        yield 1, chunk
        return
    for record in records:
        number = record.number
        if isinstance(record, Unreadable):
            chunk.rejects.append(reject_of(record, record.reason, context))
        else:
            try:
                row = row_of(record, context)
            except Refused as refusal:
                context.left_out.clear()
                reject = reject_of(record, str(refusal), context)
                chunk.rejects.append(reject)
                size += len(reject.payload or "")
            else:
                chunk.add(row, record)
                size += len(row.text)
        if len(chunk.rows) + len(chunk.rejects) >= CHUNK_ROWS or size >= CHUNK_BYTES:
            yield number, chunk
            chunk, size = Chunk(kind, file.source, context), 0
    if chunk.rows or chunk.rejects:
        yield number, chunk


def _opened(
    file: LandingFile, kind: Kind, stated: Stated, notes: Notes
) -> tuple[Callable[[Line | Fields, Context], Row], Iterator[Line | Fields | Unreadable]]:
    """Return what makes rows of a file's records, and the records. Raises Refused for a file that cannot be read."""
    columns = columns_of(kind)
    records: Iterator[Line | Fields | Unreadable]
    dialect = Dialect(decimal=stated.decimal or "", days=stated.days)
    if file.suffix.startswith(".csv"):
        dialect = dialect_of(file.path, columns, stated)
        difference = dialect.difference()
        if difference:
            notes.add(difference)
        records = csv_records(file.path, columns.known, notes, dialect)
    elif file.suffix.startswith(".parquet"):
        records = parquet_records(file.path, columns, notes)
    else:
        records = json_records(file.path, notes)
    return RowReader(kind, dialect.decimal, dialect.days).of_record, records


# What reads the payloads of a gateway, and the kinds whose records it yields.
_Readers = dict[WebhookReader, dict[Kind, RowReader]]


def _chunks_of_payloads(file: LandingFile, gateway: str, context: Context, notes: Notes) -> Iterator[tuple[int, Chunk]]:
    readers: _Readers = {}
    for kind in file.kinds:
        readers.setdefault(kind.webhooks[gateway], {})[kind] = RowReader(kind)
    chunks, size, number = _no_rows(file, context), 0, 0
    for record in webhook_payloads(file.path, notes):
        number = record.number
        if isinstance(record, Unreadable):
            reasons = [record.reason]
        else:
            reasons = _add_payload(chunks, readers, record, gateway, context)
            size += len(record.raw)
        if reasons:
            chunks[file.kinds[0]].rejects.append(reject_of(record, "; ".join(reasons), context))
        if sum(len(chunk.rows) + len(chunk.rejects) for chunk in chunks.values()) >= CHUNK_ROWS or size >= CHUNK_BYTES:
            yield from _with_rows(number, chunks)
            chunks, size = _no_rows(file, context), 0
    yield from _with_rows(number, chunks)


def _no_rows(file: LandingFile, context: Context) -> dict[Kind, Chunk]:
    return {kind: Chunk(kind, file.source, context) for kind in file.kinds}


def _with_rows(number: int, chunks: Mapping[Kind, Chunk]) -> Iterator[tuple[int, Chunk]]:
    return ((number, chunk) for chunk in chunks.values() if chunk.rows or chunk.rejects)


def _add_payload(
    chunks: Mapping[Kind, Chunk], readers: _Readers, record: Payload, gateway: str, context: Context
) -> list[str]:
    """Add the rows that a payload holds, whatever their kinds; return why some of it, or all, is none.

    That one reader finds nothing in it is no reason where another one does.
    """
    if not isinstance(record.payload, dict):
        return ["the payload is not a JSON object; expected one as the gateway sends it"]
    reasons: list[str] = []
    nothing_for: list[str] = []
    taken = False
    for read, kinds in readers.items():
        said: list[str] = []
        concerned = False
        try:
            for found in read(record.payload):
                if isinstance(found, NotTaken):
                    said.append(found.reason)
                    continue
                concerned = True
                kind = next(kind for kind in kinds if isinstance(found, kind.record))
                try:
                    row = kinds[kind].of_payload(found, record.number, context)
                except Refused as refusal:
                    context.left_out.clear()
                    said.append(str(refusal))
                else:
                    chunks[kind].add(row, record)
                    taken = True
        except MalformedPayload as malformed:
            concerned = True
            said.append(str(malformed))
        (reasons if concerned else nothing_for).extend(said)
    return reasons or ([] if taken else nothing_for)


def owners_of(connection: Connection[TupleRow]) -> dict[str, Owner]:
    return owners_by_name([Owner(*row) for row in connection.execute(statement("ingest/tenants"))])


def known_values(connection: Connection[TupleRow], kinds: Iterable[Kind]) -> dict[tuple[str, ...], str]:
    queries = [kind.known for kind in kinds if kind.known is not None]
    return {tuple(keys): value for query in queries for *keys, value in connection.execute(statement(query))}


def by_column(left_out: Mapping[LeftOut, int]) -> dict[str, dict[str, int]]:
    """Return counts of values left out as JSON: by column, by reason."""
    columns: dict[str, dict[str, int]] = {}
    for (column, reason), count in sorted(left_out.items()):
        columns.setdefault(column, {})[reason] = count
    return columns


def _record(connection: Connection[TupleRow], file: LandingFile, state: str, counts: Counts, note: str | None) -> None:
    connection.execute(
        statement("ingest/record_file"),
        {
            "source": file.source,
            "fingerprint": state,
            "accepted": counts.accepted,
            "duplicates": counts.duplicates,
            "rejected": counts.rejected,
            "note": note,
            "left_out": Jsonb(by_column(counts.left_out)),
        },
    )
