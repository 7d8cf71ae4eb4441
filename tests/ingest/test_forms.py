"""Form-encoded bodies: names become nesting, and nothing else escapes."""

import gzip
import json
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackai_pipelines.ingest.formats import webhook_payloads
from trackai_pipelines.ingest.forms import form_value, is_a_form
from trackai_pipelines.ingest.outcomes import Refused
from trackai_pipelines.ingest.records import Payload, Unreadable
from trackai_pipelines.ingest.streams import Notes


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"a=1&b=", {"a": "1", "b": ""}),
        (b"venda[codigo]=7&venda%5Bvalor%5D=197.00", {"venda": {"codigo": "7", "valor": "197.00"}}),
        (b"venda.codigo=7&venda.valor=1", {"venda": {"codigo": "7", "valor": "1"}}),
        (b"c[0][v]=a&c[1][v]=b", {"c": [{"v": "a"}, {"v": "b"}]}),
        (b"c[1]=b&c[0]=a", {"c": ["a", "b"]}),
        (b"c[1]=b&c[3]=a", {"c": {"1": "b", "3": "a"}}),
        (b"c[]=a&c[]=b", {"c": ["a", "b"]}),
        (b"c[1]=a&c[]=b", {"c": {"1": "a", "2": "b"}}),
        (b"a=1&a=2&a[b]=3", {"a": "1"}),
        (b"a[b]=1&a=2", {"a": {"b": "1"}}),
        ("nome=José&x=a+b%26c".encode(), {"nome": "José", "x": "a b&c"}),
        (b"nome=Jos%C3%A9", {"nome": "José"}),
        (b"nome=Jos%E9", {"nome": "José"}),
        (b"nome=Jos\xe9", {"nome": "José"}),
        (b" a=1\r\n", {"a": "1"}),
        (b"[]=1", {"0": "1"}),
    ],
)
def test_values(raw: bytes, value: object) -> None:
    assert form_value(raw) == value


@pytest.mark.parametrize(
    "raw", [b'{"a=b": 1}', b'["a=b"]', b'"a=b"', b"7", b"not json", b"", b"\xff\xfea=1", b"a b=1", b"=1"]
)
def test_what_is_no_form(raw: bytes) -> None:
    assert not is_a_form(raw)


def test_bounds() -> None:
    with pytest.raises(Refused, match="nested deeper than 16"):
        form_value(b"a" + b"[b]" * 16 + b"=1")
    with pytest.raises(Refused, match="more than 10,000 fields"):
        form_value(b"a=1&" * 10_001)
    with pytest.raises(Refused, match="neither UTF-8 nor Windows-1252"):
        form_value(b"a=%81")


@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_a_refusal(raw: bytes) -> None:
    with suppress(Refused):
        json.dumps(form_value(b"a[" + raw))


@given(st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), st.text(max_size=9), min_size=1, max_size=5))
def test_what_is_encoded_comes_back(fields: dict[str, str]) -> None:
    body = urlencode({f"venda[{name}]": value for name, value in fields.items()}).encode()
    assert is_a_form(body)
    assert form_value(body) == {"venda": fields}


def test_files_of_forms(tmp_path: Path) -> None:
    one, lines, zipped = (tmp_path / name for name in ("a.form", "b.jsonl", "c.json.gz"))
    one.write_bytes(b"venda[codigo]=7")
    lines.write_bytes(b'a=1\n{"b": 2}\na=%81\n')
    zipped.write_bytes(gzip.compress(b"a=1"))
    (payload,) = webhook_payloads(one, Notes())
    assert payload == Payload(1, b"venda[codigo]=7", {"venda": {"codigo": "7"}})
    first, second, third = webhook_payloads(lines, Notes())
    assert isinstance(first, Payload)
    assert isinstance(second, Payload)
    assert [first.payload, second.payload] == [{"a": "1"}, {"b": 2}]
    assert isinstance(third, Unreadable)
    (inside,) = webhook_payloads(zipped, Notes())
    assert isinstance(inside, Payload)
    assert inside.payload == {"a": "1"}
