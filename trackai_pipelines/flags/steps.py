"""Guarded steps of ramps, as they are planned: a scope has one ramp at a time.

What belongs here: reading and writing the plans. What does not: deciding them (ramps.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from trackai_pipelines.database.statements import statement
from trackai_pipelines.flags.guards import Measured, StepGuard


@dataclass(frozen=True, slots=True)
class GuardedStep:
    """A step of a ramp that waits for its guard."""

    id: int
    flag_id: int
    key: str
    tenant_id: str | None
    slug: str | None
    step: int
    apply_at: datetime
    change: Mapping[str, Any]
    guard: Mapping[str, Any]
    state: str
    """planned, applied, held or cancelled."""
    measured: Mapping[str, Any] | None
    reason: str | None
    version: int | None
    created_by: str
    created_at: datetime
    decided_at: datetime | None
    """When its state last changed; None while it is planned."""

    @property
    def said(self) -> str:
        """The step in words."""
        return (
            f"step {self.step} of a ramp, {self.change['rollout_percentage']} % on {self.apply_at:%Y-%m-%d %H:%M} UTC"
        )

    @property
    def waits_for(self) -> str:
        """The guard as it is written."""
        return StepGuard(**self.guard).said

    @property
    def found(self) -> str | None:
        """What the guard measured last, in words; None before."""
        measured = self.measured
        return Measured(measured["part"], measured["whole"], measured["tenants"]).said if measured else None


def steps_of(
    connection: Connection[Any], flag_id: int | None = None, *, decided: bool = False
) -> Sequence[GuardedStep]:
    """Return the undecided steps of a flag or of all, in order of scope and step; or also those that are decided."""
    with connection.cursor(row_factory=class_row(GuardedStep)) as cursor:
        return cursor.execute(statement("flags/steps"), {"flag_id": flag_id, "decided": decided}).fetchall()


def held_steps(connection: Connection[Any]) -> list[GuardedStep]:
    """Return the steps that their guards hold, of all flags."""
    return [one for one in steps_of(connection) if one.state == "held"]


def open_steps(connection: Connection[Any], flag_id: int, tenant_id: str | None) -> tuple[GuardedStep, ...]:
    """Return the undecided steps of a scope."""
    return tuple(one for one in steps_of(connection, flag_id) if one.tenant_id == tenant_id)


def decide(
    connection: Connection[Any],
    step: GuardedStep,
    state: str,
    now: datetime,
    *,
    measured: Mapping[str, Any] | None = None,
    version: int | None = None,
) -> None:
    """Write what became of a step."""
    given = {
        "id": step.id,
        "state": state,
        "measured": None if measured is None else Jsonb(measured),
        "version": version,
        "now": now,
    }
    connection.execute(statement("flags/decide_step"), given)


def cancel_steps(
    connection: Connection[Any], flag_id: int, tenant_id: str | None, reason: str, now: datetime
) -> list[int]:
    """Cancel the undecided steps of a scope; return their numbers."""
    given = {"flag_id": flag_id, "tenant_id": tenant_id, "reason": reason, "now": now}
    return [number for (number,) in connection.execute(statement("flags/cancel_steps"), given)]
