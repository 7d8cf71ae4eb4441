"""Text as people type it, normalised before it is compared or hashed.

Here: case, accents, punctuation and white space of any script. Not here: what a text means (`person`, `place`).
"""

import unicodedata
from decimal import Decimal
from math import isfinite


def plain(value: object) -> str:
    """Return the value as trimmed lower-case text in composed Unicode form; "" unless it is text or a whole number.

    One letter with an accent has two spellings in Unicode, which look alike and hash differently.
    """
    if isinstance(value, float | Decimal) and isfinite(value) and -(2**53) < value < 2**53 and value == int(value):
        # A column of numbers with gaps becomes a column of floats in many programs.
        return str(int(value))
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 2**63 else ""
    if not isinstance(value, str):
        return ""
    return unicodedata.normalize("NFC", value.strip().lower())


def without_punctuation(text: str) -> str:
    """Return letters with their accents, digits, and single spaces between words; "" if there is no letter or digit."""
    if text.isalpha():
        return text
    kept = "".join(character for character in text if character.isspace() or _is_of_a_word(character))
    return " ".join(kept.split()) if any(map(str.isalnum, kept)) else ""


def key(text: str) -> str:
    """Return the text as a key of a table: its letters without accents; `Sao Paulo` and `São Paulo` have one key."""
    return "".join(filter(str.isalpha, unicodedata.normalize("NFD", text)))


def _is_of_a_word(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN"
