"""Fields of a payload: read by path, checked, and refused by name.

A path is dotted (`data.purchase.transaction`). What belongs here: what every gateway's reader needs to take a value
out of nested JSON. What does not: which fields a gateway has (its own module), where tracking keys hide (`tracking`).
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import NoReturn
from urllib.parse import urlsplit

from trackai_pipelines.customer_information.phone import assigned_phone, is_calling_code, normalised_phone
from trackai_pipelines.customer_information.place import normalised_country
from trackai_pipelines.ingest.moments import iso_moment
from trackai_pipelines.ingest.outcomes import MalformedPayload
from trackai_pipelines.money import is_currency

_NUMBER = re.compile(r"[+-]?[0-9]{1,28}(\.[0-9]{0,28})?([eE][+-]?[0-9]{1,2})?")
# The digits Python's decimals carry by default; no money has more, and arithmetic within them is exact.
_MOST_DIGITS = 28
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The clock of gateways that write Brasilia's time without saying so. Brazil has had no summer time since 2019.
BRASILIA = timezone(timedelta(hours=-3))
# What of a payload may be repeated in a message: an event's or a state's name or code. Never an address or a number.
_SHOWABLE = re.compile(r"(?!.*[0-9]{4})[A-Za-z][A-Za-z0-9_. -]{0,59}|[0-9]{1,3}(?:\.[0-9]{1,3})?")
_CODE = re.compile(r"[A-Za-z]{1,8}")
# Country calling codes have at most 3 digits, 4 with an area of the North American plan (1809).
_LONGEST_CALLING_CODE = 4


def at(payload: object, path: str) -> object:
    """What stands at the path, or None where any step of it is missing."""
    found = payload
    for step in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(step)
    return found


def first(payload: object, *paths: str) -> tuple[str, object]:
    """The first path that holds something and what it holds; the first path and None where none does."""
    for path in paths:
        found = at(payload, path)
        if found is not None and found != "":
            return path, found
    return paths[0], None


def text(payload: object, *paths: str) -> str | None:
    """The trimmed text (or whole number) at the first path that has one, else None."""
    for path in paths:
        found = _as_text(at(payload, path))
        if found:
            return found
    return None


def required_text(payload: object, *paths: str) -> str:
    """Like `text`, for what a sale cannot do without: raises MalformedPayload naming the first path."""
    path, found = first(payload, *paths)
    if found is None:
        refuse(path, "is missing")
    value = _as_text(found)
    if not value:
        refuse(path, "must be a text or a whole number")
    return value


def amount(payload: object, path: str) -> Decimal:
    """The number at the path, exact. Raises MalformedPayload where it is missing or no finite number."""
    found = at(payload, path)
    if found is None or found == "":
        refuse(path, "is missing")
    if isinstance(found, float):
        found = repr(found)
    if isinstance(found, str):
        found = found.strip()
        if not _NUMBER.fullmatch(found):
            refuse(path, "is not a number written like 1234.56")
        found = Decimal(found)
    elif isinstance(found, int) and not isinstance(found, bool) and abs(found) < 10**_MOST_DIGITS:
        found = Decimal(found)
    if not isinstance(found, Decimal) or not found.is_finite():
        refuse(path, "is not a finite number")
    if len(found.as_tuple().digits) > _MOST_DIGITS or abs(found.adjusted()) > _MOST_DIGITS:
        refuse(path, "has more digits than an amount of money has")
    return found


def minor_amount(payload: object, path: str, decimals: int) -> Decimal:
    """The amount at a path that counts minor units (cents), in major units: 5298 with 2 decimals is 52.98."""
    units = amount(payload, path)
    if units != units.to_integral_value():
        refuse(path, "must be a whole number of minor units")
    return Decimal(int(units)).scaleb(-decimals)


def currency(payload: object, *paths: str) -> str:
    """The currency at the first path that has one, upper-case. Raises MalformedPayload where it is none."""
    path, found = first(payload, *paths)
    if found is None:
        refuse(path, "is missing")
    code = found.strip().upper() if isinstance(found, str) else ""
    if not is_currency(code):
        shown = f": {code}" if _CODE.fullmatch(code) else ""
        refuse(path, f"is no currency code of ISO 4217{shown}")
    return code


def moment(payload: object, *paths: str, zone: tzinfo = UTC) -> datetime:
    """Return the time at the first path that has one, in UTC. A time without a zone is read in `zone`.

    It is written as in ISO 8601, or as its relatives that landing files may have too (`ingest.moments`).

    Raises MalformedPayload where it is missing, no time, or a day without a time.
    """
    path, found = first(payload, *paths)
    if found is None:
        refuse(path, "is missing")
    if not isinstance(found, str):
        refuse(path, "is not a time written like 2025-04-08T14:43:43Z")
    try:
        read = iso_moment(found.strip())
        known = None if read is None else (read.replace(tzinfo=zone) if read.tzinfo is None else read).astimezone(UTC)
    except (ValueError, OverflowError):
        refuse(path, "is not a time written like 2025-04-08T14:43:43Z")
    if known is None:
        refuse(path, "is a day without a time")
    return known


def moment_of_epoch(payload: object, *paths: str, unit: timedelta) -> datetime:
    """The time at the first path that has one, counted in `unit`s since 1970, in UTC.

    Raises MalformedPayload where it is missing or outside the calendar.
    """
    path, found = first(payload, *paths)
    if found is None:
        refuse(path, "is missing")
    count = amount(payload, path)
    try:
        return _EPOCH + unit * int(count)
    except OverflowError:
        refuse(path, "lies outside the calendar")


def buyer(payload: object, **columns: str | tuple[str, ...]) -> dict[str, object]:
    """What is known of a buyer, by the columns of a landing file: the text at the first path that has one.

    A `full_name` is divided into the first word and the rest, for what stands at no path of its own.
    """
    found = {
        column: text(payload, *((paths,) if isinstance(paths, str) else paths)) for column, paths in columns.items()
    }
    words = (found.pop("full_name", None) or "").split()
    if words:
        found["first_name"] = found.get("first_name") or words[0]
        found["last_name"] = found.get("last_name") or " ".join(words[1:])
    return {column: value for column, value in found.items() if value}


def dialled(
    number: str | None, code: str | None, country: str | None = None, otherwise: str | None = None
) -> str | None:
    """Return a phone number with what the gateway keeps of it in a field of its own: a calling code or an area code.

    Gateways, and the checkouts before them, write either there, and repeat it in the number or not. Of all readings the
    first counts that is a number by the numbering plan: in the buyer's `country` (code or name), in `otherwise`
    (alpha-2, where the gateway sells), with `code` as the calling code. Without one, the first that may be a number.
    """
    code = (code or "").lstrip("+0")
    if len(code) > _LONGEST_CALLING_CODE:
        # A test of the gateway's panel: what its number means is as unknown as its code.
        return number
    if number is None or number.startswith(("+", "00")) or not code.isdecimal():
        return phone_in(number, country, otherwise)
    at_home = _countries(country, otherwise)
    digits = "".join(filter(str.isdecimal, number))
    complete: list[tuple[str, str | None]] = []
    for nation in at_home:
        if digits.startswith(code) or is_calling_code(code, nation):
            complete.append((number, nation))
        complete.append((f"{code}{number}", nation))
    abroad: list[tuple[str, str | None]] = [(f"+{code}{number}", None)]
    if digits.startswith(code):
        abroad.append((f"+{number}", None))
    alone: list[tuple[str, str | None]] = [(number, nation) for nation in at_home]
    # A number that no plan has is one of these countries, if one is known.
    for read, readings in ((assigned_phone, complete + abroad + alone), (normalised_phone, complete + alone or abroad)):
        for written, home in readings:
            found = read(written, home)
            if found:
                return f"+{found}"
    return number


def phone_in(number: str | None, country: str | None, otherwise: str | None = None) -> str | None:
    """Return a phone number with the calling code of the buyer's country, by code or name, else of `otherwise`.

    A number that cannot be completed there is returned as it came.
    """
    homes: list[str | None] = [*_countries(country, otherwise)]
    for read in (assigned_phone, normalised_phone):
        for home in homes or [None]:
            digits = read(number, home)
            if digits:
                return f"+{digits}"
    return number


def _countries(country: str | None, otherwise: str | None) -> list[str]:
    return [known for known in (normalised_country(country), otherwise) if known]


def page_url(value: object) -> str | None:
    """The page of an absolute web address, without query and fragment, which may hold personal data; else None."""
    if not isinstance(value, str):
        return None
    try:
        parts = urlsplit(value.strip())
    except ValueError:
        return None
    page = f"{parts.scheme}://{parts.netloc}{parts.path}"
    if parts.scheme not in {"http", "https"} or not parts.netloc or "@" in page or "%40" in page:
        return None
    return page


def shown(value: object) -> str:
    """A name out of a payload (an event's, a state's), fit for a message; "(none)" or "(unreadable)" else."""
    if value is None or value == "":
        return "(none)"
    name = value.strip() if isinstance(value, str) else ""
    return name if _SHOWABLE.fullmatch(name) else "(unreadable)"


def refuse(path: str, problem: str) -> NoReturn:
    """Raise MalformedPayload for the field. `problem` says what is wrong without repeating the value."""
    raise MalformedPayload(f"{path} {problem}")


def _as_text(value: object) -> str | None:
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**_MOST_DIGITS:
        return str(value)
    return None
