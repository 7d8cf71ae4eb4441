"""JSON Lines and webhook payloads as numbered records.

What belongs here: where a record begins and ends, and what cannot be read at all. What does not: what a record's fields
must be (`rows`, the kinds), bytes and lines (`streams`), and other formats (`csv_files`, `parquet_files`). One bad
record never costs another.
"""

import hashlib
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO

from trackai_pipelines.ingest.forms import form_value, is_a_form
from trackai_pipelines.ingest.outcomes import Refused
from trackai_pipelines.ingest.records import Payload, Unreadable, canonical_json, sha256, unreadable_line
from trackai_pipelines.ingest.streams import MAX_LINE_BYTES, Line, Notes, open_bytes, physical_lines

# A `.json` file is parsed in one piece, so its size is bounded: some thousand payloads.
MAX_DOCUMENT_BYTES = 16_000_000


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
                yield unreadable_line(line)
            elif line.raw and not line.raw.isspace():
                yield line


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


def _no_constant(name: str) -> object:
    raise Refused(f"not valid JSON: {name} is not a number in JSON")


def _documents(path: Path, stream: BinaryIO, notes: Notes) -> Iterator[bytes | Unreadable]:
    """The JSON texts of a webhook file."""
    if path.name.lower().removesuffix(".gz").endswith(".jsonl"):
        for line in physical_lines(stream, notes):
            if not isinstance(line, Line):
                yield unreadable_line(line)
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
