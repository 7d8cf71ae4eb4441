"""CSV files in any dialect: what csv and codecs of Python write is read back, and what has two readings is refused."""

import csv
import gzip
import io
import itertools
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trackai_pipelines.ingest.amounts import number_of
from trackai_pipelines.ingest.csv_files import csv_records
from trackai_pipelines.ingest.dialects import NOTHING_STATED, Dialect, Stated, dialect_of
from trackai_pipelines.ingest.kinds import Columns
from trackai_pipelines.ingest.outcomes import Refused
from trackai_pipelines.ingest.records import Fields, Unreadable
from trackai_pipelines.ingest.streams import Notes

COLUMNS = Columns(frozenset({"order_id", "name", "value", "at"}), frozenset({"value"}), frozenset({"at"}))
NAMES = [
    "José",
    "João d'Ávila",
    "Conceição",
    "Müller & Söhne",
    "François",
    "Peña",
    "Ana",
    'a "quoted" one',
    "two\nlines",
]
DAY = "25/11/2026 10:00"


def _read(
    path: Path, stated: Stated = NOTHING_STATED
) -> tuple[list[dict[str, Any]], list[Unreadable], Dialect, list[str]]:
    notes = Notes()
    dialect = dialect_of(path, COLUMNS, stated)
    records = list(csv_records(path, COLUMNS.known, notes, dialect))
    good = [record.values for record in records if isinstance(record, Fields)]
    return good, [record for record in records if isinstance(record, Unreadable)], dialect, notes.texts


def _file(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def _grouped(amount: Decimal, decimal: str) -> str:
    text = f"{amount:,.2f}"
    return text if decimal == "." else text.translate(str.maketrans(".,", ",."))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    separator=st.sampled_from([",", ";", "\t", "|"]),
    decimal=st.sampled_from([".", ","]),
    grouped=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]),
    line_end=st.sampled_from(["\n", "\r\n", "\r", "\r\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    statement=st.booleans(),
    packed=st.booleans(),
    rows=st.lists(
        st.tuples(st.sampled_from(NAMES), st.decimals(0, 10**7, places=2, allow_nan=False)), min_size=1, max_size=8
    ),
)
def test_a_table_in_any_dialect_is_read_back(
    tmp_path: Path,
    separator: str,
    decimal: str,
    grouped: bool,
    encoding: str,
    line_end: str,
    quoting: Any,
    statement: bool,
    packed: bool,
    rows: list[tuple[str, Decimal]],
) -> None:
    rows = [*rows, ("Antônio", Decimal("129.90")), ("Luís", Decimal("59.00"))]
    if line_end in {"\r", "\r\r\n"}:
        rows = [(name.replace("\n", " "), amount) for name, amount in rows]
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator=line_end, quoting=quoting)
    writer.writerow(["Order ID", "name", "Value", "at"])
    for number, (name, amount) in enumerate(rows):
        shown = _grouped(amount, decimal) if grouped else str(amount).replace(".", decimal)
        writer.writerow([f"o-{number}", name, shown, DAY])
    written = (f"sep={separator}{line_end}" if statement else "") + text.getvalue()
    raw = written.encode(encoding)
    path = tmp_path / ("table.csv.gz" if packed else "table.csv")
    path.write_bytes(gzip.compress(raw) if packed else raw)
    good, bad, dialect, _ = _read(path)
    assert bad == []
    assert [(row["order_id"], row["name"]) for row in good] == [(f"o-{n}", name) for n, (name, _) in enumerate(rows)]
    assert [number_of(row["value"], "value", dialect.decimal) for row in good] == [amount for _, amount in rows]
    assert dialect.days.day_first is True


