"""Dialects of CSV files: encoding, separator, decimal sign and order of dates, each found in the file or stated.

What belongs here: what a file's start says of the whole file, and when that is not enough. What does not: reading
records (`csv_files`), bytes (`encoding`), and single values (`amounts`, `moments`).

What is found is sure or nothing is read: the columns' names tell the separator, single values tell the decimal sign and
the order of dates where they can be read in one way only. A file is read once more, to its end if need be, where its
start says too little.
"""

import codecs
import csv
import io
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

from trackai_pipelines.ingest import encoding as encodings
from trackai_pipelines.ingest.amounts import Sign, decimal_sign
from trackai_pipelines.ingest.encoding import UTF_8
from trackai_pipelines.ingest.kinds import Columns
from trackai_pipelines.ingest.moments import Days, first_part
from trackai_pipelines.ingest.outcomes import Refused
from trackai_pipelines.ingest.records import known_names, names_in
from trackai_pipelines.ingest.streams import Line, Notes, open_bytes, physical_lines

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
# Some hundred records: enough for what any of them shows.
_HEAD_BYTES = 1 << 16
_SEPARATOR_LINE = re.compile(f'"?sep=([{"".join(SEPARATORS)}])"?', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Stated:
    """What somebody said of the files to load, None for what is to be found in each.

    `encoding` is a name that Python knows, `separator` one of SEPARATORS, `time_of_day` what a date alone means (UTC),
    and `day` the day of reports whose rows and names say none.
    """

    encoding: str | None = None
    separator: str | None = None
    decimal: Literal[".", ","] | None = None
    dates: Literal["day-first", "month-first"] | None = None
    time_of_day: time | None = None
    day: date | None = None

    @property
    def days(self) -> Days:
        """How days are understood where no file says more."""
        return Days(None if self.dates is None else self.dates == "day-first", self.time_of_day)


NOTHING_STATED = Stated()


class Dialect(NamedTuple):
    """How a CSV file is written. `survey`: whether lines that are no UTF-8 may mean that the whole file is none."""

    encoding: str = UTF_8
    separator: str = ","
    decimal: Sign = ""
    days: Days = Days()
    bare_cr: bool = False
    survey: bool = True

    def difference(self) -> str | None:
        """Return in words how the file differs from one in UTF-8 with commas; None where it does not."""
        said = []
        if self.encoding != UTF_8:
            said.append(self.encoding.upper() if self.encoding.startswith("utf") else self.encoding.capitalize())
        if self.separator != ",":
            said.append(f"separator {SEPARATORS[self.separator]}")
        if self.decimal == ",":
            said.append("decimal comma")
        if self.days.day_first is not None:
            said.append("day before month" if self.days.day_first else "month before day")
        if self.bare_cr:
            said.append("lines that end in CR")
        return f"read as {', '.join(said)}" if said else None


PLAIN = Dialect()


def dialect_of(path: Path, columns: Columns, stated: Stated = NOTHING_STATED) -> Dialect:
    """Return how a file is written.

    Raises Refused for a file without a header, one with a known column twice, and one that may be read in two ways,
    with the options that settle it.
    """
    with open_bytes(path, Notes()) as stream:
        head = stream.read(_HEAD_BYTES)
    whole = len(head) < _HEAD_BYTES
    bare_cr = b"\r" in head[:-1] and b"\n" not in head
    marked = encodings.encoding_by_mark(head)
    encoding = stated.encoding or marked or _encoding_without_mark(path, head, bare_cr=bare_cr, whole=whole)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head).removeprefix("\ufeff")
    if bare_cr:
        text = text.replace("\r", "\n")
    if not whole:
        text = text[: text.rfind("\n") + 1]
    said, text = _stated_in(text)
    separator = stated.separator or said or _separator_of(path, text, columns.known)
    dialect = Dialect(encoding, separator, stated.decimal or "", stated.days, bare_cr, not (stated.encoding or marked))
    header = _first_row(text, separator)
    if header is None:
        return dialect
    names = known_names(header, columns.known)
    if columns.known.isdisjoint(names):
        some = ", ".join(sorted(columns.known)[:3])
        raise Refused(f"no column of the first line is known; expected names such as {some} before the records")
    asked = Columns(
        columns.known,
        frozenset() if stated.decimal else columns.amounts,
        frozenset() if stated.dates else columns.times,
    )
    found = _Evidence.of(io.StringIO(text, newline=""), separator, names, asked)
    if not whole and found.leaves_open(separator):
        with encodings.open_text(path, Notes(), encoding, bare_cr=bare_cr) as stream:
            found = _Evidence.of(_decoded(stream), separator, names, asked, until_sure=True)
    decimal = stated.decimal or found.decimal(path, separator)
    days = stated.days if stated.dates else stated.days._replace(day_first=found.day_first(path))
    return dialect._replace(decimal=decimal, days=days)


