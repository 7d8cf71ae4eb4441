"""Changes of flags: a change is proposed, checked, shown if that is all that is wanted, and recorded.

    with writing(connection, clock) as now:
        proposal = propose(connection, "dark_mode", alter, ChangeTerms(now=now, reason="pilot"))
        versions = carry_out(connection, proposal, author)

What belongs here: what every change has in common. What does not: the rules of states (rules.py), what single commands
alter (altering.py), writing (recording.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement
from trackai_pipelines.flag_values.gates import GATES, Gate
from trackai_pipelines.flag_values.members import FlagTenant
from trackai_pipelines.flags.history import ScopeVersion, lifted, planned, state_at
from trackai_pipelines.flags.recording import Author, Entry, record, write_flag, write_override
from trackai_pipelines.flags.rules import FlagRefusedError, check_override, check_requires, check_state
from trackai_pipelines.flags.scopes import (
    KnownFlag,
    flag_state_at,
    present_states,
    segment_definitions,
    the_flag,
    the_tenant,
    versions_of,
)
from trackai_pipelines.flags.states import INHERITS, State, has_columns, inherit, moves_users, normal, same, served
from trackai_pipelines.flags.steps import GuardedStep, cancel_steps, open_steps

Alter = Callable[[State], State]
"""What a change makes of a state."""

COLUMNS_OF_TENANTS = ("dispatch_policy", "email_matching", "lookback_days")
"""Gates whose present value is a column of tenants."""

Record = tuple[datetime | None, State | None]
"""A state, and the moment that it is effective from; None is the beginning."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that passed all checks and is not recorded."""

    flag: KnownFlag
    tenant: FlagTenant | None
    versions: Sequence[ScopeVersion]
    """All of the scope until now."""
    before: State | None
    """In force when the change comes into force."""
    after: State | None
    records: tuple[Record, ...]
    """What is recorded, in order; none where nothing changes."""
    cancelled: tuple[ScopeVersion, ...]
    """What was planned, and is undone by it."""
    reshuffles: bool
    """Whether users move to other variants."""
    effective_from: datetime | None
    """None: every moment."""
    now: datetime
    steps: tuple[GuardedStep, ...] = ()
    """Steps of a ramp that it cancels."""


@dataclass(frozen=True, slots=True)
class ChangeTerms:
    """What applies to a change apart from what it alters."""

    now: datetime
    reason: str | None = None
    effective_from: datetime | None = None
    """None: now."""
    until: datetime | None = None
    """When a tenant inherits again."""
    if_version: int | None = None
    """The newest version of the scope that the change is based on; 0 for a tenant without any."""
    reshuffle: bool = False


def propose(
    connection: Connection[Any], key: str, alter: Alter, wanted: ChangeTerms, *, tenant: str | None = None
) -> Proposal:
    """Return what a change of a flag, or of a tenant's override, would record.

    The caller holds the lock (`writing`); a gate gets its row with its first change. Raises FlagRefusedError where the
    change is not allowed.
    """
    flag, owner = _flag_to_change(connection, key), the_tenant(connection, tenant) if tenant else None
    versions = versions_of(connection, flag.id, owner.id if owner else None)
    _check_newest(flag, owner, versions, wanted.if_version)
    since = _since(flag, wanted)
    present = flag_state_at(connection, flag, since)
    before = state_at(versions, since) if owner else present
    base = before if before is not None else dict(INHERITS)
    after = _checked(connection, flag, owner, present, alter(base), wanted.now)
    segments = segment_definitions(connection)
    # Equal states may be written differently: rows that are numbered with gaps, segments that were changed since.
    known = normal(before, {**segments, **_defined(before)})
    undone = planned(versions, wanted.now, since=since)
    records: list[Record] = [] if same(known, after) else [(since, after)]
    if wanted.until is not None and not _ends_already(undone, wanted.until, changed=bool(records)):
        records.append((_end(wanted.until, since), normal(inherit(after or INHERITS), segments)))
    if not records:
        return _nothing(flag, owner, versions, before, wanted.now)
    moved = moves_users(served(present, before), served(present, after)) if owner else moves_users(present, after or {})
    if moved and not wanted.reshuffle:
        raise FlagRefusedError(
            f"That would move users of {key} to other variants, because buckets decide there. Deactivate a variant, or "
            "change the percentage, to move nobody else; or say --reshuffle, with a --reason."
        )
    _check_reason(flag, owner, wanted, moved=moved)
    return Proposal(
        flag, owner, versions, before, after, tuple(records), tuple(undone), moved,
        since, wanted.now, _steps(connection, flag, owner),
    )  # fmt: skip


