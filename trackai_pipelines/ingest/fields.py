"""Single fields: what a value may be, in its one form for the database, or a sentence that says why it may not.

What belongs here: text, hashes, addresses, the bounds of amounts and times; from any format. What does not: how amounts
and times are written (`amounts`, `moments`), and which fields a row has (the kinds).
Empty text stands for "no value" throughout: a producer's empty string and NULL mean the same.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from math import isfinite

from msgspec import to_builtins

from trackai_pipelines.customer_information.client_ip import address_of
from trackai_pipelines.ingest.floats import without_noise
from trackai_pipelines.ingest.masking import masked_text
from trackai_pipelines.ingest.outcomes import Refused

# Longest texts, in characters. Identifiers stand in unique indexes, whose entries hold 2,704 bytes; keys are
# compared; the rest is only shown.
MAX_GATEWAY = 64
MAX_IDENTIFIER = 512
MAX_KEY = 4_096
MAX_TEXT = 8_192
MAX_VALUE = Decimal(10) ** 12
# Decimals that are kept. Less than a hundredth of the last is noise of binary fractions: rounding it away is not noted.
_PLACES = {
    4: (Decimal("0.0001"), "rounded to four decimals, half to even"),
    6: (Decimal("0.000001"), "rounded to six decimals, half to even"),
}
# No event of this system is older; earlier times come from zeroed or misread clocks.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
# A producer's clock may be ahead by a zone's mistake, not by more.
CLOCK_SKEW = timedelta(hours=24)
# What spreadsheets and columns of floats make of a long id: 4.50789E+11, 4,50789E+11, 4.507890123e+17,
# 450789012345678900.0. An id such as 12e4567890 is none of these.
_LOST_DIGITS = re.compile(r"[+-]?[0-9](?:[.,][0-9]+[eE]\+?|[eE]\+)[0-9]{1,3}|[0-9]{16,}\.0+")
# Whole numbers beyond this are not all told apart by a float of 64 bits.
_EXACT = 2**53
_SHOWN = 40


def shown(value: object) -> str:
    """Return a value for an error text: masked, short, quoted."""
    text = str(masked_text(str(value)))
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")


def text_of(value: object, name: str) -> str:
    """Return text as it came; whole numbers stand for their digits."""
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            raise Refused(f"{name} holds half a surrogate pair, which is no character")
        return value
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, bytes):
        # Parquet writers that do not mark text as such.
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Refused(f"{name} is not valid UTF-8") from error
    # A column of ids with gaps becomes a column of floats in many programs.
    if isinstance(value, (float, Decimal)):
        return _digits_of(value, name)
    raise Refused(f"{name} is {kind_of_value(value)}; expected text")


def identifier_of(value: str | int | None, name: str, *, longest: int = MAX_IDENTIFIER) -> str:
    """Return an identifier without the white space around it, which is never part of one."""
    if value is None:
        return ""
    text = value.strip() if isinstance(value, str) else text_of(value, name)
    if len(text) > longest:
        raise Refused(f"{name} has {len(text):,} characters; at most {longest:,} are taken")
    # What has lost digits has one of these signs, and few identifiers do.
    if ("." in text or "+" in text or "," in text) and lost_digits(text):
        raise Refused(f"{name} {shown(text)} has lost its digits: a spreadsheet or a column of floats wrote it")
    return text


def lost_digits(text: str) -> bool:
    """Return whether a text is what spreadsheets (4.50789E+11) and columns of floats make of a long number."""
    return _LOST_DIGITS.fullmatch(text) is not None


def ip_of(text: str, name: str) -> str:
    """Return the first public IPv4 or IPv6 address in its shortest form, without zone or port."""
    found = address_of(text)
    if found is None and text.strip():
        raise Refused(f"{name} {shown(text)} is not a public IP address")
    return found or ""


def amount_of(value: Decimal, note: Callable[[str, str], None], name: str = "value", decimals: int = 4) -> str:
    """Return an amount of money for the database: 0 to 10^12, rounded half to even to four or six decimals.

    `note` is told the name and that it was rounded (`Context.note`).
    """
    places, said = _PLACES[decimals]
    if not value.is_finite():
        raise Refused(f"{name} is {value}; expected a finite number")
    if not 0 <= value <= MAX_VALUE:
        raise Refused(f"{name} is " + ("negative" if value < 0 else "above 10^12") + "; expected 0 to 10^12")
    rounded = value.quantize(places, ROUND_HALF_EVEN)
    if rounded != value:
        value = without_noise(value)
        rounded = value.quantize(places, ROUND_HALF_EVEN)
    if rounded != value and abs(rounded - value) >= places / 100:
        note(name, said)
    return str(rounded)


def time_of(moment: datetime, name: str, latest: datetime) -> datetime:
    """Return a time in UTC between EARLIEST and `latest`."""
    try:
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError as error:
        raise Refused(f"{name} is out of range") from error
    if not EARLIEST <= moment <= latest:
        wrong = "before the year 2000" if moment < EARLIEST else "more than 24 hours ahead of the clock"
        raise Refused(f"{name} {moment:%Y-%m-%dT%H:%M:%SZ} is {wrong}")
    return moment


def optional_time(moment: datetime | None, name: str, latest: datetime) -> str:
    """Return a time that need not be given, as text."""
    return "" if moment is None else time_text(moment, name, latest)


def time_text(moment: datetime, name: str, latest: datetime) -> str:
    """Return a time as text in UTC; refuse what cannot be right."""
    # isoformat takes four times as long for the same text.
    text: str = to_builtins(time_of(moment, name, latest))
    return text.removesuffix("Z") + "+00:00"


def _digits_of(value: float | Decimal, name: str) -> str:
    """Return the digits of a whole number that came as a float, or as a Decimal."""
    # A comparison with a Decimal that is no number raises, hence the test by itself.
    if not isfinite(value) or value != int(value):
        raise Refused(f"{name} is {kind_of_value(value)}; expected text")
    # Whole numbers of a column of decimals are exact; 4.5e17 and 450789012345678900.0 went through a float.
    exact = isinstance(value, Decimal) and value.as_tuple().exponent == 0
    if not exact and not -_EXACT < value < _EXACT:
        raise Refused(f"{name} has lost its digits in a column of floats: those hold 15 at most; write it as text")
    return str(int(value))


def kind_of_value(value: object) -> str:
    """Return what a value is, for an error text."""
    if isinstance(value, (float, Decimal)):
        return "a number with decimals"
    names: dict[type, str] = {bool: "true or false", list: "a list", dict: "an object"}
    return names.get(type(value), f"a {type(value).__name__}")
