"""CSV files as numbered records.

What belongs here: where a record begins and ends, and what cannot be read at all. What does not: bytes and lines
(`streams`), and what a record's fields must be (`rows`, the kinds). One bad record never costs another.
"""

import csv
from collections import deque
from collections.abc import Iterator, Set
from functools import partial
from pathlib import Path

import msgspec

from trackai_pipelines.ingest.dialects import PLAIN, Dialect, is_separator_line
from trackai_pipelines.ingest.encoding import WINDOWS_1252, encoding_of_file, open_text
from trackai_pipelines.ingest.personal import sensitivity
from trackai_pipelines.ingest.records import Fields, Unreadable, names_in, note_unknown_columns, sha256, unreadable_line
from trackai_pipelines.ingest.streams import (
    MAX_LINE_BYTES,
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
WRITE_UTF_8 = "write the file as UTF-8, or load it with --encoding, e.g. --encoding windows-1252"
_NOT_KEPT = b"[not kept: any part of it may be a buyer's name or address]"


def csv_records(path: Path, columns: Set[str], notes: Notes, dialect: Dialect = PLAIN) -> Iterator[Fields | Unreadable]:
    """Yield records of a file whose first line names the columns (RFC 4180, in any dialect).

    Only `columns` are kept; others are noted. A record that does not parse, spans more than MAX_RECORD_LINES or
    has another number of columns than the header costs its first physical line; reading goes on with the next. Of
    such a line only the fingerprint is kept where a column is of a buyer's name or the like: which of its cells that
    is cannot be known. Lines of separators alone hold nothing, as blank ones do; so do cells beyond the header.
    """
    with open_text(path, notes, dialect.encoding, bare_cr=dialect.bare_cr) as stream:
        feed = _Feed(physical_lines(stream, notes), dialect, path, notes)
        header: list[str] | None = None
        known: list[str] = []
        personal = empty = False
        while (cells := feed.cells(None if header is None else len(header))) is not None:
            if isinstance(cells, Unreadable):
                empty = False
                yield cells._replace(raw=_NOT_KEPT) if personal else cells
            elif header is None:
                if cells.number == 1 and is_separator_line(cells.raw.decode(errors="replace")):
                    continue
                header = names_in(_without_empty_end(cells.values), columns)
                # None of the columns is known where there is no header: then anything may stand anywhere.
                personal = columns.isdisjoint(header) or any(map(_is_personal, header))
                note_unknown_columns(header, columns, notes)
                known = [name if name in columns else "" for name in header]
                empty = True
            else:
                empty = False
                pairs = zip(known, cells.values, strict=True)
                yield Fields(cells.number, cells.raw, {name: cell for name, cell in pairs if name})
        if empty:
            notes.add("there are no rows after the header")


def no_record(path: Path, reason: str) -> Unreadable:
    """Return what stands for all records of a file that is refused whole: its first line."""
    with open_bytes(path, Notes()) as stream:
        first = next(physical_lines(stream, Notes()), Line(1, b""))
    digest = first.digest if isinstance(first, LongLine) else sha256(first.raw)
    return Unreadable(1, _NOT_KEPT, digest, reason)


class _Cells(msgspec.Struct, frozen=True):
    number: int
    raw: bytes
    values: list[str]


class _RecordTooLongError(ValueError):
    """A CSV record spans more than any real one does."""


class _Feed:
    """Physical lines for `csv.reader`, some of which may have to be read once more."""

    def __init__(self, lines: Iterator[PhysicalLine], dialect: Dialect, path: Path, notes: Notes) -> None:
        self._lines = lines
        self._separator = dialect.separator
        self._survey = partial(_surveyed, path, dialect, notes) if dialect.survey else None
        self._encoding: str | None = None
        self._again: deque[PhysicalLine] = deque()
        self._taken: list[PhysicalLine] = []
        self._bytes = 0
        self._reader = csv.reader(self, strict=True, delimiter=self._separator)

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
        try:
            return line.raw.decode("utf-8") + "\n"
        except UnicodeDecodeError:
            if self._survey is not None:
                self._encoding, self._survey = self._survey(line.number), None
            if self._encoding is None:
                raise
            return line.raw.decode(self._encoding) + "\n"

    def cells(self, width: int | None) -> _Cells | Unreadable | None:
        """The next record that is not blank, of `width` cells when given; None at the end."""
        while True:
            self._taken, self._bytes = [], 0
            try:
                values = next(self._reader, None)
            except UnicodeDecodeError as error:
                return self._first_refused(f"not valid UTF-8 at byte {error.start + 1}; {WRITE_UTF_8}")
            except _RecordTooLongError:
                return self._first_refused("")
            except csv.Error as error:
                return self._first_refused(f"not valid CSV: {error}")
            if values is None:
                return None
            if any(values):
                if width is not None and len(values) != width:
                    if len(values) < width or any(values[width:]):
                        return self._first_refused(f"the line has {len(values)} columns, the header has {width}")
                    del values[width:]
                raw = b"\n".join([line.raw for line in self._taken if isinstance(line, Line)])
                return _Cells(self._taken[0].number, raw, values)

    def _first_refused(self, reason: str) -> Unreadable:
        first, *rest = self._taken
        self._again.extendleft(reversed(rest))
        # The reader's state is that of the failed record.
        self._reader = csv.reader(self, strict=True, delimiter=self._separator)
        if not isinstance(first, Line):
            return unreadable_line(first)
        if rest:
            reason = "a quote is opened in this line and not closed as CSV demands"
        return Unreadable(first.number, first.raw, sha256(first.raw), reason)


def _surveyed(path: Path, dialect: Dialect, notes: Notes, number: int) -> str | None:
    """Return the encoding of lines that are no UTF-8, in a file that began as if it were; None: damaged."""
    if encoding_of_file(path, bare_cr=dialect.bare_cr) != WINDOWS_1252:
        return None
    # All before are ASCII, so they mean the same.
    notes.add(f"read as Windows-1252 from line {number:,} on")
    return WINDOWS_1252


def _without_empty_end(names: list[str]) -> list[str]:
    while not names[-1].strip():
        names = names[:-1]
    return names


def _is_personal(column: str) -> bool:
    """Whether the column holds what a person is known by and no text shows; e-mail and phone are seen in any text."""
    return sensitivity(column, in_person=True) not in {None, "e-mail", "phone"}
