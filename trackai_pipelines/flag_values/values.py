"""The texts in which a flag's values are kept, by type.

What belongs here: reading such a text. What does not: which value is served (evaluation).
"""

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


class JsonText(bytes):
    """A checked JSON object, encoded: each check decodes its own copy, so no caller can change another's value."""

    __slots__ = ()

    def decoded(self) -> dict[str, Any]:
        """Return the object."""
        decoded: dict[str, Any] = msgspec.json.decode(self)
        return decoded


def parsed(value_type: str, text: str) -> Any:
    """Return the value a text stands for; raises ValueError where it is none of the type. A number is finite."""
    if value_type == "string":
        return text
    try:
        return msgspec.json.decode(text, type=VALUE_TYPES[value_type])
    except (msgspec.DecodeError, UnicodeEncodeError):
        raise ValueError(f"{text!r} is no {value_type}") from None
