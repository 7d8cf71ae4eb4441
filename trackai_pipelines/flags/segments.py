"""Segments: named groups of users. A condition that changes is a change of every flag that uses it.

What belongs here: defining and deleting them. What does not: their members, which come in files or are computed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import dropwhile
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from trackai_pipelines.database.statements import statement
from trackai_pipelines.flag_values.conditions import check
from trackai_pipelines.flags.changes import Proposal, carry_out
from trackai_pipelines.flags.history import planned, state_at
from trackai_pipelines.flags.recording import Author
from trackai_pipelines.flags.rules import FlagRefusedError
from trackai_pipelines.flags.scopes import segment_definitions, the_flag, the_tenant, versions_of
from trackai_pipelines.flags.states import normal, same

_LONGEST_NAME = 100
_MOST_DAYS = 365
_OF_CONVERSIONS = ("min_conversions", "min_value", "currency", "within_days", "campaign_id", "only_matched")


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment as it is defined now."""

    name: str
    kind: str
    condition: Mapping[str, Any] | None
    definition: Mapping[str, Any] | None
    updated_at: datetime
    updated_by: str | None
    members: int


@dataclass(frozen=True, slots=True)
class Defined:
    """What came of defining a segment."""

    changed: bool
    versions: tuple[int, ...] = ()
    """Of the flags that use it."""


def find_segment(connection: Connection[Any], name: str) -> Segment | None:
    """Return a segment by its name."""
    with connection.cursor(row_factory=class_row(Segment)) as cursor:
        return cursor.execute(statement("flags/find_segment"), {"name": name}).fetchone()


def scopes_of(connection: Connection[Any], name: str, now: datetime) -> Sequence[tuple[str, str | None]]:
    """Return the flags that use a segment, each with the slug of a tenant whose own rows do, or None."""
    return connection.execute(statement("flags/scopes_of_segment"), {"name": name, "now": now}).fetchall()


def define(
    connection: Connection[Any],
    name: str,
    kind: str,
    definition: Mapping[str, Any] | None,
    author: Author,
    now: datetime,
) -> Defined:
    """Define a segment: `attribute` with a condition, `list`, or `conversions` with what its members have bought.

    What is planned for flags that use it stays planned. The caller holds the lock (`recording.writing`). Raises
    FlagRefusedError.
    """
    _check(name, kind, definition)
    known = find_segment(connection, name)
    if known is not None and known.kind != kind:
        raise FlagRefusedError(f"The segment {name} is of kind {known.kind}, and stays so. Define another one.")
    if known is not None and same(known.condition or known.definition, definition):
        return Defined(changed=False)
    given = Jsonb(definition) if definition is not None else None
    written = {
        "name": name,
        "kind": kind,
        "condition": given if kind == "attribute" else None,
        "definition": given if kind == "conversions" else None,
        "now": now,
        "by": author.by,
    }
    connection.execute(statement("flags/write_segment"), written)
    versions: list[int] = []
    # Members are not part of a state, and neither is what decides who is one.
    for key, slug in scopes_of(connection, name, now) if kind == "attribute" else ():
        versions += carry_out(connection, _refreshed(connection, key, slug, name, now), author)
    return Defined(changed=True, versions=tuple(versions))


def delete(connection: Connection[Any], name: str, now: datetime) -> None:
    """Delete a segment and its members. The caller holds the lock. Raises FlagRefusedError where a flag uses it."""
    if find_segment(connection, name) is None:
        raise FlagRefusedError(f"There is no segment {name}.")
    used = scopes_of(connection, name, now)
    if used:
        key, slug = used[0]
        raise FlagRefusedError(
            f"The segment {name} is in use by {', '.join(sorted({key for key, _ in used}))}. Remove it there first: "
            f"`trackai flags show {key}` shows the rows{f', those of {slug} included' if slug else ''}."
        )
    connection.execute(statement("flags/delete_segment"), {"name": name})


def _refreshed(connection: Connection[Any], key: str, slug: str | None, name: str, now: datetime) -> Proposal:
    """Return the change that gives the states of a scope, planned ones included, the segments as they are now."""
    flag, tenant = the_flag(connection, key), the_tenant(connection, slug) if slug else None
    versions = versions_of(connection, flag.id, tenant.id if tenant else None)
    segments = segment_definitions(connection)
    present = state_at(versions, now)
    states = [(now, present), *((one.effective_from, one.state) for one in planned(versions, now))]
    # A state that is recorded again undoes the plans behind it, so those are recorded again, too.
    changed = dropwhile(lambda one: name not in (one[1] or {}).get("segments", {}), states)
    records = tuple((start, normal(state, segments)) for start, state in changed)
    return Proposal(flag, tenant, versions, present, present, records, (), False, now, now)


def _check(name: str, kind: str, definition: Mapping[str, Any] | None) -> None:
    if not 1 <= len(name) <= _LONGEST_NAME:
        raise FlagRefusedError(f"The name of a segment has 1 to {_LONGEST_NAME} characters.")
    if kind == "attribute":
        try:
            check(definition)
        except ValueError as error:
            raise FlagRefusedError(f"The condition of {name} is not allowed: {error}.") from None
    if kind == "conversions":
        _check_conversions(name, definition or {})


def _check_conversions(name: str, definition: Mapping[str, Any]) -> None:
    unknown = sorted(definition.keys() - {*_OF_CONVERSIONS})
    if unknown:
        raise FlagRefusedError(
            f"The segment {name} cannot ask for {unknown[0]}; it takes {', '.join(_OF_CONVERSIONS)}."
        )
    days = definition.get("within_days", 0)
    if not _is_whole(days) or not 1 <= days <= _MOST_DAYS:
        raise FlagRefusedError(f"The segment {name} needs within_days, a whole number from 1 to {_MOST_DAYS}.")
    least = definition.get("min_conversions", 1)
    if not _is_whole(least) or least < 1:
        raise FlagRefusedError(f"min_conversions of {name} has to be a whole number from 1 on.")
    if "min_value" in definition and "min_conversions" in definition:
        raise FlagRefusedError(f"The segment {name} asks for min_conversions or min_value, not for both.")
    if ("min_value" in definition) != ("currency" in definition):
        raise FlagRefusedError(f"min_value of {name} is of one currency: give both, or neither.")
    if "min_value" in definition and not (_is_number(definition["min_value"]) and definition["min_value"] > 0):
        raise FlagRefusedError(f"min_value of {name} has to be a number above 0.")
    if not isinstance(definition.get("only_matched", False), bool):
        raise FlagRefusedError(f"only_matched of {name} has to be true or false.")
    for text in ("currency", "campaign_id"):
        if text in definition and not (isinstance(definition[text], str) and definition[text]):
            raise FlagRefusedError(f"{text} of {name} has to be a text.")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
