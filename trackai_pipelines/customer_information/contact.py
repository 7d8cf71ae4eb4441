"""E-mail addresses and phone numbers of buyers (`em`, `ph`).

Here: their normal forms and hashes. Not here: names and places (`person`, `place`).
"""

import re
from functools import cache
from hashlib import sha256

from trackai_pipelines.customer_information.hashing import already_hashed

# The characters that group the digits of a phone number; the library handles anything else (letters, other scripts).
_SEPARATORS = str.maketrans("", "", " ()-./\t\u00a0")
# E.164 allows 15 digits with the country code; no country's numbers are shorter than 7 with it.
_E164 = re.compile(r"[1-9][0-9]{6,14}")
# No numbering plan has national numbers of 12 digits or more in common use: so many digits include a country code.
_SURELY_INTERNATIONAL = 12


def normalised_email(value: object) -> str | None:
    """Return the address trimmed and in lower case; None if the value is not an e-mail address."""
    if not isinstance(value, str):
        return None
    address = value.strip().lower()
    # isprintable() is false for control characters, lone surrogates and all white space but the plain space.
    if not address.isprintable() or " " in address:
        return None
    at = address.rfind("@")
    return address if 0 < at < len(address) - 1 else None


def email_hash(value: object) -> str | None:
    """Return the SHA-256 hex of the normalised e-mail address, or the value if it is a hash; None for neither."""
    address = normalised_email(value)
    return sha256(address.encode()).hexdigest() if address else already_hashed(value)


def normalised_phone(value: object, default_country: str | None) -> str | None:
    """Return the number as digits with its country code, ready to be hashed; None if it cannot be completed.

    `default_country` (ISO 3166 alpha-2) completes a number without a country code. Without a default such a number is
    dropped, unless it is long enough to include one.
    """
    text = _phone_text(value)
    if text is None:
        return None
    bare = text.translate(_SEPARATORS)
    if bare.startswith("00"):
        bare = text = f"+{bare[2:]}"
    # "(0)" is a trunk prefix that is not dialled from abroad; the library knows where to drop it.
    if bare.startswith("+") and "(0" not in text and _E164.fullmatch(bare, 1):
        return bare[1:]
    if default_country and _complete_in(bare, default_country.upper()):
        return bare
    return _completed(text, bare, default_country.upper() if default_country else None)


def phone_hash(value: object, default_country: str | None) -> str | None:
    """Return the SHA-256 hex of the normalised phone number, or the value if it is a hash; None for neither."""
    hashed = already_hashed(value)
    if hashed:
        return hashed
    digits = normalised_phone(value, default_country)
    return sha256(digits.encode()).hexdigest() if digits else None


def _phone_text(value: object) -> str | None:
    """Return the phone number as text. Files may hold it as a number; no real one has more than 64 characters."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if 0 < value < 10**15 else None
    if not isinstance(value, str):
        return None
    trimmed = value.strip()
    return trimmed if 0 < len(trimmed) <= 64 else None


def _complete_in(bare: str, country: str) -> bool:
    """Return whether the digits are certainly a number of the country that includes its code.

    They are if they are too long for one of its national numbers, and have the right length without the code.
    """
    code, lengths = _numbering(country)
    return (
        bool(lengths)
        and bare.isascii()
        and bare.isdecimal()
        and bare.startswith(code)
        and len(bare) > max(lengths)
        and len(bare) - len(code) in lengths
    )


@cache
def _numbering(country: str) -> tuple[str, frozenset[int]]:
    """Return the calling code of a country and the lengths of its national numbers; ("", none) if unknown."""
    from phonenumbers import PhoneMetadata, country_code_for_region

    metadata = PhoneMetadata.metadata_for_region(country)
    if metadata is None or metadata.general_desc is None:
        return "", frozenset()
    return str(country_code_for_region(country)), frozenset(metadata.general_desc.possible_length)


def _completed(text: str, bare: str, country: str | None) -> str | None:
    """Return the number as the library reads it: dialled in the country, or else with a code of its own."""
    number = _read(text, country)
    if number is None and bare.isdecimal() and len(bare) >= _SURELY_INTERNATIONAL:
        number = _read(f"+{bare}", None)
    return number


def _read(text: str, country: str | None) -> str | None:
    from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, is_valid_number, parse

    try:
        number = parse(text, country)
    except NumberParseException:
        return None
    digits = format_number(number, PhoneNumberFormat.E164)[1:]
    # Full length is enough: ranges open before the library knows them. Shorter numbers may lack the area code.
    if is_valid_number(number) or (country and len(str(number.national_number)) == _longest(country)):
        return digits if _E164.fullmatch(digits) else None
    return None


def _longest(country: str) -> int:
    return max(_numbering(country)[1], default=0)
