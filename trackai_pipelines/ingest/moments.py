"""Times: from what producers write for one to a datetime.

What belongs here: every spelling of a time that is read, whatever the format of the file. What does not: which times a
row may have (`fields.time_of`, the kinds), and in which order a file writes day and month (`dialects`).

Besides ISO 8601 these are what well-known tools write without being asked: epochs in seconds, milli-, micro- and
nanoseconds, also through a column of floats; BigQuery's and Athena's ` UTC`; Snowflake's and Shopify's ` -0300`; the
day numbers of spreadsheets; day, month and year as spreadsheets show them.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Literal, NamedTuple

from trackai_pipelines.ingest.fields import kind_of_value, shown
from trackai_pipelines.ingest.outcomes import Refused

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Day 0 of spreadsheets, for all days after February 1900.
_SPREADSHEET_EPOCH = datetime.fromisoformat("1899-12-30")
# Day numbers of the years 2000 to 2099. As epochs they would lie in the first day of 1970.
_FIRST_DAY_NUMBER, _LAST_DAY_NUMBER = 36_526, 73_050
# An epoch in seconds beyond the first would lie after the year 5100; the same holds of the next for milliseconds, and
# so on.
_UNITS = ((10**11, 1), (10**14, 10**3), (10**17, 10**6), (10**20, 10**9))
_COMPACT_DIGITS = len("20260301120000")
# Numbers: epochs, day numbers, and what a column of floats makes of them.
_NUMBER = re.compile(r"[0-9]{9,20}(?:[.,][0-9]*)?|[0-9]{5}(?:[.,][0-9]+)?|[0-9][.,][0-9]+[eE]\+?[0-9]{1,2}")
# What spreadsheets show of a long number: at most six digits of it.
_SHORTENED = re.compile(r"[0-9][.,][0-9]{1,5}E\+[0-9]+")
# A text of up to ten characters that is ISO 8601 has no time of day: 20260301T12 has eleven.
_LONGEST_ISO_DAY = len("2026-03-01")
_TIME = (
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?"
    r"(?:\s?(?P<half>[AaPp])\.?[Mm]\.?)?"
)
# A zone's name in brackets repeats what the offset before it says.
_ZONE = r"(?:\s*(?P<utc>[Zz]|UTC|GMT)?\s*(?P<offset>[+-][0-9]{1,2}(?::?[0-9]{2})?)?(?:\[[A-Za-z0-9_/+:-]+\])?)"
_YEAR_FIRST = re.compile(
    rf"(?P<year>[0-9]{{4}})(?P<mark>[-/.])(?P<month>[0-9]{{1,2}})(?P=mark)(?P<day>[0-9]{{1,2}})(?:(?:[Tt]|\s+){_TIME}{_ZONE})?"
)
_YEAR_LAST = re.compile(
    rf"(?P<first>[0-9]{{1,2}})(?P<mark>[-/.])(?P<next>[0-9]{{1,2}})(?P=mark)(?P<year>[0-9]{{4}})"
    rf"(?:(?:,?\s+|[Tt]){_TIME}{_ZONE})?"
)
_MOST_MONTHS = 12
_EXAMPLE = "2026-03-01T12:00:00Z"


class Days(NamedTuple):
    """How a file's days are to be understood.

    `day_first`: whether 2/3/2026 is in March; None where that is not known. `time_of_day`: the hour in UTC that a date
    without one means; None where it means none.
    """

    day_first: bool | None = None
    time_of_day: time | None = None


AS_WRITTEN = Days()


def moment_of(value: object, name: str, days: Days = AS_WRITTEN) -> datetime:
    """Return a time; without a zone it is left without one. Raises Refused for what is none, and for a date alone."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, str):
        return _of_text(value.strip(), name, days)
    if isinstance(value, date):
        return _of_day(datetime.combine(value, time()), name, days)
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return _of_number(value, name, days)
    raise Refused(f"{name} is {kind_of_value(value)}; expected a time such as {_EXAMPLE}")


def iso_moment(text: str) -> datetime | None:
    """Return a time with its year first, as ISO 8601 and its relatives write it; None for a date alone.

    A time without a zone is returned without one. Raises ValueError where it is no time.
    """
    moment, has_time = _year_first(text)
    return moment if has_time else None


def first_part(text: str) -> Literal["day", "month", "either", ""]:
    """Return what stands first in a text such as 25/11/2026 10:00; "" for a text of another form."""
    found = _YEAR_LAST.fullmatch(text.strip())
    if found is None or found["mark"] == ".":
        return ""
    first, second = int(found["first"]), int(found["next"])
    if (first > _MOST_MONTHS) == (second > _MOST_MONTHS):
        return "either"
    return "day" if first > _MOST_MONTHS else "month"


