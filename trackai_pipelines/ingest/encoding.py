"""Encodings of text files: which one a file has, and any of them as UTF-8.

What belongs here: byte order marks, UTF-16 without one, telling Windows-1252 from everything else, transcoding. What
does not: what a file says otherwise (`dialects`), and lines (`streams`).

General detectors were measured on 847 short files of names, in 13 languages and 11 encodings: charset-normalizer 3.5
and clevercsv 0.8 read 47 % and 34 % of all in another encoding than theirs, and 38 % and 60 % of those in Windows-1252
in that. The rule here reads all of the latter from two lines outside ASCII on, reads 0.6 % of the others wrongly, and
leaves the rest undecided.
"""

import codecs
import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

from trackai_pipelines.ingest.streams import Line, Notes, PhysicalLine, open_bytes, physical_lines

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

UTF_8 = "utf-8"
WINDOWS_1252 = "windows-1252"
_BYTES = "latin-1"
_READ_BYTES = 1 << 18
_MARKS = (
    # Lines are read without this mark.
    (codecs.BOM_UTF8, UTF_8),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Characters of a header, enough to see that every other byte of UTF-16 is zero.
_SAMPLE = 64
# The letters of the languages that are written in Windows-1252. What stands for letters in others (Hungarian aside) is
# something else there: symbols, Icelandic letters, capitals amid small letters.
_SMALL = "áàâãäåæçéèêëíìîïñóòôöøœúùûüßÿ".encode(WINDOWS_1252)
_CAPITAL = "ÁÀÂÃÄÅÆÇÉÈÊËÍÌÎÏÑÓÒÔÖØŒÚÙÛÜ".encode(WINDOWS_1252)
_WORD = re.compile(rb"[A-Za-z\x80-\xff]*[\x80-\xff][A-Za-z\x80-\xff]*")
# Portuguese has õ before e alone; elsewhere it stands for the Hungarian ő. Three such letters in a row are a sign of
# another alphabet. Ordinals, dashes, quotation marks and the like are no letters, and stand at the edge of a word.
_EDGE = rb"[\xaa\xba\xb0\x80\x85\x91-\x97\xa0\xa1\xa7\xab\xae\xb4\xb7\xbb\xbf]*"
_WESTERN = re.compile(
    rb"%(edge)b(?![A-Za-z]*[\xc0-\xff]{3})"
    rb"(?:(?:[A-Z%(capital)b]|\xd5(?=e))?(?:[a-z%(small)b]|\xf5(?=e))*|(?:[A-Z%(capital)b]|\xd5(?=E))+)%(edge)b"
    % {b"edge": _EDGE, b"capital": _CAPITAL, b"small": _SMALL}
)
# What joins words: d\u2019Almeida, Paulo\u2013SP. Amid small letters the same bytes are letters of other encodings.
_JOINT = re.compile(rb"[\x96\x97\xa0](?=[A-Z\xc0-\xde])|(?<=\b[A-Za-z])\x92(?=[A-Za-z\xc0-\xff])")
# One odd line may be a damaged one.
_ENOUGH_LINES = 2

Encoding = Literal["utf-8", "windows-1252", "unknown"]


def known_encoding(name: str) -> str | None:
    """Return Python's name of an encoding of text, None where it knows none."""
    try:
        known = codecs.lookup(name)
        "".encode(known.name)
    except LookupError:
        return None
    return known.name


def encoding_by_mark(head: bytes) -> str | None:
    """Return the encoding that the start of a file gives away: a byte order mark, or the zeros of UTF-16."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    low, high = head[: 2 * _SAMPLE : 2], head[1 : 2 * _SAMPLE : 2]
    for text, zeros, encoding in ((low, high, "utf-16-le"), (high, low, "utf-16-be")):
        # The first line alone: values of the next may be of any alphabet.
        names = text.partition(b"\n")[0]
        if any(names) and all(names) and len(zeros) >= len(names) and not any(zeros[: len(names)]):
            return encoding
    return None


def encoding_of_lines(lines: Iterable[PhysicalLine]) -> Encoding:
    """Return what all lines of a file without a mark are written in.

    "utf-8" where some line outside ASCII is UTF-8, or too few are not: other lines are damaged then. "unknown" where
    lines are in neither encoding.
    """
    odd, western = 0, True
    for line in lines:
        if not isinstance(line, Line) or line.raw.isascii():
            continue
        try:
            line.raw.decode()
        except UnicodeDecodeError:
            odd += 1
            western = western and all(map(_WESTERN.fullmatch, _WORD.findall(_JOINT.sub(b" ", line.raw))))
        else:
            return "utf-8"
    if odd < _ENOUGH_LINES:
        return "utf-8"
    return "windows-1252" if western else "unknown"


def encoding_of_file(path: Path, *, bare_cr: bool = False) -> Encoding:
    """Return what all of a file without a mark is written in; it is read to its end."""
    notes = Notes()
    with open_text(path, notes, UTF_8, bare_cr=bare_cr) as stream:
        return encoding_of_lines(physical_lines(stream, notes))


def open_text(path: Path, notes: Notes, encoding: str, *, bare_cr: bool = False) -> BinaryIO:
    """Return the content of a file in UTF-8, with LF for each CR where `bare_cr`.

    What cannot be decoded is no UTF-8 in the result either, so that it costs its own line alone.
    """
    stream = open_bytes(path, notes)
    if encoding != UTF_8:
        return io.BufferedReader(_Transcoded(stream, encoding, UTF_8, bare_cr=bare_cr), _READ_BYTES)
    if bare_cr:
        return io.BufferedReader(_Transcoded(stream, _BYTES, _BYTES, bare_cr=bare_cr), _READ_BYTES)
    return stream


class _Transcoded(io.RawIOBase):
    """A stream in one encoding as one in another."""

    def __init__(self, stream: BinaryIO, encoding: str, into: str, *, bare_cr: bool) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)(_KEPT_BAD)
        self._into = into
        self._bare_cr = bare_cr
        self._left = memoryview(b"")
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer)
        while not self._left and not self._ended:
            piece = self._stream.read(_READ_BYTES)
            self._ended = not piece
            text = self._decoder.decode(piece, final=self._ended)
            if self._bare_cr:
                text = text.replace("\r", "\n")
            self._left = memoryview(text.encode(self._into, "surrogatepass"))
        count = min(len(view), len(self._left))
        view[:count] = self._left[:count]
        self._left = self._left[count:]
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()


def _half_a_pair(error: UnicodeError) -> tuple[str, int]:
    """Put half a surrogate pair in place of what cannot be decoded; UTF-8 has none."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udcff", error.end


_KEPT_BAD = "trackai-half-a-pair"
codecs.register_error(_KEPT_BAD, _half_a_pair)
