"""Phone numbers of buyers: the digits with the country's code (E.164) that Meta takes the hash of.

What is a country's code, an area's or a trunk prefix is decided by the numbering plans (phonenumbers). No digit is
invented: a number that cannot be completed is none.
Here: reading one number. Not here: its hash (`contact`), and which country it is of (the callers).
"""

import re
from functools import cache
from typing import NamedTuple

from trackai_pipelines.customer_information.appendix import without_appendix

# The characters that group the digits of a phone number; the library handles anything else (letters, other scripts).
_SEPARATORS = str.maketrans("", "", " ()-./\t\u00a0")
# E.164 allows 15 digits with the country code; no country's numbers are shorter than 7 with it.
_E164 = re.compile(r"[1-9][0-9]{6,14}")
# No numbering plan has national numbers of 12 digits or more in common use: so many digits include a country code.
_SURELY_INTERNATIONAL = 12
# Brazil's trunk prefix with a place for the carrier's code: 0xx11, (0**11).
_CARRIER_TO_CHOOSE = re.compile(r"\b0[ -]?(?:[xX]{2}|\*{2})")
# What is dialled after the call is taken: ramal 12, ext. 5, x5, ;ext=5, #5.
_EXTENSION = re.compile(
    r"[\s,;(/-]*(?:\bramal|\bram|\br|;ext=|\be?xt(?:ensi(?:on|\u00f3n|o))?|\bextens(?:\u00e3|a)o|\bextn?|x|\banexo|"
    r"\binterno|\bint|#)[.:\s]*[0-9]{1,7}\)?\s*",
    re.IGNORECASE,
)
_BETWEEN_NUMBERS = re.compile(r"\s+(?:/|\||ou|or|e|y)\s+|[;,|]", re.IGNORECASE)


class _Plan(NamedTuple):
    """The numbers of a country: its calling code, the lengths of numbers, what they begin with when dialled within."""

    code: str
    lengths: frozenset[int]
    prefix: re.Pattern[str] | None


_NO_PLAN = _Plan("", frozenset(), None)


def normalised_phone(value: object, default_country: str | None) -> str | None:
    """Return the number as digits with its country code, ready to be hashed; None if it cannot be completed.

    `default_country` (ISO 3166 alpha-2) completes a number without a country code. Without a default such a number is
    dropped, unless it is long enough to include one. Trunk prefixes, codes of carriers and extensions are dropped; of
    several numbers the first counts.
    """
    text = _phone_text(value)
    if text is None:
        return None
    country = default_country.upper() if default_country else None
    bare = text.translate(_SEPARATORS)
    if bare.isascii() and bare.removeprefix("+").isdecimal():
        return _number(text, bare, country) or _first_of_several(text, country)
    # Only a number with letters or other signs has an extension or a place for the carrier.
    text = _without_extras(text)
    return _number(text, text.translate(_SEPARATORS), country) or _first_of_several(text, country)


def assigned_phone(value: object, country: str | None) -> str | None:
    """Return the number like `normalised_phone`, but only if the numbering plan has such numbers."""
    from phonenumbers import is_valid_number, parse

    digits = normalised_phone(value, country)
    known = digits is not None and _plan_of_start(digits[:3]).code
    return digits if known and is_valid_number(parse(f"+{digits}", None)) else None


def is_calling_code(code: str, country: str) -> bool:
    """Return whether the digits are the calling code of the country (ISO 3166 alpha-2)."""
    return _plan_of(country.upper()).code == code


def _phone_text(value: object) -> str | None:
    """Return the phone number as text. Files may hold it as a number; no real one has more than 64 characters."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if 0 < value < 10**15 else None
    if not isinstance(value, str):
        return None
    trimmed = value.strip()
    return trimmed if 0 < len(trimmed) <= 64 else None


def _number(text: str, bare: str, country: str | None) -> str | None:
    if bare.startswith(("00", "+00")):
        text = bare = f"+{bare.removeprefix('+')[2:]}"
    if bare.startswith("+"):
        return _international(bare)
    return bare if country and _complete_in(bare, country) else _completed(text, bare, country)


def _first_of_several(text: str, country: str | None) -> str | None:
    first, *others = _BETWEEN_NUMBERS.split(text, maxsplit=1)
    return _number(first, first.translate(_SEPARATORS), country) if others else None


def _without_extras(text: str) -> str:
    """Return the number without its extension, a label before it, and what stands for a carrier's code."""
    text = without_appendix(text).lower().removeprefix("tel:").strip()
    text = _CARRIER_TO_CHOOSE.sub("0", text)
    found = re.search(_EXTENSION.pattern + "$", text, re.IGNORECASE)
    return text[: found.start()] if found and any(map(str.isdecimal, text[: found.start()])) else text


