"""The gate dispatch_target: where the events of each tenant go, and what is said of those that it holds.

What belongs here: a dispatcher's view of the flag, from memory, and that of people, from the database. What does not:
what a target changes about a request (`claims`, `dispatcher`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg import Connection, Error

from trackai_pipelines.flag_values.authors import version_sentences
from trackai_pipelines.flag_values.client import Flags
from trackai_pipelines.flag_values.evaluation import Evaluation, evaluate
from trackai_pipelines.flag_values.ruleset import Ruleset, in_force
from trackai_pipelines.flag_values.source import read_snapshot
from trackai_pipelines.settings import CapiSettings

FLAG = "dispatch_target"
META, SANDBOX, HOLD = "meta", "sandbox", "hold"


@dataclass(frozen=True, slots=True)
class Target:
    """Where the events of a request go: META, SANDBOX, or HOLD, which is nowhere, and then `held` says why.

    `version` is the version of the flag that says so, 0 for the built-in value, None where flags are not known.
    """

    name: str
    version: int | None
    held: str | None = None


def target_of(flags: Flags, slug: str, settings: CapiSettings) -> Target:
    """Return where a tenant's next request goes, and count that it was asked; where flags are not known, nowhere."""
    return _target(flags.evaluate(FLAG, tenant=slug), settings)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The ids of tenants whose events do not go to Meta. `held` is None where flags are not known: all are."""

    held: list[str] | None
    sandboxed: list[str]


def elsewhere(flags: Flags, settings: CapiSettings, *, at: datetime) -> Elsewhere:
    """Return which tenants' events do not go to Meta at a moment. It is a look at all tenants, not a check of any."""
    snapshot = flags.snapshot
    if snapshot is None:
        return Elsewhere(None, [])
    held: list[str] = []
    sandboxed: list[str] = []
    if _was_ever_set(snapshot.ruleset):
        for tenant in set(snapshot.tenants.values()):
            name = _target(flags.evaluate(FLAG, tenant=tenant.slug, at=at), settings).name
            if name != META:
                (held if name == HOLD else sandboxed).append(tenant.id)
    return Elsewhere(held, sandboxed)


@dataclass(frozen=True, slots=True)
class Holds:
    """What is said of tenants whose events wait because of the flag, by slug; `of_all` where it cannot be read."""

    by_slug: Mapping[str, str] = field(default_factory=dict)
    of_all: str | None = None

    def of(self, slug: str) -> str | None:
        """Return why a tenant's events are held; None where the flag lets them go."""
        return self.by_slug.get(slug, self.of_all)


def holds_of(connection: Connection[Any], *, at: datetime, settings: CapiSettings | None = None) -> Holds:
    """Return the tenants that the flag holds, as the database has it; `connection` is in no transaction.

    The sandbox's address is this process's own.
    """
    settings = settings or CapiSettings()
    try:
        snapshot = read_snapshot(connection)
        ruleset, held = snapshot.ruleset, {}
        for tenant in set(snapshot.tenants.values()) if _was_ever_set(ruleset) else ():
            found = evaluate(ruleset, FLAG, tenant=tenant.slug, context={"tenant": tenant.slug}, at=at)
            if _target(found, settings).name == HOLD:
                held[tenant.slug] = found
        versions = {slug: _decisive(ruleset, found, at) for slug, found in held.items()}
        said = version_sentences(connection, set(versions.values()))
    except Error as error:
        if connection.closed:
            raise
        why = (error.diag.message_primary or str(error)).partition("\n")[0]
        return Holds(of_all=f"the flag {FLAG} cannot be read ({why}): the last known value holds, or nothing is sent")
    return Holds({slug: held_by(said.get(versions[slug]), found, settings) for slug, found in held.items()})


def held_by(version: str | None, found: Evaluation, settings: CapiSettings) -> str:
    """Return what holds events: the flag and its version, with who recorded it and why where that is known."""
    said = f"held by flag {FLAG} ({version or 'built in'})"
    if found.value == SANDBOX and settings.capi_sandbox_url is None:
        return f"{said}: it says {SANDBOX}, and TRACKAI_CAPI_SANDBOX_URL is not set"
    return said if found.error_code is None else f"{said}: it has no value ({found.error_code})"


def _target(found: Evaluation, settings: CapiSettings) -> Target:
    if found.error_code == "PROVIDER_NOT_READY":
        return Target(HOLD, None, f"the flag {FLAG} could not be read since this process began")
    version = found.override_version or found.flag_version
    if found.value == META or (found.value == SANDBOX and settings.capi_sandbox_url is not None):
        return Target(found.value, version)
    return Target(HOLD, version, held_by(f"version {version}" if version else None, found, settings))


def _decisive(ruleset: Ruleset, found: Evaluation, at: datetime) -> int:
    """Return the version that decided: a kill for everyone beats what a tenant has of its own."""
    everyone = in_force(ruleset.flags[FLAG].everyone, at)
    killed = everyone is not None and everyone.state is not None and everyone.state["killed"]
    return found.flag_version if killed else found.override_version or found.flag_version


def _was_ever_set(ruleset: Ruleset) -> bool:
    flag = ruleset.flags[FLAG]
    return len(flag.everyone) > 1 or bool(flag.tenants)
