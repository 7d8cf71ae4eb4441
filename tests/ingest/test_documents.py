"""Documents of JSON: what was written one after the other comes out, each once, and a bad one costs itself."""

import bz2
import gzip
import io
import json
from collections.abc import Iterator
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory import peak_memory

from trackai_pipelines.ingest import documents as module
from trackai_pipelines.ingest.documents import Document, documents
from trackai_pipelines.ingest.encoding import encoding_by_mark
from trackai_pipelines.ingest.formats import json_records, webhook_payloads
from trackai_pipelines.ingest.records import Payload, Unreadable
from trackai_pipelines.ingest.streams import Line, Notes

_texts = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(
    ["}{", '"', "\\", "]", "[{", "\n{", "a=b", "\ufeff", "\x1e", "é€😀", ',"']
)
_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | _texts,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(_texts, inside, max_size=3),
    max_leaves=6,
)
_objects = st.dictionaries(_texts, _values, max_size=4)


@st.composite
def _written(draw: Any, value: object) -> str:
    indent = draw(st.sampled_from([None, None, 2, "\t"]))
    separators = draw(st.sampled_from([None, (",", ":")])) if indent is None else None
    return json.dumps(value, indent=indent, separators=separators, ensure_ascii=draw(st.booleans()))


_between = st.sampled_from(["", "\n", "\r\n", "\n\n", " ", "\x1e", "\n\x1e", "\ufeff", "\n\ufeff", ",", ",\n"])


@st.composite
def _files(draw: Any) -> tuple[str, list[object]]:
    """A file in parts, each a document or an array of some, and the values in it."""
    text, values = draw(st.sampled_from(["", "\ufeff", " \n", "\x1e"])), []
    for _ in range(draw(st.integers(0, 5))):
        if draw(st.booleans()):
            entries = draw(st.lists(_objects, max_size=4))
            text += draw(_written(entries))
            values += entries
        else:
            value = draw(_objects)
            text += draw(_written(value))
            values.append(value)
        text += draw(_between)
    return text, values


def _read(content: bytes, piece: int = 1 << 18) -> list[Document | Unreadable]:
    with patch.object(module, "_PIECE_BYTES", piece):
        return list(documents(io.BytesIO(content), Notes()))


@settings(max_examples=120, deadline=None)
@given(_files(), st.sampled_from([1, 2, 7, 64, 1 << 18]))
def test_what_was_written_comes_out_in_its_order(file: tuple[str, list[object]], piece: int) -> None:
    text, values = file
    found = _read(text.encode(), piece)
    assert [document.value for document in found if isinstance(document, Document)] == values
    assert [document.number for document in found] == list(range(1, len(values) + 1))
    assert [json.loads(document.raw) for document in found] == values


