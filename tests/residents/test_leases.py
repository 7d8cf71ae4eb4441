"""Leases: which residents count as alive, which are requested, and when one ends. Real clocks, short lives."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from trackai_pipelines.database.connection import connect
from trackai_pipelines.residents.leases import Terms, held_lease, holders, promise_missing

TWO = Terms("work", wanted=2, life_seconds=3600)
ONE = Terms("work", wanted=1, life_seconds=3600)
# A hand-over of a second, from two seconds on.
BRIEF = Terms("work", wanted=1, life_seconds=3)
PATIENCE = 60


@pytest.fixture
def link(database_url: str) -> Callable[[], Connection[Any]]:
    """Further connections to the test's database."""
    return partial(connect, database_url, name="test")


def expire(connection: Connection[Any], holder: str | None = None) -> None:
    """Let the leases expire, as if they had not been renewed."""
    connection.execute(
        "UPDATE trackai.leases SET expires_at = now() - interval '1 millisecond' "
        "WHERE holder = coalesce(%s::text, holder)",
        [holder],
    )


def wait_for(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_what_is_missing_is_promised_once(connection: Connection[Any], link: Any) -> None:
    assert len(promise_missing(connection, TWO)) == 2
    assert promise_missing(connection, TWO) == []
    assert holders(connection, "work") == []
    assert len(promise_missing(connection, Terms("other work", wanted=1, life_seconds=60))) == 1
    # No resident started: after a while they are requested again.
    expire(connection)
    assert len(promise_missing(connection, TWO)) == 2


def test_nothing_is_promised_beyond_what_is_wanted(connection: Connection[Any], link: Any) -> None:
    (first,) = promise_missing(connection, ONE)
    with held_lease(link, ONE, promised=first, holder="run-1") as lease:
        assert lease is not None
        assert holders(connection, "work") == ["run-1"]
        assert promise_missing(connection, ONE) == []
        assert len(promise_missing(connection, TWO)) == 1
        assert promise_missing(connection, Terms("work", wanted=0, life_seconds=60)) == []
    assert holders(connection, "work") == []


def test_ticks_at_once_promise_no_more_than_is_missing(connection: Connection[Any], link: Any) -> None:
    start = threading.Barrier(8)

    def tick() -> list[str]:
        with link() as own:
            start.wait()
            return promise_missing(own, Terms("work", wanted=5, life_seconds=60))

    with ThreadPoolExecutor(8) as pool:
        promised = [holder for future in [pool.submit(tick) for _ in range(8)] for holder in future.result()]
    assert len(promised) == len(set(promised)) == 5


def test_a_heartbeat_keeps_a_lease_alive_and_a_silent_one_dies(connection: Connection[Any], link: Any) -> None:
    (promised,) = promise_missing(connection, ONE)
    with held_lease(link, ONE, promised=promised, holder="alive") as lease:
        assert lease is not None
        (before,) = connection.execute("SELECT expires_at FROM trackai.leases").fetchall()[0]
        wait_for(lambda: connection.execute("SELECT 1 FROM trackai.leases WHERE expires_at > %s", [before]).fetchone())
        # The connection of its heartbeat is killed: it makes a new one.
        wait_for(
            lambda: connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE query LIKE '%Renews the lease%' AND pid <> pg_backend_pid()"
            ).fetchone()
        )
        (before,) = connection.execute("SELECT expires_at FROM trackai.leases").fetchall()[0]
        wait_for(lambda: connection.execute("SELECT 1 FROM trackai.leases WHERE expires_at > %s", [before]).fetchone())
        assert not lease.over.is_set()
        assert promise_missing(connection, ONE) == []
    connection.execute(
        "INSERT INTO trackai.leases (name, holder, taken_at, expires_at, leaves_at) "
        "VALUES ('work', 'killed', now(), now() - interval '1 ms', now() + interval '1 hour')"
    )
    assert holders(connection, "work") == []
    assert len(promise_missing(connection, ONE)) == 1


def test_who_comes_too_late_for_his_promise_is_not_needed(connection: Connection[Any], link: Any) -> None:
    (late,) = promise_missing(connection, ONE)
    expire(connection)
    (replacement,) = promise_missing(connection, ONE)
    with held_lease(link, ONE, promised=replacement, holder="replacement"):
        with held_lease(link, ONE, promised=late, holder="late") as lease:
            assert lease is None
        assert holders(connection, "work") == ["replacement"]


