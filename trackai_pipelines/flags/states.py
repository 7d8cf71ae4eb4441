"""States of flags and of tenants' overrides, as data, and what a change makes of them.

A state is what `trackai.flag_state` and `trackai.override_state` return: all that evaluation reads. What belongs here:
pure functions from state to state. What does not: which states are allowed (rules.py), reading and writing them
(recording.py).
"""

import json
from collections.abc import Mapping
from typing import Any

State = dict[str, Any]

INHERITS: State = {
    "enabled": None,
    "rollout_percentage": None,
    "value": None,
    "killed": None,
    "rollouts": [],
    "segments": {},
}
"""The state of a tenant that inherits everything; as a version's state it is null."""

WHOLE = "on"
"""Names the row of a segment that has no variants."""

_TOGGLED = {"enabled", "killed"}


def normal(state: State | None, segments: Mapping[str, Any]) -> State | None:
    """Return the state in the one form that equal states have: rows numbered, segments as they are defined now.

    `segments` are kind and condition by name. A tenant's state that says nothing is None.
    """
    if state is None:
        return None
    rows = [row | {"position": place} for place, row in enumerate(state["rollouts"])]
    named = sorted({row["user_segment"] for row in rows} - {None})
    made = state | {"rollouts": rows, "segments": {name: segments[name] for name in named}}
    if is_flags(state):
        return made | {"requires": sorted(state["requires"])}
    if not has_columns(state):
        return INHERITS | {"rollouts": rows, "segments": made["segments"]} if rows else None
    return made | {"killed": bool(state["killed"])}


def same(one: object, other: object) -> bool:
    """Return whether two values are the same JSON; to Python, true is 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def is_flags(state: State) -> bool:
    """Return whether it is the state of a flag, and not a tenant's."""
    return "value_type" in state


def has_columns(override: State) -> bool:
    """Return whether a tenant's state says anything but rollouts; only then there is an override."""
    return bool(override["killed"]) or any(
        override[name] is not None for name in ("enabled", "rollout_percentage", "value")
    )


def served(state: State, override: State | None) -> State:
    """Return the flag's state as it applies to a tenant: what the override says wins."""
    if override is None:
        return state
    said = {name: override[name] for name in ("enabled", "rollout_percentage") if override[name] is not None}
    own = {name: override[name] for name in ("rollouts", "segments")} if override["rollouts"] else {}
    return state | said | own | {"killed": bool(state["killed"] or override["killed"]), "value": override["value"]}


def action_of(before: State | None, after: State | None) -> str:
    """Return what the audit log calls the change: TOGGLE, UPDATE, CREATE or DELETE."""
    if not is_flags(before or after or INHERITS):
        before, after = before or INHERITS, after or INHERITS
        if has_columns(before) and not has_columns(after):
            return "DELETE"
    if before is None:
        return "CREATE"
    if after is None or (after.get("archived") and not before["archived"]):
        return "DELETE"
    changed = {name for name in after if after[name] != before[name]}
    # A switch that is off says what one that is not there says.
    if not before["killed"] and not after["killed"]:
        changed.discard("killed")
    return "TOGGLE" if changed and changed <= _TOGGLED else "UPDATE"


def inherit(state: State) -> State:
    """Return the state of a tenant without its override; rollouts of its own stay."""
    return INHERITS | {name: state[name] for name in ("rollouts", "segments")}


def with_row(
    state: State,
    segment: str | None,
    variant: str,
    *,
    weight: int | None = None,
    value: str | None = None,
    active: bool | None = None,
    position: int | None = None,
) -> State:
    """Return the state with a variant, or a segment's only row (`WHOLE`), added or changed; None keeps what there is.

    A new row is active, and the last unless `position` (from 0) says otherwise. Raises KeyError where a new row has no
    weight.
    """
    key = None if variant == WHOLE else variant
    rows = list(state["rollouts"])
    place = _place(rows, segment, key)
    given = {"percentage": weight, "variant_value": value, "active": active}
    changes = {name: said for name, said in given.items() if said is not None}
    if place is None:
        if weight is None:
            raise KeyError(variant)
        row = {"user_segment": segment, "variant_key": key, "variant_value": None, "active": True, **changes}
        place = len(rows)
    else:
        row = rows.pop(place) | changes
    rows.insert(place if position is None else position, row)
    return state | {"rollouts": rows}


def without_row(state: State, segment: str | None, variant: str) -> State:
    """Return the state without that row. Raises KeyError where there is none."""
    rows = list(state["rollouts"])
    place = _place(rows, segment, None if variant == WHOLE else variant)
    if place is None:
        raise KeyError(variant)
    del rows[place]
    return state | {"rollouts": rows}


def groups(state: State) -> dict[str | None, list[State]]:
    """Return the rows by segment: groups in the order of their first row, everyone (None) last and always there."""
    found: dict[str | None, list[State]] = {}
    for row in state["rollouts"]:
        found.setdefault(row["user_segment"], []).append(row)
    everyone = found.pop(None, [])
    return {**found, None: everyone}


def is_split(state: State) -> bool:
    """Return whether a bucket decides for somebody."""
    return any(
        any(row["variant_key"] is not None for row in rows) or 0 < _share(state, segment, rows) < 100
        for segment, rows in groups(state).items()
    )


def moves_users(before: State, after: State) -> bool:
    """Return whether weights, order, salt or unit change where buckets decide: users then get other variants.

    Both are states as served. Percentages, switches and inactive variants move nobody but their own, and a variant
    that is added behind the others takes from nobody.
    """
    if not before["enabled"] or before["killed"] or not is_split(before):
        return False
    if any(before[name] != after[name] for name in ("salt", "bucket_by")):
        return True
    now = groups(after)
    for segment, rows in groups(before).items():
        weights = [(row["variant_key"], row["percentage"]) for row in rows if row["variant_key"] is not None]
        later = [(row["variant_key"], row["percentage"]) for row in now.get(segment, [])]
        if weights and later[: len(weights)] != weights:
            return True
    return False


def _place(rows: list[State], segment: str | None, key: str | None) -> int | None:
    places = [n for n, row in enumerate(rows) if (row["user_segment"], row["variant_key"]) == (segment, key)]
    return places[0] if places else None


def _share(state: State, segment: str | None, rows: list[State]) -> int:
    return int(state["rollout_percentage"] if segment is None else rows[0]["percentage"])
