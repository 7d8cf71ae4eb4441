"""Formats of landing files: JSON Lines, CSV, Parquet and webhook payloads as numbered records.

What belongs here: where a record begins and ends, and what cannot be read at all. What does not: what a record's fields
must be (`rows`, the kinds), and bytes and lines (`streams`). One bad record never costs another.
"""

import csv
import hashlib
import json
import re
from collections import deque
from collections.abc import Collection, Iterator, Set
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from trackai_pipelines.ingest.forms import form_value, is_a_form
from trackai_pipelines.ingest.outcomes import Refused
from trackai_pipelines.ingest.personal import sensitivity
from trackai_pipelines.ingest.streams import (
    MAX_LINE_BYTES,
    CutLine,
    Line,
    LongLine,
    Notes,
    PhysicalLine,
    open_bytes,
    physical_lines,
)

# A CSV record may span lines inside quotes. A quote that is never closed would swallow the file; beyond this it is
# taken for that.
MAX_RECORD_LINES = 100
# A `.json` file is parsed in one piece, so its size is bounded: some thousand payloads.
MAX_DOCUMENT_BYTES = 16_000_000
_PARQUET_BATCH_ROWS = 4_096
_NOT_KEPT = b"[not kept: any part of it may be a buyer's name or address]"
_COLUMN_NAME = re.compile("[a-z_][a-z_ ]{0,40}")


class Fields(NamedTuple):
    """A record as named values, already separated from its neighbours. `raw` is None where no text exists."""

    number: int
    raw: bytes | None
    values: dict[str, object]


class Payload(NamedTuple):
    """A webhook payload, numbered from 1 within its file."""

    number: int
    raw: bytes
    payload: object


class Unreadable(NamedTuple):
    """A record that cannot be read. `raw` may be only its start; `digest` is the SHA-256 of the whole."""

    number: int
    raw: bytes
    digest: str
    reason: str


Record = Line | Fields | Payload | Unreadable


