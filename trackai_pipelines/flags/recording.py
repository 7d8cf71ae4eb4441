"""The one path that writes flags: states are recorded as versions with their audit rows, and rows follow.

What belongs here: the lock, and writing what a proposal says. What does not: what is proposed (changes.py).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from trackai_pipelines.clock import Clock
from trackai_pipelines.database.statements import statement
from trackai_pipelines.flags.states import State, action_of, has_columns

Record = tuple[datetime | None, State | None]
"""A state, and the moment that it is effective from; None is the beginning."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes flags, and why."""

    by: str
    reason: str | None = None
    ip: str | None = None


@contextmanager
def writing(connection: Connection[Any], clock: Clock, *, dry_run: bool = False) -> Iterator[datetime]:
    """Within the block, one transaction changes flags and no other does; yields the present moment.

    The time is taken once the lock is held, so versions come into force in the order of their ids. The triggers that
    record what plain SQL changes stay silent. A dry run is rolled back.
    """
    with connection.transaction(force_rollback=dry_run):
        connection.execute("SELECT trackai.lock_flags()")
        connection.execute("SELECT set_config('trackai.flags_recorded', 'on', true)")
        yield clock()


@dataclass(frozen=True, slots=True)
class Entry:
    """What is recorded of a scope: a version and its row of the audit log."""

    effective_from: datetime | None
    """None: from the beginning."""
    state: State | None
    before: State | None
    """What was in force then."""


def record(
    connection: Connection[Any],
    flag_id: int,
    key: str,
    tenant_id: str | None,
    entry: Entry,
    author: Author,
    now: datetime,
) -> int:
    """Record a state of a scope; return the version."""
    given = {
        "flag_id": flag_id,
        "key": key,
        "tenant_id": tenant_id,
        "effective_from": entry.effective_from,
        "state": _json(entry.state),
        "before": _json(entry.before),
        "action": action_of(entry.before, entry.state),
        "by": author.by,
        "reason": author.reason,
        "ip": author.ip,
        "now": now,
    }
    found = connection.execute(statement("flags/record_version"), given).fetchone()
    assert found is not None
    return int(found[0])


def write_flag(connection: Connection[Any], flag_id: int, state: State, *, by: str, now: datetime) -> None:
    """Make the rows of a flag what its state says: its own, its rollouts for all tenants, and prerequisites."""
    given = {"flag_id": flag_id, "state": Jsonb(state), "by": by, "now": now, "requires": state["requires"]}
    connection.execute(statement("flags/write_flag"), given)
    connection.execute(statement("flags/delete_lost_prerequisites"), given)
    connection.execute(statement("flags/write_prerequisites"), given)
    _write_rollouts(connection, flag_id, None, state["rollouts"], now)


def write_override(
    connection: Connection[Any],
    flag_id: int,
    tenant_id: str,
    state: State | None,
    *,
    author: Author,
    now: datetime,
    expires_at: datetime | None,
) -> None:
    """Make the rows of a tenant's override what its state says: the override, and the tenant's own rollouts."""
    given = {"flag_id": flag_id, "tenant_id": tenant_id, "by": author.by, "now": now, "expires_at": expires_at}
    if state is not None and has_columns(state):
        connection.execute(
            statement("flags/write_override"), given | {"state": Jsonb(state), "reason": author.reason or "no reason"}
        )
    else:
        connection.execute(statement("flags/delete_override"), given)
    _write_rollouts(connection, flag_id, tenant_id, state["rollouts"] if state else [], now)


def _write_rollouts(
    connection: Connection[Any], flag_id: int, tenant_id: str | None, rollouts: list[State], now: datetime
) -> None:
    given = {"flag_id": flag_id, "tenant_id": tenant_id, "rollouts": Jsonb(rollouts), "now": now}
    connection.execute(statement("flags/delete_lost_rollouts"), given)
    connection.execute(statement("flags/write_rollouts"), given)


def _json(state: State | None) -> Jsonb | None:
    return None if state is None else Jsonb(state)
