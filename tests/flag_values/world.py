"""Flags in a database, as tests of reading them need them; the triggers record what is written.

What belongs here: writing rows. What does not: expectations.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from declared import TABLES
from psycopg import Connection, sql
from psycopg.types.json import Jsonb

from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.migrate import migrate
from trackai_pipelines.database.partitions import create_partitions_ahead

_PATIENCE_SECONDS = 60


def prepare(url: str) -> None:
    """Migrate the database of a server of the test's own, and add partitions from today on and the tenant acme."""
    migrate(url)
    with connect(url) as connection:
        create_partitions_ahead(connection, TABLES, today=datetime.now(UTC).date())
        connection.execute("INSERT INTO trackai.tenants (id, slug, name) VALUES ('t-acme', 'acme', 'Acme')")


def add_flag(connection: Connection[Any], key: str, **columns: Any) -> int:
    """Add an enabled flag; return its id."""
    row = {"key": key, "name": key, "category": "UI", "enabled": True, **columns}
    insert = sql.SQL("INSERT INTO trackai.feature_flags ({}) VALUES ({}) RETURNING id").format(
        sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join(map(sql.Placeholder, row))
    )
    found = connection.execute(insert, row).fetchone()
    assert found is not None
    return int(found[0])


def set_flag(connection: Connection[Any], key: str, column: str, value: Any) -> None:
    update = sql.SQL("UPDATE trackai.feature_flags SET {} = %s WHERE key = %s").format(sql.Identifier(column))
    connection.execute(update, (value, key))


def switch(connection: Connection[Any], key: str, enabled: bool) -> None:
    set_flag(connection, key, "enabled", enabled)


def switch_in_silence(connection: Connection[Any], key: str, enabled: bool) -> None:
    """Record a version without a notification, as if it had been lost on the way."""
    connection.execute(
        """
        INSERT INTO trackai.feature_flag_versions (flag_id, flag_key, effective_from, recorded_at, state, audit_id)
        SELECT f.id, f.key, now(), now(), trackai.flag_state(f.id) || %s, -1 - floor(random() * 1000000)::bigint
        FROM trackai.feature_flags f
        WHERE f.key = %s
        """,
        (Jsonb({"enabled": enabled}), key),
    )


def add_segment(connection: Connection[Any], name: str, flag_id: int, *members: tuple[str, str]) -> None:
    """Add a list of (tenant id, user), and a flag's rollout for it."""
    connection.execute("INSERT INTO trackai.feature_flag_segments (name, kind) VALUES (%s, 'list')", (name,))
    connection.execute(
        "INSERT INTO trackai.feature_flag_rollouts (flag_id, user_segment, percentage) VALUES (%s, %s, 100)",
        (flag_id, name),
    )
    add_members(connection, name, *members)


def add_members(connection: Connection[Any], name: str, *members: tuple[str, str]) -> None:
    insert = "INSERT INTO trackai.feature_flag_segment_members (tenant_id, segment, user_id) VALUES (%s, %s, %s)"
    with connection.cursor() as cursor:
        cursor.executemany(insert, [(tenant, name, user) for tenant, user in members])


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something holds; it fails after a minute, which is no measure of how long it takes."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end, "it did not happen within a minute"
        time.sleep(0.005)
