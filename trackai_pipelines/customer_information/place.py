"""Where a buyer lives (`ct`, `st`, `zp`, `country`).

Here: the normal forms, ready to be hashed; names become codes first, because hashes cannot be compared by meaning. Not
here: the tables of names and codes (`codes`).
"""

import re

from trackai_pipelines.customer_information.codes import BRAZILIAN_STATES, COUNTRIES, COUNTRY_NAMES, US_STATES
from trackai_pipelines.customer_information.text import key, plain, without_punctuation

# ISO 3166-2, such as BR-SP.
_SUBDIVISION = re.compile(r"(br|us)-([a-z]{2})")
# ZIP+4, which is written only in the United States.
_ZIP_PLUS_FOUR = re.compile(r"[0-9]{5}-[0-9]{4}")
_STATES = {"br": BRAZILIAN_STATES, "us": US_STATES, None: US_STATES | BRAZILIAN_STATES}


def normalised_country(value: object) -> str | None:
    """Return the ISO 3166 alpha-2 code in lower case, from a code or a common name; None for anything else."""
    name = key(plain(value))
    return name if name in COUNTRIES else COUNTRY_NAMES.get(name)


def normalised_city(value: object) -> str | None:
    """Return the name in lower case without punctuation and spaces; accents stay."""
    return without_punctuation(plain(value)).replace(" ", "") or None


def normalised_state(value: object, country: str | None) -> str | None:
    """Return the two-letter code of a Brazilian or US state, else the name without punctuation and spaces.

    `country` is the alpha-2 code of the state's country. Names become codes only in these two countries, and where the
    country is unknown: Colombia has an Amazonas, too.
    """
    text = plain(value)
    subdivision = _SUBDIVISION.fullmatch(text)
    if subdivision:
        return subdivision[2]
    code = _STATES.get(country, {}).get(key(text))
    return code or without_punctuation(text).replace(" ", "") or None


def normalised_postal_code(value: object, country: str | None) -> str | None:
    """Return the code in lower case without spaces, dashes and dots; in the United States its first five digits."""
    text = plain(value)
    code = without_punctuation(text).replace(" ", "")
    if country == "us" or (country is None and _ZIP_PLUS_FOUR.fullmatch(text)):
        # As a number it has lost its leading zeros.
        return code[:5].zfill(5) if code.isascii() and code.isdecimal() else None
    return code or None
