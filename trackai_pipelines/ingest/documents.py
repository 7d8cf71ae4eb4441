"""JSON documents of a stream, wherever one ends and the next begins, in bounded memory.

What belongs here: where a document begins and ends. That is one a line, one after the other with nothing between them
(as Amazon Data Firehose writes), pretty-printed, as a JSON text sequence (RFC 7464), or the entries of an array of any
size; and form-encoded bodies, one a line. What does not: what a document means (`envelopes`, the kinds).

A document that cannot be read costs itself. The next one begins where no JSON goes on: at the start of a line, or
right after a closing brace. In an array it begins after the entry's own closing brace.
"""

import codecs
import hashlib
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import BinaryIO, NamedTuple

from trackai_pipelines.ingest.forms import form_value
from trackai_pipelines.ingest.outcomes import Refused
from trackai_pipelines.ingest.records import Unreadable, sha256
from trackai_pipelines.ingest.streams import PREFIX_BYTES, Notes

# A document is parsed in one piece: an order of some thousand items, or a page of some thousand orders.
MAX_DOCUMENT_CHARS = 16_000_000
_PIECE_BYTES = 1 << 18
# No token is cut off by the end of what was read so far where it begins this far before it.
_LONGEST_TOKEN = 16
# White space, byte order marks, record separators, and commas that somebody wrote between documents.
_BETWEEN = re.compile("[\\s,\x1e\ufeff]*")
_SPACE = re.compile(r"\s*")
_FORM = re.compile(r"[A-Za-z_][\w.%\[\]-]{0,200}=")
# Where a document may begin after one that is broken: JSON has no brace right after a closing one, and nothing that
# belongs to a value stands at the start of a line where values are indented.
_NEXT = re.compile("\r?\n(?=[{\\[\x1e\ufeff]|[A-Za-z_][\\w.%\\[\\]-]{0,200}=)|\\}[\\s\x1e\ufeff]*(?=[{\\[])")
# A document whose first line holds more than its opening brace is not pretty-printed: it is one line.
_OPENS_A_LINE = re.compile(r"[{\[][ \t\r]*\n")
_LINE_END = re.compile(r"\r?\n")
_ENTRY_END = re.compile(r"(?=[,\]\n])")
_STRUCTURE = re.compile(r'["{}\[\]]')
_REST_OF_STRING = re.compile(r'(?:[^"\\\n]|\\.)*"')
_STRUCTURE_OR_ESCAPE = re.compile(r'["{}\[\]]|\\')
# How much is looked at to find where a broken entry of an array ends.
_LONGEST_BROKEN_ENTRY = 1_000_000
# What begins a document may be cut in two by the end of what was read so far.
_LONGEST_BEGINNING = 256


class Document(NamedTuple):
    """A document: its text as it came, and its value. Numbers count the documents of a stream from 1."""

    number: int
    raw: bytes
    value: object


def not_json(error: json.JSONDecodeError, start: int = 0) -> str:
    """Return what is wrong with the JSON that begins at `start`, and where in it."""
    # Some of the decoder's messages end in "at", some do not.
    return f"not valid JSON: {error.msg.removesuffix(' at')} at character {error.pos - start + 1}"


def end_of_value(text: str, start: int, stop: int) -> int | None:
    """Return where the JSON value that begins at `start` ends; None where its quotes or braces do not pair."""
    depth, position = 0, start
    while found := _STRUCTURE.search(text, position, stop):
        position = found.end()
        sign = found[0]
        if sign == '"':
            string = _REST_OF_STRING.match(text, position, stop)
            if string is None:
                return None
            position = string.end()
            if depth == 0:
                return position
            continue
        depth += 1 if sign in "{[" else -1
        if depth <= 0:
            # The bracket of the list itself ends an entry that has none.
            return position if depth == 0 else found.start()
    return None


def documents(stream: BinaryIO, notes: Notes) -> Iterator[Document | Unreadable]:
    """Yield the documents of a stream; numbers with decimals are Decimal. `notes` must be those of the stream."""
    return _Reader(stream, notes).documents()


