"""Which files are landing files, and how their records are told apart: one bad record never costs another."""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from memory import peak_memory
from pyarrow import parquet

from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.ingest import csv_files, formats, parquet_files, streams
from trackai_pipelines.ingest.files import IgnoredFile, fingerprint, landing_file, landing_files, prefixes
from trackai_pipelines.ingest.kinds import Columns, kinds_of
from trackai_pipelines.ingest.outcomes import Refused
from trackai_pipelines.ingest.records import Fields, Payload, Unreadable, sha256
from trackai_pipelines.ingest.streams import CutLine, Line, LongLine, Notes

COLUMNS = {"a", "b", "c"}
OF_PARQUET = Columns(frozenset(COLUMNS))

KINDS = kinds_of(DOMAINS)


def _write(path: Path, content: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def _csv(path: Path, content: bytes | str) -> tuple[list[Any], list[str]]:
    notes = Notes()
    return list(csv_files.csv_records(_write(path, content), COLUMNS, notes)), notes.texts


def test_names_and_folders_tell_kind_tenant_and_gateway(tmp_path: Path) -> None:
    for name in (
        "conversions-1.jsonl",
        "acme/clicks.csv.gz",
        "acme/identities_2026.parquet",
        "acme/Clicks_B.JSONL.GZ",
        "acme/webhooks/stripe/evt.json",
        "acme/webhooks/hotmart/evts.jsonl",
    ):
        _write(tmp_path / name, "")
    files, ignored = landing_files([tmp_path], landing_dir=tmp_path, kinds=KINDS)
    assert [(f.source, f.kind, f.folder, f.gateway, f.suffix) for f in files] == [
        ("acme/Clicks_B.JSONL.GZ", "clicks", "acme", None, ".jsonl.gz"),
        ("acme/clicks.csv.gz", "clicks", "acme", None, ".csv.gz"),
        ("acme/identities_2026.parquet", "identities", "acme", None, ".parquet"),
        ("conversions-1.jsonl", "conversions", tmp_path.name, None, ".jsonl"),
        ("acme/webhooks/hotmart/evts.jsonl", "webhooks", "acme", "hotmart", ".jsonl"),
        ("acme/webhooks/stripe/evt.json", "webhooks", "acme", "stripe", ".json"),
    ]
    assert ignored == []


_NO_KIND = f"not a landing file: those are named {prefixes(KINDS)}"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("sales.csv", _NO_KIND),
        ("conversions.txt", ".txt is not read; expected .jsonl"),
        ("conversions.xlsx", ".xlsx is not read; save it as CSV"),
        ("conversions.csv.zip", ".zip is not read; unpack it"),
        ("conversions.avro.gz", ".avro is not read; export it as Parquet"),
        ("conversions", "its name has no suffix; expected .jsonl"),
        ("conversions.parquet.gz", ".parquet is not read"),
        ("clicks.csv.tmp", "unfinished by its name"),
        ("clicks.csv.part", "unfinished by its name"),
        ("clicks.CSV.crdownload", "unfinished by its name"),
        (".conversions.csv", "hidden: its name begins with '.'"),
        ("_conversions.jsonl.gz", "hidden: its name begins with '_'"),
        ("acme/webhooks/1.json", "which gateway sent it is not known; put it into webhooks/GATEWAY/"),
        ("acme/webhooks/2026/11/1.json", "which gateway sent it is not known"),
        ("acme/webhooks/adyen/1.json", "no reader for the gateway 'adyen'"),
        ("acme/webhooks/gateway=adyen/dt=2026-11-25/1.json", "no reader for the gateway 'adyen'"),
        ("acme/webhooks/stripe/1.csv", ".csv is not read; expected .json"),
        ("acme/webhooks/stripe/1.log.gz", ".log is not read"),
        ("tenant=a/tenant=b/clicks.csv", "its folders name two tenants: a and b"),
        ("clickshop/part-0.csv", _NO_KIND),
    ],
)
def test_other_files_are_passed_over_with_the_true_reason(tmp_path: Path, name: str, reason: str) -> None:
    _write(tmp_path / name, "")
    files, ignored = landing_files([tmp_path], landing_dir=tmp_path, kinds=KINDS)
    assert files == []
    assert [(file.path.relative_to(tmp_path).as_posix(), file.reason[: len(reason)]) for file in ignored] == [
        (name, reason)
    ]


