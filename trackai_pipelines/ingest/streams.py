"""Bytes of landing files as physical lines, with bounded memory whatever the file holds.

What belongs here: opening, unpacking, lines and their limit. What does not: what a line means (`formats`).
"""

import bz2
import errno
import gzip
import hashlib
import io
import os
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import msgspec

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# The longest line that is held in memory. A real record is a few kB; ten such lines fit next to a chunk.
MAX_LINE_BYTES = 1_000_000
# How much of a longer line is held to show what it was: what masking reads of a text, and some more.
PREFIX_BYTES = 12_000
_READ_BYTES = 1 << 18
_PACKINGS = {"gzip": rb"\x1f\x8b", "zstd": rb"\x28\xb5\x2f\xfd", "bzip2": rb"BZh[1-9]1AY&SY"}
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

    def once(self, text: str) -> None:
        """Add a text unless it is there."""
        if text not in self.texts:
            self.add(text)


# Not a NamedTuple: making one takes five times as long.
class Line(msgspec.Struct, frozen=True, gc=False):
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


class _Unpacked(io.RawIOBase):
    """A packed file as a stream that ends where the file is damaged, and notes it, instead of raising."""

    def __init__(self, path: Path, packing: str, notes: Notes) -> None:
        self._compressed = io.BufferedReader(_WholeFile(path))
        self._packing = packing
        self._content, self._read = _unpacking(self._compressed, packing)
        self._notes = notes
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        # Full, whatever the pieces are that it was packed in: the beginning of a file must show what the file is.
        view, filled = memoryview(buffer), 0
        while filled < len(view) and not self._ended:
            data = self._piece(len(view) - filled)
            if not data:
                break
            view[filled : filled + len(data)] = data
            filled += len(data)
        return filled

    def _piece(self, size: int) -> bytes:
        """Return at most so many bytes; none at the end."""
        try:
            return self._read(size)
        except EOFError:
            self._end(f"the {self._packing} file is cut off; what could be unpacked was read")
        except (OSError, zlib.error) as error:
            # The file system's own errors have a number.
            if isinstance(error, OSError) and error.errno is not None:
                raise
            if "runcated" in str(error):
                self._end(f"the {self._packing} file is cut off; what could be unpacked was read")
            else:
                self._end(f"the {self._packing} file is damaged ({error}); what could be unpacked before was read")
        return b""

    def _end(self, reason: str) -> None:
        self._notes.add(reason, damaged=True)
        self._ended = True

    def close(self) -> None:
        self._content.close()
        self._compressed.close()
        super().close()


def _unpacking(compressed: BinaryIO, packing: str) -> tuple[Any, Callable[[int], bytes]]:
    """Return what unpacks, and its method that reads at most so many bytes. Members one after the other are read."""
    if packing == "zstd":
        # Only where it is needed: it takes long to import.
        import pyarrow

        stream = pyarrow.CompressedInputStream(pyarrow.PythonFile(compressed, mode="r"), "zstd")
        return stream, stream.read
    member = gzip.GzipFile(fileobj=compressed, mode="rb") if packing == "gzip" else bz2.BZ2File(compressed, "rb")
    return member, member.read1


def _packing(path: Path) -> str | None:
    """Return how a file is packed: its first bytes say so, whatever its name is.

    A file whose name says that it is packed, and whose first bytes are no text, is a damaged one.
    """
    with path.open("rb") as file:
        head = file.read(16)
    for packing, magic in _PACKINGS.items():
        if re.match(magic, head):
            return packing
    named = {".gz": "gzip", ".zst": "zstd", ".bz2": "bzip2"}.get(path.suffix.lower())
    text = "".join(head.decode("utf-8-sig", "replace").split())
    return named if named and not text.replace("\ufffd", "\0").isprintable() else None


def open_bytes(path: Path, notes: Notes) -> BinaryIO:
    """Return the content of a file, unpacked where it is gzip, zstd or bzip2. Damage ends the stream and is noted."""
    packing = _packing(path)
    return io.BufferedReader(_Unpacked(path, packing, notes) if packing else _WholeFile(path), _READ_BYTES)


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
