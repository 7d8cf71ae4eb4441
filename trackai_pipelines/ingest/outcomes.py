"""What becomes of a record: a row, a refusal, or nothing to take.

What belongs here: the outcomes that readers and the loader share, below both. What does not: how a record is read
(`formats`, `rows`), and what is kept of a refused one (`rejects`).
"""

from dataclasses import dataclass
from typing import NamedTuple

import msgspec


class Refused(ValueError):  # noqa: N818 - an outcome of reading, not a fault of the program
    """A record that is not taken, with the reason in words: which field, what is wrong, what is expected."""


class MalformedPayload(ValueError):  # noqa: N818 - it names what was found, as its readers speak of it
    """A payload that cannot be read: the message names the field and what is wrong, never the buyer's data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTaken:
    """A payload that is understood and holds nothing for a kind, with the reason in words."""

    reason: str
    event_id: str | None = None


class Reference(NamedTuple):
    """A row of another table that must exist: the column that names it, the tenant, and the value there."""

    column: str
    tenant_id: str
    value: str


class LeftOut(NamedTuple):
    """A value that could not be used and was left out of a row that was taken: its column and a fixed reason."""

    column: str
    reason: str


# Not a NamedTuple: making one takes five times as long.
class Row(msgspec.Struct, frozen=True, gc=False):
    """A row as a line of COPY's text format with NULL as the empty string, and what must exist for it."""

    text: str
    references: tuple[Reference, ...] = ()
    sale: tuple[str, ...] = ()
    """The values that find the row which stands for the same thing (`kinds.SameThing`); empty where none can."""
    names: tuple[str, ...] = ()
    """All names of that thing, where it has several."""
    carried: tuple[tuple[str, ...], ...] = ()
    """Each with what identifies the row: texts that may name a row elsewhere (`kinds.Carried`)."""