@pytest.mark.parametrize(
    ("content", "says", "settles"),
    [
        ("order_id;value\n1;1.299\n2;850\n", "may have a decimal sign or groups", Stated(decimal=",")),
        ('order_id,value\n1,"1,299"\n', "may have a decimal sign or groups", Stated(decimal=".")),
        ("order_id;value\n1;1,50\n2;1.50\n", "a decimal point and some a decimal comma", Stated(decimal=",")),
        ("order_id,at\n1,5/11/2026 10:00\n", "may have the day or the month first", Stated(dates="day-first")),
        ("order_id,at\n1,25/11/2026 1:00\n2,11/25/2026 1:00\n", "some the month before", Stated(dates="day-first")),
        ("order_id;name,value\n1;2,3\n", "fit several separators", Stated(separator=";")),
        ("order_id,name\n1,Łukasz\n2,Świętosław\n".encode("cp1250"), "neither UTF-8 nor", Stated(encoding="cp1250")),
        ("order_id,name\n1,Иванов\n2,Ольга\n".encode("cp1251"), "neither UTF-8 nor", Stated(encoding="cp1251")),
        ("order_id,name\n1,山田\n2,東京\n".encode("shift_jis"), "neither UTF-8 nor", Stated(encoding="shift_jis")),
    ],
)
def test_a_file_that_may_be_read_in_two_ways_is_refused_with_the_option_that_settles_it(
    tmp_path: Path, content: bytes | str, says: str, settles: Stated
) -> None:
    path = _file(tmp_path / "table.csv", content)
    with pytest.raises(Refused, match=says) as refused:
        dialect_of(path, COLUMNS)
    (option,) = [name for name in ("decimal", "dates", "separator", "encoding") if getattr(settles, name)]
    assert f"--{option}" in str(refused.value)
    assert f"trackai ingest {path}" in str(refused.value)
    dialect_of(path, COLUMNS, settles)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("o-1,129.90,Ana\no-2,59.00,Caio\n", "no column of the first line is known"),
        ("order_id,value,name,Value\n1,2,3,4\n", "the column value stands twice"),
        ("order_id;Órder-Id\n1;2\n", "the column order_id stands twice"),
    ],
)
def test_a_file_without_a_header_or_with_a_column_twice_is_refused_once(
    tmp_path: Path, content: str, says: str
) -> None:
    with pytest.raises(Refused, match=says):
        dialect_of(_file(tmp_path / "table.csv", content), COLUMNS)


def test_unknown_columns_may_stand_twice(tmp_path: Path) -> None:
    good, bad, _, _ = _read(_file(tmp_path / "table.csv", "order_id,x,x\n1,2,3\n"))
    assert (good, bad) == ([{"order_id": "1"}], [])


def test_rows_of_separators_hold_nothing_and_empty_cells_beyond_the_header_are_left_out(tmp_path: Path) -> None:
    content = "order_id;value;;\n;;;\n1;2,50;;\n2;3,50\n3;4,50;;;;\n;\n\n4;5,50;x\n"
    good, bad, _, _ = _read(_file(tmp_path / "table.csv", content))
    assert [row["order_id"] for row in good] == ["1", "2", "3"]
    assert [record.number for record in bad] == [8]


def test_one_odd_line_is_damaged_and_several_that_make_words_are_windows_1252(tmp_path: Path) -> None:
    head = b"order_id,name\n"
    good, bad, dialect, _ = _read(_file(tmp_path / "one.csv", head + b"1,Jos\xe9\n2,Ana\n"))
    assert [row["order_id"] for row in good] == ["2"]
    assert bad[0].reason.startswith("not valid UTF-8 at byte 6")
    assert dialect.difference() is None
    good, bad, dialect, _ = _read(_file(tmp_path / "two.csv", head + b"1,Jos\xe9\n2,Concei\xe7\xe3o\n"))
    assert [row["name"] for row in good] == ["José", "Conceição"]
    assert (bad, dialect.difference()) == ([], "read as Windows-1252")
    # A line in UTF-8 says that the file is, and the other line is not.
    good, bad, _, _ = _read(_file(tmp_path / "mixed.csv", head + "1,José\n".encode() + b"2,Lu\xeds\n3,Ant\xf4nio\n"))
    assert [row["name"] for row in good] == ["José"]
    assert [record.number for record in bad] == [3, 4]


