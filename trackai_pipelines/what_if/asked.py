"""The values of gates that a what-if asks about, as they are typed: `email_matching=true`.

What belongs here: reading and checking them. What does not: what they would have matched (rates.py).
"""

from collections.abc import Sequence
from typing import Any

from trackai_pipelines.flag_values.gates import GATES


def asked_values(given: Sequence[str]) -> dict[str, Any]:
    """Return the value of each gate in texts of the form KEY=VALUE; the gates are those that matching reads.

    Raises ValueError, with a text for people, for anything else.
    """
    asked: dict[str, Any] = {}
    for text in given:
        key, _, value = text.partition("=")
        if key in asked:
            raise ValueError(f"{key} is given twice; ask about one value at a time")
        asked[key] = _value(key, value)
    return asked


def _value(key: str, value: str) -> int | bool:
    gate = GATES.get(key)
    if gate is None or not gate.timed_by_sale:
        known = " and ".join(gate.key for gate in GATES.values() if gate.timed_by_sale)
        raise ValueError(f"{key} decides no match; {known} do, e.g. email_matching=true")
    if gate.value_type == "boolean":
        if value not in ("true", "false"):
            raise ValueError(f"{key} is true or false, not {value!r}")
        return value == "true"
    if not (value.isascii() and value.isdigit()) or not gate.least <= int(value) <= gate.most:
        raise ValueError(f"{key} is a number from {gate.least} to {gate.most}, not {value!r}")
    return int(value)
