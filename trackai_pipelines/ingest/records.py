"""Records of landing files as they are handed on: named values, payloads, and what cannot be read.

What belongs here: the shapes that all formats share. What does not: how a format is read (`formats`, `csv_files`,
`parquet_files`).
"""

import hashlib
import json
import re
from collections.abc import Collection
from typing import NamedTuple

from trackai_pipelines.ingest.streams import MAX_LINE_BYTES, CutLine, Line, LongLine, Notes

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


def canonical_json(value: object) -> bytes:
    """Return the same bytes for the same value, whatever the order of its keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str).encode()


def sha256(raw: bytes) -> str:
    """Return the hex digits of the SHA-256."""
    return hashlib.sha256(raw).hexdigest()


def unreadable_line(line: LongLine | CutLine) -> Unreadable:
    """Return the record that a line would have been."""
    if isinstance(line, LongLine):
        reason = f"the line is {line.size:,} bytes long; at most {MAX_LINE_BYTES:,} are read"
        return Unreadable(line.number, line.prefix, line.digest, reason)
    return Unreadable(line.number, line.raw, sha256(line.raw), "the damaged file ends inside this line")


def note_unknown_columns(header: list[str], columns: Collection[str], notes: Notes) -> None:
    """Note which columns are left out."""
    unknown = [name for name in header if name not in columns]
    if unknown:
        # In a file without a header this is its first record, hence only what can be a name is shown.
        names = ", ".join([name for name in unknown if _COLUMN_NAME.fullmatch(name)][:10])
        notes.add(f"{len(unknown)} of {len(header)} columns are not known and left out: {names or 'not names'}")