_BAD = [
    '{"a": tru}',
    '{"a": NaN}',
    '{"a": [1, -Infinity]}',
    '{"a" 1}',
    '{"a": "\\x"}',
    '{"a": 1,}',
    '{"a": {"b": 1, "c": {,}}}',
    '{"a": "x" "b": 1}',
    '{"a": [1 2]}',
    '{"a": 01}',
    "{'a': 1}",
    '{"a": ' + "9" * 5_000 + "}",
    '{"a": "\udce9"}',
    '{"a": ' + "[" * 3_000 + "]" * 3_000 + "}",
]
# These do not end where they should: only a line's start tells the next.
_BAD_LINES = ['{"a": "x', '{"a": {"b": 1}', "{", '{"a": 1, ', "no JSON", '"', '{"a": "\0"}', "tru", "<html>"]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(_objects, st.none() | st.sampled_from(_BAD)), max_size=6),
    st.sampled_from(["", "\n", "\x1e", " "]),
    st.sampled_from([None, "[%s]"]),
    st.sampled_from([7, 300, 1 << 18]),
)
def test_a_bad_document_costs_itself(
    drawn: list[tuple[dict[str, Any], str | None]], between: str, around: str | None, piece: int
) -> None:
    parts = [bad or json.dumps(value) for value, bad in drawn]
    text = around % ",".join(parts) if around else between.join(parts)
    found = _read(text.encode("utf-8", "surrogateescape"), piece)
    assert [None if isinstance(entry, Unreadable) else entry.value for entry in found] == [
        None if bad else value for value, bad in drawn
    ]
    for entry, part in zip(found, parts, strict=True):
        if isinstance(entry, Unreadable):
            assert entry.digest == sha256(part.encode("utf-8", "surrogateescape")).hexdigest()


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(_objects, st.none() | st.sampled_from(_BAD + _BAD_LINES)), max_size=6),
    st.sampled_from(["\n", "\r\n", "\n\n"]),
    st.sampled_from([7, 300, 1 << 18]),
)
def test_a_bad_line_costs_itself(drawn: list[tuple[dict[str, Any], str | None]], between: str, piece: int) -> None:
    text = between.join(bad or json.dumps(value) for value, bad in drawn)
    found = _read(text.encode("utf-8", "surrogateescape"), piece)
    good = [entry.value for entry in found if isinstance(entry, Document)]
    assert good == [value for value, bad in drawn if not bad]
    # What is no document at all may go with the bad one before it; nothing goes without a word.
    assert sum(isinstance(entry, Unreadable) for entry in found) >= any(bad for _, bad in drawn)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200) | _files().map(lambda file: file[0].encode()[: len(file[0]) // 2]))
def test_any_bytes_are_read_to_their_end(content: bytes) -> None:
    found = _read(content, 16)
    assert [entry.number for entry in found] == list(range(1, len(found) + 1))
    if content.strip(
        b" ,\r\n\t\x0b\x0c\x1c\x1d\x1e\x1f[]\xef\xbb\xbf\0\x85\xa0\xc2\xe2\xe1\xe3\x80\x9a\xa8\xa9\x81\xff\xfe"
    ):
        assert found


@pytest.mark.parametrize(
    ("content", "reasons"),
    [
        (b'{"a": 1', ["the file ends inside this document"]),
        (b'[{"a": 1}, {"b": 2', ["the file ends inside this document"]),
        (b'{"a": NaN}', ["not valid JSON: NaN is not a number in JSON"]),
        (b'{"a": "\xe9"}', ["not valid UTF-8 at byte 8; write the file as UTF-8"]),
        (b'{"a": \0}', ["it holds a NUL byte; remove it"]),
        (b'{"a": ' + b"9" * 5_000 + b"}", ["not usable JSON: a number is too long"]),
        (b"a=%81", ["not a usable form: it is neither UTF-8 nor Windows-1252"]),
        (b"oops\nwell", ["not valid JSON: Expecting value at character 1"] * 2),
    ],
)
def test_reasons(content: bytes, reasons: list[str]) -> None:
    found = _read(content)
    assert [entry.reason for entry in found if isinstance(entry, Unreadable)] == reasons


def test_entries_of_a_list_that_is_not_closed_are_read_and_it_is_noted() -> None:
    notes = Notes()
    found = list(documents(io.BytesIO(b'[{"a": 1}, {"a": 2}'), notes))
    assert [entry.value for entry in found if isinstance(entry, Document)] == [{"a": 1}, {"a": 2}]
    assert (notes.damaged, notes.texts) == (True, ["a list in the file is not closed, so its end may be missing"])


def test_an_entry_whose_quotes_do_not_pair_ends_where_the_next_line_of_an_entry_begins() -> None:
    pretty = json.dumps([{"a": 1, "b": [{"c": 2}]}, {"a": 2}, {"a": 3}], indent=2).replace('"a": 2', '"a: 2')
    found = _read(pretty.encode())
    assert [type(entry) for entry in found] == [Document, Unreadable, Document]
    compact = b'[{"a": 1},{"a: 2},{"a": 3}]'
    found = _read(compact)
    assert [type(entry) for entry in found] == [Document, Unreadable]
    assert isinstance(found[1], Unreadable)
    assert "the rest was not read" in found[1].reason


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_other_encodings_of_unicode_are_read(encoding: str) -> None:
    found = _read('{"nome": "José"}\n{"nome": "€"}'.encode(encoding))
    assert [entry.value for entry in found if isinstance(entry, Document)] == [{"nome": "José"}, {"nome": "€"}]


def test_a_document_that_is_too_long_ends_at_its_own_end() -> None:
    long = json.dumps({"a": [{"b": '}{\\"'}] * 40}).encode()
    with patch.object(module, "MAX_DOCUMENT_CHARS", 200):
        for piece in (3, 50, 100):
            found = _read(b'{"n": 1}' + long + b'{"n": 2}', piece)
            assert [type(entry) for entry in found] == [Document, Unreadable, Document], piece
            assert isinstance(found[1], Unreadable)
            assert "longer than 200 characters" in found[1].reason
            assert found[1].digest == sha256(long).hexdigest()


def _sales(number: int) -> Iterator[bytes]:
    for n in range(number):
        yield json.dumps({"order_id": f"k-{n}", "pad": "x" * 500}).encode()


def _consume(path: Path) -> None:
    for _ in webhook_payloads(path, Notes()):
        pass


@pytest.mark.processes
@pytest.mark.parametrize(("start", "between", "end"), [(b"", b"", b""), (b"[", b",", b"]")])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, start: bytes, between: bytes, end: bytes) -> None:
    def peak(number: int) -> int:
        path = tmp_path / f"{number}.json"
        path.write_bytes(start + between.join(_sales(number)) + end)
        return peak_memory(_consume, path)

    assert peak(80_000) < 1.2 * peak(20_000)


_PACKED = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress}


def _zstd(content: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(content, asbytes=True))