def test_a_file_that_shows_its_encoding_late_is_read_to_its_end(tmp_path: Path) -> None:
    plain = b"".join(b"%d,Ana\n" % number for number in range(40_000))
    path = tmp_path / "late.csv"
    good, bad, _, notes = _read(_file(path, b"order_id,name\n" + plain + b"x,Jos\xe9\ny,Lu\xeds\n"))
    assert [row["name"] for row in good[-2:]] == ["José", "Luís"]
    assert (len(good), bad) == (40_002, [])
    assert notes == ["read as Windows-1252 from line 40,002 on"]
    good, bad, _, notes = _read(
        _file(path, b"order_id,name\n" + plain + b"x,\xc8\xe2\xe0\xed\ny,\xce\xeb\xfc\xe3\xe0\n")
    )
    assert (len(good), [record.number for record in bad], notes) == (40_000, [40_002, 40_003], [])


def test_what_the_start_leaves_open_is_looked_for_further_on(tmp_path: Path) -> None:
    start = "".join(f"{number};{number};1/11/2026 10:00\n" for number in range(8_000))
    path = _file(tmp_path / "late.csv", "order_id;value;at\n" + start + "x;1.299,90;13/11/2026 10:00\n")
    _, bad, dialect, _ = _read(path)
    assert (dialect.decimal, dialect.days.day_first, bad) == (",", True, [])


def test_utf_16_that_is_damaged_or_cut_costs_its_own_line(tmp_path: Path) -> None:
    text = "order_id,name\n1,José\n2,bad\n3,Luís\n".encode("utf-16-le").replace(b"b\0a\0d\0", b"\0\xd8x\0d\0")
    good, bad, _, _ = _read(_file(tmp_path / "damaged.csv", b"\xff\xfe" + text))
    assert [row["name"] for row in good] == ["José", "Luís"]
    assert [record.number for record in bad] == [3]
    good, bad, _, _ = _read(_file(tmp_path / "cut.csv", b"\xff\xfe" + text[:-3]))
    assert [row["name"] for row in good] == ["José"]
    assert [record.number for record in bad] == [3, 4]


@pytest.mark.parametrize(
    ("text", "sign", "expected"),
    [
        ("129.90", "", "129.90"),
        ("1,299.90", "", "1299.90"),
        ("1.299", "", "1.299"),
        ("1,299", ".", "1299"),
        ("1.299", ",", "1299"),
        ("129,90", ",", "129.90"),
        ("1.234.567,8", ",", "1234567.8"),
        ("1\u00a0299,90", ",", "1299.90"),
        ("1'299.90", ".", "1299.90"),
        ("-5", ",", "-5"),
        ("1e2", "", "1e2"),
        ("1.5E+2", "", "1.5E+2"),
        ("1,299", "", None),
        ("129,90", "", None),
        ("1.234,56", "", None),
        ("129.90", ",", None),
        ("1.29.900", ",", None),
        ("12,34,567.8", ".", None),
        ("1.23457E+06", "", None),
        ("1,23457E+06", ",", None),
        ("R$ 129,90", ",", None),
    ],
)
def test_an_amount_is_read_in_one_way_or_not_at_all(text: str, sign: Any, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(Refused):
            number_of(text, "value", sign)
    else:
        assert number_of(text, "value", sign) == Decimal(expected)


def test_damage_never_costs_another_record(tmp_path: Path) -> None:
    """Every record of a file in another dialect is read or refused, whichever single line is damaged."""
    lines = ["order_id;name;value", *(f"{number};Jos\xe9;{number},50" for number in range(6))]
    for place, damage in itertools.product(range(1, 7), [b"9;\x81\x8d;9,50", b'9;"open;9,50', b"9;x", b"9;x;9,5;y"]):
        raw = [line.encode("cp1252") for line in lines]
        raw[place] = damage
        good, bad, _, _ = _read(_file(tmp_path / "table.csv", b"\r\n".join(raw)), Stated(encoding="cp1252"))
        assert len(good) + len(bad) == 6
        assert [record.number for record in bad] == [place + 1]
