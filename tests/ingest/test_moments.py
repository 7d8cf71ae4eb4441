"""Times and floats: what tools write for an instant or a decimal is read back."""

import struct
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from trackai_pipelines.ingest.fields import amount_of, identifier_of, text_of
from trackai_pipelines.ingest.floats import shortest_decimal
from trackai_pipelines.ingest.kinds import Columns
from trackai_pipelines.ingest.moments import Days, iso_moment, moment_of
from trackai_pipelines.ingest.outcomes import Refused
from trackai_pipelines.ingest.parquet_files import parquet_records
from trackai_pipelines.ingest.records import Fields, Unreadable
from trackai_pipelines.ingest.streams import Notes

DAY_FIRST, MONTH_FIRST = Days(day_first=True), Days(day_first=False)
INSTANTS = st.datetimes(datetime.fromisoformat("2000-01-02"), datetime.fromisoformat("2090-01-01")).map(
    lambda moment: moment.replace(tzinfo=UTC)
)
OFFSETS = st.sampled_from([-12, -9.5, -3, 0, 1, 5.5, 14])


def _number(moment: datetime, per_second: int) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * per_second // 1_000_000


def _day_number(moment: datetime) -> str:
    return repr((moment.replace(tzinfo=None) - datetime.fromisoformat("1899-12-30")) / timedelta(days=1))


# What each tool writes, how finely, and how its days are understood.
SPELLINGS: dict[str, tuple[Any, int, Days]] = {
    "BigQuery": (lambda t: t.strftime("%Y-%m-%d %H:%M:%S UTC"), 1, Days()),
    "BigQuery, fractions": (lambda t: t.strftime("%Y-%m-%d %H:%M:%S.%f UTC"), 10**6, Days()),
    "Athena": (lambda t: t.strftime("%Y-%m-%d %H:%M:%S.000 UTC"), 1, Days()),
    "pandas": (lambda t: str(t), 10**6, Days()),
    "pandas, nanoseconds": (lambda t: t.strftime("%Y-%m-%d %H:%M:%S.%f000+00:00"), 10**6, Days()),
    "PostgreSQL": (lambda t: t.strftime("%Y-%m-%d %H:%M:%S+00"), 1, Days()),
    "JavaScript": (lambda t: t.strftime("%Y-%m-%dT%H:%M:%S.") + f"{t.microsecond // 1000:03}Z", 1000, Days()),
    "lower case": (lambda t: t.strftime("%Y-%m-%dt%H:%M:%Sz"), 1, Days()),
    "Java": (lambda t: t.strftime("%Y-%m-%dT%H:%M:%SZ[UTC]"), 1, Days()),
    "Google": (lambda t: t.strftime("%Y/%m/%d %I:%M:%S %p GMT+0"), 1, Days()),
    "compact": (lambda t: t.strftime("%Y%m%d%H%M%S"), 1, Days()),
    "seconds": (lambda t: str(_number(t, 1)), 1, Days()),
    "milliseconds": (lambda t: _number(t, 1000), 1000, Days()),
    "microseconds": (lambda t: str(_number(t, 10**6)), 10**6, Days()),
    "nanoseconds": (lambda t: _number(t, 10**9), 10**6, Days()),
    "float seconds": (lambda t: f"{_number(t, 1)}.0", 1, Days()),
    "float": (lambda t: float(_number(t, 1)), 1, Days()),
    "spreadsheet": (_day_number, 1000, Days()),
    "spreadsheet, comma": (lambda t: _day_number(t).replace(".", ","), 1000, Days()),
    "spreadsheet, Brazil": (lambda t: t.strftime("%d/%m/%Y %H:%M:%S"), 1, DAY_FIRST),
    "spreadsheet, United States": (lambda t: t.strftime("%m/%d/%Y %I:%M:%S %p"), 1, MONTH_FIRST),
    "spreadsheet, Germany": (lambda t: t.strftime("%d.%m.%Y %H:%M:%S"), 1, Days()),
    "spreadsheet, Netherlands": (lambda t: t.strftime("%d-%m-%Y %H:%M:%S"), 1, DAY_FIRST),
}


@pytest.mark.parametrize("tool", SPELLINGS)
@settings(max_examples=60, deadline=None)
@given(instant=INSTANTS)
def test_an_instant_is_read_back_from_each_tools_spelling(tool: str, instant: datetime) -> None:
    write, per_second, days = SPELLINGS[tool]
    # A whole day would be a date alone where days are numbers.
    instant = instant.replace(hour=instant.hour or 1)
    expected = instant - timedelta(microseconds=instant.microsecond % (1_000_000 // per_second))
    read = moment_of(write(expected), "at", days)
    assert (read if read.tzinfo else read.replace(tzinfo=UTC)) == expected


@settings(max_examples=300, deadline=None)
@given(instant=INSTANTS, hours=OFFSETS, form=st.sampled_from(["%z", " %z", ":", " :"]), separator=st.sampled_from("T "))
def test_offsets_are_read_with_and_without_a_space(instant: datetime, hours: float, form: str, separator: str) -> None:
    local = instant.replace(microsecond=0).astimezone(timezone(timedelta(hours=hours)))
    text = local.strftime(f"%Y-%m-%d{separator}%H:%M:%S{form.replace(':', '%z')}")
    if ":" in form:
        text = f"{text[:-2]}:{text[-2:]}"
    assert moment_of(text, "at") == local
    assert iso_moment(text) == local


@pytest.mark.parametrize(
    "value", ["2026-11-25", "20261125", "2026/11/25", "25.11.2026", "46351", 46351, 46351.0, date(2026, 11, 25)]
)
def test_a_date_alone_is_refused_unless_an_hour_is_stated(value: Any) -> None:
    with pytest.raises(Refused, match=r"2026-11-25 is a date without a time of day.*--time-of-day"):
        moment_of(value, "at")
    assert moment_of(value, "at", Days(time_of_day=time(12))) == datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("5/11/2026 10:00", "day or month first.*--dates"),
        ("11/25/2026 10:00", None),
        ("1,76406E+12", "lost its digits"),
        ("2026-13-01 10:00:00 UTC", "is not a time"),
        ("2026-11-25 25:00:00 UTC", "is not a time"),
        ("2026-11-25 10:00:00 BRT", "is not a time"),
        ("25/11/26 10:00", "is not a time"),
        ("13:00 PM 25/11/2026", "is not a time"),
        ("25/11/2026 13:00 PM", "is not a time"),
        ("1e5", "is not a time"),
    ],
)
def test_what_is_no_time_or_two_is_refused(text: str, says: str | None) -> None:
    if says is None:
        assert moment_of(text, "at") == datetime.fromisoformat("2026-11-25T10:00")
        return
    with pytest.raises(Refused, match=says):
        moment_of(text, "at")


