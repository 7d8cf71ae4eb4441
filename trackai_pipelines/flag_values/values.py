"""The texts in which a flag's values are kept, by type.

What belongs here: reading such a text. What does not: which value is served (evaluation).
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

VALUE_TYPES: Mapping[str, type] = {
    "boolean": bool,
    "string": str,
    "integer": int,
    "number": float,
    "json": dict,
}

# Every language that reads JSON reads these exactly.
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,14})")


class JsonText(bytes):
    """A checked JSON object, encoded: each check decodes its own copy, so no caller can change another's value."""

    __slots__ = ()

    def decoded(self) -> dict[str, Any]:
        """Return the object."""
        decoded: dict[str, Any] = msgspec.json.decode(self)
        return decoded


def parsed(value_type: str, text: str) -> Any:
    """Return the value a text stands for; raises ValueError where it is none of the type, as `fits_value_type` in SQL.

    An integer has at most 15 digits, and a number is finite.
    """
    if value_type == "string":
        return text
    wrong = ValueError(f"{text!r} is no {value_type}")
    # White space may stand around an object only.
    if (value_type != "json" and text != text.strip()) or (value_type == "integer" and not _INTEGER.fullmatch(text)):
        raise wrong
    try:
        return msgspec.json.decode(text, type=VALUE_TYPES[value_type])
    # Both of msgspec's errors are ValueErrors.
    except ValueError:
        raise wrong from None
