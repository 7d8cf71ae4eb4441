"""Loading landing files: from paths to rows in the database, in bounded memory, as often as one likes.

Here: the course of a load, cutting files into chunks, what is told about each file. Not here: which files there
are (`landing`), how they are read (`formats`, `rows`) and written (`writing`).

While chunks are written by threads, each over a connection of its own, the next is read, so that this process and
the server work at once. At most WRITERS + 1 chunks are in memory.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from psycopg import Connection, OperationalError
from psycopg.rows import TupleRow

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.statements import statement
from trackai_pipelines.errors import ExpectedError
from trackai_pipelines.facts.gateways import READERS
from trackai_pipelines.facts.sale import MalformedPayload, NotASale
from trackai_pipelines.ingest import fields
from trackai_pipelines.ingest.formats import (
    Fields,
    Payload,
    Record,
    Refused,
    Unreadable,
    csv_records,
    json_lines,
    parquet_records,
    webhook_payloads,
)
from trackai_pipelines.ingest.landing import LandingFile, fingerprint, landing_files, source_of
from trackai_pipelines.ingest.rejects import reject_of
from trackai_pipelines.ingest.rows import FILE_COLUMNS, ROW_READERS, sale_row
from trackai_pipelines.ingest.streams import Line, Notes
from trackai_pipelines.ingest.tenants import Context, Tenant, tenants_by_name
from trackai_pipelines.ingest.writing import Chunk, Counts, SaleEvent, prepare_staging, write_chunk

# Rows and bytes of a chunk, whichever comes first. Larger chunks are no faster, but hold locks and memory longer.
CHUNK_ROWS = 20_000
CHUNK_BYTES = 16_000_000
# Writing a row costs the server about three times what reading it costs here, and a connection is one process of
# the server. More than two gain nothing on two cores and would crowd out the matching on more.
WRITERS = 2


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of a file. `kind` is clicks, identities, conversions, webhooks, or ignored.

    `accepted` rows are new, `duplicates` were here already, `rejected` records are kept with their reasons. `note`
    says what is to be known of the file as a whole.
    """

    source: str
    kind: str
    accepted: int
    duplicates: int
    rejected: int
    note: str | None
    seconds: float


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
    landing_dir: Path,
    clock: Clock = utc_now,
    on_progress: Callable[[Progress], None] | None = None,
) -> list[FileReport]:
    """Loads landing files, and all those in folders, into the database; one report per file, ignored ones too.

    Loading a file again changes nothing. Raises FileNotFoundError for a path that does not exist (before anything
    is loaded), psycopg.OperationalError when there is no database, LoadInterruptedError when it goes away.
    """
    files, ignored = landing_files(paths, landing_dir=landing_dir)
    reports = []
    with _writers(database_url) as writers:
        tenants = _tenants(writers.connection)
        for file in files:
            context = Context(tenants, file.folder, clock() + fields.CLOCK_SKEW)
            reports.append(_load_file(writers, file, context, on_progress))
    for skipped in ignored:
        source = source_of(skipped.path, landing_dir)
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
            prepare_staging(connection)
            free.put(connection)
        threads = stack.enter_context(ThreadPoolExecutor(WRITERS, thread_name_prefix="ingest-writer"))
        yield _Writers(threads, free, connection)


def _load_file(
    writers: _Writers,
    file: LandingFile,
    context: Context,
    on_progress: Callable[[Progress], None] | None,
) -> FileReport:
    begun = time.monotonic()
    counts, notes, line = Counts(), Notes(), 0
    try:
        state = fingerprint(file.path)
        for line, written in _written_chunks(writers, file, context, notes):
            counts += written
            if on_progress is not None:
                on_progress(Progress(file.source, line, counts))
        if counts == Counts() and not notes.texts:
            notes.add("the file is empty")
        note = "; ".join(notes.texts) or None
        _record(writers.connection, file, state, counts, note)
    except OSError as error:
        # Not recorded as loaded, so that it is tried again.
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
    )


def _written_chunks(
    writers: _Writers, file: LandingFile, context: Context, notes: Notes
) -> Iterator[tuple[int, Counts]]:
    """Each chunk's last line and counts, in order, once it and all before it are committed."""
    under_way: deque[tuple[int, Future[Counts]]] = deque()
    for line, chunk in _chunks(file, context, notes):
        if len(under_way) == WRITERS:
            last, written = under_way.popleft()
            yield last, written.result()
        under_way.append((line, writers.start(chunk)))
    for last, written in under_way:
        yield last, written.result()


def _chunks(file: LandingFile, context: Context, notes: Notes) -> Iterator[tuple[int, Chunk]]:
    """The file in chunks, each with the number of its last line."""
    fact = "conversions" if file.kind == "webhooks" else file.kind
    row_of = ROW_READERS[fact]
    chunk, size, number = Chunk(fact, file.source, context), 0, 0
    for record in _records(file, notes):
        number = record.number
        if isinstance(record, (Line, Fields)):
            try:
                row = row_of(record, context)
            except Refused as refusal:
                reject = reject_of(record, str(refusal), context)
                chunk.rejects.append(reject)
                size += len(reject.payload or "")
            else:
                chunk.add(row, record)
                size += len(row.text)
        elif isinstance(record, Unreadable):
            chunk.rejects.append(reject_of(record, record.reason, context))
        else:
            _add_sales(chunk, record, file.gateway or "")
            size += len(record.raw)
        if len(chunk.rows) + len(chunk.rejects) >= CHUNK_ROWS or size >= CHUNK_BYTES:
            yield number, chunk
            chunk, size = Chunk(fact, file.source, context), 0
    if chunk.rows or chunk.rejects:
        yield number, chunk


def _records(file: LandingFile, notes: Notes) -> Iterator[Record]:
    if file.kind == "webhooks":
        return webhook_payloads(file.path, notes)
    if file.suffix.startswith(".jsonl"):
        return json_lines(file.path, notes)
    if file.suffix.startswith(".csv"):
        return csv_records(file.path, FILE_COLUMNS[file.kind], notes)
    return parquet_records(file.path, FILE_COLUMNS[file.kind], notes)


def _add_sales(chunk: Chunk, record: Payload, gateway: str) -> None:
    """The sales of a payload as rows; one reject with all reasons when some of it, or all, is no sale."""
    reasons = []
    if isinstance(record.payload, dict):
        try:
            for found in READERS[gateway](record.payload):
                if isinstance(found, NotASale):
                    reasons.append(found.reason)
                    continue
                try:
                    row = sale_row(found, gateway, chunk.context)
                except Refused as refusal:
                    reasons.append(str(refusal))
                    continue
                chunk.rows.append(row.text)
                chunk.lines.append(record.number)
                if found.sale_key:
                    tenant_id = chunk.context.tenant_of(None, None).id
                    chunk.events.append(SaleEvent(tenant_id, gateway, found.gateway_event_id, found.sale_key, record))
        except MalformedPayload as malformed:
            reasons.append(str(malformed))
    else:
        reasons.append("the payload is not a JSON object; expected one as the gateway sends it")
    if reasons:
        chunk.rejects.append(reject_of(record, "; ".join(reasons), chunk.context))


def _tenants(connection: Connection[TupleRow]) -> dict[str, Tenant]:
    return tenants_by_name([Tenant(*row) for row in connection.execute(statement("ingest/tenants"))])


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
        },
    )
