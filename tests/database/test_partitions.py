"""The partition manager: what should exist exists, and no step loses a row while others read, cancel or kill."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from declared import MATCH_LOG
from psycopg import Connection, IsolationLevel, errors, sql

from trackai_pipelines.database import partitions
from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.partitions import (
    DAYS_AHEAD,
    attach_partition,
    create_detached,
    create_partitions_ahead,
    detach_partition,
    detached_days,
    drop_detached,
    maintain,
    partition_days,
    partition_name,
)
from trackai_pipelines.matching.drain import drain

TABLE, TABLES = "match_log", [MATCH_LOG]
TODAY = datetime.now(UTC).date()


@pytest.fixture(autouse=True)
def _ahead_of_today(connection: Connection) -> None:
    """The template database may have been made on another day, if midnight passed."""
    create_partitions_ahead(connection, TABLES, today=TODAY)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gives up on a lock after a second instead of half a minute."""
    monkeypatch.setattr(partitions, "_LOCK_TIMEOUT", "250ms")
    monkeypatch.setattr(partitions, "_TRIES", 3)


def log(connection: Connection, day: date, rows: int) -> None:
    connection.execute(
        "INSERT INTO trackai.match_log "
        "(tenant_id, conversion_id, attempt, strategy, outcome, processing_ms, created_at) "
        "SELECT 't', n, 1, 'fbc', 'no_key', 1, %s::date + n * interval '1 minute' FROM generate_series(1, %s) n",
        [day, rows],
    )


def number(connection: Connection, table: str = TABLE) -> int:
    row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("trackai", table))).fetchone()
    assert row is not None
    return int(row[0])


@contextmanager
def reading(database_url: str) -> Iterator[Connection[Any]]:
    """Within the block somebody has read the log and keeps the transaction open."""
    with connect(database_url, name="a reader") as reader:
        reader.isolation_level = IsolationLevel.REPEATABLE_READ
        with reader.transaction():
            reader.execute("SELECT count(*) FROM trackai.match_log")
            yield reader


def blocked(connection: Connection, statement: str) -> Callable[[], bool]:
    def is_blocked() -> bool:
        row = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE %s "
            "AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()",
            [statement],
        ).fetchone()
        return row is not None

    return is_blocked


