"""Which flags and states are allowed, in words for people.

What belongs here: what is refused when a flag is written. What does not: what a change makes of a state (altering.py),
and the rules of conditions and values themselves (`flag_values`).
"""

import re
from collections.abc import Iterator, Mapping

from trackai_pipelines.errors import ExpectedError
from trackai_pipelines.flag_values.gates import Gate
from trackai_pipelines.flag_values.values import parsed
from trackai_pipelines.flags.states import State, groups

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# As the database has it: every client reads such a number exactly.
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,14})")
_RESERVED = ("on", "off", "override")


class FlagRefusedError(ExpectedError):
    """A change of a flag is not allowed; nothing was changed. The text says why, and what to do."""


def check_key(key: str) -> None:
    """Refuse a key that is none."""
    if not KEY.fullmatch(key):
        raise FlagRefusedError(
            f"{key!r} cannot be a flag's key. A key is 1 to 100 letters, digits, dots, underscores and hyphens, and "
            "begins with a letter or a digit."
        )


def check_state(key: str, state: State, gate: Gate | None) -> None:
    """Refuse a flag's own state that is not allowed."""
    _check_percentage(f"{key}'s percentage", state["rollout_percentage"])
    for name, text in (("off value", state["off_value"]), ("on value", state["on_value"])):
        _check_value(f"{key}'s {name}", state["value_type"], text, gate)
    if state["value_type"] == "boolean" and (state["off_value"], state["on_value"]) != ("false", "true"):
        raise FlagRefusedError(f"{key} is a boolean flag: its values are false and true, and cannot be set.")
    for name in ("salt", "bucket_by"):
        if not state[name]:
            raise FlagRefusedError(f"{key}'s {name.replace('_', ' ')} is empty. Leave it out, or give a text.")
    if gate is not None and gate.timed_by_sale and (state["rollouts"] or state["requires"]):
        raise FlagRefusedError(
            f"{key} is timed by the sale, so it takes no variants, segments or prerequisites: what they answer for a "
            "past sale would change later. Override it for tenants, or set a percentage of tenants."
        )
    _check_rows(key, state["value_type"], state["rollouts"], gate)


def check_override(key: str, state: State, override: State, gate: Gate | None) -> None:
    """Refuse a tenant's state that is not allowed; `state` is the flag's own."""
    if override["rollout_percentage"] is not None:
        _check_percentage("the percentage", override["rollout_percentage"])
    if override["value"] is not None:
        _check_value("the value", state["value_type"], override["value"], gate)
    if gate is not None and gate.timed_by_sale and override["rollouts"]:
        raise FlagRefusedError(f"{key} is timed by the sale, so it takes no variants or segments.")
    _check_rows(key, state["value_type"], override["rollouts"], gate)


def check_requires(key: str, state: State, flags: Mapping[str, State]) -> None:
    """Refuse prerequisites that are no boolean flags, or that lead back to the flag; `flags` are the others' states."""
    for required in state["requires"]:
        other = flags.get(required)
        if required != key and (other is None or other["archived"]):
            raise FlagRefusedError(f"{key} cannot require {required}: there is no such flag.")
        if other is not None and other["value_type"] != "boolean":
            raise FlagRefusedError(f"{key} cannot require {required}, which is not a boolean flag.")
    circle = next(_circles(key, {**flags, key: state}), None)
    if circle:
        raise FlagRefusedError(f"{key} would require itself: {' -> '.join(circle)}. Leave one of them out.")


def _circles(key: str, flags: Mapping[str, State]) -> Iterator[list[str]]:
    paths = [[key]]
    seen = set()
    while paths:
        path = paths.pop()
        for required in flags[path[-1]]["requires"] if path[-1] in flags else ():
            if required == key:
                yield [*path, key]
            elif required not in seen:
                seen.add(required)
                paths.append([*path, required])


def _check_rows(key: str, value_type: str, rows: list[State], gate: Gate | None) -> None:
    for segment, of_group in groups({"rollouts": rows}).items():
        place = f"{key}'s variants for {segment or 'everyone'}"
        variants = [row for row in of_group if row["variant_key"] is not None]
        if variants and len(variants) < len(of_group):
            raise FlagRefusedError(
                f"{place} cannot be there together with a row without a variant. Remove that one (`on`) first."
            )
        for row in of_group:
            _check_percentage(f"the weight of {row['variant_key'] or segment}", row["percentage"])
        for row in variants:
            _check_variant(key, value_type, row["variant_key"], row["variant_value"], gate)
        total = sum(row["percentage"] for row in variants)
        if total > 100:
            raise FlagRefusedError(f"{place} would have weights of {total} % together; at most 100 % are allowed.")


def _check_variant(key: str, value_type: str, variant: str, text: str | None, gate: Gate | None) -> None:
    if variant in _RESERVED or not KEY.fullmatch(variant):
        raise FlagRefusedError(
            f"{variant!r} cannot be the name of a variant: it is made of letters, digits, dots, underscores and"
            f" hyphens, and not {', '.join(_RESERVED[:-1])} or {_RESERVED[-1]}."
        )
    if text is not None:
        _check_value(f"the value of {variant}", value_type, text, gate)
    elif value_type not in ("boolean", "string"):
        raise FlagRefusedError(
            f"The variant {variant} of {key} needs a value: a flag of type {value_type} has no other."
        )


def _check_percentage(what: str, percentage: int) -> None:
    if not 0 <= percentage <= 100:
        raise FlagRefusedError(
            f"{what[0].upper()}{what[1:]} is {percentage}; it has to be a whole number from 0 to 100."
        )


def _check_value(what: str, value_type: str, text: str, gate: Gate | None) -> None:
    try:
        value = parsed(value_type, text)
    except ValueError as error:
        raise FlagRefusedError(f"{what[0].upper()}{what[1:]} is not allowed: {error}.") from None
    if value_type == "integer" and not _INTEGER.fullmatch(text):
        raise FlagRefusedError(f"{what[0].upper()}{what[1:]} is {text!r}; a whole number has at most 15 digits.")
    if value_type != "string" and text != text.strip():
        raise FlagRefusedError(f"{what[0].upper()}{what[1:]} is {text!r}. Leave out the spaces around it.")
    if gate is None:
        return
    if gate.allowed and text not in gate.allowed:
        raise FlagRefusedError(f"{what[0].upper()}{what[1:]} is {text!r}; {gate.key} takes {', '.join(gate.allowed)}.")
    if gate.most and not gate.least <= value <= gate.most:
        raise FlagRefusedError(
            f"{what[0].upper()}{what[1:]} is {text}; {gate.key} takes whole numbers from {gate.least} to {gate.most}."
        )
