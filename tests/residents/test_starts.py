"""Failed starts: when the next one is due, and how many are under way. Time passes by moving what is stored back."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from trackai_pipelines.database.connection import connect
from trackai_pipelines.residents.leases import (
    Terms,
    held_lease,
    holders,
    keep,
    next_start,
    note_failed_starts,
    promise_missing,
    promised,
)

TWO = Terms("work", wanted=2, life_seconds=36_000)


@pytest.fixture
def link(database_url: str) -> Callable[[], Connection[Any]]:
    """Further connections to the test's database."""
    return partial(connect, database_url, name="test")


def pass_time(connection: Connection[Any], seconds: float) -> None:
    """Let the seconds pass: every time that is stored lies so much further back."""
    connection.execute(
        "UPDATE trackai.leases SET taken_at = taken_at - make_interval(secs => %(seconds)s), "
        "expires_at = CASE WHEN taken_at IS NULL THEN expires_at - make_interval(secs => %(seconds)s) "
        "ELSE expires_at END, leaves_at = leaves_at - make_interval(secs => %(seconds)s)",
        {"seconds": seconds},
    )
    connection.execute("UPDATE trackai.failed_starts SET next_at = next_at - make_interval(secs => %s)", [seconds])


def test_each_failure_doubles_the_wait_up_to_ten_minutes_less_a_random_quarter(connection: Connection[Any]) -> None:
    spreads = []
    for failures, longest in enumerate([10, 20, 40, 80, 160, 320, 600, 600, 600], start=1):
        (*found,) = promise_missing(connection, TWO)
        # The first time all that are missing are tried at once, and after a failure one.
        assert len(found) == (2 if failures == 1 else 1)
        assert promise_missing(connection, TWO) == []
        note_failed_starts(connection, "work", found)
        counted, seconds = next_start(connection, "work")
        assert counted == failures
        assert 0.75 * longest - 1 <= seconds <= longest
        spreads.append(round(seconds / longest, 4))
        assert promise_missing(connection, TWO) == []
        pass_time(connection, seconds - 1)
        assert promise_missing(connection, TWO) == []
        pass_time(connection, 1.1)
    assert len(set(spreads)) > 4
    # Another kind of resident is not held up.
    assert len(promise_missing(connection, Terms("other work", wanted=2, life_seconds=60))) == 2


def test_a_thousand_failures_wait_no_longer(connection: Connection[Any]) -> None:
    connection.execute("INSERT INTO trackai.failed_starts VALUES ('work', 1000, now())")
    note_failed_starts(connection, "work", promise_missing(connection, TWO))
    assert 449 <= next_start(connection, "work")[1] <= 600


def test_a_success_makes_up_for_every_failure(connection: Connection[Any], link: Any) -> None:
    for _ in range(3):
        note_failed_starts(connection, "work", promise_missing(connection, TWO))
        pass_time(connection, 600)
    (probe,) = promise_missing(connection, TWO)
    with held_lease(link, TWO, promised=probe, holder="run"):
        assert next_start(connection, "work") == (0, 0.0)
        # The second one follows at once.
        (second,) = promise_missing(connection, TWO)
        note_failed_starts(connection, "work", [second])
        assert next_start(connection, "work")[0] == 1
        # What is at work goes on meanwhile.
        assert holders(connection, "work") == ["run"]


def test_a_promise_lasts_as_long_as_it_is_kept(connection: Connection[Any], link: Any) -> None:
    found = promise_missing(connection, TWO)
    for _ in range(20):
        pass_time(connection, TWO.start_seconds - 1)
        keep(connection, TWO, found)
        assert promise_missing(connection, TWO) == []
    # Nobody looked for long: what is still starting is kept, not asked for again.
    pass_time(connection, 10 * TWO.start_seconds)
    assert set(promised(connection, TWO)) == set(found)
    keep(connection, TWO, found)
    assert promise_missing(connection, TWO) == []
    with held_lease(link, TWO, promised=found[0], holder="run"):
        # A promise that was taken is neither kept nor failed.
        keep(connection, TWO, found)
        note_failed_starts(connection, "work", [found[0]])
        assert next_start(connection, "work") == (0, 0.0)
        assert holders(connection, "work") == ["run"]


def test_starts_that_fail_together_are_one_failure(connection: Connection[Any]) -> None:
    found = promise_missing(connection, TWO)
    note_failed_starts(connection, "work", found)
    note_failed_starts(connection, "work", found)
    assert next_start(connection, "work")[0] == 1


Step = tuple[str, float]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("look"), st.just(0.0)),
        st.tuples(st.sampled_from(["fail", "succeed", "die"]), st.just(0.0)),
        st.tuples(st.just("pass"), st.floats(0.5, 900)),
    ),
    max_size=30,
)


@pytest.fixture
def fresh(connection: Connection[Any]) -> Callable[[], Connection[Any]]:
    def empty() -> Connection[Any]:
        connection.execute("DELETE FROM trackai.leases")
        connection.execute("DELETE FROM trackai.failed_starts")
        return connection

    return empty


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_happens_no_more_start_than_are_missing(
    fresh: Callable[[], Connection[Any]], database_url: str, steps: list[Step]
) -> None:
    """A sensor looks, keeps what is starting, and notes what failed; a model of its own counts along."""
    connection = fresh()
    starting: list[str] = []
    at_work: list[ExitStack] = []
    failures, wait = 0, 0.0
    for step, seconds in steps:
        if step == "pass":
            pass_time(connection, seconds)
            wait -= seconds
        elif step == "fail" and starting:
            note_failed_starts(connection, "work", [starting.pop(0)])
            failures += 1
            wait = next_start(connection, "work")[1]
            assert 0.75 * min(600, 10 * 2 ** (failures - 1)) - 2 <= wait <= min(600, 10 * 2 ** (failures - 1))
        elif step == "succeed" and starting:
            work = ExitStack()
            holder = starting.pop(0)
            assert work.enter_context(
                held_lease(partial(connect, database_url, name="test"), TWO, promised=holder, holder=holder)
            )
            at_work.append(work)
            failures, wait = 0, 0.0
        elif step == "die" and at_work:
            at_work.pop(0).close()
        keep(connection, TWO, starting)
        found = promise_missing(connection, TWO)
        missing = 2 - len(at_work) - len(starting)
        if failures:
            missing = min(missing, 1 - len(starting)) if wait <= 0 else 0
        # The clock moves on while the test works.
        if not failures or abs(wait) > 2:
            assert len(found) == max(missing, 0), (step, failures, wait)
        starting += found
        assert len(starting) + len(at_work) <= 2
    for work in at_work:
        work.close()