@pytest.mark.parametrize("name", ["c.json", "c.jsonl", "c.ndjson", "C.JSON"])
@pytest.mark.parametrize(("suffix", "pack"), [*_PACKED.items(), (".zst", _zstd), (".gz", bytes), ("", gzip.compress)])
def test_packed_files_are_told_by_their_content(tmp_path: Path, name: str, suffix: str, pack: Any) -> None:
    path = tmp_path / (name + suffix)
    # Two members one after the other, as logrotate leaves them.
    path.write_bytes(pack(b'{"a": 1}\n') + pack(b'{"a": 2}\n'))
    assert [record.raw for record in json_records(path, Notes()) if isinstance(record, Line)] == [
        b'{"a": 1}',
        b'{"a": 2}',
    ]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, _zstd])
def test_a_packed_file_that_is_cut_off_is_read_as_far_as_it_goes_and_noted(tmp_path: Path, pack: Any) -> None:
    path = tmp_path / "w.json"
    path.write_bytes(pack(b'{"a": 1}{"a": 2}') + pack(b'{"a": 3}')[:-6])
    notes = Notes()
    found = [record.payload for record in webhook_payloads(path, notes) if isinstance(record, Payload)]
    assert found[:2] in ([{"a": 1}, {"a": 2}], [])
    assert notes.damaged
    assert "cut off" in notes.texts[0]


@pytest.mark.parametrize(
    ("content", "by_documents"),
    [
        (b'{"a":1}\n{"a":2}', False),
        (b'{"a": 1\n{"a":2}', False),
        (b"[1, 2]\n", False),
        (b"no JSON\n", False),
        (b"", False),
        (b'{\n{"a":1}', False),
        (b'{"a":1}{"a":2}', True),
        (b'{"a":1} {"a":2}', True),
        (b'[{"a":1}]', True),
        (b'\xef\xbb\xbf [\n {"a":1}]', True),
        (b'{\n  "a": 1\n}', True),
        (b'{"a": 1,\n "b": 2}', True),
        (b'{"data": [{"a": 1}]}', True),
        (b'\x1e{"a":1}', True),
        ('{"a":1}'.encode("utf-16"), True),
    ],
)
def test_files_of_lines_take_the_short_road(tmp_path: Path, content: bytes, by_documents: bool) -> None:
    path = tmp_path / "clicks.jsonl"
    path.write_bytes(content)
    with patch("trackai_pipelines.ingest.formats.documents", side_effect=documents) as long_road:
        list(json_records(path, Notes()))
    assert long_road.called == by_documents


@pytest.mark.parametrize(
    "value", [b"9" * 5_000, b"[" * 60_000 + b"]" * 60_000, b'{"a":' * 60_000 + b"1" + b"}" * 60_000]
)
@pytest.mark.parametrize("between", [b"", b" ", b"\t"])
def test_a_document_that_cannot_be_used_costs_none_in_its_line(tmp_path: Path, value: bytes, between: bytes) -> None:
    path = tmp_path / "clicks.json"
    path.write_bytes(between.join((b'{"a": "} {", "b": ' + value + b"}", b'{"a": 1}', b'{"a": 2}')))
    bad, *sound = json_records(path, Notes())
    assert isinstance(bad, Unreadable)
    assert [record.raw for record in sound] == [b'{"a": 1}', b'{"a": 2}']


@pytest.mark.parametrize("content", [b"\x1e", b"\x1f", b" \n,\n", b"\xef\xbb\xbf"])
def test_a_file_of_separators_alone_is_noted(content: bytes) -> None:
    notes = Notes()
    assert list(documents(io.BytesIO(content), notes)) == []
    assert notes.texts == ["there is nothing in it but white space and separators"]


def test_an_empty_file_is_not_noted() -> None:
    notes = Notes()
    assert list(documents(io.BytesIO(b""), notes)) == []
    assert notes.texts == []


def test_numbers_keep_their_digits() -> None:
    (found,) = _read(b'{"a": 12.90, "b": 9007199254740993}')
    assert isinstance(found, Document)
    assert found.value == {"a": Decimal("12.90"), "b": 9007199254740993}


def test_a_packed_file_is_told_by_more_than_its_first_part(tmp_path: Path) -> None:
    path = tmp_path / "clicks.json.gz"
    path.write_bytes(b"".join(gzip.compress(part) for part in (b'{"a": ', b'1}{"a"', b": 2}")))
    assert [record.raw for record in json_records(path, Notes())] == [b'{"a": 1}', b'{"a": 2}']


def test_a_page_in_one_long_line_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "clicks.json"
    path.write_text(json.dumps({"data": [{"fbclid": str(number)} for number in range(30_000)], "total": 30_000}))
    assert sum(isinstance(record, Line) for record in json_records(path, Notes())) == 30_000


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_told_by_the_names_of_the_columns(encoding: str) -> None:
    assert encoding_by_mark("email;id\n\uff11\uff12\u0130".encode(encoding)) == encoding