def _of_text(text: str, name: str, days: Days) -> datetime:
    # Nearly all pass here.
    if text[4:5] == "-" and len(text) > _LONGEST_ISO_DAY:
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    if _NUMBER.fullmatch(text):
        if _SHORTENED.fullmatch(text):
            raise Refused(f"{name} {text} is in a spreadsheet's scientific notation and has lost its digits")
        if len(text) == _COMPACT_DIGITS and text.startswith("20"):
            # As milliseconds it would lie after the year 2600.
            text = f"{text[:8]}T{text[8:]}"
        else:
            return _of_number(Decimal(text.replace(",", ".")), name, days)
    try:
        moment, has_time = _year_first(text)
    except ValueError as error:
        return _year_last(text, name, days, error)
    return moment if has_time else _of_day(moment, name, days)


def _year_first(text: str) -> tuple[datetime, bool]:
    """Return a time, and whether it has a time of day. Raises ValueError."""
    if len(text) > _LONGEST_ISO_DAY:
        try:
            return datetime.fromisoformat(text), True
        except ValueError:
            pass
    found = _YEAR_FIRST.fullmatch(text)
    if found is None:
        return datetime.fromisoformat(text), False
    day = datetime.combine(date(int(found["year"]), int(found["month"]), int(found["day"])), time())
    return (_with_time(day, found), True) if found["hour"] else (day, False)


def _year_last(text: str, name: str, days: Days, error: ValueError) -> datetime:
    """Return the time of a text with its year last."""
    found = _YEAR_LAST.fullmatch(text)
    if found is None:
        raise Refused(f"{name} {shown(text)} is not a time; expected ISO 8601, e.g. {_EXAMPLE}") from error
    parts = int(found["first"]), int(found["next"])
    day_first = True if found["mark"] == "." else days.day_first
    if day_first is None:
        first = first_part(text)
        if first == "either":
            raise Refused(
                f"{name} {text} may have day or month first; load the file with --dates day-first or month-first"
            )
        day_first = first == "day"
    day, month = parts if day_first else parts[::-1]
    try:
        moment = datetime.combine(date(int(found["year"]), month, day), time())
        if found["hour"]:
            return _with_time(moment, found)
    except ValueError as wrong:
        order = "day before month" if day_first else "month before day"
        raise Refused(f"{name} {shown(text)} is not a time with its {order}") from wrong
    return _of_day(moment, name, days)


def _with_time(day: datetime, found: "re.Match[str]") -> datetime:
    """Add what `_TIME` and `_ZONE` have found. Raises ValueError where that is no time."""
    hour = int(found["hour"])
    if found["half"]:
        if not 1 <= hour <= 12:
            raise ValueError("no hour of half a day")
        hour = hour % 12 + (12 if found["half"] in "Pp" else 0)
    moment = day.replace(
        hour=hour,
        minute=int(found["minute"]),
        second=int(found["second"] or 0),
        microsecond=int((found["fraction"] or "0")[:6].ljust(6, "0")),
    )
    if found["offset"]:
        digits = found["offset"][1:].replace(":", "").rjust(2, "0")
        hours, minutes = (digits, "0") if len(digits) == 2 else (digits[:-2], digits[-2:])
        ahead = timedelta(hours=int(hours), minutes=int(minutes))
        return moment.replace(tzinfo=timezone(-ahead if found["offset"][0] == "-" else ahead))
    return moment.replace(tzinfo=UTC) if found["utc"] else moment


def _of_number(value: int | float | Decimal, name: str, days: Days) -> datetime:
    # A comparison with NaN of Decimal raises, hence the test by itself.
    if isinstance(value, Decimal) and not value.is_finite():
        raise Refused(f"{name} is not a finite number")
    if _FIRST_DAY_NUMBER <= value < _LAST_DAY_NUMBER:
        number = Decimal(repr(value) if isinstance(value, float) else value)
        # Spreadsheets know milliseconds.
        moment = _SPREADSHEET_EPOCH + timedelta(milliseconds=round(number * 86_400_000))
        return _of_day(moment, name, days) if number == int(number) else moment
    for beyond, per_second in _UNITS:
        if 0 <= value < beyond:
            return _EPOCH + timedelta(microseconds=round(Decimal(value) * 1_000_000 / per_second))
    raise Refused(f"{name} is not an epoch in seconds, milliseconds, microseconds or nanoseconds")


def _of_day(day: datetime, name: str, days: Days) -> datetime:
    if days.time_of_day is None:
        raise Refused(
            f"{name} {day:%Y-%m-%d} is a date without a time of day, which cannot be put in order with clicks; "
            "give the time, or load the file with --time-of-day, e.g. --time-of-day 12:00"
        )
    return datetime.combine(day.date(), days.time_of_day, UTC)
