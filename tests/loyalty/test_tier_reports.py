"""Tiers as people meet them: the job, commands, checks, the report, `trackai explain`'s part, and frames."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, LiteralString

import dagster as dg
import pytest
from code_location import materialised
from loyalty.evaluator import DAY, Entry, World
from loyalty.worlds import FIRST, events_of, expected, found_program, moment, post, small_world
from psycopg import Connection
from report.pages import Page, write
from typer.testing import Result

from trackai_pipelines.domain import Period
from trackai_pipelines.loyalty import frames
from trackai_pipelines.loyalty.evaluated_days import number_at_risk
from trackai_pipelines.loyalty.evaluating import evaluate_due
from trackai_pipelines.loyalty.reconcile_tiers import unlike_replay, untiled_windows
from trackai_pipelines.loyalty.section import data, section

NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def program(connection: Connection[Any], add_tenant: Callable[..., str]) -> tuple[str, World]:
    """A program with posted sales, none of its days evaluated."""
    tenant, world = add_tenant("acme"), small_world()
    found_program(connection, tenant, world)
    post(connection, tenant, world.ledger)
    return tenant, world


@pytest.fixture
def evaluated(connection: Connection[Any], program: tuple[str, World]) -> str:
    """The same, evaluated for fifty days."""
    list(evaluate_due(connection, program[0], moment(FIRST + 50 * DAY, 12)))
    return program[0]


def test_the_job_evaluates_what_is_due_and_replays_what_was(
    connection: Connection[Any],
    program: tuple[str, World],
    run_job: Callable[..., dg.ExecuteInProcessResult],
    instance: dg.DagsterInstance,
) -> None:
    """A range is one run, and days before it are filled; again, nothing changes, and a difference fails."""
    tenant, world = program
    days = [FIRST + 30 * DAY, FIRST + 49 * DAY]
    assert run_job("evaluate_loyalty", days=days).success
    assert events_of(connection, tenant) == expected(world, 50)
    figures = materialised(instance, "tier_checkpoints")
    assert len(figures) == 50
    promoted = (FIRST + 4 * DAY).isoformat()
    assert (figures[promoted]["promoted"], figures[promoted]["programs"]) == (1, 1)
    assert run_job("evaluate_loyalty", days=days).success
    assert events_of(connection, tenant) == expected(world, 50)
    assert run_job("replay_loyalty").success
    connection.execute("UPDATE trackai.loyalty_members SET current_tier = 'tier_3' WHERE user_id = 'c3'")
    with pytest.raises(dg.Failure, match="c3 is in tier_3"):
        run_job("replay_loyalty")


CORRUPTIONS: tuple[tuple[LiteralString, str], ...] = (
    ("UPDATE trackai.loyalty_members SET window_start = window_start + 1 WHERE user_id = 'c1'", "a window begins on"),
    (
        "UPDATE trackai.tier_checkpoints SET period_end_date = period_end_date - 1 WHERE user_id = 'c2'",
        "a window begins on",
    ),
    ("UPDATE trackai.loyalty_members SET enrolled_on = enrolled_on - 1 WHERE user_id = 'c3'", "enrolment was on"),
)


def test_windows_tile_the_ledger(connection: Connection[Any], evaluated: str) -> None:
    """Green as it is; red once a window is moved by a day, or an event removed."""
    everybody = [NOW + count * DAY for count in range(30)]
    assert [found for day in everybody for found in untiled_windows(connection, day)] == []
    assert unlike_replay(connection, NOW, everybody=True) == []
    for corruption, said in CORRUPTIONS:
        with connection.transaction(force_rollback=True):
            connection.execute(corruption)
            assert any(said in found for found in untiled_windows(connection, NOW)), said
            assert unlike_replay(connection, NOW, everybody=True)
    with connection.transaction(force_rollback=True):
        connection.execute("DELETE FROM trackai.tier_checkpoints WHERE user_id = 'c1' AND status = 'promoted'")
        found = [said for day in everybody for said in untiled_windows(connection, day)]
        assert any("windows have" in said for said in found)
        assert any("enrolment was on" in said for said in found)


def test_the_commands(trackai: Callable[..., Result], connection: Connection[Any], program: tuple[str, World]) -> None:
    """Evaluate, replay, standing, corrections, what-if and override, as people type them."""
    tenant, world = program

    def said(*words: object, code: int = 0) -> str:
        result = trackai("loyalty", *words)
        assert result.exit_code == code, result.output
        return " ".join(result.output.replace("│", " ").split())

    to_day = FIRST + 49 * DAY
    assert f"{to_day} 3" in said("evaluate", "acme", "--to", to_day)
    assert events_of(connection, tenant) == expected(world, 50)
    assert "50 days, 3 creators" in said("evaluate", "acme", "--from", FIRST, "--to", to_day)
    assert "all as recorded" in said("replay", "acme", "--from", FIRST + DAY, "--to", to_day)
    assert "empty" in said("replay", "acme", "--from", to_day, "--to", FIRST, code=2)
    assert "nothing to replay" in said("replay", "acme", "--from", "2031-01-01", code=2)
    assert said("standing", "acme", "c2").startswith("c2: Tier_2 (tier_2) since")
    assert json.loads(said("standing", "acme", "c2", "--json"))["tier"]["tier_id"] == "tier_2"
    assert "There is no tenant nobody" in said("standing", "nobody", "c2", code=2)
    post(connection, tenant, [Entry(7, "c1", FIRST + 21 * DAY, Decimal(-200), -1)])
    said("evaluate", "acme", "--to", to_day + DAY)
    assert f"c1 1 {FIRST + 21 * DAY} {FIRST + 21 * DAY}" in said("corrections", "acme", "--to", "2101-01-01")
    tried = said("what-if", "acme", "--months", 1, "--threshold", "tier_2=10")
    assert "tier_1" in tried
    assert "commission at the tiers' rates: 0.00 USD" in tried
    assert "give what to try" in said("what-if", "acme", code=2)
    assert "is no threshold" in said("what-if", "acme", "--threshold", "tier_2", code=2)
    assert "c1 is in tier_3 once" in said(
        "override", "acme", "c1", "--tier", "tier_3", "--on", "2026-01-01", "--reason", "a prize"
    )
    connection.execute("DELETE FROM trackai.tier_checkpoints WHERE user_id = 'c1' AND status = 'promoted'")
    assert "recorded is nothing" in said("replay", "acme", code=1)


def test_the_report_has_tiers_moves_and_who_is_at_risk(
    connection: Connection[Any], evaluated: str, tmp_path: Path
) -> None:
    """Of the last evaluated day, and of the period."""
    period = Period(FIRST, FIRST + 49 * DAY)
    found = data(connection, period)
    (program,) = found["programs"]
    assert sum(creators for _, creators in program.tiers) == 3
    assert program.moves["promoted"] == sum(one.status == "promoted" for one in events_of(connection, evaluated))
    assert len(program.at_risk) == number_at_risk(connection)
    texts = Page(write(connection, tmp_path / "report.html", (section(), found))).texts
    assert "Creators by tier" in texts
    empty = Page(write(connection, tmp_path / "none.html", (section(), {"programs": [], "most": 10}))).texts
    assert any(text.startswith("No loyalty program") for text in empty)


def test_frames_have_what_tables_have(connection: Connection[Any], evaluated: str) -> None:
    """Standings, entries and moves, by slug or id."""
    assert list(frames.standing(connection, "acme")["user_id"]) == ["c1", "c2", "c3"]
    ledger = frames.ledger(connection, evaluated, FIRST, FIRST + 30 * DAY)
    assert (len(ledger), ledger["amount"].sum()) == (5, 1430.0)
    moves = frames.moves(connection, "acme", FIRST, FIRST + 49 * DAY)
    assert len(moves) == len(events_of(connection, evaluated))