def json_value(raw: bytes) -> object:
    """Return the JSON value of a text, with exact decimals. Raises Refused with what is wrong."""
    if b"\0" in raw:
        raise Refused("the line holds a NUL byte; remove it")
    try:
        return json.loads(raw.decode("utf-8"), parse_float=Decimal, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise Refused(f"not valid UTF-8 at byte {error.start + 1}; write the file as UTF-8") from error
    except json.JSONDecodeError as error:
        raise Refused(f"not valid JSON: {error.msg} at character {error.pos + 1}") from error
    except RecursionError as error:
        raise Refused("not usable JSON: nested too deeply") from error
    except ValueError as error:
        if isinstance(error, Refused):
            raise
        raise Refused("not usable JSON: a number is too long") from error


def json_lines(path: Path, notes: Notes) -> Iterator[Line | Unreadable]:
    """Yield a record a line; blank lines are none. What a line holds is decoded by `rows`."""
    with open_bytes(path, notes) as stream:
        for line in physical_lines(stream, notes):
            if not isinstance(line, Line):
                yield _unreadable_line(line)
            elif line.raw and not line.raw.isspace():
                yield line


def csv_records(path: Path, columns: Set[str], notes: Notes) -> Iterator[Fields | Unreadable]:
    """Yield records of a comma-separated file (RFC 4180) whose first line names the columns.

    Only `columns` are kept; others are noted. A record that does not parse, spans more than MAX_RECORD_LINES or
    has another number of columns than the header costs its first physical line; reading goes on with the next. Of
    such a line only the fingerprint is kept where a column is of a buyer's name or the like: which of its cells that
    is cannot be known.
    """
    with open_bytes(path, notes) as stream:
        feed = _Feed(physical_lines(stream, notes))
        header: list[str] | None = None
        personal = False
        while (cells := feed.cells(None if header is None else len(header))) is not None:
            if isinstance(cells, Unreadable):
                yield cells._replace(raw=_NOT_KEPT) if personal else cells
            elif header is None:
                header = [name.strip().lower() for name in cells.values]
                # None of the columns is known where there is no header: then anything may stand anywhere.
                personal = columns.isdisjoint(header) or any(map(_is_personal, header))
                _note_unknown_columns(header, columns, notes)
            else:
                pairs = zip(header, cells.values, strict=True)
                yield Fields(cells.number, cells.raw, {name: cell for name, cell in pairs if name in columns})


def parquet_records(path: Path, columns: Collection[str], notes: Notes) -> Iterator[Fields | Unreadable]:
    """Yield rows of a Parquet file, numbered from 1. Row groups that cannot be read are noted and passed over."""
    import pyarrow
    from pyarrow import parquet

    unreadable = (pyarrow.ArrowException, OSError)
    try:
        file = parquet.ParquetFile(path, pre_buffer=False)
    except unreadable as error:
        text = f"the Parquet file has no readable footer ({_first_line(error)}); nothing could be read of it"
        notes.add(text, damaged=True)
        return
    with file:
        names = {name.strip().lower(): name for name in file.schema_arrow.names}
        if len(names) < len(file.schema_arrow.names):
            notes.add("the Parquet file has two columns of one name; nothing was read", damaged=True)
            return
        _note_unknown_columns(list(names), columns, notes)
        wanted = {known: stored for known, stored in names.items() if known in columns}
        before = 0
        for group in range(file.num_row_groups):
            rows, done = file.metadata.row_group(group).num_rows, 0
            try:
                for batch in file.iter_batches(_PARQUET_BATCH_ROWS, [group], list(wanted.values()), use_threads=False):
                    yield from _batch_records(batch, wanted, before + done + 1)
                    done += batch.num_rows
            except unreadable as error:
                text = (
                    f"row group {group + 1} of {file.num_row_groups} cannot be read ({_first_line(error)}); "
                    f"{rows - done} rows are missing"
                )
                notes.add(text, damaged=True)
            before += rows


def webhook_payloads(path: Path, notes: Notes) -> Iterator[Payload | Unreadable]:
    """Payloads of a `.json` file (one, or an array) or of a `.jsonl` file (one or an array a line)."""
    with open_bytes(path, notes) as stream:
        number = 0
        for text in _documents(path, stream, notes):
            if isinstance(text, Unreadable):
                number += 1
                yield text._replace(number=number)
                continue
            try:
                value = form_value(text) if is_a_form(text) else json_value(text)
            except Refused as error:
                number += 1
                yield Unreadable(number, text, sha256(text), str(error))
                continue
            several = isinstance(value, list)
            for payload in value if isinstance(value, list) else [value]:
                number += 1
                yield Payload(number, canonical_json(payload) if several else text, payload)


def canonical_json(value: object) -> bytes:
    """Return the same bytes for the same value, whatever the order of its keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str).encode()


def sha256(raw: bytes) -> str:
    """Return the hex digits of the SHA-256."""
    return hashlib.sha256(raw).hexdigest()


def _no_constant(name: str) -> object:
    raise Refused(f"not valid JSON: {name} is not a number in JSON")


def _documents(path: Path, stream: BinaryIO, notes: Notes) -> Iterator[bytes | Unreadable]:
    """The JSON texts of a webhook file."""
    if path.name.lower().removesuffix(".gz").endswith(".jsonl"):
        for line in physical_lines(stream, notes):
            if not isinstance(line, Line):
                yield _unreadable_line(line)
            elif line.raw and not line.raw.isspace():
                yield line.raw
        return
    text = stream.read(MAX_DOCUMENT_BYTES + 1)
    if len(text) > MAX_DOCUMENT_BYTES:
        digest = hashlib.sha256(text)
        while piece := stream.read(MAX_LINE_BYTES):
            digest.update(piece)
        reason = f"the file is longer than {MAX_DOCUMENT_BYTES:,} bytes; write one payload a line (.jsonl)"
        yield Unreadable(1, text[:MAX_LINE_BYTES], digest.hexdigest(), reason)
    elif text.strip():
        yield text.removeprefix(b"\xef\xbb\xbf")


def _unreadable_line(line: LongLine | CutLine) -> Unreadable:
    if isinstance(line, LongLine):
        reason = f"the line is {line.size:,} bytes long; at most {MAX_LINE_BYTES:,} are read"
        return Unreadable(line.number, line.prefix, line.digest, reason)
    return Unreadable(line.number, line.raw, sha256(line.raw), "the damaged file ends inside this line")


class _Cells(NamedTuple):
    number: int
    raw: bytes
    values: list[str]


class _RecordTooLongError(ValueError):
    """A CSV record spans more than any real one does."""


class _Feed:
    """Physical lines for `csv.reader`, some of which may have to be read once more."""

    def __init__(self, lines: Iterator[PhysicalLine]) -> None:
        self._lines = lines
        self._again: deque[PhysicalLine] = deque()
        self._taken: list[PhysicalLine] = []
        self._bytes = 0
        self._reader = csv.reader(self, strict=True)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self._taken) == MAX_RECORD_LINES or self._bytes > MAX_LINE_BYTES:
            raise _RecordTooLongError
        line = self._again.popleft() if self._again else next(self._lines)
        self._taken.append(line)
        if not isinstance(line, Line):
            raise _RecordTooLongError
        self._bytes += len(line.raw)
        return line.raw.decode("utf-8") + "\n"

    def cells(self, width: int | None) -> _Cells | Unreadable | None:
        """The next record that is not blank, of `width` cells when given; None at the end."""
        while True:
            self._taken, self._bytes = [], 0
            try:
                values = next(self._reader, None)
            except UnicodeDecodeError as error:
                return self._first_refused(f"not valid UTF-8 at byte {error.start + 1}; write the file as UTF-8")
            except _RecordTooLongError:
                return self._first_refused("")
            except csv.Error as error:
                return self._first_refused(f"not valid CSV: {error}")
            if values is None:
                return None
            if width is not None and values and len(values) != width:
                return self._first_refused(f"the line has {len(values)} columns, the header has {width}")
            if values:
                raw = b"\n".join(line.raw for line in self._taken if isinstance(line, Line))
                return _Cells(self._taken[0].number, raw, values)

    def _first_refused(self, reason: str) -> Unreadable:
        first, *rest = self._taken
        self._again.extendleft(reversed(rest))
        # The reader's state is that of the failed record.
        self._reader = csv.reader(self, strict=True)
        if not isinstance(first, Line):
            return _unreadable_line(first)
        if rest:
            reason = "a quote is opened in this line and not closed as CSV demands"
        return Unreadable(first.number, first.raw, sha256(first.raw), reason)


def _is_personal(column: str) -> bool:
    """Whether the column holds what a person is known by and no text shows; e-mail and phone are seen in any text."""
    return sensitivity(column, in_person=True) not in {None, "e-mail", "phone"}


def _note_unknown_columns(header: list[str], columns: Collection[str], notes: Notes) -> None:
    unknown = [name for name in header if name not in columns]
    if unknown:
        # In a file without a header this is its first record, hence only what can be a name is shown.
        names = ", ".join([name for name in unknown if _COLUMN_NAME.fullmatch(name)][:10])
        notes.add(f"{len(unknown)} of {len(header)} columns are not known and left out: {names or 'not names'}")


def _batch_records(batch: Any, wanted: dict[str, str], first: int) -> Iterator[Fields | Unreadable]:
    columns = {known: _column_values(batch.column(stored)) for known, stored in wanted.items()}
    for index in range(batch.num_rows):
        values = {known: column[index] for known, column in columns.items()}
        bad = [known for known, value in values.items() if isinstance(value, _NoValue)]
        if bad:
            shown = {known: value for known, value in values.items() if known not in bad}
            raw = canonical_json(shown)
            yield Unreadable(first + index, raw, sha256(raw), f"{bad[0]} cannot be read: {values[bad[0]]}")
        else:
            yield Fields(first + index, None, values)


class _NoValue(str):
    """Stands for a Parquet value that has no Python value, and says why."""

    __slots__ = ()


def _column_values(column: Any) -> list[object]:
    """A column as Python values; a value that cannot be one is a _NoValue and leaves its neighbours alone."""
    import pyarrow

    if pyarrow.types.is_timestamp(column.type) and column.type.unit == "ns":
        column = column.cast(pyarrow.timestamp("us", column.type.tz), safe=False)
    try:
        return list(column.to_pylist())
    except (ValueError, OverflowError):
        return [_python_value(value) for value in column]


def _python_value(value: Any) -> object:
    try:
        return value.as_py()
    except UnicodeDecodeError:
        return _NoValue("not valid UTF-8")
    except (ValueError, OverflowError):
        return _NoValue("out of range")


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
