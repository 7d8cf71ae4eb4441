"""States in words, and as plain data for JSON.

What belongs here: how a state reads. What does not: printing (cli), and what evaluation makes of it (`flag_values`).
"""

from datetime import datetime

from trackai_pipelines.flags.states import WHOLE, State, groups, is_flags

# What `in_words` says anyway; rows are compared as a whole.
_SAID = {"enabled", "rollout_percentage", "killed", "archived", "value", "segments"}


def in_words(state: State | None) -> str:
    """Return a state in a few words, e.g. `on, 10 %`."""
    if state is None:
        return "inherits"
    if state.get("archived"):
        return "archived"
    said = ["killed"] if state["killed"] else []
    if state["enabled"] is not None:
        said.append("on" if state["enabled"] else "off")
    percentage = state["rollout_percentage"]
    # Of a flag that is off, the share says nothing.
    if percentage is not None and state["enabled"] is not False and (percentage != 100 or "value" in state):
        said.append(f"{percentage} %")
    if state.get("value") is not None:
        said.append(f"value {state['value']}")
    if state["enabled"] is not False:
        said.extend(_group_in_words(segment, rows) for segment, rows in groups(state).items() if rows)
    return ", ".join(said) or "inherits"


def difference(before: State | None, after: State | None) -> str:
    """Return a change in words, e.g. `off -> on, 10 %`; fields that the words leave out are named."""
    if before is None and after is not None and is_flags(after):
        return f"new, {in_words(after)}"
    said = f"{in_words(before)} -> {in_words(after)}"
    if before is None or after is None:
        return said
    named = [
        f"{name.replace('_', ' ')} {_plain(before[name])} -> {_plain(after[name])}"
        for name in after
        if name not in _SAID and name != "rollouts" and before.get(name) != after[name]
    ]
    changed = [said] if in_words(before) != in_words(after) else []
    if not changed and (before["rollouts"], before["segments"]) != (after["rollouts"], after["segments"]):
        named.append("its variants or segments")
    return "; ".join([*changed, *named]) or "nothing"


def moment_in_words(at: datetime | None) -> str:
    """Return a moment as people read it; None is the beginning."""
    return "the beginning" if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _group_in_words(segment: str | None, rows: list[State]) -> str:
    said = " / ".join(
        f"{row['variant_key'] or WHOLE} {row['percentage']} %" + ("" if row["active"] else " (inactive)")
        for row in rows
    )
    return f"[{segment}: {said}]" if segment else f"[{said}]"


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value)
