"""Versions of a scope, which is a flag or a flag at a tenant: which one is in force, and what a new one undoes.

In force at a moment is, of the versions that are effective by then, the one with the highest id. What belongs here:
that rule, and what follows from it, over versions in memory. What does not: the database's own form of the rule (view
feature_flag_periods), reading versions (scopes.py) and recording them (recording.py).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from trackai_pipelines.flags.states import State, is_flags


@dataclass(frozen=True, slots=True)
class ScopeVersion:
    """A recorded state of a scope."""

    id: int
    effective_from: datetime | None
    """None: from the beginning."""
    recorded_at: datetime
    state: State | None
    """None: a tenant inherits everything, or the flag was deleted."""

    def effective_by(self, at: datetime) -> bool:
        """Return whether it is effective at a moment, unless a later version is."""
        return self.effective_from is None or self.effective_from <= at


@dataclass(frozen=True, slots=True)
class VersionPeriod:
    """From when until when a version is in force; None is the beginning, or no end."""

    version: ScopeVersion
    start: datetime | None
    end: datetime | None


def in_force(versions: Iterable[ScopeVersion], at: datetime) -> ScopeVersion | None:
    """Return the version in force at a moment; None where there is none yet."""
    return max((one for one in versions if one.effective_by(at)), key=lambda one: one.id, default=None)


def state_at(versions: Iterable[ScopeVersion], at: datetime) -> State | None:
    """Return the state in force at a moment."""
    found = in_force(versions, at)
    return found.state if found else None


def periods(versions: Iterable[ScopeVersion]) -> list[VersionPeriod]:
    """Return when each version is in force, in order of time; those that never are have no period."""
    found: list[VersionPeriod] = []
    for one in sorted(versions, key=lambda one: one.id, reverse=True):
        end = found[-1].start if found else None
        if found and (end is None or (one.effective_from is not None and one.effective_from >= end)):
            continue
        found.append(VersionPeriod(one, one.effective_from, end))
    return found[::-1]


def planned(versions: Iterable[ScopeVersion], now: datetime, *, since: datetime | None = None) -> list[ScopeVersion]:
    """Return the versions that will come into force after `now`, and not before `since`, unless something changes."""
    return [
        one.version
        for one in periods(versions)
        if one.start is not None and one.start > now and (since is None or one.start >= since)
    ]


def killed_from(versions: Sequence[ScopeVersion], now: datetime) -> ScopeVersion | None:
    """Return the version that killed the scope, where it is killed now."""
    present = in_force(versions, now)
    if present is None or not _killed(present):
        return None
    known = sorted((one for one in versions if one.id <= present.id), key=lambda one: one.id, reverse=True)
    kill = present
    for one in known:
        if not _killed(one):
            break
        kill = one
    return kill


def lifted(versions: Sequence[ScopeVersion], now: datetime) -> list[tuple[datetime | None, State | None]]:
    """Return the states that lifting the kill records, each with the moment it is effective from, in order.

    They are the periods from before the kill, then what was changed while it lasted. Plans are left out: what was
    planned at the kill, and what still lies ahead. Empty where nothing is killed.
    """
    kill = killed_from(versions, now)
    if kill is None:
        return []
    before = [one for one in versions if one.id < kill.id and one.effective_by(kill.recorded_at)]
    since = [one for one in versions if one.id > kill.id and one.effective_by(now) and one.effective_from is not None]
    again = [VersionPeriod(one.version, one.start, None) for one in periods([*before, *since])]
    states = [(one.start, _lifted(one.version.state)) for one in again]
    if not states or states[0][0] is not None:
        # Before its first version a tenant inherits; a flag was killed when it was made.
        tenants = kill.state is not None and not is_flags(kill.state)
        states.insert(0, (None, None if tenants else _lifted(kill.state)))
    return states


def _killed(version: ScopeVersion) -> bool:
    return version.state is not None and bool(version.state["killed"])


def _lifted(state: State | None) -> State | None:
    return None if state is None else state | {"killed": False}
