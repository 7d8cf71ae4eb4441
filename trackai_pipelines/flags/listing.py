"""Flags as people look at them: all of them, one with its overrides, and one's history.

What belongs here: reading. What does not: showing it (cli_reading.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.flag_values.members import FlagTenant
from trackai_pipelines.flags.scopes import KnownFlag
from trackai_pipelines.flags.states import State


@dataclass(frozen=True, slots=True)
class ListedFlag:
    """A flag in the list of all."""

    key: str
    name: str
    category: str
    owner_email: str | None
    permanent: bool
    expires_on: date | None
    state: State
    version: int
    overrides: int
    """Tenants that override it now."""
    plans: int
    """Changes that will come into force."""
    changed_by: str | None
    changed_at: datetime | None


@dataclass(frozen=True, slots=True)
class PastVersion:
    """A version of a flag with who recorded it."""

    id: int
    tenant_id: str | None
    slug: str | None
    effective_from: datetime | None
    recorded_at: datetime
    state: State | None
    action: str
    changed_by: str
    change_reason: str | None
    ever_in_force: bool
    effective_to: datetime | None
    """None: without an end, or never in force."""

    def when(self, now: datetime) -> str:
        """Return whether it is in force, past, planned, or never in force."""
        if not self.ever_in_force:
            return "cancelled"
        if self.effective_from is not None and self.effective_from > now:
            return "planned"
        return "past" if self.effective_to is not None and self.effective_to <= now else "in force"


@dataclass(frozen=True, slots=True)
class Override:
    """What a tenant sets differently, from when until when."""

    slug: str
    version: int
    state: State
    effective_from: datetime | None
    effective_to: datetime | None
    changed_by: str
    change_reason: str | None


@dataclass(frozen=True, slots=True)
class PlannedVersion:
    """A version that comes into force later."""

    flag_key: str
    slug: str | None
    version: int
    state: State | None
    effective_from: datetime
    changed_by: str
    change_reason: str | None


def planned_versions(
    connection: Connection[Any], now: datetime, flag_id: int | None = None
) -> Sequence[PlannedVersion]:
    """Return what comes into force after now, of a flag or of all."""
    with connection.cursor(row_factory=class_row(PlannedVersion)) as cursor:
        return cursor.execute(statement("flags/planned_versions"), {"now": now, "flag_id": flag_id}).fetchall()


def listed_flags(connection: Connection[Any], now: datetime) -> Sequence[ListedFlag]:
    """Return all flags that are not archived, by key."""
    with connection.cursor(row_factory=class_row(ListedFlag)) as cursor:
        return cursor.execute(statement("flags/list_flags"), {"now": now}).fetchall()


def history_of(connection: Connection[Any], flag: KnownFlag, tenant: FlagTenant | None) -> Sequence[PastVersion]:
    """Return the versions of a flag and of all its overrides, or of one tenant's, in order."""
    with connection.cursor(row_factory=class_row(PastVersion)) as cursor:
        given = {"flag_id": flag.id, "tenant_id": tenant.id if tenant else None}
        return cursor.execute(statement("flags/history"), given).fetchall()


def overrides_of(connection: Connection[Any], flag: KnownFlag, now: datetime) -> Sequence[Override]:
    """Return the overrides of a flag that are in force or planned, by tenant and moment."""
    with connection.cursor(row_factory=class_row(Override)) as cursor:
        return cursor.execute(statement("flags/overrides"), {"flag_id": flag.id, "now": now}).fetchall()
