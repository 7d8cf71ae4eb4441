"""Hostile landing files: what real ones become when programs, people and disks have been at them.

What belongs here: making a file from its number, with what is known of it by construction: how many records were
written into it, and how many of those were left as they should be. What does not: reading it (`hostile`).
"""

import bz2
import csv
import gzip
import io
import json
import re
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote_plus

from benchmarks.hostile_values import MARK, PAYLOADS, RECORDS, TENANT, TEXTS, TOKENS, VALUES, WRAPS, Record, base64_of

_MOST_RECORDS = 6
# The share of files that are large.
_LARGE = 0.001


@dataclass(frozen=True, slots=True)
class HostileFile:
    """A file to read: its place in the landing folder, its bytes, and what must become of it.

    `given` is how many records it holds; None where damage leaves that open. `intact` of them are sound, and must be
    taken whatever is around them.
    """

    family: str
    name: str
    content: bytes
    given: int | None
    intact: int = 0
    number: int = 0


def hostile_file(number: int) -> HostileFile:
    """Return the file of a number: the same at every call."""
    chance = Random(number)  # noqa: S311 - it draws files, no secrets
    family, make = chance.choice(_FAMILIES) if chance.random() > _LARGE else ("large ones", _large)
    name, content, given, intact = make(chance)
    return HostileFile(family, f"{TENANT}/{name}", content, given, intact, number)


Made = tuple[str, bytes, int | None, int]


def _sources(chance: Random) -> tuple[str, Record, str]:
    """Where a file lies, without its suffix; a sound record; and the kind or gateway."""
    if chance.random() < 0.6:
        gateway = chance.choice(list(PAYLOADS))
        return f"webhooks/{gateway}/hook", PAYLOADS[gateway], gateway
    kind = chance.choice(list(RECORDS))
    return f"{kind}-1", RECORDS[kind], kind


def _marked(record: Record, number: int) -> Record:
    # No envelope has this field, so a record that has lost its own is none.
    return {**record, "hostile": number}


def _mutated(chance: Random, record: Record, *, tokens: bool) -> Record:
    """A copy with some values replaced, taken away, wrapped or doubled."""
    copy = deepcopy(record)
    for _ in range(chance.randint(1, 4)):
        holder, key = _place(chance, copy)
        how = chance.random()
        if how < 0.15 and isinstance(holder, dict):
            del holder[key]
        elif how < 0.25:
            holder[key] = [deepcopy(holder[key]) for _ in range(chance.randint(1, 3))]
        elif how < 0.3:
            holder[key] = {"value": holder[key], "": deepcopy(chance.choice(VALUES))}
        elif how < 0.4 and tokens:
            holder[key] = f"{MARK}{chance.randrange(len(TOKENS))}{MARK}"
        elif how < 0.7:
            holder[key] = chance.choice(TEXTS)
        elif how < 0.75:
            holder[key] = f"{holder[key]}{chance.choice(TEXTS)}"
        else:
            holder[key] = deepcopy(chance.choice(VALUES))
        if not copy:
            break
    return copy


def _place(chance: Random, record: Record) -> tuple[Any, Any]:
    holder: Any = record
    while True:
        key = chance.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        inside = holder[key]
        if not (isinstance(inside, dict | list) and inside) or chance.random() < 0.2:
            return holder, key
        holder = inside


def _text(chance: Random, record: Any, indent: int | None = None) -> str:
    text = json.dumps(record, ensure_ascii=chance.random() < 0.5, indent=indent)
    return re.sub(rf'"(?:{MARK}|\\ue000)(\d+)(?:{MARK}|\\ue000)"', lambda found: TOKENS[int(found[1])], text)


def _records(chance: Random, record: Record, *, tokens: bool, sound_first: bool = False) -> tuple[list[Record], int]:
    """Some records, and how many of them are as they should be."""
    records, intact = [], 0
    for number in range(chance.randint(1, _MOST_RECORDS)):
        sound = chance.random() < 0.3 or (sound_first and number == 0)
        intact += sound
        records.append(_marked(record if sound else _mutated(chance, record, tokens=tokens), number))
    return records, intact


