"""Rows: from a record to the text that COPY takes, or a refusal.

What belongs here: how the records of any kind are decoded and written as text. What does not: which fields a kind has
and what is required of them (the kinds), what a single field may be (`fields`), where records come from (`formats`),
and the database (`writing`).

A JSON line is decoded straight into a struct; what that refuses takes the slower road through a dict, which
accepts the odd (an epoch for a time) and knows the exact reason for the rest. Both roads end in the same row.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache, partial
from typing import Any

import msgspec
from msgspec.structs import replace

from trackai_pipelines.ingest import fields
from trackai_pipelines.ingest.amounts import Sign, number_of
from trackai_pipelines.ingest.context import Context, Text
from trackai_pipelines.ingest.formats import json_value
from trackai_pipelines.ingest.kinds import Kind, columns_of, types_of
from trackai_pipelines.ingest.moments import AS_WRITTEN, Days, moment_of
from trackai_pipelines.ingest.outcomes import Reference, Refused, Row
from trackai_pipelines.ingest.personal import emails_hashed
from trackai_pipelines.ingest.records import Fields, names_in
from trackai_pipelines.ingest.streams import Line

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class RowReader:
    """Turns the records of a kind into rows; what it has to know of the kind is looked up once."""

    def __init__(self, kind: Kind, sign: Sign = "", days: Days = AS_WRITTEN) -> None:
        self._kind = kind
        self._values = kind.row
        self._decode = msgspec.json.Decoder(kind.record).decode
        self._readers = _value_readers(kind, sign, days)
        columns = columns_of(kind)
        self._texts = self._readers.keys() - columns.amounts - columns.times
        self._spelled = _spelled(kind) if kind.spellings else None
        self._tabs = len(kind.columns) - 1
        self._references = [(place, name) for place, name in enumerate(kind.columns) if name in kind.references]
        place_of = kind.columns.index
        self._row_id = None if kind.row_id is None else place_of(kind.row_id)
        self._stated = None if kind.stated is None else place_of(kind.stated)
        self._numbered = None if kind.numbered is None else place_of(kind.numbered)
        self._sale = tuple(map(place_of, kind.same_thing.columns)) if kind.same_thing else ()
        self._names = kind.same_thing.names if kind.same_thing else _no_names
        self._completed = tuple(map(place_of, kind.carried.columns)) if kind.carried else ()
        self._carried = kind.carried.names if kind.carried else _no_names

    def of_record(self, record: Line | Fields, context: Context) -> Row:
        """Return the row of a line or of named values. Raises Refused."""
        if isinstance(record, Fields):
            decoded = self._from_values(record.values, context)
        else:
            raw = record.raw
            try:
                # The decoder does not look at the bytes of fields it leaves out.
                if not raw.isascii():
                    raw.decode("utf-8")
                decoded = self._decode(raw)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                decoded = self._decoded_slowly(raw, context)
        return self._row_of(self._values(decoded, context), record.number, context)

    def of_payload(self, decoded: msgspec.Struct, number: int, context: Context) -> Row:
        """Return the row of a record that was read from a webhook's payload. Raises Refused."""
        values = self._values(decoded, context)
        for name, value in zip(self._kind.columns, values, strict=True):
            # JSON may escape half a surrogate pair, and a gateway's reader hands texts on as they came.
            fields.text_of(value, name)
        row = self._row_of(values, number, context)
        carried = self._carried(decoded)
        if carried:
            identity = tuple(str(values[place]) for place in self._completed)
            row = replace(row, carried=tuple((*identity, name) for name in carried))
        key = tuple(str(values[place]) for place in self._sale)
        return replace(row, sale=key, names=self._names(decoded)) if all(key) else row

    def _row_of(self, values: tuple[Text, ...], number: int, context: Context) -> Row:
        if self._stated is not None and not values[self._stated]:
            stated = (context.stated_at + timedelta(microseconds=number)).isoformat()
            values = (*values[: self._stated], stated, *values[self._stated + 1 :])
        if self._numbered is not None:
            values = (*values[: self._numbered], number, *values[self._numbered + 1 :])
        try:
            text = "\t".join(values)  # type: ignore[arg-type]
        except TypeError:
            # Some of the texts were given as whole numbers.
            values = tuple(map(str, values))
            text = "\t".join(values)  # type: ignore[arg-type]
        # Nearly all rows pass here: short, and nothing to escape.
        if (
            len(text) > fields.MAX_KEY
            or "\\" in text
            or "\n" in text
            or "\r" in text
            or "\0" in text
            or "@" in text
            or ("%" in text and "%40" in text)
            or text.count("\t") != self._tabs
        ):
            text = self._checked_text(map(str, values), context)
        if self._row_id is not None and not values[self._row_id]:
            # The same at every loading.
            digest = hashlib.sha256(text.encode()).hexdigest()[:32]
            cells = text.split("\t")
            cells[self._row_id] = f"row:{digest}"
            text = "\t".join(cells)
        for place, _ in self._references:
            if values[place]:
                return Row(text, self._references_of(values))
        return Row(text)

    def _references_of(self, values: tuple[Text, ...]) -> tuple[Reference, ...]:
        owner = str(values[0])
        return tuple(Reference(name, owner, str(values[place])) for place, name in self._references if values[place])

    def _decoded_slowly(self, raw: bytes, context: Context) -> msgspec.Struct:
        values = json_value(raw)
        if not isinstance(values, dict):
            raise Refused("the line is not a JSON object; expected one object a line")
        return self._from_values(values, context)

    def _from_values(self, values: Mapping[str, object], context: Context) -> msgspec.Struct:
        typed: dict[str, Any] = {}
        if self._spelled:
            values = _respelled(values, self._spelled)
        for name, value in values.items():
            if value is None or value == "":
                continue
            if type(value) is str and name in self._texts and value.isascii():
                # Nearly all values of nearly all files.
                typed[name] = value
            elif name in self._readers:
                try:
                    typed[name] = self._readers[name](value)
                except Refused:
                    if name not in self._kind.optional and name not in self._kind.optional_where(values):
                        raise
                    context.leave_out(name, "cannot be read")
        return self._kind.record(**typed)

    def _checked_text(self, values: "map[str]", context: Context) -> str:
        escaped = []
        for name, value in zip(self._kind.columns, values, strict=True):
            longest = fields.MAX_TEXT if name in self._kind.long_texts else fields.MAX_KEY
            if len(value) > longest:
                if name not in self._kind.optional:
                    raise Refused(f"{name} has {len(value):,} characters; at most {longest:,} are taken")
                value = context.leave_out(name, f"longer than {longest:,} characters")
            if "\0" in value:
                if name not in self._kind.optional:
                    raise Refused(f"{name} holds a NUL character; remove it")
                value = context.leave_out(name, "holds a NUL character")
            if "@" in value or "%40" in value:
                # A page's query, or an order number made of the buyer's address.
                value = emails_hashed(value)
            escaped.append(value.translate(_ESCAPES))
        return "\t".join(escaped)