def test_markers_are_passed_over_silently(tmp_path: Path) -> None:
    for name in ("_SUCCESS", "._SUCCESS.crc", ".part-0.csv.crc", ".git/clicks.csv", "._clicks.csv", ".DS_Store"):
        _write(tmp_path / "clicks" / name, "")
    assert landing_files([tmp_path], landing_dir=tmp_path, kinds=KINDS) == ([], [])


def test_folders_that_are_not_searched_say_why(tmp_path: Path) -> None:
    for name in ("conversions/_delta_log/0.json", "conversions/part-0.parquet", "clicks/_temporary/0/part-0.csv"):
        _write(tmp_path / name, "")
    _write(tmp_path / "users" / ".hoodie" / "x", "")
    _write(tmp_path / "campaigns" / "metadata" / "v1.metadata.json", "")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "nothing").symlink_to(tmp_path / "nowhere")
    files, ignored = landing_files([tmp_path], landing_dir=tmp_path, kinds=KINDS)
    assert files == []
    assert [
        (file.path.relative_to(tmp_path).as_posix(), file.reason.split(",")[0].split(";")[0]) for file in ignored
    ] == [
        ("campaigns", "a table of Apache Iceberg"),
        ("clicks/_temporary", "what a Spark job has not finished"),
        ("conversions", "a table of Delta Lake"),
        ("loop", "a link to a folder is not followed"),
        ("nothing", "neither a file nor a folder"),
        ("users", "a table of Apache Hudi"),
    ]


@pytest.mark.parametrize(
    ("name", "kind", "folder", "gateway"),
    [
        ("acme/conversions.parquet/part-0-6c1f.c000.snappy.parquet", "conversions", "acme", None),
        ("acme/conversions/part-0000.csv", "conversions", "acme", None),
        ("acme/conversions_2026/000.json.gz", "conversions", "acme", None),
        ("acme/Clicks/dt=2026-11-25/hour=10/part-0.parquet", "clicks", "acme", None),
        ("acme/conversions/clicks-1.csv", "clicks", "conversions", None),
        ("conversions/tenant=acme/dt=2026-11-25/part-0.parquet", "conversions", "acme", None),
        ("tenant_id=t-acme/conversions.ndjson", "conversions", "t-acme", None),
        ("conversions/tenant=ac%20me/part-0.json", "conversions", "ac me", None),
        ("acme/2026/11/25/conversions.jsonl.zst", "conversions", "acme", None),
        ("acme/2026-11-25/conversions.CSV.BZ2", "conversions", "acme", None),
        ("2024/conversions.csv", "conversions", "2024", None),
        ("acme/webhooks/stripe/2026/11/25/10/x.json", "webhooks", "acme", "stripe"),
        ("acme/webhooks/2026/11/25/stripe/x.json", "webhooks", "acme", "stripe"),
        ("acme/webhooks/gateway=stripe/dt=2026-11-25/x.ndjson", "webhooks", "acme", "stripe"),
        ("acme/webhooks/dt=2026-11-25/Stripe/x.JSON", "webhooks", "acme", "stripe"),
        ("webhooks/stripe/tenant=acme/x.txt", "webhooks", "acme", "stripe"),
        ("tenant=acme/Webhooks/mercado_pago/x.form", "webhooks", "acme", "mercadopago"),
        ("acme/webhooks/mercado-pago/x.json.zst", "webhooks", "acme", "mercadopago"),
        ("acme/webhooks/MercadoPago/x.jsonl.bz2", "webhooks", "acme", "mercadopago"),
        ("acme/webhooks/kiwify/hooks-1-2026-11-25-10-00-00-6c1f", "webhooks", "acme", "kiwify"),
        ("acme/webhooks/kiwify/hooks-1-2026-11-25-10-00-00-6c1f.gz", "webhooks", "acme", "kiwify"),
        ("acme/2026/webhooks/kiwify/a/b/c/x.json", "webhooks", "acme", "kiwify"),
        ("acme/webhooks/conversions.csv", "conversions", "webhooks", None),
    ],
)
def test_places_of_files(tmp_path: Path, name: str, kind: str, folder: str, gateway: str | None) -> None:
    _write(tmp_path / name, "")
    (file,), ignored = landing_files([tmp_path], landing_dir=tmp_path, kinds=KINDS)
    assert (file.source, file.kind, file.folder, file.gateway) == (name, kind, folder, gateway)
    assert ignored == []


