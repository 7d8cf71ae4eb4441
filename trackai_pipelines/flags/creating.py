"""New flags, and what flags are described with.

What belongs here: rows of flags apart from their state. What does not: changes of the state (changes.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from trackai_pipelines.database.statements import statement
from trackai_pipelines.flag_values.gates import GATES
from trackai_pipelines.flags.changes import Proposal, carry_out
from trackai_pipelines.flags.recording import Author
from trackai_pipelines.flags.rules import FlagRefusedError, check_key, check_requires, check_state
from trackai_pipelines.flags.scopes import find_flag, present_states, segment_definitions, the_flag
from trackai_pipelines.flags.states import State, normal

# By type: what is served while it is off and while it is on.
_VALUES = {
    "boolean": ("false", "true"),
    "string": ("", ""),
    "integer": ("0", "0"),
    "number": ("0", "0"),
    "json": ("{}", "{}"),
}
_LONGEST_TEXT = 255


@dataclass(frozen=True, slots=True)
class NewFlag:
    """A flag to be created."""

    key: str
    name: str
    category: str
    value_type: str
    state: Mapping[str, Any]
    """What its state says that differs from one that is off."""
    described: Mapping[str, Any]


def first_state(key: str, value_type: str) -> State:
    """Return the state of a flag that is new: off, for everyone who asks."""
    off_value, on_value = _VALUES[value_type]
    return {
        "value_type": value_type,
        "off_value": off_value,
        "on_value": on_value,
        "bucket_by": "targetingKey",
        "salt": key,
        "enabled": False,
        "rollout_percentage": 100,
        "killed": False,
        "client_visible": True,
        "archived": False,
        "rollouts": [],
        "segments": {},
        "requires": [],
    }


def create_flag(
    connection: Connection[Any], flag: NewFlag, author: Author, now: datetime
) -> tuple[Proposal, list[int]]:
    """Create a flag; its first state is in force from the beginning. The caller holds the lock (`recording.writing`).

    Raises FlagRefusedError.
    """
    check_key(flag.key)
    if flag.key in GATES:
        raise FlagRefusedError(
            f"{flag.key} is a gate of the pipeline, and there already. Change it by `trackai flags set`."
        )
    (used,) = connection.execute(statement("flags/key_was_used"), {"key": flag.key}).fetchone() or (False,)
    if used:
        present = find_flag(connection, flag.key)
        there = present is not None and present.archived_at is None
        raise FlagRefusedError(
            f"There is a flag {flag.key} already. Change it by `trackai flags set`."
            if there
            else f"{flag.key} was a flag before, and code that still asks for it would get this one. Use another key."
        )
    check_described({"name": flag.name, **flag.described})
    state = normal({**first_state(flag.key, flag.value_type), **flag.state}, segment_definitions(connection))
    assert state is not None
    check_state(flag.key, state, None)
    check_requires(flag.key, state, present_states(connection, now))
    given = {"key": flag.key, "name": flag.name, "category": flag.category, "now": now, "by": author.by, **state}
    connection.execute(statement("flags/insert_flag"), given)
    made = the_flag(connection, flag.key)
    if flag.described:
        _write_described(connection, made.id, flag.described, by=author.by, now=now)
    proposal = Proposal(made, None, (), None, state, ((None, state),), (), False, now, now)
    return proposal, carry_out(connection, proposal, author)


def describe(
    connection: Connection[Any], key: str, described: Mapping[str, Any], author: Author, now: datetime
) -> list[str]:
    """Change what a flag is described with; return the names of what changed. The caller holds the lock.

    One row of the audit log and no version: evaluation reads nothing of it. Raises FlagRefusedError.
    """
    flag = the_flag(connection, key)
    check_described(described)
    if flag.gate is not None and described.get("permanent") is False:
        raise FlagRefusedError(f"{key} is a gate of the pipeline: it stays.")
    before = {name: getattr(flag, name) for name in described}
    changed = {name: value for name, value in described.items() if value != before[name]}
    if changed:
        _write_described(connection, flag.id, changed, by=author.by, now=now)
        given = {
            "flag_id": flag.id,
            "key": key,
            "before": Jsonb({name: _plain(before[name]) for name in changed}),
            "after": Jsonb({name: _plain(value) for name, value in changed.items()}),
            "by": author.by,
            "reason": author.reason,
            "ip": author.ip,
            "now": now,
        }
        connection.execute(statement("flags/note_change"), given)
    return list(changed)


def check_described(described: Mapping[str, Any]) -> None:
    """Refuse texts that are too long, or empty."""
    for name in ("name", "owner_email"):
        text = described.get(name)
        if text is not None and not 1 <= len(text) <= _LONGEST_TEXT:
            raise FlagRefusedError(
                f"{name.replace('_', ' ').capitalize()} has to have 1 to {_LONGEST_TEXT} characters."
            )


def _write_described(
    connection: Connection[Any], flag_id: int, described: Mapping[str, Any], *, by: str, now: datetime
) -> None:
    plain = Jsonb({name: _plain(value) for name, value in described.items()})
    connection.execute(statement("flags/describe_flag"), {"flag_id": flag_id, "described": plain, "by": by, "now": now})


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
