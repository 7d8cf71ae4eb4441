"""Changing gates as plain SQL does, and making flags unreadable, for the tests of what reads them.

What belongs here: writing. What does not: expectations.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import Connection

_PATIENCE_SECONDS = 60


def set_gate(
    connection: Connection[Any], key: str, tenant: str, value: str, *, by: str = "ana", reason: str = "tried out"
) -> int:
    """Set a gate for one tenant (its id), effective now; return the version."""
    with connection.transaction():
        _act(connection, by, reason)
        connection.execute(
            """
            INSERT INTO trackai.feature_flag_overrides
                (tenant_id, flag_id, enabled, rollout_percentage, value, reason, created_by)
            VALUES (%(tenant)s, trackai.ensure_gate(%(key)s), true, 100, %(value)s, %(reason)s, %(by)s)
            ON CONFLICT (tenant_id, flag_id) DO UPDATE SET enabled = true, value = excluded.value, killed = false
            """,
            {"tenant": tenant, "key": key, "value": value, "reason": reason, "by": by},
        )
    return last_version(connection)


def kill_gate(
    connection: Connection[Any], key: str, *, killed: bool = True, by: str = "ops", reason: str = "incident"
) -> int:
    """Kill a gate for everyone, or lift that; return the version."""
    with connection.transaction():
        _act(connection, by, reason)
        connection.execute(
            "UPDATE trackai.feature_flags SET killed = %s WHERE id = trackai.ensure_gate(%s)", (killed, key)
        )
    return last_version(connection)


def inherit_gate(connection: Connection[Any], key: str, tenant: str) -> None:
    """Take a tenant's override away."""
    connection.execute(
        "DELETE FROM trackai.feature_flag_overrides WHERE tenant_id = %s AND flag_id = trackai.ensure_gate(%s)",
        (tenant, key),
    )


def last_version(connection: Connection[Any]) -> int:
    row = connection.execute("SELECT max(id) FROM trackai.feature_flag_versions").fetchone()
    assert row is not None
    return int(row[0])


@contextmanager
def unreadable_flags(connection: Connection[Any]) -> Iterator[None]:
    """Within the block nobody can read flags: the table of their history is away, and connections that read it are cut.

    Clients that are connected have to read all of it again, and fail.
    """
    connection.execute("ALTER TABLE trackai.feature_flag_versions RENAME TO versions_that_are_away")
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'trackai flags' AND datname = current_database()"
    )
    try:
        yield
    finally:
        connection.execute("ALTER TABLE trackai.versions_that_are_away RENAME TO feature_flag_versions")


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something holds; it fails after a minute, which is no measure of how long it takes."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end, "it did not happen within a minute"
        time.sleep(0.02)


def _act(connection: Connection[Any], by: str, reason: str) -> None:
    connection.execute(
        "SELECT set_config('trackai.actor', %s, true), set_config('trackai.reason', %s, true)", (by, reason)
    )
