"""A computation whose process is killed leaves what there was; the next one gives what one from nothing gives."""

import multiprocessing
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from experiments.nights import COMPUTED, snapshot
from experiments.shop import START, add_test
from experiments.world import assign, exclude, put_sale, put_user
from processes import process
from psycopg import Connection, sql

from trackai_pipelines.database.connection import connect
from trackai_pipelines.experiments.computing import compute_tests

DAY = timedelta(days=1)
FIRST_NIGHT, SECOND_NIGHT = (START + days * DAY + timedelta(hours=1) for days in (6, 13))
TABLES = (*COMPUTED, "ab_test_scans")
"""The process waits to write into one of them when it is killed."""
WAITS = (
    "SELECT array_agg(l.pid) FROM pg_locks l WHERE NOT l.granted"
    " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
IS_ALIVE = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY (%s)"


def _compute(url: str) -> None:
    with connect(url, name="test") as connection:
        list(compute_tests(connection, SECOND_NIGHT))


def _wait_for(connection: Connection[Any], is_alive: Callable[[], bool]) -> tuple[list[int]]:
    """Return the sessions that wait for a lock, once there is one."""
    while (row := connection.execute(WAITS).fetchone()) == (None,) and is_alive():
        time.sleep(0.005)
    assert row is not None
    waiting: tuple[list[int]] = row
    return waiting


@pytest.mark.processes
def test_a_killed_process_leaves_what_there_was(
    connection: Connection[Any], add_tenant: Callable[..., str], database_url: str
) -> None:
    """Of two tests, one is new: it is computed from nothing, and the other goes on."""
    acme = add_tenant("acme")
    over = {"status": "completed", "started_at": START, "completed_at": START + 9 * DAY, "window_days": 3}
    test = add_test(connection, acme, "checkout", sample_size=8, currency="BRL", **over)
    for place in range(12):
        at = START + place * DAY / 2
        put_user(connection, acme, f"u{place}", f"u{place}", at)
        assign(connection, acme, test, f"u{place}", "a" if place % 2 else "control", at, at)
        put_sale(connection, acme, f"u{place}", at + DAY, at + DAY)
    list(compute_tests(connection, FIRST_NIGHT))
    other = add_test(connection, acme, "banner", sample_size=8, currency="BRL", **over)
    late = FIRST_NIGHT + DAY
    for place in range(12):
        assign(connection, acme, other, f"u{place}", "a" if place % 3 else "control", START + DAY, late)
    put_sale(connection, acme, "u3", START + 2 * DAY, late)
    exclude(connection, acme, "u4", late)
    before = snapshot(connection, [test, other])
    tests = [test, other]
    for table in TABLES:
        with connection.transaction():
            connection.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(sql.Identifier("trackai", table)))
            child = multiprocessing.get_context("fork").Process(target=_compute, args=(database_url,))
            child.start()
            waiting = _wait_for(connection, child.is_alive)
            child.kill()
            child.join()
            assert child.exitcode == -9, table
        # Its session ends by itself, when it has nobody to answer to.
        while connection.execute(IS_ALIVE, waiting).fetchone() != (0,):
            time.sleep(0.005)
        assert snapshot(connection, tests) == before, table
    with connection.transaction():
        connection.execute("LOCK TABLE trackai.ab_test_daily_totals IN SHARE MODE")
        days = ("--from", "2026-03-01", "--to", "2026-03-02")
        command = process("experiments", "compute", *days, TRACKAI_DATABASE_URL=database_url)
        _wait_for(connection, lambda: command.poll() is None)
        command.kill()
        command.communicate()
    assert command.returncode == -9
    list(compute_tests(connection, SECOND_NIGHT))
    found = snapshot(connection, tests)
    assert all(found[table] != before[table] for table in COMPUTED)
    list(compute_tests(connection, SECOND_NIGHT, from_start=True))
    assert snapshot(connection, tests) == found