def propose_kill(connection: Connection[Any], key: str, wanted: ChangeTerms, *, tenant: str | None = None) -> Proposal:
    """Return what killing a flag, everywhere or at a tenant, would record: off for every moment, at once."""
    flag, owner, versions, before = _present(connection, key, wanted, tenant)
    _check_kill_reason(wanted, key)
    nothing = _nothing(flag, owner, versions, before, wanted.now)
    if before is not None and before["killed"]:
        return nothing
    return _for_every_moment(connection, nothing, ((None, (before or INHERITS) | {"killed": True}),))


def propose_unkill(
    connection: Connection[Any], key: str, wanted: ChangeTerms, *, tenant: str | None = None
) -> Proposal:
    """Return what lifting the kill would record: the periods from before it, without what was planned."""
    flag, owner, versions, before = _present(connection, key, wanted, tenant)
    _check_kill_reason(wanted, key)
    segments = segment_definitions(connection)
    records = tuple(
        (start, normal(state, {**_defined(state), **segments})) for start, state in lifted(versions, wanted.now)
    )
    nothing = _nothing(flag, owner, versions, before, wanted.now)
    return _for_every_moment(connection, nothing, records) if records else nothing


def carry_out(
    connection: Connection[Any], proposal: Proposal, author: Author, *, keeps_steps: bool = False
) -> list[int]:
    """Record what is proposed, and make the rows what is in force now; return the new versions.

    A ramp that waits for its guards is cancelled, unless it is a step of its own (`keeps_steps`).
    """
    flag, tenant_id, now = proposal.flag, proposal.tenant.id if proposal.tenant else None, proposal.now
    versions = list(proposal.versions)
    for start, state in proposal.records:
        entry = Entry(start, state, state_at(versions, now if start is None else start) if versions else None)
        number = record(connection, flag.id, flag.key, tenant_id, entry, author, now)
        # The newest of those recorded so far decides, as it does in the database.
        versions.append(ScopeVersion(number, start, now, state))
    if any(start is None or start <= now for start, _ in proposal.records):
        write_scope(connection, flag, tenant_id, versions, author, now)
    if proposal.steps and not keeps_steps:
        cancel_steps(connection, flag.id, tenant_id, f"changed by {author.by}", now)
    return [one.id for one in versions[len(proposal.versions) :]]


def write_scope(
    connection: Connection[Any],
    flag: KnownFlag,
    tenant_id: str | None,
    versions: Sequence[ScopeVersion],
    author: Author,
    now: datetime,
) -> None:
    """Make the rows of a scope what is in force now, and the columns of tenants that are gates."""
    state = state_at(versions, now)
    if tenant_id is not None:
        ends = (one.effective_from for one in planned(versions, now) if _is_end(one))
        write_override(connection, flag.id, tenant_id, state, author=author, now=now, expires_at=next(ends, None))
    elif state is not None:
        write_flag(connection, flag.id, state, by=author.by, now=now)
    if flag.key in COLUMNS_OF_TENANTS:
        connection.execute(statement("flags/follow_gates"), {"tenant_id": tenant_id})


def scope_name(flag: KnownFlag, tenant: FlagTenant | None) -> str:
    """Return what people call the scope."""
    return flag.key if tenant is None else f"{flag.key} at {tenant.slug}"


def _flag_to_change(connection: Connection[Any], key: str) -> KnownFlag:
    if key in GATES:
        connection.execute("SELECT trackai.ensure_gate(%s)", (key,))
    flag = the_flag(connection, key)
    if flag.archived_at is not None:
        raise FlagRefusedError(
            f"{key} was archived on {flag.archived_at:%Y-%m-%d} and cannot be changed. Create a flag with another key."
        )
    return flag


def _present(
    connection: Connection[Any], key: str, wanted: ChangeTerms, tenant: str | None
) -> tuple[KnownFlag, FlagTenant | None, list[ScopeVersion], State | None]:
    flag, owner = _flag_to_change(connection, key), the_tenant(connection, tenant) if tenant else None
    versions = versions_of(connection, flag.id, owner.id if owner else None)
    _check_newest(flag, owner, versions, wanted.if_version)
    before = state_at(versions, wanted.now)
    return flag, owner, versions, before if owner or before is not None else flag.state


