"""CSV files as numbered records.

What belongs here: where a record begins and ends, and what cannot be read at all. What does not: bytes and lines
(`streams`), and what a record's fields must be (`rows`, the kinds). One bad record never costs another.
"""

import csv
from collections import deque
from collections.abc import Iterator, Set
from pathlib import Path
from typing import NamedTuple

from trackai_pipelines.ingest.personal import sensitivity
from trackai_pipelines.ingest.records import Fields, Unreadable, note_unknown_columns, sha256, unreadable_line
from trackai_pipelines.ingest.streams import MAX_LINE_BYTES, Line, Notes, PhysicalLine, open_bytes, physical_lines

# A CSV record may span lines inside quotes. A quote that is never closed would swallow the file; beyond this it is
# taken for that.
MAX_RECORD_LINES = 100
_NOT_KEPT = b"[not kept: any part of it may be a buyer's name or address]"


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
                note_unknown_columns(header, columns, notes)
            else:
                pairs = zip(header, cells.values, strict=True)
                yield Fields(cells.number, cells.raw, {name: cell for name, cell in pairs if name in columns})


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
            return unreadable_line(first)
        if rest:
            reason = "a quote is opened in this line and not closed as CSV demands"
        return Unreadable(first.number, first.raw, sha256(first.raw), reason)


def _is_personal(column: str) -> bool:
    """Whether the column holds what a person is known by and no text shows; e-mail and phone are seen in any text."""
    return sensitivity(column, in_person=True) not in {None, "e-mail", "phone"}