def wait_for(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(1000):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError("it did not happen within 20 seconds")


def test_what_is_missing_is_made_and_nothing_else(connection: Connection) -> None:
    before = partition_days(connection, "match_log")
    later = TODAY + timedelta(days=3)
    wanted = [later + timedelta(days=offset) for offset in range(-1, DAYS_AHEAD + 1)]
    made = create_partitions_ahead(connection, TABLES, today=later)
    assert made == [partition_name(TABLE, day) for day in wanted if day not in before]
    assert partition_days(connection, "match_log") == sorted({*before, *wanted})
    assert create_partitions_ahead(connection, TABLES, today=later) == []


def test_a_year_without_maintenance_leaves_a_gap_but_no_row_outside(connection: Connection) -> None:
    later = TODAY + timedelta(days=365)
    maintain(connection, TABLES, today=later)
    log(connection, later, 3)
    assert number(connection, partition_name(TABLE, later)) == 3


def test_two_managers_at_once_make_each_partition_once(database_url: str, connection: Connection) -> None:
    later = TODAY + timedelta(days=60)
    made: list[list[str]] = []
    start = threading.Barrier(4)

    def manage() -> None:
        with connect(database_url) as mine:
            start.wait()
            made.append(maintain(mine, TABLES, today=later).made)

    managers = [threading.Thread(target=manage) for _ in range(4)]
    for manager in managers:
        manager.start()
    for manager in managers:
        manager.join()
    names = sorted(name for names in made for name in names)
    assert names == [partition_name(TABLE, later + timedelta(days=offset)) for offset in range(-1, DAYS_AHEAD + 1)]


def test_parents_are_analysed(connection: Connection) -> None:
    log(connection, TODAY, 500)
    maintain(connection, TABLES, today=TODAY)
    row = connection.execute("SELECT reltuples FROM pg_class WHERE oid = 'trackai.match_log'::regclass").fetchone()
    assert row == (500,)


def test_partitions_are_made_beside_an_open_reader_and_writer(database_url: str, connection: Connection) -> None:
    with reading(database_url), connect(database_url) as writer, writer.transaction():
        log(writer, TODAY, 1)
        assert len(maintain(connection, TABLES, today=TODAY + timedelta(days=60)).made) == DAYS_AHEAD + 2


def test_bounds_are_utc_days_whatever_the_zone_of_the_server(database_url: str, connection: Connection) -> None:
    connection.execute("ALTER ROLE CURRENT_USER SET timezone = 'America/Sao_Paulo'")
    try:
        later = TODAY + timedelta(days=50)
        with connect(database_url) as elsewhere:
            create_partitions_ahead(elsewhere, TABLES, today=later)
            log(elsewhere, later, 1439)
        assert number(connection, partition_name(TABLE, later)) == 1439
    finally:
        connection.execute("ALTER ROLE CURRENT_USER RESET timezone")


def test_a_day_goes_out_and_comes_back_with_its_rows(connection: Connection) -> None:
    log(connection, TODAY, 10)
    detach_partition(connection, TABLE, TODAY)
    detach_partition(connection, TABLE, TODAY)
    assert (number(connection), number(connection, partition_name(TABLE, TODAY))) == (0, 10)
    assert detached_days(connection, TABLE) == [TODAY]
    attach_partition(connection, TABLE, TODAY)
    attach_partition(connection, TABLE, TODAY)
    assert number(connection) == 10
    assert detached_days(connection, TABLE) == []


def test_a_day_that_is_needed_and_stands_detached_is_attached_again(connection: Connection) -> None:
    log(connection, TODAY, 10)
    detach_partition(connection, TABLE, TODAY)
    assert maintain(connection, TABLES, today=TODAY).made == [partition_name(TABLE, TODAY)]
    assert number(connection) == 10


def test_only_what_stands_detached_is_dropped(connection: Connection) -> None:
    log(connection, TODAY, 10)
    with pytest.raises(ValueError, match="is not detached"):
        drop_detached(connection, TABLE, TODAY)
    assert number(connection) == 10
    detach_partition(connection, TABLE, TODAY)
    drop_detached(connection, TABLE, TODAY)
    assert detached_days(connection, TABLE) == []
    assert TODAY not in partition_days(connection, "match_log")


def test_a_reader_holds_a_detach_up_and_the_next_maintenance_finishes_it(
    database_url: str, connection: Connection, hurried: None
) -> None:
    old = TODAY - timedelta(days=1)
    log(connection, old, 10)
    with reading(database_url) as reader:
        with pytest.raises(errors.LockNotAvailable, match=r"a reader .* open since .* the next maintenance finishes"):
            detach_partition(connection, TABLE, old)
        # A reader that began before sees the rows as they were; the others find them in the detached table.
        assert number(reader) == 10
        assert number(connection, partition_name(TABLE, old)) == 10
        # Meanwhile everybody writes, and new days are made.
        log(connection, TODAY, 5)
        waiting = maintain(connection, TABLES, today=TODAY + timedelta(days=2)).waiting
        assert len(waiting) == 1
        assert "a reader" in waiting[0]
    later = TODAY + timedelta(days=2)
    assert maintain(connection, TABLES, today=later).finished == [partition_name(TABLE, old)]
    assert detached_days(connection, TABLE) == [old]
    assert (number(connection), number(connection, partition_name(TABLE, old))) == (5, 10)


@pytest.mark.parametrize("broken_off_by", ["pg_cancel_backend", "pg_terminate_backend"])
def test_a_detach_that_is_broken_off_is_finished(database_url: str, connection: Connection, broken_off_by: str) -> None:
    old = TODAY - timedelta(days=1)
    log(connection, old, 10)
    failures: list[BaseException] = []

    def detach() -> None:
        try:
            with connect(database_url, name="the manager") as mine:
                detach_partition(mine, TABLE, old)
        except (errors.QueryCanceled, errors.OperationalError) as error:
            failures.append(error)

    manager = threading.Thread(target=detach)
    with reading(database_url):
        manager.start()
        wait_for(blocked(connection, "%DETACH PARTITION%"))
        connection.execute(
            sql.SQL("SELECT {}(pid) FROM pg_stat_activity WHERE application_name = 'the manager'").format(
                sql.Identifier(broken_off_by)
            )
        )
        manager.join()
    assert len(failures) == 1
    assert old not in partition_days(connection, "match_log")
    assert number(connection) == 0, "a pending detach hides the rows"
    later = TODAY + timedelta(days=2)
    assert maintain(connection, TABLES, today=later).finished == [partition_name(TABLE, old)]
    assert number(connection, partition_name(TABLE, old)) == 10


def test_a_needed_day_whose_detach_was_broken_off_comes_back(
    database_url: str, connection: Connection, hurried: None
) -> None:
    log(connection, TODAY, 10)
    with reading(database_url), pytest.raises(errors.LockNotAvailable):
        detach_partition(connection, TABLE, TODAY)
    create_partitions_ahead(connection, TABLES, today=TODAY)
    assert number(connection) == 10


def test_a_row_outside_every_partition_is_refused_and_what_it_tells_of_waits(
    connection: Connection, add_tenant: Callable[..., str]
) -> None:
    tenant = add_tenant("acme")
    connection.execute(
        "INSERT INTO trackai.conversions (tenant_id, gateway, gateway_event_id, value, currency, occurred_at) "
        "VALUES (%s, 'stripe', 'evt', 1, 'BRL', now())",
        [tenant],
    )
    detach_partition(connection, TABLE, TODAY)
    with pytest.raises(errors.CheckViolation, match='no partition of relation "match_log"'):
        drain(connection, run_id="test")
    assert number(connection, "match_queue") == 1
    assert number(connection, "matched_attributions") == 0
    maintain(connection, TABLES, today=TODAY)
    assert drain(connection, run_id="test").conversions == 1
    assert number(connection) == 2


def test_a_table_for_rows_that_come_back_is_made_once(connection: Connection) -> None:
    old = TODAY - timedelta(days=100)
    create_detached(connection, TABLE, old)
    create_detached(connection, TABLE, old)
    assert detached_days(connection, TABLE) == [old]
    attach_partition(connection, TABLE, old)
    assert old in partition_days(connection, "match_log")
