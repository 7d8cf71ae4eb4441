"""Masking: a refused payload becomes fit to be kept, readable for an operator and without the buyer in it.

Masked are e-mail addresses and phone numbers wherever they stand, and by the name of their field also names,
documents, addresses, genders and secrets. Order ids, amounts, events, dates, hashes and click ids stay readable: they
say why a payload was refused. What comes out is JSON that PostgreSQL's jsonb takes, bounded in depth and size.

What belongs here: the walk through a payload and its bounds. What does not: which fields and which texts are personal
(`personal`).
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from json import dumps

from trackai_pipelines.ingest.personal import (
    is_of_a_count,
    is_of_a_person,
    looks_hashed,
    looks_like_a_phone,
    masked_free_text,
    masked_raw_text,
    sensitivity,
)

_LONGEST_TEXT = 2000
_LONGEST_KEY = 200
# What is read beyond the cut, to see, and mask, an address or number that straddles it as a whole.
_MARGIN = 500
_DEEPEST = 32
# Characters of JSON, all escapes counted: what is stored stays below 64 kB with room for the notes on what is left.
_BUDGET = 56_000
_LARGEST_NUMBER = 10**40


@dataclass(slots=True)
class _Budget:
    left: int = _BUDGET

    def takes(self, written: object) -> bool:
        """Whether there is room for one more value; the first one that does not fit ends the copy."""
        cost = len(dumps(written)) + 2
        self.left = self.left - cost if cost <= self.left else 0
        return self.left > 0


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the payload a value stands: as its fields' names say."""

    depth: int = 0
    person: bool = False
    masked_as: str | None = None
    # Inside a field whose digits are an id, an amount or a time by its name.
    counted: bool = False


def masked(payload: object) -> object:
    """Return a copy of the payload, masked and bounded: JSON values only, below 64 kB, no NUL, no lone surrogate.

    Text beyond 2,000 characters is masked, then cut with its length noted. Takes what JSON, CSV and Parquet readers
    give; linear in what is kept, whatever the payload's size.
    """
    return _value(payload, _Place(), _Budget())


def masked_text(raw: bytes | str) -> object:
    """Return a line that could not be parsed, masked and cut like a text; bytes that are no UTF-8 appear as `\\xff`."""
    # A character has at most four bytes; one that the slice splits lies beyond the cut.
    head = raw[: 4 * (_LONGEST_TEXT + _MARGIN)]
    text = head.decode("utf-8", "backslashreplace") if isinstance(head, bytes) else head
    shown = masked_raw_text(text[: _LONGEST_TEXT + _MARGIN])
    if len(raw) > len(head) or len(text) > _LONGEST_TEXT + _MARGIN:
        shown = _without_end(shown)
    whole = len(raw) == len(head) and len(text) <= _LONGEST_TEXT
    return _shortened(shown, whole, f"{len(raw):,} {'bytes' if isinstance(raw, bytes) else 'characters'}")


def _value(value: object, place: _Place, budget: _Budget) -> object:
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        if place.depth >= _DEEPEST:
            return f"[nested deeper than {_DEEPEST} levels]"
        return _mapping(value, place, budget) if isinstance(value, Mapping) else _list(value, place, budget)
    return _scalar(value, place)


def _mapping(payload: Mapping[object, object], place: _Place, budget: _Budget) -> dict[str, object]:
    copy: dict[str, object] = {}
    # {"name": "telefone", "value": "..."}, {"key": "_billing_cpf", "value": "..."}: the field's name is itself a value.
    named = payload.get("name", payload.get("key")) if "value" in payload else None
    for position, (key, value) in enumerate(payload.items()):
        if budget.left == 0:
            copy[_unused("...", copy)] = f"[{len(payload) - position:,} more fields not kept]"
            break
        name = _unused(_cut(str(key), _LONGEST_KEY), copy)
        field = named if key == "value" and isinstance(named, str) else str(key)
        if budget.takes(name):
            entry = _value(value, _inside(place, field, value), budget)
            if isinstance(entry, dict | list) or budget.takes(entry):
                copy[name] = entry
                continue
        copy[name] = "[not kept: the payload is too large]"
    return copy


def _list(values: Collection[object], place: _Place, budget: _Budget) -> list[object]:
    inside = replace(place, depth=place.depth + 1)
    copy: list[object] = []
    for position, value in enumerate(values):
        if budget.left == 0:
            copy.append(f"[{len(values) - position:,} more entries not kept]")
            break
        # Brackets cost as much as a null; so every entry is charged for one.
        if budget.takes(None):
            entry = _value(value, inside, budget)
            if isinstance(entry, dict | list) or budget.takes(entry):
                copy.append(entry)
                continue
        copy.append("[not kept: the payload is too large]")
    return copy


def _inside(place: _Place, field: str, value: object) -> _Place:
    """The place of a field's value."""
    kind = place.masked_as or sensitivity(field, in_person=place.person)
    person = place.person or is_of_a_person(field)
    if kind == "address" and isinstance(value, Mapping | list):
        # An address in parts, which are judged by their own names.
        kind, person = None, True
    return _Place(place.depth + 1, person=person, masked_as=kind, counted=is_of_a_count(field))


def _scalar(value: object, place: _Place) -> object:
    if value is None or isinstance(value, bool) or value == "":
        return value
    if isinstance(value, int | float | Decimal):
        return _marker(place) or _number(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return _marker(place) or masked_text(bytes(value))
    if isinstance(value, date | datetime):
        return _marker(place) or value.isoformat()
    if isinstance(value, str):
        if place.masked_as and (place.masked_as == "secret" or not looks_hashed(value)):
            return _marker(place)
        if not place.counted and looks_like_a_phone(value):
            return "[phone masked]"
        return _cut(value, _LONGEST_TEXT)
    return _marker(place) or _cut(str(value), _LONGEST_TEXT)


def _marker(place: _Place) -> str | None:
    return f"[{place.masked_as} masked]" if place.masked_as else None


def _number(value: int | float | Decimal) -> object:
    if isinstance(value, int):
        return value if abs(value) < _LARGEST_NUMBER else f"[a number of {value.bit_length():,} bits]"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    # As text: a float would not show the digits that were refused.
    return _cut(str(value), _LONGEST_TEXT)


def _cut(text: str, longest: int) -> str:
    shown = masked_free_text(text[: longest + _MARGIN])
    if len(text) > longest + _MARGIN:
        shown = _without_end(shown)
    return _shortened(shown, len(text) <= longest, f"{len(text):,} characters", longest)


def _without_end(masked: str) -> str:
    """The masked head of a longer text without its end, which may be the first half of an address: where masking
    made the head shorter, that end would be shown."""
    return masked[: max(0, len(masked) - _MARGIN)]


def _shortened(masked: str, whole: bool, size: str, longest: int = _LONGEST_TEXT) -> str:
    shown = _storable(masked)
    return shown if whole and len(shown) <= longest else f"{shown[:longest]}... [{size} in all]"


def _storable(text: str) -> str:
    """The text with what jsonb cannot hold made visible: NUL and lone surrogates."""
    return text.replace("\0", "\\u0000").encode("utf-8", "backslashreplace").decode()


def _unused(name: str, taken: Mapping[str, object]) -> str:
    """The name, numbered where masking made it equal to one that is taken."""
    number, unused = 1, name
    while unused in taken:
        number += 1
        unused = f"{name} ({number})"
    return unused