def _encoded(chance: Random, text: str) -> bytes:
    encoding = chance.choice(("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"))
    return text.encode(encoding, "surrogatepass")


def _packed(chance: Random, name: str, content: bytes) -> tuple[str, bytes]:
    how = chance.random()
    if how < 0.75:
        return name, content
    if how < 0.85:
        middle = len(content) // 2
        # Two members one after the other, as appending programs leave them.
        return name + ".gz", gzip.compress(content[:middle], 1) + gzip.compress(content[middle:], 1)
    if how < 0.92:
        return name + ".bz2", bz2.compress(content, 1)
    return name + ".zst", _zstd(content)


def _zstd(content: bytes) -> bytes:
    import pyarrow

    packed: bytes = pyarrow.compress(content, codec="zstd", asbytes=True)
    return packed


def _joined(chance: Random, texts: Sequence[str]) -> str:
    """Records of JSON one after the other, in any way that programs write them."""
    layout = chance.randrange(5)
    if layout == 0:
        end = chance.choice(("\n", "\r\n", "\r\r\n", "\n\n", "\n \n"))
        return end.join(texts) + chance.choice(("", end))
    if layout == 1:
        return chance.choice(("", " ", "\t")).join(texts)
    if layout == 2:
        return "".join(f"\x1e{text}\n" for text in texts)
    if layout == 3:
        return f"[{', '.join(texts)}]"
    return "[\n  " + ",\n  ".join(texts) + "\n]\n"


def _json(chance: Random) -> Made:
    stem, record, _ = _sources(chance)
    records, intact = _records(chance, record, tokens=True)
    content = _encoded(chance, _joined(chance, [_text(chance, record) for record in records]))
    name, content = _packed(chance, stem + chance.choice((".jsonl", ".json", ".ndjson")), content)
    return name, content, len(records), intact


def _pretty(chance: Random) -> Made:
    stem, record, _ = _sources(chance)
    records, intact = _records(chance, record, tokens=False)
    text = "\n".join(_text(chance, record, indent=chance.choice((1, 2, 4))) for record in records)
    name, content = _packed(chance, stem + ".json", _encoded(chance, text))
    return name, content, len(records), intact


def _envelopes(chance: Random) -> Made:
    """Payloads inside envelopes inside envelopes."""
    stem, record, _ = _sources(chance)
    records, intact = _records(chance, record, tokens=False)
    value: Any = records
    for _ in range(chance.randint(1, 2)):
        value = chance.choice(WRAPS)(value if isinstance(value, list) else [value])
    content = _encoded(chance, json.dumps(value, indent=chance.choice((None, 1))))
    name, content = _packed(chance, stem + chance.choice((".json", ".jsonl")), content)
    return name, content, len(records), intact


def _form_fields(value: Any, name: str) -> list[tuple[str, str]]:
    if isinstance(value, dict) and value:
        return [pair for key, inside in value.items() for pair in _form_fields(inside, f"{name}[{key}]")]
    if isinstance(value, list) and value:
        return [pair for key, inside in enumerate(value) for pair in _form_fields(inside, f"{name}[{key}]")]
    return [(name, str(value))]


def _form(chance: Random, record: Record) -> str:
    encoding = chance.choice(("utf-8", "utf-8", "cp1252"))
    pairs = [pair for key, value in record.items() for pair in _form_fields(value, key)]
    return "&".join(
        f"{quote_plus(name, safe='[]', encoding=encoding, errors='replace')}="
        + quote_plus(text, encoding=encoding, errors="replace")
        for name, text in pairs
    )


def _forms(chance: Random) -> Made:
    gateway = chance.choice(list(PAYLOADS))
    records, _ = _records(chance, PAYLOADS[gateway], tokens=False)
    text = chance.choice(("\n", "\r\n", "\n\n")).join(_form(chance, record) for record in records)
    name, content = _packed(
        chance, f"webhooks/{gateway}/hook{chance.choice(('.form', '.txt', '.json'))}", text.encode()
    )
    return name, content, len(records), 0