def _checked(
    connection: Connection[Any],
    flag: KnownFlag,
    owner: FlagTenant | None,
    present: State,
    wanted: State,
    now: datetime,
) -> State | None:
    """Return the state in its normal form. Raises FlagRefusedError where it is not allowed."""
    segments = segment_definitions(connection)
    for row in wanted["rollouts"]:
        name = row["user_segment"]
        if name is not None and name not in segments:
            raise FlagRefusedError(f"There is no segment {name}. Make it with `trackai flags segment {name}`.")
    after = normal(wanted, segments)
    if owner is not None:
        if after is not None:
            check_override(flag.key, present, after, flag.gate)
        return after
    assert after is not None
    check_state(flag.key, after, flag.gate)
    if after["archived"]:
        _check_archiving(connection, flag, flag.gate, now)
    elif after["requires"] != present["requires"]:
        check_requires(flag.key, after, present_states(connection, now))
    if flag.gate is not None and (after["client_visible"] or after["bucket_by"] != flag.gate.bucket_by):
        raise FlagRefusedError(
            f"{flag.key} is a gate: no app can see it, and its unit is {flag.gate.bucket_by}. Neither can be changed."
        )
    return after


def _check_archiving(connection: Connection[Any], flag: KnownFlag, gate: Gate | None, now: datetime) -> None:
    if gate is not None:
        raise FlagRefusedError(
            f"{flag.key} is a gate of the pipeline and cannot be archived. `trackai flags set` turns it off."
        )
    needing = [
        key
        for key, state in present_states(connection, now).items()
        if flag.key in state["requires"] and not state["archived"]
    ]
    if needing:
        raise FlagRefusedError(
            f"{flag.key} is required by {', '.join(sorted(needing))}, which would be off for everybody. Remove "
            f"that first (`trackai flags set {sorted(needing)[0]} --no-requires {flag.key}`)."
        )


def _check_newest(
    flag: KnownFlag, owner: FlagTenant | None, versions: Sequence[ScopeVersion], if_version: int | None
) -> None:
    newest = max((one.id for one in versions), default=0)
    if if_version is not None and newest != if_version:
        raise FlagRefusedError(
            f"{scope_name(flag, owner)} is at version {newest}, not {if_version}: somebody was quicker. See "
            f"`trackai flags history {flag.key}`, and try again."
        )


def _since(flag: KnownFlag, wanted: ChangeTerms) -> datetime:
    since = wanted.effective_from or wanted.now
    if since < wanted.now and (flag.gate is None or not flag.gate.timed_by_sale):
        raise FlagRefusedError(
            f"{flag.key} cannot be changed for the past: what was served then was served. Only gates that are timed by "
            "the sale can be backdated."
        )
    return since


def _check_reason(flag: KnownFlag, owner: FlagTenant | None, wanted: ChangeTerms, *, moved: bool) -> None:
    if wanted.reason:
        return
    if flag.gate is not None:
        raise FlagRefusedError(f"{flag.key} is a gate of the pipeline. Say why with --reason.")
    if owner is not None:
        raise FlagRefusedError("An override needs a reason. Say why with --reason.")
    if moved:
        raise FlagRefusedError("Moving users needs a reason. Say why with --reason.")


def _check_kill_reason(wanted: ChangeTerms, key: str) -> None:
    if not wanted.reason:
        raise FlagRefusedError(f"Killing {key}, and lifting it, needs a reason. Say why with --reason.")


def _end(until: datetime, since: datetime) -> datetime:
    if until <= since:
        raise FlagRefusedError(f"The override would end at {until:%Y-%m-%d %H:%M} UTC, before it begins.")
    return until


def _ends_already(plans: Sequence[ScopeVersion], until: datetime, *, changed: bool) -> bool:
    """Return whether the only plan is that the override ends then."""
    return not changed and [(one.effective_from, _is_end(one)) for one in plans] == [(until, True)]


def _is_end(version: ScopeVersion) -> bool:
    return version.state is None or not has_columns(version.state)


def _nothing(
    flag: KnownFlag, owner: FlagTenant | None, versions: Sequence[ScopeVersion], state: State | None, now: datetime
) -> Proposal:
    return Proposal(flag, owner, versions, state, state, (), (), False, now, now)


def _for_every_moment(connection: Connection[Any], nothing: Proposal, records: tuple[Record, ...]) -> Proposal:
    """Return a proposal that replaces all periods of a scope, and cancels everything that is planned."""
    return replace(
        nothing,
        after=records[-1][1],
        records=records,
        cancelled=tuple(planned(nothing.versions, nothing.now)),
        effective_from=None,
        steps=_steps(connection, nothing.flag, nothing.tenant),
    )


def _steps(connection: Connection[Any], flag: KnownFlag, owner: FlagTenant | None) -> tuple[GuardedStep, ...]:
    return open_steps(connection, flag.id, owner.id if owner else None)


def _defined(state: State | None) -> State:
    return state["segments"] if state else {}