def test_a_day_after_the_twelfth_does_not_turn_the_files_order_round() -> None:
    with pytest.raises(Refused, match="not a time with its day before month"):
        moment_of("11/25/2026 10:00", "at", DAY_FIRST)


@settings(max_examples=2_000, deadline=None)
@example(bits=0x7BF0)
@example(bits=0x7BFF)
@given(bits=st.integers(0, 2**16 - 1))
def test_a_float_of_16_bits_is_its_shortest_decimal(bits: int) -> None:
    (value,) = struct.unpack("e", struct.pack("H", bits))
    if value - value == 0:
        found = shortest_decimal(value, "e")
        assert struct.pack("e", float(found)) == struct.pack("e", value)
        digits = len(found.as_tuple().digits)
        shorter = f"{value:.{max(digits - 2, 0)}e}"
        too_large = abs(float(shorter)) >= 65520
        assert digits == 1 or too_large or struct.unpack("e", struct.pack("e", float(shorter)))[0] != value


@settings(max_examples=2_000, deadline=None)
@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_float_of_32_bits_is_the_decimal_that_arrow_writes(value: float) -> None:
    (text,) = pa.array([value], pa.float32()).cast(pa.string()).to_pylist()
    assert shortest_decimal(value, "f") == Decimal(text)


@settings(max_examples=500, deadline=None)
@example(amount=Decimal("79584.81"))
@given(amount=st.integers(0, 999_999_9).map(lambda cents: Decimal(cents) / 100))
def test_money_is_itself_after_any_float(amount: Decimal) -> None:
    for as_float in (float(amount), struct.unpack("f", struct.pack("f", amount))[0]):
        for number in (Decimal(as_float), Decimal(repr(as_float))):
            # Somebody may have written nine digits: 79584.8125 is a float of 32 bits and an amount.
            expected = amount if len(number.as_tuple().digits) > 9 else number
            assert Decimal(amount_of(number, lambda name, what: pytest.fail(f"{name} was {what}"))) == expected


def test_narrow_floats_of_parquet_are_decimals_where_they_are_amounts(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    table = {
        "value": pa.array([129.9, 1999.99, None], pa.float32()),
        "half": pa.array([2.5, 0.1, 9.9], pa.float16()),
        "id": pa.array([7.0, 450789012.0, 16777215.0], pa.float32()),
    }
    parquet.write_table(pa.table(table), path)
    known = frozenset(table)
    records = list(parquet_records(path, Columns(known, frozenset({"value", "half"})), Notes()))
    assert [record.values for record in records if isinstance(record, Fields)] == [
        {"value": Decimal("129.9"), "half": Decimal("2.5"), "id": 7.0},
        {"value": None, "half": Decimal("9.9"), "id": 16777215.0},
    ]
    assert [record.reason for record in records if isinstance(record, Unreadable)] == [
        "id cannot be read: its digits are lost in a column of floats"
    ]


@pytest.mark.parametrize(
    "text", ["4.50789E+11", "4,50789E+11", "4E+11", "4.507890123e+17", "4.5E11", "-4.5E+11", "450789012345678900.0"]
)
def test_an_identifier_without_its_digits_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="has lost its digits"):
        identifier_of(text, "order_id")


@pytest.mark.parametrize(
    "text", ["12e4567890", "1e5", "4e11", "a.E+1", "v1.0", "450789012345.0", "E+11", "1.2.3", "+5511"]
)
def test_other_identifiers_stay_as_they_are(text: str) -> None:
    assert identifier_of(text, "order_id") == text


@given(st.integers(-(10**30), 10**30))
def test_a_whole_number_of_a_column_of_decimals_keeps_all_digits(number: int) -> None:
    assert text_of(Decimal(number), "order_id") == str(number)


@given(st.integers(2**53, 10**300))
def test_a_whole_number_beyond_a_floats_digits_is_refused(number: int) -> None:
    with pytest.raises(Refused, match="lost its digits"):
        text_of(float(number), "order_id")


@given(st.integers(10**17, 10**300))
def test_a_number_of_json_that_was_a_float_is_refused(number: int) -> None:
    with pytest.raises(Refused, match="lost its digits"):
        text_of(Decimal(repr(float(number))), "order_id")
