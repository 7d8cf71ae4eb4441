"""Evaluating days: which are due, once each whatever happens meanwhile, and what is refused."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import Any

import pytest
from loyalty.evaluator import DAY, Program, World, bound
from loyalty.worlds import FIRST, events_of, expected, found_program, moment, post, small_world
from psycopg import Connection

from trackai_pipelines.database.connection import connect
from trackai_pipelines.domain import Checkup, Level
from trackai_pipelines.loyalty.evaluating import EvaluatedDay, NotDue, due_days, evaluate_due, reset_draft
from trackai_pipelines.loyalty.health import health
from trackai_pipelines.loyalty.overriding import TierByHand, override
from trackai_pipelines.loyalty.reconcile_tiers import days_left_out
from trackai_pipelines.loyalty.refusals import LoyaltyRefusedError
from trackai_pipelines.loyalty.replaying import replay

LATER = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def program(connection: Connection[Any], add_tenant: Callable[..., str]) -> tuple[str, World]:
    """A program whose sales are posted and whose days are not evaluated."""
    tenant, world = add_tenant("acme"), small_world()
    found_program(connection, tenant, world)
    post(connection, tenant, world.ledger)
    return tenant, world


def test_at_once_and_again(connection: Connection[Any], database_url: str, program: tuple[str, World]) -> None:
    """Four at once evaluate each day once; another run finds nothing to do; a session's time zone changes nothing."""
    tenant, world = program

    def run(zone: str) -> int:
        with connect(database_url) as own:
            own.execute("SELECT set_config('timezone', %s, false)", (zone,))
            done = evaluate_due(own, tenant, moment(FIRST + 60 * DAY, 12))
            return sum(isinstance(one, EvaluatedDay) for one in done)

    zones = ("UTC", "Pacific/Kiritimati", "America/Los_Angeles", "Asia/Kolkata")
    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(run, zones)) == 60
    assert run("Pacific/Apia") == 0
    assert events_of(connection, tenant) == expected(world, 60)
    assert connection.execute("SELECT count(*), max(day) FROM trackai.tier_evaluations").fetchone() == (
        60,
        FIRST + 59 * DAY,
    )


@pytest.mark.processes
def test_killed_and_repeated(connection: Connection[Any], database_url: str, program: tuple[str, World]) -> None:
    """A run that is killed with -9 leaves whole days; the next one goes on, with the same events."""
    tenant, world = program
    code = (
        "import sys; from datetime import datetime; from trackai_pipelines.database.connection import connect;"
        "from trackai_pipelines.loyalty.evaluating import evaluate_due;"
        "list(evaluate_due(connect(sys.argv[1]), sys.argv[2], datetime.fromisoformat(sys.argv[3])))"
    )
    until = moment(FIRST + 100 * DAY, 12)

    def evaluated() -> int:
        row = connection.execute("SELECT count(*) FROM trackai.tier_evaluations").fetchone()
        return int(row[0]) if row else 0

    for enough in (5, 30):
        run = subprocess.Popen([sys.executable, "-c", code, database_url, tenant, until.isoformat()])
        while evaluated() < enough and run.poll() is None:
            time.sleep(0.01)
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
    assert enough <= evaluated() <= 100
    done = [one for one in evaluate_due(connection, tenant, until) if isinstance(one, EvaluatedDay)]
    assert done[-1].day == FIRST + 99 * DAY
    assert evaluated() == 100
    assert events_of(connection, tenant) == expected(world, 100)
    assert replay(connection, tenant, FIRST, LATER.date(), LATER).differences == []


