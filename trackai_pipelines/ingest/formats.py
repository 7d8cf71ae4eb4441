"""Files of JSON as numbered records: of landing kinds, and of webhooks.

What belongs here: which road a file takes, by lines or by documents, and numbering. What does not: where a document
ends (`documents`), what is around a payload (`opening`), what a record's fields must be (`rows`, the kinds), bytes
and lines (`streams`), and other formats (`csv_files`, `parquet_files`). One bad record never costs another.
"""

import io
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO

from trackai_pipelines.ingest.documents import documents, end_of_value, not_json
from trackai_pipelines.ingest.opening import NotOpened, is_an_envelope, opened
from trackai_pipelines.ingest.outcomes import Refused
from trackai_pipelines.ingest.records import Payload, Unreadable, canonical_json, sha256, unreadable_line
from trackai_pipelines.ingest.streams import Line, Notes, open_bytes, physical_lines

# A JSON text sequence, an array of objects, or an object whose first field stands in a line of its own.
_NO_LINES = re.compile(r'\x1e|\[\s*\{|\{[ \t]*\r?\n\s*["}]')

# What is looked at of a file where it is longer (`streams.open_bytes` buffers as much).
_LONG_HEAD = 1 << 18


def json_value(raw: bytes) -> object:
    """Return the JSON value of a text, with exact decimals. Raises Refused with what is wrong."""
    if b"\0" in raw:
        raise Refused("the line holds a NUL byte; remove it")
    try:
        return json.loads(raw.decode("utf-8"), parse_float=Decimal, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise Refused(f"not valid UTF-8 at byte {error.start + 1}; write the file as UTF-8") from error
    except json.JSONDecodeError as error:
        raise Refused(not_json(error)) from error
    except RecursionError as error:
        raise Refused("not usable JSON: nested too deeply") from error
    except ValueError as error:
        if isinstance(error, Refused):
            raise
        raise Refused("not usable JSON: a number is too long") from error


def json_records(path: Path, notes: Notes) -> Iterator[Line | Unreadable]:
    """Yield the records of a file of JSON: one a line, or whatever else `documents` and `envelopes` read.

    What a record holds is decoded by `rows`. Files of lines are told by their beginning, and take the short road.
    """
    with open_bytes(path, notes) as stream:
        assert isinstance(stream, io.BufferedReader)
        if _is_of_documents(stream.peek()):
            for record in _payloads(stream, notes):
                yield Line(record.number, record.raw) if isinstance(record, Payload) else record
            return
        for line in physical_lines(stream, notes):
            if not isinstance(line, Line):
                yield unreadable_line(line)
            elif line.raw and not line.raw.isspace():
                yield line


def webhook_payloads(path: Path, notes: Notes) -> Iterator[Payload | Unreadable]:
    """Yield the payloads of a file, out of their lists and envelopes, numbered from 1."""
    with open_bytes(path, notes) as stream:
        yield from _payloads(stream, notes)


def _payloads(stream: BinaryIO, notes: Notes) -> Iterator[Payload | Unreadable]:
    number = 0
    for document in documents(stream, notes):
        if isinstance(document, Unreadable):
            number += 1
            yield document._replace(number=number)
            continue
        before = number
        for payload in opened(document.value):
            number += 1
            if isinstance(payload, NotOpened):
                yield Unreadable(number, canonical_json(payload.shown), payload.digest, str(payload))
            elif payload is document.value:
                yield Payload(number, document.raw, payload)
            else:
                yield _payload_inside(number, payload)
        if number == before:
            notes.once("a list in the file is empty")


def _payload_inside(number: int, payload: object) -> Payload | Unreadable:
    try:
        return Payload(number, canonical_json(payload), payload)
    except RecursionError:
        return Unreadable(number, b"", sha256(b""), "not usable JSON: nested too deeply")


def _is_of_documents(head: bytes) -> bool:
    """Return whether a file that begins so is certainly not one object a line."""
    if not json.detect_encoding(head).startswith("utf-8"):
        return bool(head)
    text = head.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if _NO_LINES.match(text):
        return True
    first, end_of_line, rest = text.partition("\n")
    if not end_of_line and len(head) >= _LONG_HEAD:
        # Nothing that is one record is as long; a page of them in one line may be.
        return text.startswith("{")
    try:
        value, end = json.JSONDecoder().raw_decode(first)
    except json.JSONDecodeError:
        # Values go on in the next line, which is indented or closes them.
        return first.rstrip().endswith((",", "{", "[")) and rest.startswith((" ", "\t", "}", "]"))
    except (ValueError, RecursionError):
        # JSON that is nested too deeply, or holds a number that is too long: it costs itself, not what stands behind.
        whole = end_of_value(first, 0, len(first))
        return whole is not None and first[whole:].lstrip().startswith("{")
    return first[end:].lstrip().startswith("{") or is_an_envelope(value)


def _no_constant(name: str) -> object:
    raise Refused(f"not valid JSON: {name} is not a number in JSON")
