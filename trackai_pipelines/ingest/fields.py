"""Single fields: what a value may be, in its one form for the database, or a sentence that says why it may not.

What belongs here: text, hashes, addresses, amounts, times; from any format. What does not: which fields a row has (the
kinds).
Empty text stands for "no value" throughout: a producer's empty string and NULL mean the same.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from ipaddress import AddressValueError, ip_address

from trackai_pipelines.ingest.masking import masked_text
from trackai_pipelines.ingest.outcomes import Refused

# Longest texts, in characters. Identifiers stand in unique indexes, whose entries hold 2,704 bytes; keys are
# compared; the rest is only shown.
MAX_GATEWAY = 64
MAX_IDENTIFIER = 512
MAX_KEY = 4_096
MAX_TEXT = 8_192
MAX_VALUE = Decimal(10) ** 12
# Four decimals are kept. Less than this beyond them is noise of binary fractions: rounding it away is not noted.
_NOISE = Decimal("0.000001")
_FOUR_PLACES = Decimal("0.0001")
# No event of this system is older; earlier times come from zeroed or misread clocks.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
# A producer's clock may be ahead by a zone's mistake, not by more.
CLOCK_SKEW = timedelta(hours=24)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# An epoch beyond this is in milliseconds: in seconds it would lie after the year 5100.
_LARGEST_SECONDS = 10**11
_LARGEST_MILLISECONDS = 10**14
_HASH = re.compile("[0-9a-fA-F]{64}")
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
_EPOCH_TEXT = re.compile("[0-9]{9,14}")
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
    if isinstance(value, (float, Decimal)) and -(2**53) < value < 2**53 and value == int(value):
        return str(int(value))
    raise Refused(f"{name} is {_type_name(value)}; expected text")


def identifier_of(value: str | int | None, name: str, *, longest: int = MAX_IDENTIFIER) -> str:
    """Return an identifier without the white space around it, which is never part of one."""
    if value is None:
        return ""
    text = value.strip() if isinstance(value, str) else text_of(value, name)
    if len(text) > longest:
        raise Refused(f"{name} has {len(text):,} characters; at most {longest:,} are taken")
    return text


def hash_of(text: str, name: str) -> str:
    """Return a SHA-256 in hex digits, lower-cased."""
    if not text:
        return ""
    if _HASH.fullmatch(text) is None:
        raise Refused(f"{name} is not a SHA-256: expected 64 hex digits, or the raw value in email or phone")
    return text.lower()


def ip_of(text: str, name: str) -> str:
    """Return an IPv4 or IPv6 address in its shortest form, without zone or port."""
    text = text.strip()
    if not text or _IPV4.fullmatch(text):
        return text
    try:
        if "%" in text:
            raise AddressValueError("zone")
        return str(ip_address(text))
    except ValueError as error:
        raise Refused(f"{name} {shown(text)} is not an IP address") from error


def number_of(value: object, name: str) -> Decimal:
    """Return an amount as a number; its bounds are `amount_of`'s."""
    try:
        if isinstance(value, Decimal):
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return Decimal(value)
        if isinstance(value, float):
            return Decimal(repr(value))
        if isinstance(value, str):
            return Decimal(value.strip())
    except InvalidOperation as error:
        raise Refused(f"{name} {shown(value)} is not a number; expected e.g. 129.90") from error
    raise Refused(f"{name} is {_type_name(value)}; expected a number such as 129.90")


def amount_of(value: Decimal, note: Callable[[str, str], None], name: str = "value") -> str:
    """Return an amount of money for the database: 0 to 10^12, rounded half to even to four decimals.

    `note` is told the name and that it was rounded (`Context.note`).
    """
    if not value.is_finite():
        raise Refused(f"{name} is {value}; expected a finite number")
    if not 0 <= value <= MAX_VALUE:
        raise Refused(f"{name} is " + ("negative" if value < 0 else "above 10^12") + "; expected 0 to 10^12")
    rounded = value.quantize(_FOUR_PLACES, ROUND_HALF_EVEN)
    if rounded != value and abs(rounded - value) >= _NOISE:
        note(name, "rounded to four decimals, half to even")
    return str(rounded)


def moment_of(value: object, name: str) -> datetime:
    """Return a time: ISO 8601 (without a zone it is UTC), or an epoch in seconds or milliseconds."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, str):
        text = value.strip()
        if _EPOCH_TEXT.fullmatch(text):
            return _from_epoch(int(text), name)
        try:
            return datetime.fromisoformat(text)
        except ValueError as error:
            raise Refused(f"{name} {shown(text)} is not a time; expected ISO 8601, e.g. {_EXAMPLE}") from error
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return _from_epoch(value, name)
    raise Refused(f"{name} is {_type_name(value)}; expected a time such as {_EXAMPLE}")


_EXAMPLE = "2026-03-01T12:00:00Z"


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
    return "" if moment is None else time_of(moment, name, latest).isoformat()


def _from_epoch(value: int | float | Decimal, name: str) -> datetime:
    # A comparison with NaN of Decimal raises, hence the test by itself.
    if isinstance(value, Decimal) and not value.is_finite():
        raise Refused(f"{name} is not a finite number")
    if not 0 <= value < _LARGEST_MILLISECONDS:
        raise Refused(f"{name} is not an epoch in seconds or milliseconds")
    seconds = value if value < _LARGEST_SECONDS else Decimal(value) / 1000
    return _EPOCH + timedelta(microseconds=round(Decimal(seconds) * 1_000_000))


def _type_name(value: object) -> str:
    if isinstance(value, (float, Decimal)):
        return "a number with decimals"
    names: dict[type, str] = {bool: "true or false", list: "a list", dict: "an object"}
    return names.get(type(value), f"a {type(value).__name__}")
