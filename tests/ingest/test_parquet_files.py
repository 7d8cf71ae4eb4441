"""Records of Parquet files: one bad value or row group never costs another."""

from pathlib import Path

import pyarrow as pa
import pytest
from ingest.landing_zone import write
from pyarrow import parquet

from trackai_pipelines.ingest import parquet_files
from trackai_pipelines.ingest.kinds import Columns
from trackai_pipelines.ingest.outcomes import Refused
from trackai_pipelines.ingest.records import Fields, Unreadable
from trackai_pipelines.ingest.streams import Notes

COLUMNS = Columns(frozenset({"a", "b", "c"}))


def _parquet(path: Path, table: pa.Table, group: int = 100) -> Path:
    parquet.write_table(table, path, row_group_size=group, use_dictionary=False, compression="none")
    return path


def test_parquet_rows_are_numbered_across_groups_and_unknown_columns_left_out(tmp_path: Path) -> None:
    table = pa.table({"a": list(range(250)), "colour": ["red"] * 250})
    notes = Notes()
    records = list(parquet_files.parquet_records(_parquet(tmp_path / "clicks.parquet", table), COLUMNS, notes))
    assert [(r.number, r.values) for r in records if isinstance(r, Fields)] == [(n + 1, {"a": n}) for n in range(250)]
    assert notes.texts == ["1 of 2 columns are not known and left out: colour"]


def test_a_broken_row_group_is_passed_over_and_a_missing_footer_noted(tmp_path: Path) -> None:
    path = _parquet(tmp_path / "clicks.parquet", pa.table({"a": [f"value {n:06}" for n in range(300)]}))
    start = parquet.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    content = bytearray(path.read_bytes())
    content[start : start + 40] = b"\xff" * 40
    notes = Notes()
    records = list(parquet_files.parquet_records(write(path, bytes(content)), COLUMNS, notes))
    assert [record.number for record in records] == [*range(1, 101), *range(201, 301)]
    assert notes.texts[0].startswith("row group 2 of 3 cannot be read (")
    assert notes.texts[0].endswith("; 100 rows are missing")
    for broken in (bytes(content[:-20]), b""):
        notes = Notes()
        assert list(parquet_files.parquet_records(write(path, broken), COLUMNS, notes)) == []
        assert "no readable footer" in notes.texts[0]


@pytest.mark.parametrize("damage", [0x00, 0xF6, 0xFF])
def test_no_damaged_byte_of_a_parquet_file_loses_rows_without_a_word(tmp_path: Path, damage: int) -> None:
    """A column whose description is damaged may read as one without values: that is no error of the format."""
    path = _parquet(tmp_path / "clicks.parquet", pa.table({"a": ["1", "2"], "b": ["x", "y"]}))
    content = path.read_bytes()
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([damage]) + content[place + 1 :])
        notes = Notes()
        records = list(parquet_files.parquet_records(path, COLUMNS, notes))
        assert len(records) == 2 or notes.texts, place


def test_a_parquet_value_that_cannot_be_read_costs_its_row_alone(tmp_path: Path) -> None:
    raw = pa.array([b"good", b"\xff\xfe", b"fine"], pa.binary())
    text = pa.StringArray.from_buffers(3, raw.buffers()[1], raw.buffers()[2])
    times = pa.array([0, 1, 10**18], pa.timestamp("ms"))
    path = _parquet(tmp_path / "clicks.parquet", pa.table({"a": text, "b": times}))
    records = list(parquet_files.parquet_records(path, COLUMNS, Notes()))
    assert [type(record) for record in records] == [Fields, Unreadable, Unreadable]
    assert [r.reason for r in records if isinstance(r, Unreadable)] == [
        "a cannot be read: not valid UTF-8",
        "b cannot be read: out of range",
    ]


def test_a_parquet_file_with_two_columns_of_one_name_is_refused_whole(tmp_path: Path) -> None:
    notes = Notes()
    path = _parquet(tmp_path / "clicks.parquet", pa.table({"a": [1], "A": [2]}))
    with pytest.raises(Refused, match="the column a stands twice"):
        parquet_files.parquet_records(path, COLUMNS, notes)