def test_folders_above_the_landing_folder_say_nothing(tmp_path: Path) -> None:
    landing = tmp_path / "webhooks" / "tenant=other" / "conversions" / "in"
    _write(landing / "acme" / "clicks.csv", "")
    _write(landing / "part-0.csv", "")
    (file,), (ignored,) = landing_files([landing], landing_dir=landing, kinds=KINDS)
    assert (file.kind, file.folder) == ("clicks", "acme")
    assert ignored.reason.startswith(_NO_KIND)


def test_a_file_is_listed_once_and_one_outside_the_landing_folder_by_its_whole_path(tmp_path: Path) -> None:
    inside, outside = _write(tmp_path / "in" / "clicks.csv", ""), _write(tmp_path / "clicks.csv", "")
    files, _ = landing_files([inside, tmp_path / "in", outside], landing_dir=tmp_path / "in", kinds=KINDS)
    assert [file.source for file in files] == [outside.as_posix(), "clicks.csv"]
    with pytest.raises(FileNotFoundError, match=r"there is no file or folder .*nowhere"):
        landing_files([tmp_path / "nowhere"], landing_dir=tmp_path, kinds=KINDS)


def test_a_name_that_is_no_utf8_is_shown_with_escapes(tmp_path: Path) -> None:
    found = landing_file(tmp_path / os.fsdecode(b"clicks-\xff.csv"), landing_dir=tmp_path, kinds=KINDS)
    assert not isinstance(found, IgnoredFile)
    assert found.source == "clicks-\\udcff.csv"


def test_a_fingerprint_changes_when_the_file_is_written_again(tmp_path: Path) -> None:
    path = _write(tmp_path / "clicks.csv", "a")
    first = fingerprint(path)
    assert fingerprint(path) == first
    os.utime(path, ns=(1, 1))
    assert fingerprint(path) != first


def test_lines_end_in_lf_or_crlf_and_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    path = _write(tmp_path / "conversions.jsonl", b'\xef\xbb\xbf{"a":1}\r\n\n  \n{"a":2}')
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
    path = _write(tmp_path / "clicks.jsonl", b"y" * streams.MAX_LINE_BYTES + ending)
    with streams.open_bytes(path, Notes()) as stream:
        assert [type(line) for line in streams.physical_lines(stream, Notes())] == [Line]
    path = _write(path, b"y" * (streams.MAX_LINE_BYTES + 2) + ending)
    with streams.open_bytes(path, Notes()) as stream:
        assert [type(line) for line in streams.physical_lines(stream, Notes())] == [LongLine]