def test_when_a_day_is_due(connection: Connection[Any], add_tenant: Callable[..., str]) -> None:
    """Settled where the program is, reported by its syncs or three days later, and neither draft, paused nor closed."""
    tenant, world = add_tenant("acme"), small_world()
    found_program(connection, tenant, world, "America/Sao_Paulo")

    def said(now: datetime, **options: Any) -> str:
        (*_, last) = evaluate_due(connection, tenant, now, until=FIRST, **options)
        assert isinstance(last, NotDue)
        return last.reason

    def set_program(status: str, sources: list[str]) -> None:
        query = "UPDATE trackai.loyalty_programs SET status = %s, report_sources = %s WHERE tenant_id = %s"
        connection.execute(query, (status, sources, tenant))

    # In Sao Paulo it is three hours earlier.
    assert said(moment(FIRST + DAY, 2)) == f"it is due on {FIRST + DAY}, and there it is {FIRST}"
    set_program("draft", [])
    assert said(LATER) == "the program is a draft"
    set_program("paused", [])
    assert said(LATER) == "the program is paused"
    set_program("closed", [])
    assert said(LATER) == "the program is closed"
    set_program("active", ["cruva", "never"])
    connection.execute(
        "INSERT INTO trackai.sales_sync_days (tenant_id, source, report_day, as_of, lines, amount, units, received_at)"
        " VALUES (%s, 'cruva', %s, %s, 1, 1, 1, %s)",
        (tenant, FIRST - 2 * DAY, LATER, LATER),
    )
    assert said(moment(FIRST + DAY, 12)) == (
        f"it waits for the report of {FIRST - DAY} from cruva until {FIRST + 4 * DAY}"
    )
    due, _ = due_days(connection, moment(FIRST + 4 * DAY, 12))
    assert due == {tenant: (FIRST, FIRST + 3 * DAY)}
    assert days_left_out(connection, moment(FIRST + 4 * DAY, 12)) == [f"{tenant}: {FIRST} to {FIRST + 3 * DAY} are due"]
    assert days_left_out(connection, moment(FIRST + DAY, 12)) == []
    (late,) = health(Checkup(connection, moment(FIRST + 4 * DAY, 12), ()))
    (fine,) = health(Checkup(connection, moment(FIRST + DAY, 12), ()))
    assert (late.level, fine.level) == (Level.WARN, Level.OK)
    assert late.said == f"{tenant}: {FIRST} to {FIRST + 3 * DAY} are due"
    done, *_ = evaluate_due(connection, tenant, moment(FIRST + 4 * DAY, 12), until=FIRST)
    assert isinstance(done, EvaluatedDay)
    assert (done.day, done.members, done.events["enrolled"]) == (FIRST, 2, 2)
    connection.execute("DELETE FROM trackai.tiers")
    assert days_left_out(connection, LATER) == [f"{tenant}: there are no tiers on {FIRST + DAY}"]


def test_who_comes_later_begins_with_the_first_day_that_is_not_evaluated(
    connection: Connection[Any], program: tuple[str, World]
) -> None:
    """Whatever day a row says; and who left is not evaluated any more."""
    tenant, _ = program
    list(evaluate_due(connection, tenant, moment(FIRST + 10 * DAY, 12)))
    connection.execute("INSERT INTO trackai.users (tenant_id, id) VALUES (%s, 'c9')", (tenant,))
    connection.execute(
        "INSERT INTO trackai.loyalty_members (tenant_id, user_id, enrolled_on) VALUES (%s, 'c9', %s)", (tenant, FIRST)
    )
    connection.execute("UPDATE trackai.loyalty_members SET left_on = %s WHERE user_id = 'c1'", (FIRST + 10 * DAY,))
    list(evaluate_due(connection, tenant, moment(FIRST + 70 * DAY, 12)))
    events = events_of(connection, tenant)
    assert next(one.checkpoint_date for one in events if one.user_id == "c9") == FIRST + 10 * DAY
    assert max(one.checkpoint_date for one in events if one.user_id == "c1") < FIRST + 10 * DAY
    assert replay(connection, tenant, FIRST, LATER.date(), LATER).differences == []


