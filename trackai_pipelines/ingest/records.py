"""Records of landing files as they are handed on: named values, payloads, and what cannot be read.

What belongs here: the shapes that all formats share. What does not: how a format is read (`formats`, `csv_files`,
`parquet_files`).
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Collection, Sequence
from typing import NamedTuple

import msgspec

from trackai_pipelines.ingest.outcomes import Refused
from trackai_pipelines.ingest.streams import MAX_LINE_BYTES, CutLine, Line, LongLine, Notes

_COLUMN_NAME = re.compile("[a-z_][a-z_ ]{0,40}")


class Fields(msgspec.Struct, frozen=True):
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


def names_in(header: Sequence[str], columns: Collection[str]) -> list[str]:
    """Return the names in a header as `columns` has them, and other names as they stand, lower-cased.

    Case, accents, spaces and punctuation make no difference: "E-mail" is email, "Gateway Event ID" gateway_event_id.
    """
    known = {_bare(name): name for name in columns}
    return [known.get(_bare(name), name.strip().lower()) for name in header]


def known_names(header: Sequence[str], columns: Collection[str]) -> list[str]:
    """Like `names_in`. Raises Refused where a known column stands twice: which of the two is meant cannot be told."""
    names = names_in(header, columns)
    twice = sorted({name for name in names if name in columns and names.count(name) > 1})
    if twice:
        raise Refused(f"the column {twice[0]} stands twice, and which of the two is meant cannot be told; remove one")
    return names


def note_unknown_columns(names: Sequence[str], columns: Collection[str], notes: Notes) -> None:
    """Note which columns are left out."""
    unknown = [name for name in names if name not in columns]
    if unknown:
        # In a file without a header this is its first record, hence only what can be a name is shown.
        shown = ", ".join([name for name in unknown if _COLUMN_NAME.fullmatch(name)][:10])
        notes.add(f"{len(unknown)} of {len(names)} columns are not known and left out: {shown or 'not names'}")


def _bare(name: str) -> str:
    """Return the letters and digits of a name, in small letters without accents."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", name).casefold()))
