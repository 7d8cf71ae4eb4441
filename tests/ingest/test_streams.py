"""Lines of files, packed or not: a long, cut or damaged one never costs another."""

import gzip
import json
import os
from pathlib import Path

import pytest
from ingest.landing_zone import write
from memory import peak_memory

from trackai_pipelines.ingest import formats, streams
from trackai_pipelines.ingest.records import Unreadable, sha256
from trackai_pipelines.ingest.streams import CutLine, Line, LongLine, Notes


def test_lines_end_in_lf_or_crlf_and_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    path = write(tmp_path / "conversions.jsonl", b'\xef\xbb\xbf{"a":1}\r\n\n  \n{"a":2}')
    assert list(formats.json_records(path, Notes())) == [Line(1, b'{"a":1}'), Line(4, b'{"a":2}')]


def _read(path: Path) -> None:
    assert len(list(formats.json_records(path, Notes()))) == 3


@pytest.mark.processes
def test_a_long_line_is_never_held_whole(tmp_path: Path) -> None:
    size = 40_000_000
    path = tmp_path / "conversions.jsonl"
    with path.open("wb") as file:
        file.write(b'{"a":1}\n')
        for _ in range(size // 1_000_000):
            file.write(b"x" * 1_000_000)
        file.write(b'\n{"a":2}\n')
    records = list(formats.json_records(path, Notes()))
    assert [record.number for record in records] == [1, 2, 3]
    refused = records[1]
    assert isinstance(refused, Unreadable)
    assert refused.reason == "the line is 40,000,001 bytes long; at most 1,000,000 are read"
    assert len(refused.raw) == streams.PREFIX_BYTES
    assert refused.digest == sha256(b"x" * size + b"\n")
    assert peak_memory(_read, path) < 6_000_000


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
def test_the_longest_line_is_still_read(tmp_path: Path, ending: bytes) -> None:
    path = write(tmp_path / "clicks.jsonl", b"y" * streams.MAX_LINE_BYTES + ending)
    with streams.open_bytes(path, Notes()) as stream:
        assert [type(line) for line in streams.physical_lines(stream, Notes())] == [Line]
    path = write(path, b"y" * (streams.MAX_LINE_BYTES + 2) + ending)
    with streams.open_bytes(path, Notes()) as stream:
        assert [type(line) for line in streams.physical_lines(stream, Notes())] == [LongLine]


@pytest.mark.parametrize("suffix", [".jsonl.gz", ".csv.gz"])
def test_a_cut_gzip_gives_what_is_there_and_says_so(tmp_path: Path, suffix: str) -> None:
    lines = [f'{{"a":"{os.urandom(16).hex()}"}}' for _ in range(2_000)]
    whole = gzip.compress("\n".join(lines).encode() + b"\n")
    path = write(tmp_path / f"clicks{suffix}", whole[: len(whole) // 2])
    notes = Notes()
    with streams.open_bytes(path, notes) as stream:
        found = list(streams.physical_lines(stream, notes))
    assert len(found) > 800
    assert [line.raw.decode() for line in found[:-1] if isinstance(line, Line)] == lines[: len(found) - 1]
    assert isinstance(found[-1], CutLine)
    assert notes.texts == ["the gzip file is cut off; what could be unpacked was read"]


def test_a_gzip_with_a_wrong_checksum_or_a_broken_middle_says_so(tmp_path: Path) -> None:
    whole = bytearray(gzip.compress(b'{"a":1}\n{"a":2}\n'))
    whole[-8] ^= 0xFF
    notes = Notes()
    path = write(tmp_path / "clicks.jsonl.gz", bytes(whole))
    assert [record.number for record in formats.json_records(path, notes)] == [1, 2]
    assert "CRC check failed" in notes.texts[0]
    big = bytearray(gzip.compress("\n".join(os.urandom(16).hex() for _ in range(50_000)).encode()))
    big[len(big) // 2 : len(big) // 2 + 64] = b"\xff" * 64
    notes = Notes()
    records = list(formats.json_records(write(path, bytes(big)), notes))
    assert len(records) > 10_000
    assert notes.damaged
    notes = Notes()
    assert list(formats.json_records(write(path, b"\x1d\x8bno gzip at all"), notes)) == []
    assert "Not a gzipped file" in notes.texts[0]


def test_two_gzip_members_are_one_file(tmp_path: Path) -> None:
    path = write(tmp_path / "clicks.jsonl.gz", gzip.compress(b'{"a":1}\n') + gzip.compress(b'{"a":2}\n'))
    notes = Notes()
    assert [record.raw for record in formats.json_records(path, notes)] == [b'{"a":1}', b'{"a":2}']
    assert notes.texts == []


def test_a_file_that_ends_before_its_size_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "clicks.jsonl", json.dumps({"a": 1}) + "\n")
    whole = path.stat()
    # A file system that gives less than it says.
    monkeypatch.setattr(os, "fstat", lambda _: os.stat_result((*whole[:6], whole.st_size + 10, *whole[7:])))
    with pytest.raises(OSError, match="before its size says so"):
        list(formats.json_records(path, Notes()))
