"""The history of all flags in memory: which state is in force at a moment, as known at another.

What belongs here: versions and their order. What does not: reading them from the database (source), and what a state
serves (decisions).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from trackai_pipelines.flag_values.decisions import ABSENT, FlagDecision, decision_of
from trackai_pipelines.flag_values.gates import GATES, Gate

BEGINNING = datetime.min.replace(tzinfo=UTC)
END = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Version:
    """A recorded state of a scope: of a flag for all tenants, or of what one tenant has of its own."""

    id: int
    flag_id: int
    flag_key: str
    tenant: str | None
    """The tenant's slug; None: the global scope."""
    effective_from: datetime | None
    """None: from the beginning (-infinity)."""
    recorded_at: datetime
    state: Mapping[str, Any] | None
    """None: the flag was deleted, the tenant inherits everything."""


@dataclass(frozen=True, eq=False, slots=True)
class Flag:
    """The history of one flag. Decisions are kept, so a state is made ready once."""

    key: str
    everyone: tuple[Version, ...]
    """By id, as all versions here."""
    tenants: Mapping[str, tuple[Version, ...]]
    _decisions: dict[tuple[int, int], FlagDecision] = field(default_factory=dict)
    _windows: dict[str | None, tuple[datetime, datetime, FlagDecision]] = field(default_factory=dict)

    def decision(self, tenant: str | None, at: datetime, known_at: datetime | None = None) -> FlagDecision:
        """Return the decision for a tenant's slug at a moment, from what was recorded until `known_at` (None: all)."""
        # A tenant without a version of its own has what everyone has.
        scope = tenant if tenant in self.tenants else None
        if known_at is not None:
            return self._in_force(scope, at, known_at)
        window = self._windows.get(scope)
        if window is None or not window[0] <= at < window[1]:
            changes = {version.effective_from or BEGINNING for version in self._versions(scope)}
            since = max((moment for moment in changes if moment <= at), default=BEGINNING)
            until = min((moment for moment in changes if moment > at), default=END)
            window = self._windows[scope] = (since, until, self._in_force(scope, at, None))
        return window[2]

    def _versions(self, scope: str | None) -> tuple[Version, ...]:
        return self.everyone + (self.tenants[scope] if scope is not None else ())

    def _in_force(self, scope: str | None, at: datetime, known_at: datetime | None) -> FlagDecision:
        flag = in_force(self.everyone, at, known_at)
        if flag is None:
            return ABSENT
        override = in_force(self.tenants[scope], at, known_at) if scope is not None else None
        versions = (flag.id, override.id if override else 0)
        if versions not in self._decisions:
            self._decisions[versions] = decision_of(
                self.key, flag.state, override.state if override else None, *versions
            )
        return self._decisions[versions]


@dataclass(frozen=True, eq=False, slots=True)
class Ruleset:
    """All flags, by key."""

    flags: Mapping[str, Flag]
    mark: int
    """The highest version in it; 0: none."""

    def decision(self, key: str, tenant: str | None, at: datetime, known_at: datetime | None = None) -> FlagDecision:
        """Return a flag's decision, as `Flag.decision`; of a flag that does not exist: one that is not found."""
        flag = self.flags.get(key)
        return ABSENT if flag is None else flag.decision(tenant, at, known_at)


def ruleset_of(versions: Iterable[Version]) -> Ruleset:
    """Return the ruleset of all recorded versions, in any order.

    A gate is there without a version as well. Of flags that had one key after another, the last one counts.
    """
    by_key: dict[str, list[Version]] = {key: [] for key in GATES}
    for version in sorted(versions, key=lambda version: (version.flag_key, version.id)):
        by_key.setdefault(version.flag_key, []).append(version)
    mark = max((found[-1].id for found in by_key.values() if found), default=0)
    return Ruleset({key: _flag(key, found) for key, found in by_key.items()}, mark)


def in_force(versions: Sequence[Version], at: datetime, known_at: datetime | None = None) -> Version | None:
    """Return the version of one scope in force at a moment, as known at another: the highest id of those effective.

    `versions` are by id. None: there is none yet.
    """
    for version in reversed(versions):
        if (version.effective_from is None or version.effective_from <= at) and (
            known_at is None or version.recorded_at <= known_at
        ):
            return version
    return None


def _flag(key: str, versions: Sequence[Version]) -> Flag:
    last = max((version.flag_id for version in versions), default=0)
    own = [version for version in versions if version.flag_id == last]
    built_in = (_built_in(GATES[key]),) if key in GATES else ()
    everyone = tuple(version for version in own if version.tenant is None)
    by_tenant = sorted((version for version in own if version.tenant is not None), key=_tenant)
    return Flag(key, built_in + everyone, {slug: tuple(found) for slug, found in groupby(by_tenant, key=_tenant)})


def _tenant(version: Version) -> str:
    return version.tenant or ""


def _built_in(gate: Gate) -> Version:
    """Return version 0 of a gate: the state with which its row will appear."""
    state = {
        "value_type": gate.value_type,
        "off_value": gate.built_in,
        "on_value": gate.on_value,
        "bucket_by": gate.bucket_by,
        "salt": gate.key,
        "enabled": False,
        "rollout_percentage": 100,
        "killed": False,
        "client_visible": False,
        "archived": False,
        "rollouts": [],
        "requires": [],
        "segments": {},
    }
    return Version(0, 0, gate.key, None, None, BEGINNING, state)
