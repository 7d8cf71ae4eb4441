"""JSON and webhook files: what is a payload, and the reason where none can be read."""

from pathlib import Path
from typing import Any

import pytest
from ingest.landing_zone import write

from trackai_pipelines.ingest import formats
from trackai_pipelines.ingest.outcomes import Refused
from trackai_pipelines.ingest.records import Payload, Unreadable
from trackai_pipelines.ingest.streams import Notes


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("one.json", b'\xef\xbb\xbf{"id": 1}\n', [(1, {"id": 1})]),
        ("many.json", b'[{"id": 1}, {"id": 2}]', [(1, {"id": 1}), (2, {"id": 2})]),
        ("lines.jsonl", b'{"id": 1}\n\n[{"id": 2}, 3]\n', [(1, {"id": 1}), (2, {"id": 2}), (3, 3)]),
        ("empty.json", b"  \n", []),
    ],
)
def test_webhook_files_hold_payloads_and_arrays(tmp_path: Path, name: str, content: bytes, expected: list[Any]) -> None:
    records = list(formats.webhook_payloads(write(tmp_path / name, content), Notes()))
    assert [(r.number, r.payload) for r in records if isinstance(r, Payload)] == expected
    assert len(records) == len(expected)


def test_webhook_texts_that_cannot_be_read_are_refused_alone(tmp_path: Path) -> None:
    lines = [b"{", b'{"id": 1}', b"\xff", b"q" * 1_200_000, b'{"id": 2}']
    path = write(tmp_path / "evts.jsonl", b"\n".join(lines))
    records = list(formats.webhook_payloads(path, Notes()))
    assert [type(record) for record in records] == [Unreadable, Payload, Unreadable, Unreadable, Payload]
    assert [record.number for record in records] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"a": tru}', "not valid JSON: Expecting value at character 7"),
        (b'{"a": "\x01"}', "not valid JSON: Invalid control character at character 8"),
        (b'{"a": 1}\x00', "the line holds a NUL byte; remove it"),
        (b'{"a": "\xe9"}', "not valid UTF-8 at byte 8; write the file as UTF-8"),
        (b'{"a": NaN}', "not valid JSON: NaN is not a number in JSON"),
        (b"[" * 200_000, "not usable JSON: nested too deeply"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "not usable JSON: a number is too long"),
    ],
)
def test_reasons_of_bad_json(raw: bytes, reason: str) -> None:
    with pytest.raises(Refused) as refusal:
        formats.json_value(raw)
    assert str(refusal.value) == reason