class _Reader:
    """What of a stream has been read and not been handed on."""

    def __init__(self, stream: BinaryIO, notes: Notes) -> None:
        self._stream = stream
        self._notes = notes
        self._decoder: codecs.IncrementalDecoder | None = None
        self._text = ""
        self._at = 0
        self._ended = False
        self._number = 0
        # The JSON of a document may hold constants that JSON does not have.
        self._constants: list[str] = []
        self._decode = json.JSONDecoder(parse_float=Decimal, parse_constant=self._constants.append).raw_decode

    def documents(self) -> Iterator[Document | Unreadable]:
        nothing = True
        while self._skip(_BETWEEN):
            nothing = False
            if self._text[self._at] == "[":
                yield from self._array()
            else:
                yield self._document()
        if nothing and self._at and not self._notes.texts:
            self._notes.add("there is nothing in it but white space and separators")

    def _array(self) -> Iterator[Document | Unreadable]:
        """The entries of an array, each as a document."""
        begun = self._at
        self._at += 1
        self._skip(_SPACE)
        # Entries that stand on lines of their own begin like the first one.
        before = self._text[begun + 1 : self._at] if self._at > begun else ""
        indent = before.rpartition("\n")[2] if "\n" in before else None
        while self._skip(_BETWEEN):
            if self._text[self._at] == "]":
                self._at += 1
                return
            yield self._document(indent=indent, in_array=True)
        self._notes.add("a list in the file is not closed, so its end may be missing", damaged=True)

    def _document(self, *, in_array: bool = False, indent: str | None = None) -> Document | Unreadable:
        self._number += 1
        if not in_array and self._is_a_form():
            return self._form()
        while True:
            self._constants.clear()
            try:
                value, end = self._decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._may_be_cut(error):
                    if self._more():
                        continue
                    if not self._ended:
                        return self._too_long()
                    cut = error.pos >= len(self._text.rstrip()) or error.msg.startswith("Unterminated")
                    if self._text[self._at] in "{[" and cut:
                        return self._broken("the file ends inside this document", len(self._text), in_array, indent)
                return self._broken(not_json(error, self._at), error.pos, in_array, indent)
            except RecursionError:
                return self._unusable("not usable JSON: nested too deeply", in_array, indent)
            except ValueError:
                return self._unusable("not usable JSON: a number is too long", in_array, indent)
            if end < len(self._text) or self._text[end - 1] in "}]" or not self._more():
                return self._read(value, end)

    def _read(self, value: object, end: int) -> Document | Unreadable:
        raw = self._taken(end)
        if self._constants:
            return self._unreadable(raw, f"not valid JSON: {self._constants[0]} is not a number in JSON")
        try:
            raw.decode("utf-8")
        except UnicodeDecodeError as error:
            return self._unreadable(raw, f"not valid UTF-8 at byte {error.start + 1}; write the file as UTF-8")
        return Document(self._number, raw, value)

    def _is_a_form(self) -> bool:
        return _FORM.match(self._text, self._at) is not None

    def _form(self) -> Document | Unreadable:
        raw = self._line()
        if raw is None:
            return self._too_long()
        try:
            if self._notes.damaged and self._ended and self._at == len(self._text):
                raise Refused("the damaged file ends inside this line")
            return Document(self._number, raw, form_value(raw))
        except Refused as refusal:
            return self._unreadable(raw, str(refusal))

    def _line(self) -> bytes | None:
        """Take the rest of the line; None where it is longer than a document may be."""
        looked = self._at
        while (end := self._text.find("\n", looked)) < 0:
            looked = len(self._text)
            offset = looked - self._at
            if not self._more():
                if not self._ended:
                    return None
                end = len(self._text)
                break
            looked = self._at + offset
        return self._taken(end).rstrip()

    def _may_be_cut(self, error: json.JSONDecodeError) -> bool:
        """Whether the error may come from the end of what was read so far."""
        return error.msg.startswith("Unterminated string") or error.pos > len(self._text) - _LONGEST_TOKEN

    def _unusable(self, reason: str, in_array: bool, indent: str | None) -> Unreadable:
        """Take JSON of which nothing is broken: in a line, it ends where its braces say."""
        while not in_array and _OPENS_A_LINE.match(self._text, self._at) is None:
            line = self._text.find("\n", self._at)
            end = end_of_value(self._text, self._at, len(self._text) if line < 0 else line)
            if end is not None:
                return self._unreadable(self._taken(end), reason)
            if line >= 0 or not self._more():
                break
        return self._broken(reason, self._at + 1, in_array, indent)

    def _broken(self, reason: str, error: int, in_array: bool, indent: str | None) -> Unreadable:
        """Take what cannot be read, up to where the next document begins."""
        if "\0" in self._text[self._at : error + 1]:
            reason = "it holds a NUL byte; remove it"
        if in_array:
            return self._broken_entry(reason, indent)
        if self._text[self._at] not in "{[":
            return self._given_up(reason, _LINE_END, self._at)
        if _OPENS_A_LINE.match(self._text, self._at) is None:
            line = _NEXT.search(self._text, self._at, error)
            if line is not None and line[0].endswith("\n"):
                return self._unreadable(self._taken(line.start()), reason)
        return self._given_up(reason, _NEXT, max(error - 2, self._at))

    def _broken_entry(self, reason: str, indent: str | None) -> Unreadable:
        """An entry ends at its own closing brace; where quotes or braces do not pair, at the next line of an entry."""
        while len(self._text) - self._at < _LONGEST_BROKEN_ENTRY and self._more():
            pass
        if self._text[self._at] not in '{["':
            return self._given_up(reason, _ENTRY_END, self._at)
        next_line = None if indent is None else re.compile(r"\r?\n" + indent + r"(?=\{)")
        found = next_line.search(self._text, self._at) if next_line else None
        end = end_of_value(self._text, self._at, found.start() if found else len(self._text))
        if end is not None:
            return self._unreadable(self._taken(end), reason)
        if next_line is None and not reason.startswith("the file ends"):
            reason = f"{reason}; where the next entry of the list begins is not certain, so the rest was not read"
        return self._given_up(reason, next_line, self._at)

    def _given_up(self, reason: str, following: re.Pattern[str] | None, start: int) -> Unreadable:
        """Take everything up to what may begin the next document, in pieces; only the start of it is kept."""
        digest, kept = hashlib.sha256(), b""
        while True:
            found = following.search(self._text, start) if following else None
            if found is None and not self._ended:
                end = max(self._at, len(self._text) - _LONGEST_BEGINNING)
            else:
                end = len(self._text) if found is None else found.start() + found[0].startswith("}")
            raw = self._taken(end)
            digest.update(raw)
            kept += raw[: PREFIX_BYTES - len(kept)]
            if found is not None or self._ended:
                return Unreadable(self._number, kept, digest.hexdigest(), reason)
            start = max(start, end) - (end if self._more() else 0)

    def _too_long(self) -> Unreadable:
        """Take a document that is longer than one may be, up to its end."""
        reason = f"the document is longer than {MAX_DOCUMENT_CHARS:,} characters; write it in smaller ones"
        digest, kept, depth, in_string, skipped = hashlib.sha256(), b"", 0, False, 0
        while True:
            position, end = self._at + skipped, None
            while end is None and (found := _STRUCTURE_OR_ESCAPE.search(self._text, position)):
                position = found.end()
                if found[0] == "\\":
                    position += 1
                elif found[0] == '"':
                    in_string = not in_string
                elif not in_string:
                    depth += 1 if found[0] in "{[" else -1
                    end = position if depth <= 0 else None
            # What a backslash at the very end escapes comes with the next piece.
            skipped = max(position - len(self._text), 0)
            raw = self._taken(len(self._text) if end is None else end)
            digest.update(raw)
            kept += raw[: PREFIX_BYTES - len(kept)]
            if end is not None or not self._more():
                return Unreadable(self._number, kept, digest.hexdigest(), reason)

    def _unreadable(self, raw: bytes, reason: str) -> Unreadable:
        return Unreadable(self._number, raw, sha256(raw), reason)

    def _taken(self, end: int) -> bytes:
        raw = self._text[self._at : end].encode("utf-8", "surrogateescape")
        self._at = end
        return raw

    def _skip(self, between: re.Pattern[str]) -> bool:
        """Go on to the next sign that is no separator; return whether there is one."""
        while True:
            found = between.match(self._text, self._at)
            assert found is not None
            self._at = found.end()
            if self._at < len(self._text):
                return True
            if not self._more():
                return False

    def _more(self) -> bool:
        """Read on, forgetting what was handed on; return False at the end, or where a document is too long."""
        if self._ended or len(self._text) - self._at > MAX_DOCUMENT_CHARS:
            return False
        grown = ""
        while not grown and not self._ended:
            # Twice as much each time: what is parsed again stays in proportion.
            piece = self._stream.read(max(_PIECE_BYTES, len(self._text) - self._at))
            if self._decoder is None:
                self._decoder = _decoder(piece)
            self._ended = not piece
            grown = self._decoder.decode(piece, final=self._ended)
        if grown:
            self._text = self._text[self._at :] + grown
            self._at = 0
        return bool(grown)


def _decoder(head: bytes) -> codecs.IncrementalDecoder:
    """Return what decodes a file that begins so. Every byte that is not UTF-8 becomes a lone surrogate."""
    encoding = json.detect_encoding(head)
    if encoding.startswith("utf-8"):
        return codecs.getincrementaldecoder("utf-8")("surrogateescape")
    return codecs.getincrementaldecoder(encoding)("replace")
