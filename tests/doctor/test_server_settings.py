"""Settings of the server: each that was left as it comes is named, and none that was tuned."""

from dataclasses import replace
from typing import Any

import pytest
from psycopg import Connection

from trackai_pipelines.doctor.server_settings import ServerSettings, server_settings, tuning
from trackai_pipelines.domain import Level

MB = 1024**2
TUNED = ServerSettings(
    shared_buffers=4096 * MB,
    max_wal_size=4096 * MB,
    checkpoint_timeout=900.0,
    wal_compression="lz4",
    random_page_cost=1.1,
    autovacuum=True,
    unvacuumed_queues=0,
)
STOCK: dict[str, Any] = {
    "shared_buffers": 128 * MB,
    "max_wal_size": 1024 * MB,
    "checkpoint_timeout": 300.0,
    "wal_compression": "off",
    "random_page_cost": 4.0,
}


def test_a_tuned_server_is_left_in_peace() -> None:
    assert tuning(TUNED).level is Level.OK


@pytest.mark.parametrize("name", STOCK)
def test_a_stock_setting_is_named_alone(name: str) -> None:
    found = tuning(replace(TUNED, **{name: STOCK[name]}))
    assert found.level is Level.WARN
    assert found.said.startswith(f"{name} is ")
    assert ";" not in found.said


def test_a_stock_server_is_told_all() -> None:
    said = tuning(replace(TUNED, **STOCK)).said.split("; ")
    assert [part.split()[0] for part in said] == list(STOCK)


def test_the_servers_own_are_read(connection: Connection[Any]) -> None:
    connection.execute("SET random_page_cost = 3.5")
    found = server_settings(connection)
    assert (found.random_page_cost, found.unvacuumed_queues) == (3.5, 0)
    buffers = connection.execute("SELECT setting::bigint * 8192 FROM pg_settings WHERE name = 'shared_buffers'")
    assert buffers.fetchall() == [(found.shared_buffers,)]
    connection.execute("ALTER TABLE trackai.match_queue SET (autovacuum_enabled = false)")
    assert "leaves 1 of the queues alone" in tuning(server_settings(connection)).said
