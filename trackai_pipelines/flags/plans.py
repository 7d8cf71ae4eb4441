"""Plans that came into force: they are written to the rows of flags and to the columns of tenants.

A planned version is in force by the clock, with nothing running; rows are for people and for plain SQL. What belongs
here: finding and writing what is due. What does not: guarded steps, which wait for a measure (ramps.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.clock import Clock
from trackai_pipelines.database.statements import statement
from trackai_pipelines.flags.changes import write_scope
from trackai_pipelines.flags.ramps import anything_to_decide
from trackai_pipelines.flags.recording import Author, writing
from trackai_pipelines.flags.scopes import the_flag, versions_of


@dataclass(frozen=True, slots=True)
class DueScope:
    """A flag, or a flag at a tenant, whose rows are older than what is in force."""

    key: str
    flag_id: int
    tenant_id: str | None
    version: int
    changed_by: str
    change_reason: str | None


def due_scopes(connection: Connection[Any], now: datetime) -> Sequence[DueScope]:
    """Return the scopes whose planned version came into force and is not written yet."""
    with connection.cursor(row_factory=class_row(DueScope)) as cursor:
        return cursor.execute(statement("flags/due_scopes"), {"now": now}).fetchall()


def anything_due(connection: Connection[Any], now: datetime) -> bool:
    """Return whether `apply_due` has something to write, or a step of a ramp is due."""
    if anything_to_decide(connection, now):
        return True
    found = connection.execute(statement("flags/gates_differ")).fetchone()
    return bool(due_scopes(connection, now)) or bool(found and found[0])


def apply_due(connection: Connection[Any], clock: Clock) -> Sequence[DueScope]:
    """Write what came into force to the rows; return the scopes. Repeating it changes nothing.

    No version comes of it: the plan was recorded when it was made.
    """
    with writing(connection, clock) as now:
        due = due_scopes(connection, now)
        for one in due:
            flag = the_flag(connection, one.key)
            versions = versions_of(connection, one.flag_id, one.tenant_id)
            write_scope(connection, flag, one.tenant_id, versions, Author(one.changed_by, one.change_reason), now)
        connection.execute(statement("flags/follow_gates"), {"tenant_id": None})
    return due
