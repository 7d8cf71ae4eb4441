"""Records of CSV files: one bad line never costs another."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from ingest.landing_zone import write

from trackai_pipelines.ingest import csv_files
from trackai_pipelines.ingest.records import Fields, Unreadable
from trackai_pipelines.ingest.streams import Notes

COLUMNS = {"a", "b", "c"}


def _csv(path: Path, content: bytes | str) -> tuple[list[Any], list[str]]:
    notes = Notes()
    return list(csv_files.csv_records(write(path, content), COLUMNS, notes)), notes.texts


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