def _mixed(chance: Random) -> Made:
    """Forms, documents, lists and envelopes in one file."""
    gateway = chance.choice(list(PAYLOADS))
    records, intact = _records(chance, PAYLOADS[gateway], tokens=False)
    parts = []
    for number, record in enumerate(records):
        sound = {key: value for key, value in record.items() if key != "hostile"} == PAYLOADS[gateway]
        how = chance.randrange(4)
        if how == 0 and not sound:
            parts.append(_form(chance, _marked(record, number)))
        elif how == 1:
            parts.append(_text(chance, [record], indent=2))
        elif how == 2:
            parts.append(_text(chance, chance.choice(WRAPS)([record])))
        else:
            parts.append(_text(chance, record))
    return f"webhooks/{gateway}/hook.json", "\n".join(parts).encode("utf-8", "surrogatepass"), len(records), intact


def _damaged(chance: Random) -> Made:
    """Lines of JSON of which some are damaged: cut, overwritten, doubled. The others must be taken."""
    stem, record, _ = _sources(chance)
    lines, intact = [], 0
    for number in range(chance.randint(2, _MOST_RECORDS + 2)):
        raw = _text(chance, _marked(record, number)).encode()
        if number == 0 or chance.random() < 0.5:
            intact += 1
        else:
            raw = _broken(chance, raw)
        lines.append(raw)
    # Lines of a kind are one record each, whatever they hold; a payload may fall apart.
    given = None if stem.startswith("webhooks") else len(lines)
    name, content = _packed(chance, stem + ".jsonl", b"\n".join(lines) + b"\n")
    return name, content, given, intact


def _broken(chance: Random, raw: bytes) -> bytes:
    place = chance.randrange(1, len(raw))
    how = chance.randrange(6)
    if how == 0:
        return raw[:place]
    if how == 1:
        # The end of a line that was cut: it begins with anything but a brace.
        return b"~" + raw[place:]
    if how == 2:
        return raw[:place] + chance.choice((b"\xff", b"\0", b"\xc3", b'"', b"}", b"]", b"\\", b",", b"{")) + raw[place:]
    if how == 3:
        return raw[:place] + raw[place + 1 :]
    if how == 4:
        return raw + chance.choice((b"}", b"]", b",", b";", b'"', b"x"))
    return raw[:place] + raw


def _cut_file(chance: Random) -> Made:
    """A whole file cut, overwritten, spliced with itself, or of another kind than its name says."""
    stem, _, _ = _sources(chance)
    made = chance.choice((_json, _pretty, _envelopes, _csv, _parquet, _forms))(chance)
    name, content = made[0], bytearray(made[1])
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(content) or 1)
        how = chance.randrange(5)
        if how == 0:
            del content[place:]
        elif how == 1:
            del content[place : place + chance.randint(1, 200)]
        elif how == 2:
            content[place:place] = content[chance.randrange(len(content) or 1) :][: chance.randint(1, 400)]
        elif how == 3:
            content[place : place + 1] = chance.randbytes(chance.randint(1, 4))
        else:
            name = stem + chance.choice((".json", ".jsonl", ".csv", ".parquet", ".json.gz", ".csv.zst", ".jsonl.bz2"))
    return name, bytes(content), None, 0