def test_where_every_start_takes_too_long_the_first_one_stays(connection: Connection[Any], link: Any) -> None:
    """Each would find that another one has been promised meanwhile, which starts too late as well."""
    (late,) = promise_missing(connection, ONE)
    connection.execute("UPDATE trackai.leases SET expires_at = now() - interval '1 ms'")
    (replacement,) = promise_missing(connection, ONE)
    with held_lease(link, ONE, promised=late, holder="late") as lease:
        assert lease is not None
        assert holders(connection, ONE.name) == ["late"]
        with held_lease(link, ONE, promised=replacement, holder="replacement") as second:
            assert second is None
        assert promise_missing(connection, ONE) == []


def test_a_promise_is_taken_once(connection: Connection[Any], link: Any) -> None:
    (promised,) = promise_missing(connection, ONE)
    first = held_lease(link, ONE, promised=promised, holder="first")
    again = held_lease(link, ONE, promised=promised, holder="again")
    with first as held, again as refused:
        assert (held is None, refused is None) == (False, True)


def test_without_a_promise_a_lease_is_taken_where_one_is_missing(connection: Connection[Any], link: Any) -> None:
    with held_lease(link, ONE, promised="", holder="by-hand") as lease:
        assert lease is not None
        assert promise_missing(connection, ONE) == []


def test_a_lost_lease_ends_its_resident(connection: Connection[Any], link: Any) -> None:
    with held_lease(link, ONE, promised="", holder="paused") as lease:
        assert lease is not None
        # It was taken for dead, and the sensor asked for another one.
        connection.execute("DELETE FROM trackai.leases")
        assert len(promise_missing(connection, ONE)) == 1
        assert lease.over.wait(PATIENCE)
        assert "expired" in lease.why
    assert len(connection.execute("SELECT 1 FROM trackai.leases").fetchall()) == 1


def test_a_successor_is_asked_for_before_the_end_and_relieves(connection: Connection[Any], link: Any) -> None:
    with held_lease(link, BRIEF, promised="", holder="first") as first:
        assert first is not None
        assert first.eldest
        assert promise_missing(connection, BRIEF) == []
        found: list[str] = []

        def asked() -> list[str]:
            found.extend(promise_missing(connection, BRIEF))
            return found

        wait_for(asked)
        assert not first.over.is_set()
        with held_lease(link, BRIEF, promised=found[0], holder="second") as second:
            assert second is not None
            assert first.over.wait(PATIENCE)
            assert first.why == "its life is over, and its successor is at work"
            assert holders(connection, "work") == ["first", "second"]
            assert not second.eldest
    with held_lease(link, BRIEF, promised="", holder="third") as third:
        assert third is not None
        assert third.eldest


def test_without_a_successor_a_resident_stays_for_a_second_life(connection: Connection[Any], link: Any) -> None:
    began = time.monotonic()
    with held_lease(link, BRIEF, promised="", holder="only") as lease:
        assert lease is not None
        assert lease.over.wait(PATIENCE)
        assert time.monotonic() - began >= BRIEF.longest_seconds
        assert lease.why == "its life is over, and no successor came"


def test_the_next_eldest_reports_when_the_eldest_dies(connection: Connection[Any], link: Any) -> None:
    eldest = held_lease(link, TWO, promised="", holder="first")
    next_one = held_lease(link, TWO, promised="", holder="second")
    with eldest as first, next_one as second:
        assert first is not None
        assert second is not None
        assert (first.eldest, second.eldest) == (True, False)
        connection.execute("DELETE FROM trackai.leases WHERE holder = 'first'")
        wait_for(lambda: second.eldest)


@pytest.fixture
def restarted(database_url: str) -> Callable[[], None]:
    """End every connection to the test's database but the caller's."""

    def end_all() -> None:
        with psycopg.connect(database_url, autocommit=True) as own:
            own.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    return end_all


def test_an_expired_lease_that_nobody_replaced_lives_on(
    database_url: str, link: Any, restarted: Callable[[], None]
) -> None:
    with held_lease(link, ONE, promised="", holder="patient") as lease:
        assert lease is not None
        restarted()
        with link() as connection:
            expire(connection)
            wait_for(lambda: holders(connection, "work") == ["patient"])
        assert not lease.over.is_set()