@pytest.mark.parametrize("suffix", [".jsonl.gz", ".csv.gz"])
def test_a_cut_gzip_gives_what_is_there_and_says_so(tmp_path: Path, suffix: str) -> None:
    lines = [f'{{"a":"{os.urandom(16).hex()}"}}' for _ in range(2_000)]
    whole = gzip.compress("\n".join(lines).encode() + b"\n")
    path = _write(tmp_path / f"clicks{suffix}", whole[: len(whole) // 2])
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
    path = _write(tmp_path / "clicks.jsonl.gz", bytes(whole))
    assert [record.number for record in formats.json_records(path, notes)] == [1, 2]
    assert "CRC check failed" in notes.texts[0]
    big = bytearray(gzip.compress("\n".join(os.urandom(16).hex() for _ in range(50_000)).encode()))
    big[len(big) // 2 : len(big) // 2 + 64] = b"\xff" * 64
    notes = Notes()
    records = list(formats.json_records(_write(path, bytes(big)), notes))
    assert len(records) > 10_000
    assert notes.damaged
    notes = Notes()
    assert list(formats.json_records(_write(path, b"\x1d\x8bno gzip at all"), notes)) == []
    assert "Not a gzipped file" in notes.texts[0]


def test_two_gzip_members_are_one_file(tmp_path: Path) -> None:
    path = _write(tmp_path / "clicks.jsonl.gz", gzip.compress(b'{"a":1}\n') + gzip.compress(b'{"a":2}\n'))
    notes = Notes()
    assert [record.raw for record in formats.json_records(path, notes)] == [b'{"a":1}', b'{"a":2}']
    assert notes.texts == []


def test_csv_quotes_line_ends_and_blank_lines(tmp_path: Path) -> None:
    records, notes = _csv(tmp_path / "clicks.csv", '\ufeffA, b ,c\r\n1,"two, ""2""\nlines",3\r\n\r\n4,,6')
    assert [(record.number, record.values) for record in records] == [
        (2, {"a": "1", "b": 'two, "2"\nlines', "c": "3"}),
        (5, {"a": "4", "b": "", "c": "6"}),
    ]
    assert notes == []


@pytest.mark.parametrize("last", ["", '9,"9",9\n', '9,"9\n9",9\n'])
def test_an_unclosed_quote_costs_its_own_line_alone(tmp_path: Path, last: str) -> None:
    good = "".join(f"{n},{n},{n}\n" for n in range(300))
    records, _ = _csv(tmp_path / "clicks.csv", f'a,b,c\n1,"open,3\n{good}{last}')
    assert [(r.number, r.reason) for r in records if isinstance(r, Unreadable)] == [
        (2, "a quote is opened in this line and not closed as CSV demands")
    ]
    assert [r.values["a"] for r in records if isinstance(r, Fields)][:300] == [str(n) for n in range(300)]
    assert sum(isinstance(r, Fields) for r in records) == 300 + bool(last)


def test_csv_lines_that_do_not_fit_are_refused_alone(tmp_path: Path) -> None:
    rows = [b"a,b,c", b"1,2", b"1,2,3,4", b"\xff,2,3", b'1,"2"x,3', b"z" * 1_100_000, b"1,\x00,3", b"7,8,9"]
    records, _ = _csv(tmp_path / "clicks.csv", b"\n".join(rows))
    assert [(r.number, r.reason) for r in records if isinstance(r, Unreadable)] == [
        (2, "the line has 2 columns, the header has 3"),
        (3, "the line has 4 columns, the header has 3"),
        (
            4,
            f"not valid UTF-8 at byte 1; {csv_files.WRITE_UTF_8}",
        ),
        (5, "not valid CSV: ',' expected after '\"'"),
        (6, "the line is 1,100,001 bytes long; at most 1,000,000 are read"),
    ]
    assert [r.values for r in records if isinstance(r, Fields)] == [
        {"a": "1", "b": "\0", "c": "3"},
        {"a": "7", "b": "8", "c": "9"},
    ]


def test_columns_that_are_not_known_are_left_out_and_noted(tmp_path: Path) -> None:
    records, notes = _csv(tmp_path / "clicks.csv", "a,colour,ana@example.com\n1,red,x\n")
    assert [record.values for record in records] == [{"a": "1"}]
    assert notes == ["2 of 3 columns are not known and left out: colour"]


def test_the_last_line_of_a_cut_csv_is_refused_because_a_value_may_be_shortened(tmp_path: Path) -> None:
    whole = gzip.compress(b"a,b,c\n1,2,3\n4,5,600", compresslevel=0)
    records, notes = _csv(tmp_path / "clicks.csv.gz", whole[:-8])
    assert [type(record) for record in records] == [Fields, Unreadable]
    assert records[1].reason == "the damaged file ends inside this line"
    assert len(notes) == 1


def _parquet(path: Path, table: pa.Table, group: int = 100) -> Path:
    parquet.write_table(table, path, row_group_size=group, use_dictionary=False, compression="none")
    return path


def test_parquet_rows_are_numbered_across_groups_and_unknown_columns_left_out(tmp_path: Path) -> None:
    table = pa.table({"a": list(range(250)), "colour": ["red"] * 250})
    notes = Notes()
    records = list(parquet_files.parquet_records(_parquet(tmp_path / "clicks.parquet", table), OF_PARQUET, notes))
    assert [(r.number, r.values) for r in records if isinstance(r, Fields)] == [(n + 1, {"a": n}) for n in range(250)]
    assert notes.texts == ["1 of 2 columns are not known and left out: colour"]


def test_a_broken_row_group_is_passed_over_and_a_missing_footer_noted(tmp_path: Path) -> None:
    path = _parquet(tmp_path / "clicks.parquet", pa.table({"a": [f"value {n:06}" for n in range(300)]}))
    start = parquet.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    content = bytearray(path.read_bytes())
    content[start : start + 40] = b"\xff" * 40
    notes = Notes()
    records = list(parquet_files.parquet_records(_write(path, bytes(content)), OF_PARQUET, notes))
    assert [record.number for record in records] == [*range(1, 101), *range(201, 301)]
    assert notes.texts[0].startswith("row group 2 of 3 cannot be read (")
    assert notes.texts[0].endswith("; 100 rows are missing")
    for broken in (bytes(content[:-20]), b""):
        notes = Notes()
        assert list(parquet_files.parquet_records(_write(path, broken), OF_PARQUET, notes)) == []
        assert "no readable footer" in notes.texts[0]


def test_a_parquet_value_that_cannot_be_read_costs_its_row_alone(tmp_path: Path) -> None:
    raw = pa.array([b"good", b"\xff\xfe", b"fine"], pa.binary())
    text = pa.StringArray.from_buffers(3, raw.buffers()[1], raw.buffers()[2])
    times = pa.array([0, 1, 10**18], pa.timestamp("ms"))
    path = _parquet(tmp_path / "clicks.parquet", pa.table({"a": text, "b": times}))
    records = list(parquet_files.parquet_records(path, OF_PARQUET, Notes()))
    assert [type(record) for record in records] == [Fields, Unreadable, Unreadable]
    assert [r.reason for r in records if isinstance(r, Unreadable)] == [
        "a cannot be read: not valid UTF-8",
        "b cannot be read: out of range",
    ]


def test_a_parquet_file_with_two_columns_of_one_name_is_refused_whole(tmp_path: Path) -> None:
    notes = Notes()
    path = _parquet(tmp_path / "clicks.parquet", pa.table({"a": [1], "A": [2]}))
    with pytest.raises(Refused, match="the column a stands twice"):
        parquet_files.parquet_records(path, OF_PARQUET, notes)


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
    records = list(formats.webhook_payloads(_write(tmp_path / name, content), Notes()))
    assert [(r.number, r.payload) for r in records if isinstance(r, Payload)] == expected
    assert len(records) == len(expected)


def test_webhook_texts_that_cannot_be_read_are_refused_alone(tmp_path: Path) -> None:
    lines = [b"{", b'{"id": 1}', b"\xff", b"q" * 1_200_000, b'{"id": 2}']
    path = _write(tmp_path / "evts.jsonl", b"\n".join(lines))
    records = list(formats.webhook_payloads(path, Notes()))
    assert [type(record) for record in records] == [Unreadable, Payload, Unreadable, Unreadable, Payload]
    assert [record.number for record in records] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"a": tru}', "not valid JSON: Expecting value at character 7"),
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


def test_a_file_that_ends_before_its_size_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _write(tmp_path / "clicks.jsonl", json.dumps({"a": 1}) + "\n")
    whole = path.stat()
    # A file system that gives less than it says.
    monkeypatch.setattr(os, "fstat", lambda _: os.stat_result((*whole[:6], whole.st_size + 10, *whole[7:])))
    with pytest.raises(OSError, match="before its size says so"):
        list(formats.json_records(path, Notes()))