def _international(bare: str) -> str | None:
    """Return the digits of a number that begins with + and the country's code."""
    digits = bare[1:]
    plan = _plan_of_start(digits[:3])
    national = digits[len(plan.code) :]
    inside = plan.prefix.match(national) if plan.prefix else None
    within = inside is not None and inside.end() > 0
    if not within and len(national) in plan.lengths and digits.isascii() and digits.isdecimal():
        return digits
    # A trunk prefix where none is dialled from abroad, perhaps in brackets: +55 (0)11, +351 (0)21.
    found = _read(bare, None)
    if found is None and plan.code and national.startswith("0"):
        found = _read(f"+{plan.code}{national.lstrip('0')}", None)
    if found is None:
        # Plans are extended before the library knows of it; but no number begins with its plan's trunk prefix.
        found = plan.code + national.lstrip("0") if within else digits
    return found if _E164.fullmatch(found) else None


def _complete_in(bare: str, country: str) -> bool:
    """Return whether the digits are certainly a number of the country that includes its code.

    They are if they are too long for one of its national numbers, and have the right length without the code.
    """
    code, lengths, prefix = _plan_of(country)
    return (
        bool(lengths)
        and bare.isascii()
        and bare.isdecimal()
        and bare.startswith(code)
        and len(bare) > max(lengths)
        and len(bare) - len(code) in lengths
        and not (prefix and (inside := prefix.match(bare, len(code))) and inside.end() > len(code))
    )


@cache
def _plan_of(country: str) -> _Plan:
    """Return the numbering plan of a country; _NO_PLAN if unknown."""
    from phonenumbers import PhoneMetadata, country_code_for_region

    metadata = PhoneMetadata.metadata_for_region(country)
    if metadata is None or metadata.general_desc is None:
        return _NO_PLAN
    prefix = metadata.national_prefix_for_parsing
    return _Plan(
        str(country_code_for_region(country)),
        frozenset(metadata.general_desc.possible_length),
        re.compile(prefix) if prefix else None,
    )


@cache
def _plan_of_start(digits: str) -> _Plan:
    """Return the plan of the calling code that at least three digits begin with, as in the code's main country."""
    from phonenumbers import region_code_for_country_code

    # No code is the beginning of another.
    for length in (1, 2, 3) if digits.isascii() and digits.isdecimal() else ():
        plan = _plan_of(region_code_for_country_code(int(digits[:length])))
        if plan.code:
            return plan
    return _NO_PLAN


def _completed(text: str, bare: str, country: str | None) -> str | None:
    """Return the number as the library reads it: dialled in the country, or else with a code of its own."""
    number = _read(text, country)
    if number is None and country and bare.startswith("0"):
        # A trunk prefix in a country that has none, or one too many.
        number = _read(bare.lstrip("0"), country)
    if number is None and bare.isdecimal() and len(bare) >= _SURELY_INTERNATIONAL:
        number = _read(f"+{bare}", None)
    return number


def _read(text: str, country: str | None) -> str | None:
    from phonenumbers import (
        NumberParseException,
        PhoneNumberFormat,
        format_number,
        is_valid_number,
        national_significant_number,
        parse,
    )

    try:
        number = parse(text, country)
    except NumberParseException:
        return None
    digits = format_number(number, PhoneNumberFormat.E164)[1:]
    # Full length is enough: ranges open before the library knows them. Shorter numbers may lack the area code.
    if is_valid_number(number) or (country and len(national_significant_number(number)) == _longest(country)):
        return digits if _E164.fullmatch(digits) else None
    return None


def _longest(country: str) -> int:
    return max(_plan_of(country).lengths, default=0)
