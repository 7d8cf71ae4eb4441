"""Bytes of landing files as physical lines, with bounded memory whatever the file holds.

What belongs here: opening, gzip, lines and their limit. What does not: what a line means (`formats`).
"""

import errno
import gzip
import hashlib
import io
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# The longest line that is held in memory. A real record is a few kB; ten such lines fit next to a chunk.
MAX_LINE_BYTES = 1_000_000
# How much of a longer line is held to show what it was: what masking reads of a text, and some more.
PREFIX_BYTES = 12_000
_READ_BYTES = 1 << 18
_BOM = b"\xef\xbb\xbf"


@dataclass(slots=True)
class Notes:
    """What to report of a file as a whole; filled while the file is read."""

    texts: list[str] = field(default_factory=list)
    # The file ends before its content does.
    damaged: bool = False

    def add(self, text: str, *, damaged: bool = False) -> None:
        self.texts.append(text)
        self.damaged = self.damaged or damaged


class Line(NamedTuple):
    """A physical line without its line end, numbered from 1."""

    number: int
    raw: bytes


class LongLine(NamedTuple):
    """A line beyond MAX_LINE_BYTES: its start, its length and its SHA-256, never its whole."""

    number: int
    prefix: bytes
    size: int
    digest: str


class CutLine(NamedTuple):
    """The last line of a damaged file: it ends where the damage begins."""

    number: int
    raw: bytes


PhysicalLine = Line | LongLine | CutLine


class _WholeFile(io.FileIO):
    """A file whose end is believed only where its size says so: an early one must not pass for a short file."""

    def readinto(self, buffer: "WriteableBuffer", /) -> int | None:
        count = super().readinto(buffer)
        if count == 0 and self.tell() < os.fstat(self.fileno()).st_size:
            # The file has grown since, or the read came back empty.
            count = super().readinto(buffer)
            if count == 0:
                raise OSError(errno.EIO, f"it ends at byte {self.tell():,}, before its size says so")
        return count


class _Gunzip(io.RawIOBase):
    """A gzip file as a stream that ends where the file is damaged, and notes it, instead of raising."""

    def __init__(self, path: Path, notes: Notes) -> None:
        self._compressed = io.BufferedReader(_WholeFile(path))
        self._member = gzip.GzipFile(fileobj=self._compressed, mode="rb")
        self._notes = notes
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        if self._ended:
            return 0
        view = memoryview(buffer)
        try:
            data = self._member.read1(len(view))
        except EOFError:
            return self._end("the gzip file is cut off; what could be unpacked was read")
        except (gzip.BadGzipFile, zlib.error) as error:
            return self._end(f"the gzip file is damaged ({error}); what could be unpacked before was read")
        view[: len(data)] = data
        return len(data)

    def _end(self, reason: str) -> int:
        self._notes.add(reason, damaged=True)
        self._ended = True
        return 0

    def close(self) -> None:
        self._member.close()
        self._compressed.close()
        super().close()


def open_bytes(path: Path, notes: Notes) -> BinaryIO:
    """Return the content of a file, unpacked when its name ends in `.gz`. Damage ends the stream and is noted."""
    if path.name.lower().endswith(".gz"):
        return io.BufferedReader(_Gunzip(path, notes), _READ_BYTES)
    return io.BufferedReader(_WholeFile(path), _READ_BYTES)


def physical_lines(stream: BinaryIO, notes: Notes) -> Iterator[PhysicalLine]:
    """Yield lines ended by LF or CR LF, the last one perhaps by nothing; a byte order mark at the start is skipped.

    CR CR LF is one end too: Windows makes it of CR LF. Blank lines are yielded. `notes` must be those that
    `open_bytes` writes to: damage noted there makes an unended last line a CutLine.
    """
    number = 0
    read_line = stream.readline
    limit = MAX_LINE_BYTES + 2
    while raw := read_line(limit):
        number += 1
        if number == 1 and raw.startswith(_BOM):
            raw = raw[len(_BOM) :]
        if raw.endswith(b"\n"):
            yield Line(number, raw.rstrip(b"\r\n") if raw.endswith(b"\r\n") else raw[:-1])
        elif len(raw) > MAX_LINE_BYTES:
            yield _rest_of_long_line(stream, number, raw)
        elif notes.damaged:
            yield CutLine(number, raw)
        else:
            yield Line(number, raw)


def _rest_of_long_line(stream: BinaryIO, number: int, start: bytes) -> LongLine:
    digest, size, piece = hashlib.sha256(start), len(start), start
    while not piece.endswith(b"\n") and (piece := stream.readline(_READ_BYTES)):
        digest.update(piece)
        size += len(piece)
    return LongLine(number, start[:PREFIX_BYTES], size, digest.hexdigest())
