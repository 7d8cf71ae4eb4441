"""Flags, tenants and versions as the database has them.

What belongs here: finding them, in words where there is none. What does not: changing them (changes.py).
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.flag_values.gates import GATES, Gate
from trackai_pipelines.flag_values.members import FlagTenant
from trackai_pipelines.flags.history import ScopeVersion, state_at
from trackai_pipelines.flags.rules import FlagRefusedError
from trackai_pipelines.flags.states import State


@dataclass(frozen=True, slots=True)
class KnownFlag:
    """A flag's row."""

    id: int
    key: str
    name: str
    description: str | None
    category: str
    owner_email: str | None
    permanent: bool
    track_exposures: bool
    expires_on: date | None
    archived_at: datetime | None
    created_at: datetime
    created_by: str | None
    updated_at: datetime
    updated_by: str | None
    state: State
    """As its rows have it."""

    @property
    def gate(self) -> Gate | None:
        """The gate that it is, if it is one."""
        return GATES.get(self.key)


def find_flag(connection: Connection[Any], key: str) -> KnownFlag | None:
    """Return the flag with a key, archived ones included."""
    with connection.cursor(row_factory=class_row(KnownFlag)) as cursor:
        return cursor.execute(statement("flags/find_flag"), {"key": key}).fetchone()


def the_flag(connection: Connection[Any], key: str) -> KnownFlag:
    """Return the flag with a key. Raises FlagRefusedError, with keys that look alike, where there is none."""
    flag = find_flag(connection, key)
    if flag is None:
        raise FlagRefusedError(f"There is no flag {key}.{_alike(connection, key)}")
    return flag


def the_tenant(connection: Connection[Any], tenant: str) -> FlagTenant:
    """Return the tenant with a slug or id. Raises FlagRefusedError where there is none."""
    with connection.cursor(row_factory=class_row(FlagTenant)) as cursor:
        found = cursor.execute(statement("flags/find_tenant"), {"tenant": tenant}).fetchone()
    if found is None:
        raise FlagRefusedError(f"There is no tenant {tenant}; `trackai tenant list` shows them.")
    return found


def versions_of(connection: Connection[Any], flag_id: int, tenant_id: str | None) -> list[ScopeVersion]:
    """Return all versions of a flag's own scope (tenant_id None) or of a tenant's, in order."""
    with connection.cursor(row_factory=class_row(ScopeVersion)) as cursor:
        given = {"flag_id": flag_id, "tenant_id": tenant_id}
        return cursor.execute(statement("flags/scope_versions"), given).fetchall()


def the_gate_or_flag(connection: Connection[Any], key: str) -> tuple[str, Gate | None]:
    """Return what a flag is divided by, and the gate that it is; a gate need not have its row yet."""
    gate = GATES.get(key)
    return (gate.bucket_by, gate) if gate else (str(the_flag(connection, key).state["bucket_by"]), None)


def scope_versions(connection: Connection[Any], key: str, tenant: str | None) -> list[ScopeVersion]:
    """Return all versions of a flag, or of a flag at a tenant, by their names. Raises FlagRefusedError."""
    owner = the_tenant(connection, tenant) if tenant else None
    return versions_of(connection, the_flag(connection, key).id, owner.id if owner else None)


def flag_state_at(connection: Connection[Any], flag: KnownFlag, at: datetime) -> State:
    """Return a flag's own state in force at a moment; a flag without versions is as its rows are."""
    return state_at(versions_of(connection, flag.id, None), at) or flag.state


def present_states(connection: Connection[Any], now: datetime) -> dict[str, State]:
    """Return the state in force of every flag that was not deleted, by key."""
    found = connection.execute(statement("flags/present_states"), {"now": now})
    return {key: state for key, state in found if state is not None}


def segment_definitions(connection: Connection[Any]) -> Mapping[str, Any]:
    """Return kind and condition of every segment by its name."""
    return dict(connection.execute(statement("flags/segment_definitions")).fetchall())


def _alike(connection: Connection[Any], key: str) -> str:
    known = [known for (known,) in connection.execute(statement("flags/flag_keys"))]
    near = difflib.get_close_matches(key, [*known, *GATES], n=3)
    return f" Did you mean {' or '.join(near)}?" if near else " `trackai flags list` shows them."