def _csv(chance: Random) -> Made:
    """A table in some dialect, with hostile cells."""
    kind = chance.choice(list(RECORDS))
    names = ["tenant", *RECORDS[kind]]
    rows, intact = [], 0
    encoding = chance.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le"))
    for _ in range(chance.randint(1, _MOST_RECORDS)):
        row = [TENANT, *RECORDS[kind].values()]
        if chance.random() < 0.5:
            place = chance.randrange(len(row))
            row[place] = chance.choice([text for text in TEXTS if not re.search("[\0\ud800-\udfff]", text)])
        else:
            intact += 1
        rows.append(row)
    end = chance.choice(("\n", "\r\n"))
    separator = chance.choice(",;\t|")
    said = f"sep={separator}{end}" if chance.random() < 0.1 else ""
    file = io.StringIO(newline="")
    writer = csv.writer(
        file, delimiter=separator, lineterminator=end, quoting=chance.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
    )
    writer.writerow(names)
    for row in rows:
        writer.writerow(row)
        if chance.random() < 0.1:
            file.write(chance.choice((end, separator * (len(names) - 1) + end)))
    name, content = _packed(chance, f"{kind}-1.csv", (said + file.getvalue()).encode(encoding))
    return name, content, len(rows), 0 if said else intact


def _parquet(chance: Random) -> Made:
    """Columns of any type."""
    import pyarrow
    from pyarrow import parquet

    kind = chance.choice(list(RECORDS))
    count = chance.randint(1, _MOST_RECORDS)
    record = {"tenant": TENANT, **RECORDS[kind]}
    columns: dict[str, Any] = {name: [value] * count for name, value in record.items()}
    changed = chance.choice((True, True, False))
    if changed:
        sizes: list[Any] = [
            pyarrow.array([chance.choice(TEXTS[3:]).encode("utf-8", "replace") for _ in range(count)]),
            pyarrow.array([chance.choice((1.5, float("nan"), 1e300, None)) for _ in range(count)]),
            pyarrow.array([chance.choice((1.1, float("inf"), 16777217.0)) for _ in range(count)], pyarrow.float32()),
            pyarrow.array([chance.choice((0, 2**63 - 1, -(2**63))) for _ in range(count)], pyarrow.timestamp("us")),
            pyarrow.array([chance.choice((0, 2**31 - 1)) for _ in range(count)], pyarrow.date32()),
            pyarrow.array([[1, None]] * count), pyarrow.array([{"a": None}] * count), pyarrow.nulls(count),
            pyarrow.array([True] * count), pyarrow.array([2**63 - 1] * count),
            pyarrow.array([b"\xff\xfe"] * count), pyarrow.array(["x"] * count).dictionary_encode(),
        ]  # fmt: skip
        columns[chance.choice(list(columns))] = chance.choice(sizes)
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), buffer, row_group_size=chance.choice((1, 2, 100)))
    return f"{kind}-1.parquet", buffer.getvalue(), count, 0 if changed else count


def _large(chance: Random) -> Made:
    """One record that is large, or that unpacks to much."""
    stem, record, _ = _sources(chance)
    how = chance.randrange(4)
    if how == 0:
        # No line ever ends.
        return stem + ".jsonl.gz", gzip.compress(b"9" * 20_000_000, 1), 1, 0
    if how == 1:
        return stem + ".jsonl", _text(chance, {**record, "more": "x" * 1_100_000}).encode() + b"\n", 1, 0
    if how == 2:
        inside = base64_of(gzip.compress(b" " * 70_000_000, 1))
        return (
            stem + ".json",
            _text(chance, {"requestId": "r", "timestamp": 1, "records": [{"data": inside}]}).encode(),
            1,
            0,
        )
    return stem + ".json", _text(chance, {**record, "more": ["{"] * 3_000_000}).encode(), 1, 0


_FAMILIES: tuple[tuple[str, Callable[[Random], Made]], ...] = (
    ("JSON, one after the other", _json),
    ("JSON, one after the other", _json),
    ("JSON, pretty-printed", _pretty),
    ("JSON in envelopes", _envelopes),
    ("forms", _forms),
    ("forms and JSON mixed", _mixed),
    ("damaged lines", _damaged),
    ("damaged lines", _damaged),
    ("damaged files", _cut_file),
    ("CSV", _csv),
    ("Parquet", _parquet),
)
FAMILIES = (*dict.fromkeys(name for name, _ in _FAMILIES), "large ones")