def is_separator_line(line: str) -> bool:
    """Return whether a line states the separator for spreadsheets, as in `sep=;`."""
    return _SEPARATOR_LINE.fullmatch(line) is not None


class _Evidence(NamedTuple):
    """What the values of a file say: decimal signs, and what stands first in dates with the year last."""

    signs: frozenset[str]
    orders: frozenset[str]
    has_amounts: bool

    @classmethod
    def of(
        cls, lines: Iterable[str], separator: str, names: Sequence[str], columns: Columns, *, until_sure: bool = False
    ) -> "_Evidence":
        amounts = [place for place, name in enumerate(names) if name in columns.amounts]
        times = [place for place, name in enumerate(names) if name in columns.times]
        signs: set[str] = set()
        orders: set[str] = set()
        for cells in _rows(lines, separator):
            signs.update(decimal_sign(cells[place]) for place in amounts if place < len(cells))
            orders.update(first_part(cells[place]) for place in times if place < len(cells))
            found = cls(frozenset(signs), frozenset(orders), bool(amounts)) if until_sure else None
            if found is not None and not found.leaves_open(separator):
                return found
        return cls(frozenset(signs), frozenset(orders), bool(amounts))

    def leaves_open(self, separator: str) -> bool:
        """Whether more of the file may say more."""
        sure = self.signs & {".", ","}
        if separator == ",":
            # A decimal comma is so odd there that one must not speak for all.
            decimal = sure == {","} or (not sure and "?," in self.signs)
        else:
            decimal = self.has_amounts and not sure
        return decimal or self.orders - {""} == {"either"}

    def decimal(self, path: Path, separator: str) -> Sign:
        sure = self.signs & {".", ","}
        if sure == {"."}:
            return "."
        if sure == {","}:
            return ","
        doubtful = self.signs & {"?.", "?,"}
        # With commas between columns the point is what everybody expects.
        if separator == "," and (sure or doubtful <= {"?."}):
            return ""
        if sure:
            what = "some amounts have a decimal point and some a decimal comma"
        elif doubtful:
            what = "amounts such as 1.299 or 1,299 may have a decimal sign or groups of digits"
        else:
            return ""
        raise _ambiguous(what, path, "--decimal , or --decimal .")

    def day_first(self, path: Path) -> bool | None:
        orders = self.orders - {""}
        if {"day", "month"} <= orders:
            what = "some times have the day before the month and some the month before the day"
        elif orders == {"either"}:
            what = "times such as 2/3/2026 may have the day or the month first"
        else:
            return "day" in orders if orders else None
        raise _ambiguous(what, path, "--dates day-first or --dates month-first")


def _ambiguous(what: str, path: Path, options: str) -> Refused:
    return Refused(f"{what}: load the file with `trackai ingest {shlex.quote(str(path))}` and {options}")


def _encoding_without_mark(path: Path, head: bytes, *, bare_cr: bool, whole: bool) -> str:
    try:
        codecs.getincrementaldecoder(UTF_8)().decode(head, final=whole)
    except UnicodeDecodeError:
        found = encodings.encoding_of_file(path, bare_cr=bare_cr)
        if found == "unknown":
            what = "the file is neither UTF-8 nor Windows-1252"
            raise _ambiguous(what, path, "--encoding, e.g. --encoding macintosh or --encoding windows-1250") from None
        return found
    return UTF_8


def _stated_in(text: str) -> tuple[str | None, str]:
    """Return the separator that the first line states, if it does, and the text without that line."""
    first, end, rest = text.partition("\n")
    found = _SEPARATOR_LINE.fullmatch(first.rstrip("\r"))
    return (found[1], rest) if found and end else (None, text)


def _separator_of(path: Path, text: str, known: frozenset[str]) -> str:
    """Return the separator with which most names of the header are known."""
    rows = {separator: _first_row(text, separator) or [] for separator in SEPARATORS}
    counts = {separator: len(known.intersection(names_in(row, known))) for separator, row in rows.items()}
    most = max(counts.values())
    best = [separator for separator, count in counts.items() if count == most]
    if len(best) == 1:
        return best[0]
    if most == 0 or all(len(rows[separator]) == 1 for separator in best):
        return ","
    raise _ambiguous("the column names fit several separators", path, "--separator, e.g. --separator ';'")


def _first_row(text: str, separator: str) -> list[str] | None:
    return next(_rows(io.StringIO(text, newline=""), separator), None)


def _rows(lines: Iterable[str], separator: str) -> Iterator[list[str]]:
    """Yield rows that hold something; a quote that is never closed costs some of them."""
    lines = iter(lines)
    while True:
        try:
            yield from filter(any, csv.reader(lines, delimiter=separator))
        except csv.Error:
            continue
        return


def _decoded(stream: BinaryIO) -> Iterator[str]:
    for line in physical_lines(stream, Notes()):
        if isinstance(line, Line):
            yield line.raw.decode(errors="replace") + "\n"