def test_a_tier_set_by_hand(connection: Connection[Any], program: tuple[str, World]) -> None:
    """From a day that is not evaluated yet; what does not exist is refused."""
    tenant, _ = program
    list(evaluate_due(connection, tenant, moment(FIRST + 10 * DAY, 12)))
    day = FIRST + 10 * DAY

    def set_tier(**changed: Any) -> None:
        given = {"user_id": "c2", "tier_id": "tier_1", "day": day, "reason": "asked for", "by": "ana", **changed}
        override(connection, tenant, TierByHand(**given), LATER)

    for changed, said in (
        ({"day": day - DAY}, "is evaluated"),
        ({"tier_id": "tier_9"}, "no tier tier_9"),
        ({"user_id": "nobody"}, "nobody is no creator"),
        ({"reason": " "}, "Say why"),
    ):
        with pytest.raises(LoyaltyRefusedError, match=said):
            set_tier(**changed)
    set_tier()
    with pytest.raises(LoyaltyRefusedError, match="already"):
        set_tier()
    list(evaluate_due(connection, tenant, moment(day + DAY, 12)))
    last = events_of(connection, tenant)[-2]
    assert (last.user_id, last.status, last.tier_after, last.checkpoint_date) == ("c2", "manual", "tier_1", day)


def test_months_and_the_first_moment_of_days(connection: Connection[Any], example_vectors: dict[str, Any]) -> None:
    """Bounds are counted from the anchor, in Python and in SQL; a day begins when its clocks do."""
    for case in example_vectors["month_arithmetic"]["cases"]:
        day = date.fromisoformat(case["day"])
        query = "SELECT (%s::date + make_interval(months => %s))::date"
        assert connection.execute(query, (day, case["months"])).fetchone() == (bound(day, 1, case["months"]),)
        assert str(bound(day, 1, case["months"])) == case["result"]
    for case in example_vectors["windows_from_the_anchor"]["cases"]:
        anchor = date.fromisoformat(case["anchor"])
        assert [str(bound(anchor, count, 4)) for count in range(7)] == case["bounds"]
    for case in example_vectors["start_of_day"]["cases"]:
        query = "SELECT %s::date::timestamp AT TIME ZONE %s"
        assert connection.execute(query, (case["day"], case["time_zone"])).fetchone() == (
            datetime.fromisoformat(case["tier_achieved_at"]),
        )


def test_a_window_that_does_not_end(connection: Connection[Any], add_tenant: Callable[..., str]) -> None:
    """Without `checkpoint_months` a tier is kept for good, and the climb goes back to enrolment."""
    tenant = add_tenant("acme")
    world = small_world()
    world.programs = [Program(FIRST, checkpoint_months=None)]
    found_program(connection, tenant, world)
    post(connection, tenant, world.ledger)
    list(evaluate_due(connection, tenant, moment(FIRST + 50 * DAY, 12)))
    assert {one.status for one in events_of(connection, tenant)} == {"enrolled", "promoted"}
    assert events_of(connection, tenant) == expected(world, 50)
    row = connection.execute(
        "SELECT count(*), count(checkpoint_on), count(*) FILTER (WHERE projected_tier_at_checkpoint = current_tier)"
        " FROM trackai.creator_standing"
    ).fetchone()
    assert row == (3, 0, 3)


def test_a_draft_starts_again_and_nothing_else_does(connection: Connection[Any], program: tuple[str, World]) -> None:
    """Its evaluations are dropped, and come out the same; an active program keeps what it decided."""
    tenant, world = program
    connection.execute("UPDATE trackai.loyalty_programs SET status = 'draft'")
    list(evaluate_due(connection, tenant, moment(FIRST + 20 * DAY, 12), drafts=True))
    assert events_of(connection, tenant) == expected(world, 20)
    reset_draft(connection, tenant, LATER)
    assert events_of(connection, tenant) == []
    list(evaluate_due(connection, tenant, moment(FIRST + 20 * DAY, 12), drafts=True))
    assert events_of(connection, tenant) == expected(world, 20)
    connection.execute("UPDATE trackai.loyalty_programs SET status = 'active'")
    with pytest.raises(LoyaltyRefusedError, match="Only a draft"):
        reset_draft(connection, tenant, LATER)
    assert events_of(connection, tenant) == expected(world, 20)
