"""What the options of commands make of a state.

What belongs here: functions that return how a state is altered. What does not: the options themselves (cli), and which
states are allowed (rules.py).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from trackai_pipelines.flag_values.gates import Gate
from trackai_pipelines.flags.changes import Alter
from trackai_pipelines.flags.history import ScopeVersion
from trackai_pipelines.flags.rules import FlagRefusedError
from trackai_pipelines.flags.states import INHERITS, WHOLE, State, with_row, without_row


def set_fields(fields: Mapping[str, Any], *, requires: Sequence[str] = (), no_requires: Sequence[str] = ()) -> Alter:
    """Return how a flag's own state is altered: fields by name, and prerequisites added and removed."""

    def alter(state: State) -> State:
        needed = ({*state["requires"]} - {*no_requires}) | {*requires}
        return {**state, **fields, "requires": sorted(needed)}

    return alter


def back_to(versions: Sequence[ScopeVersion], number: int, *, tenant: bool) -> Alter:
    """Return how a state becomes what it was in a version; whether it is killed stays as it is."""
    found = next((one for one in versions if one.id == number), None)
    if found is None:
        known = ", ".join(str(one.id) for one in versions[-10:]) or "none"
        raise FlagRefusedError(f"There is no version {number} of this flag here. The newest: {known}.")
    if found.state is None and not tenant:
        raise FlagRefusedError(f"Version {number} says that the flag was deleted; nothing goes back to that.")
    state = found.state or INHERITS
    return lambda present: {**state, "killed": present["killed"]}


def change_row(
    variant: str,
    segment: str | None,
    *,
    weight: int | None,
    value: str | None,
    active: bool | None,
    position: int | None,
    remove: bool,
) -> Alter:
    """Return how a variant, or a segment's only row, is added, changed or removed."""

    def alter(state: State) -> State:
        try:
            if remove:
                return without_row(state, segment, variant)
            return with_row(state, segment, variant, weight=weight, value=value, active=active, position=position)
        except KeyError:
            place = f"for {segment}" if segment else "for everyone"
            raise FlagRefusedError(
                f"There is no variant {variant} {place} yet."
                + ("" if remove else " Give it a --weight: its share in per cent.")
            ) from None

    if variant == WHOLE and segment is None:
        raise FlagRefusedError(
            f"{WHOLE!r} is what a flag without variants serves: its share is `trackai flags set KEY --percentage`. "
            "With --segment it is the share of a segment."
        )
    return alter


def override_with(
    *,
    on: bool | None,
    value: str | None,
    percentage: int | None,
    gate: Gate | None,
    by_tenant: bool,
) -> Alter:
    """Return how a tenant's override is altered.

    Where the unit is the tenant, on means 100 % unless a percentage is given; and so does a gate's value.
    """

    def alter(state: State) -> State:
        said: dict[str, Any] = {"enabled": on, "value": value, "rollout_percentage": percentage}
        if value is not None and gate is not None and on is None:
            said["enabled"] = True
        if said["enabled"] and percentage is None and by_tenant:
            said["rollout_percentage"] = 100
        return {**state, **{name: given for name, given in said.items() if given is not None}}

    return alter
