"""Applying a file of flags: what differs from it is changed, and nothing else.

What belongs here: the order in which things are changed. What does not: the form of the file (flag_file.py), and what
is allowed (rules.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from graphlib import CycleError, TopologicalSorter
from typing import Any

from psycopg import Connection

from trackai_pipelines.flag_values.gates import GATES
from trackai_pipelines.flags.changes import ChangeTerms, Proposal, carry_out, propose
from trackai_pipelines.flags.creating import NewFlag, create_flag, describe
from trackai_pipelines.flags.flag_file import FileFlag, FileOverride, FlagFile, rows_of, state_of_flag
from trackai_pipelines.flags.recording import Author
from trackai_pipelines.flags.rules import FlagRefusedError
from trackai_pipelines.flags.scopes import find_flag
from trackai_pipelines.flags.segments import define
from trackai_pipelines.flags.states import INHERITS, State


@dataclass(frozen=True, slots=True)
class Applied:
    """Something that a file changed."""

    what: str
    proposal: Proposal | None
    """None for a segment, and for what a flag is described with."""


def apply_file(
    connection: Connection[Any], file: FlagFile, author: Author, now: datetime, *, reshuffle: bool
) -> list[Applied]:
    """Make flags, segments and overrides what the file says; return what changed. The caller holds the lock.

    Applying a file twice changes nothing the second time. Flags that it does not name stay as they are. Raises
    FlagRefusedError, and then nothing may stay of it: the caller rolls back.
    """
    return list(_changes(connection, file, author, ChangeTerms(now=now, reason=author.reason, reshuffle=reshuffle)))


def _changes(connection: Connection[Any], file: FlagFile, author: Author, terms: ChangeTerms) -> Iterator[Applied]:
    for segment in file.segments:
        if define(connection, segment.name, segment.kind, segment.asks, author, terms.now).changed:
            yield Applied(f"segment {segment.name}", None)
    for flag in _in_order(file):
        # Of a flag that is new nobody has another variant yet.
        is_new = find_flag(connection, flag.key) is None
        yield from _flag(connection, flag, author, terms)
        for slug, override in flag.overrides.items():
            of_tenant = replace(terms, until=override.until if override else None, reshuffle=terms.reshuffle or is_new)
            yield from _override(connection, flag.key, slug, override, author, of_tenant)


def _in_order(file: FlagFile) -> Iterator[FileFlag]:
    """Yield the flags so that one comes after those that it requires."""
    by_key = {flag.key: flag for flag in file.flags}
    if len(by_key) < len(file.flags):
        raise FlagRefusedError("The file names a flag twice.")
    try:
        order = TopologicalSorter({flag.key: flag.requires for flag in file.flags}).static_order()
        yield from [by_key[key] for key in order if key in by_key]
    except CycleError as error:
        raise FlagRefusedError(f"Flags of the file require one another: {' -> '.join(error.args[1])}.") from None


def _flag(connection: Connection[Any], flag: FileFlag, author: Author, terms: ChangeTerms) -> Iterator[Applied]:
    described = {
        "name": flag.name,
        "description": flag.description,
        "category": flag.category,
        "owner_email": flag.owner_email,
        "permanent": flag.permanent,
        "track_exposures": flag.track_exposures,
        "expires_on": flag.expires_on,
    }
    known = find_flag(connection, flag.key)
    if known is None and flag.key not in GATES:
        del described["name"], described["category"]
        new = NewFlag(flag.key, flag.name, flag.category, flag.value_type, state_of_flag(flag), described)
        proposal, _ = create_flag(connection, new, author, terms.now)
        yield Applied(flag.key, proposal)
        return
    if known is not None and known.state["value_type"] != flag.value_type:
        raise FlagRefusedError(
            f"{flag.key} is of type {known.state['value_type']} here and of type {flag.value_type} in the file. The "
            "type of a flag never changes: use another key."
        )

    def as_in_the_file(state: State) -> State:
        return {**state, **state_of_flag(flag)}

    proposal = propose(connection, flag.key, as_in_the_file, terms)
    carry_out(connection, proposal, author)
    if proposal.records:
        yield Applied(flag.key, proposal)
    # A gate that is as it is built in has no row to be described.
    if proposal.records or known is not None:
        changed = describe(connection, flag.key, described, author, terms.now)
        if changed:
            yield Applied(f"{flag.key}: {', '.join(changed)}", None)


def _override(
    connection: Connection[Any],
    key: str,
    slug: str,
    override: FileOverride | None,
    author: Author,
    terms: ChangeTerms,
) -> Iterator[Applied]:
    said = {} if override is None else {
        "enabled": override.enabled,
        "rollout_percentage": override.rollout_percentage,
        "value": override.value,
        "rollouts": rows_of(override.rollouts),
    }  # fmt: skip

    def as_in_the_file(state: State) -> State:
        return {**INHERITS, **said, "killed": state["killed"]}

    proposal = propose(connection, key, as_in_the_file, terms, tenant=slug)
    carry_out(connection, proposal, author)
    if proposal.records:
        yield Applied(f"{key} at {slug}", proposal)