def _spelled(kind: Kind) -> Callable[[str], str | None]:
    """Return what finds the field that a path means; case and punctuation make no difference, as in columns' names."""
    known = frozenset(kind.record.__struct_fields__) | kind.spellings.keys()

    @lru_cache(maxsize=4_096)
    def field_of(path: str) -> str | None:
        (name,) = names_in([path], known)
        return kind.spellings.get(name, name if name in known else None)

    return field_of


def _respelled(values: Mapping[str, object], field_of: Callable[[str], str | None]) -> Mapping[str, object]:
    found: dict[str, object] = {}
    for path, value in _leaves(values, ""):
        name = field_of(path)
        if name is not None and found.get(name) in (None, ""):
            found[name] = value
    return found


def _leaves(values: Mapping[str, object], path: str) -> Iterator[tuple[str, object]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


def _no_names(_: msgspec.Struct) -> tuple[str, ...]:
    return ()


def _value_readers(kind: Kind, sign: Sign, days: Days) -> Mapping[str, Callable[[object], object]]:
    """Return the fields of a record, each with what reads its value from a format that has other types than JSON."""
    columns, types = columns_of(kind), types_of(kind.record)
    whole_days = days if days.time_of_day else days._replace(time_of_day=time())
    readers: dict[str, Callable[[object], object]] = {}
    for name in kind.record.__struct_fields__:
        if date in types[name] and datetime not in types[name]:
            readers[name] = partial(_day_of, name=name, days=whole_days)
        elif name in columns.times:
            readers[name] = partial(moment_of, name=name, days=whole_days if name in kind.whole_days else days)
        elif name in columns.amounts:
            readers[name] = partial(number_of, name=name, sign=sign)
        else:
            readers[name] = _text_reader(name, types[name])
    return readers


def _day_of(value: object, name: str, days: Days) -> date:
    return moment_of(value, name, days).date()


def _text_reader(name: str, types: tuple[Any, ...]) -> Callable[[object], object]:
    if object in types:
        return lambda value: fields.text_of(value, name) if isinstance(value, bytes) else value
    return partial(fields.text_of, name=name)
