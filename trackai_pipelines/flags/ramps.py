"""Guarded ramps: steps to a share, each of which may wait for a measure.

    5@0d,25@2d,100@5d, guarded by match_rate>=0.7 over 2d

A step at once is made at once; later ones are planned versions, or wait for their guard as plans. What belongs here:
planning a ramp, and deciding its steps. What does not: guards and measures (guards.py).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from trackai_pipelines.clock import Clock
from trackai_pipelines.database.statements import statement
from trackai_pipelines.flag_values.source import Snapshot, read_snapshot
from trackai_pipelines.flags.changes import Alter, ChangeTerms, Proposal, carry_out, propose, scope_name
from trackai_pipelines.flags.guards import StepGuard, measure, reached
from trackai_pipelines.flags.history import planned
from trackai_pipelines.flags.recording import Author, writing
from trackai_pipelines.flags.rules import FlagRefusedError
from trackai_pipelines.flags.steps import GuardedStep, cancel_steps, decide, open_steps, steps_of

HELD_FOR = timedelta(hours=24)
"""How long a step is held before it is cancelled with those behind it."""

_STEP = re.compile(r"\s*(\d{1,3})\s*@\s*(\d{1,6})\s*([dhm])\s*")
_UNITS = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}


@dataclass(frozen=True, slots=True)
class RampStep:
    """A share, and how long after the beginning of the ramp it is served."""

    percentage: int
    after: timedelta


@dataclass(frozen=True, slots=True)
class Ramp:
    """What a ramp changes: proposals of the steps without a guard, and the steps that wait for theirs."""

    proposals: Sequence[Proposal]
    guarded: Sequence[RampStep]


def read_steps(text: str) -> list[RampStep]:
    """Return the steps that a text says, e.g. `5@0d,25@2d,100@5d`. Raises FlagRefusedError."""
    found = [_STEP.fullmatch(part) for part in text.split(",")]
    steps = [RampStep(int(one[1]), int(one[2]) * _UNITS[one[3]]) for one in found if one]
    if len(steps) < len(found):
        raise FlagRefusedError(
            f"{text!r} is not a list of steps. Write 5@0d,25@2d,100@5d: a share in per cent, and when, in days (d),"
            " hours (h) or minutes (m) from now."
        )
    if any(one.percentage > 100 for one in steps):
        raise FlagRefusedError("A share is a whole number from 0 to 100.")
    if any(later.after <= one.after for one, later in pairwise(steps)):
        raise FlagRefusedError("Each step has to be later than the one before it.")
    return steps


def plan_ramp(
    connection: Connection[Any],
    key: str,
    steps: Sequence[RampStep],
    guard: StepGuard | None,
    author: Author,
    terms: ChangeTerms,
    *,
    tenant: str | None = None,
) -> Ramp:
    """Make the steps that are at once, and plan the others. The caller holds the lock. Raises FlagRefusedError."""
    proposals = []
    guarded = []
    newest = 0
    for number, step in enumerate(steps, start=1):
        since = terms.now + step.after if step.after else None
        proposal = propose(
            connection, key, to_share(step.percentage), replace(terms, effective_from=since), tenant=tenant
        )
        if number == 1:
            _cancel_earlier(connection, proposal, author, terms.now)
        if since is None or guard is None:
            proposals.append(proposal)
            newest = max(carry_out(connection, proposal, author), default=0)
            continue
        guarded.append(step)
        newest = newest or max((one.id for one in proposal.versions), default=0)
        given = {
            "flag_id": proposal.flag.id,
            "tenant_id": proposal.tenant.id if proposal.tenant else None,
            "step": number,
            "apply_at": since,
            "change": Jsonb({"rollout_percentage": step.percentage, "after_version": newest}),
            "guard": Jsonb(guard.plain()),
            "reason": author.reason,
            "by": author.by,
            "now": terms.now,
        }
        connection.execute(statement("flags/insert_step"), given)
    return Ramp(proposals, guarded)


def anything_to_decide(connection: Connection[Any], now: datetime) -> bool:
    """Return whether a step is due."""
    return any(one.apply_at <= now for one in steps_of(connection))


def decide_due(connection: Connection[Any], clock: Clock) -> list[GuardedStep]:
    """Decide the steps that are due, the first of each ramp; return them as they are then.

    A step whose guard holds is recorded, effective now. Another one is held, and looked at again; after a day it is
    cancelled, with those behind it. So are steps of a flag that was changed by anything else since.
    """
    if not anything_to_decide(connection, clock()):
        return []
    snapshot = read_snapshot(connection)
    with writing(connection, clock) as now:
        first: dict[tuple[int, str | None], GuardedStep] = {}
        for step in steps_of(connection):
            first.setdefault((step.flag_id, step.tenant_id), step)
        due = [step for step in first.values() if step.apply_at <= now]
        for step in due:
            _decide(connection, snapshot, step, now)
        decided = {one.id: one for one in steps_of(connection, decided=True)}
    return [decided[step.id] for step in due]


def _decide(connection: Connection[Any], snapshot: Snapshot, step: GuardedStep, now: datetime) -> None:
    scope = {"flag_id": step.flag_id, "tenant_id": step.tenant_id, "version": step.change["after_version"]}
    if connection.execute(statement("flags/changed_since_ramp"), scope).fetchone():
        cancel_steps(connection, step.flag_id, step.tenant_id, "the flag was changed since", now)
        return
    guard = StepGuard(**step.guard)
    tenants = reached(snapshot, step.key, step.tenant_id, now)
    measured = measure(connection, guard, step.flag_id, tenants, now)
    said = f"{guard.said}: {measured.said}"
    if not guard.holds(measured.value):
        decide(connection, step, "held", now, measured=measured.plain())
        if now - step.apply_at >= HELD_FOR:
            cancel_steps(connection, step.flag_id, step.tenant_id, f"held for a day by {said}", now)
        return
    terms = ChangeTerms(now=now, reason=f"{step.reason or 'ramp'} (step {step.step}; {said})")
    try:
        proposal = propose(
            connection, step.key, to_share(step.change["rollout_percentage"]), terms, tenant=step.tenant_id
        )
    except FlagRefusedError as error:
        cancel_steps(connection, step.flag_id, step.tenant_id, str(error), now)
        return
    versions = carry_out(connection, proposal, Author(step.created_by, terms.reason), keeps_steps=True)
    version = versions[-1] if versions else None
    decide(connection, step, "applied", now, measured=measured.plain(), version=version)


def propose_cancel(connection: Connection[Any], key: str, terms: ChangeTerms, *, tenant: str | None = None) -> Proposal:
    """Return what undoes all plans of a scope: what is in force now is recorded again.

    Raises FlagRefusedError where nothing is planned.
    """
    proposal = propose(connection, key, lambda state: state, terms, tenant=tenant)
    plans = tuple(planned(proposal.versions, terms.now))
    steps = open_steps(connection, proposal.flag.id, proposal.tenant.id if proposal.tenant else None)
    if not plans and not steps:
        raise FlagRefusedError(f"Nothing is planned for {scope_name(proposal.flag, proposal.tenant)}.")
    records = ((terms.now, proposal.before),) if plans else ()
    return replace(proposal, records=records, cancelled=plans, steps=steps)


def to_share(percentage: int) -> Alter:
    """Return how a flag or an override is switched on for a share."""

    def alter(state: dict[str, Any]) -> dict[str, Any]:
        return {**state, "enabled": True, "rollout_percentage": percentage}

    return alter


def _cancel_earlier(connection: Connection[Any], proposal: Proposal, author: Author, now: datetime) -> None:
    tenant_id = proposal.tenant.id if proposal.tenant else None
    cancel_steps(connection, proposal.flag.id, tenant_id, f"another ramp was planned by {author.by}", now)
