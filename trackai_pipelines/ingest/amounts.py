"""Amounts: from what producers write for a number to a Decimal.

What belongs here: decimal signs, groups of digits. What does not: what binary fractions make of a
decimal (`floats`), which amounts a row may have (`fields.amount_of`), and which decimal sign a file has (`dialects`).
"""

import re
from decimal import Decimal, InvalidOperation
from typing import Literal

from trackai_pipelines.ingest.fields import kind_of_value, shown
from trackai_pipelines.ingest.outcomes import Refused

Sign = Literal["", ".", ","]
"""The decimal sign of a file. "" stands for the plain notation, where only groups that leave no doubt are read."""

_GROUPING = {".": ",", ",": "."}
# Spaces of all kinds and apostrophes between groups of three digits; they are a decimal sign nowhere.
_SPACED = re.compile(r"[+-]?[0-9]{1,3}(?:[ \u00a0\u2009\u202f'\u2019][0-9]{3})+(?:[.,][0-9]+)?")
_SPACES = re.compile(r"[ \u00a0\u2009\u202f'\u2019]")
_DIGITS_AND_SIGNS = re.compile(r"[+-]?[0-9.,]*[0-9][0-9.,]*")
_GROUPED = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]*)?")
# What a spreadsheet shows of a number that is too long for its column. Decimals of Python are written 1.5E+2.
_SHORTENED = re.compile(r"[+-]?[0-9][.,][0-9]+E\+[0-9]{2,3}")
_GROUP = 3


def number_of(value: object, name: str, sign: Sign = "") -> Decimal:
    """Return an amount as a number; its bounds are `fields.amount_of`'s. Raises Refused."""
    try:
        if isinstance(value, Decimal):
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return Decimal(value)
        if isinstance(value, float):
            return Decimal(repr(value))
        if isinstance(value, str):
            if sign == ",":
                return _number_of_text(value.strip(), name, sign)
            if "E+" in value:
                _refuse_shortened(value.strip(), name)
            return Decimal(value.strip())
    except InvalidOperation:
        return _number_of_text(str(value).strip(), name, sign)
    raise Refused(f"{name} is {kind_of_value(value)}; expected a number such as 129.90")


def decimal_sign(text: str) -> Literal["", ".", ",", "?.", "?,"]:
    """Return which decimal sign a number must have been written with, "" where any fits.

    Groups and decimals look alike in 1.299 ("?.") and 1,299 ("?,").
    """
    text = _without_spaces(text.strip()).lstrip("+-")
    if not _DIGITS_AND_SIGNS.fullmatch(text):
        return ""
    last: Sign = "." if text.rfind(".") > text.rfind(",") else "," if "," in text else ""
    if not last:
        return ""
    other: Sign = "," if last == "." else "."
    if other in text:
        return last if text.count(last) == 1 else ""
    if text.count(last) > 1:
        return other
    before, _, after = text.partition(last)
    is_a_group = len(after) == _GROUP and 1 <= len(before) <= _GROUP and before[0] != "0"
    if not is_a_group:
        return last
    return "?." if last == "." else "?,"


def _number_of_text(text: str, name: str, sign: Sign) -> Decimal:
    _refuse_shortened(text, name)
    known = sign or ("." if decimal_sign(text) == "." else "")
    try:
        if not known:
            raise InvalidOperation
        plain = _without_spaces(text)
        grouping = _GROUPING[known]
        if grouping in plain:
            # As if the decimal sign were a point.
            plain = plain if known == "." else plain.translate(_SWAPPED)
            if not _GROUPED.fullmatch(plain):
                raise InvalidOperation
            return Decimal(plain.replace(",", ""))
        return Decimal(plain.replace(known, "."))
    except InvalidOperation as error:
        expected = "129,90: the file's decimal sign is the comma" if sign == "," else "129.90"
        raise Refused(f"{name} {shown(text)} is not a number; expected e.g. {expected}") from error


_SWAPPED = str.maketrans(".,", ",.")


def _without_spaces(text: str) -> str:
    return _SPACES.sub("", text) if _SPACED.fullmatch(text) else text


def _refuse_shortened(text: str, name: str) -> None:
    if _SHORTENED.fullmatch(text):
        raise Refused(f"{name} {text} is in a spreadsheet's scientific notation and has lost its digits")
