"""Ramps: steps by the clock, steps that wait for a measure, and what cancels them."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flags.changing import ANA, audit, change, create, kill, rows_differ_from_history, versions
from flags.checking import check_all
from psycopg import Connection
from typer.testing import Result

from trackai_pipelines.flags.changes import ChangeTerms
from trackai_pipelines.flags.guards import read_guard
from trackai_pipelines.flags.ramps import decide_due, plan_ramp, read_steps
from trackai_pipelines.flags.recording import writing
from trackai_pipelines.flags.rules import FlagRefusedError
from trackai_pipelines.flags.steps import GuardedStep, held_steps, steps_of

Run = Callable[..., Result]
AddTenant = Callable[..., str]
# Noon: the days that a guard looks at do not depend on when the test runs.
_NOW = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=10)


def _plan(connection: Connection[Any], steps: str, guard: str | None, *, key: str = "pilot", **given: Any) -> None:
    with writing(connection, lambda: _NOW) as now:
        terms = ChangeTerms(now=now, reason="pilot")
        plan_ramp(connection, key, read_steps(steps), read_guard(guard) if guard else None, ANA, terms, **given)


def _rates(connection: Connection[Any], tenant_id: str, day: int, matched: int, unmatched: int) -> None:
    """The sales of a tenant on a day, counted from the ramp's beginning."""
    connection.execute(
        "INSERT INTO trackai.daily_match_rates (tenant_id, day, gateway, currency, conversions, fbc, fbp, email,"
        " unmatched, pending, value_total, value_matched, computed_at)"
        " VALUES (%s, %s, 'stripe', 'BRL', %s, %s, 0, 0, %s, 0, 1, 1, now())",
        (tenant_id, _NOW.date() + timedelta(days=day), matched + unmatched, matched, unmatched),
    )


def _decided(connection: Connection[Any], after: timedelta) -> list[tuple[int, str]]:
    return [(one.step, one.state) for one in decide_due(connection, lambda: _NOW + after)]


def _steps(connection: Connection[Any]) -> list[GuardedStep]:
    return list(steps_of(connection, decided=True))


def _share(connection: Connection[Any], key: str = "pilot") -> tuple[bool, int]:
    found = connection.execute(
        "SELECT enabled, rollout_percentage FROM trackai.feature_flags WHERE key = %s", (key,)
    ).fetchone()
    assert found is not None
    return bool(found[0]), int(found[1])


@pytest.fixture
def acme(connection: Connection[Any], add_tenant: AddTenant) -> str:
    """The flag pilot, off, and a tenant."""
    create(connection, "pilot", now=_NOW - timedelta(days=1))
    return add_tenant("acme")


def test_steps_without_a_guard_are_planned_versions(connection: Connection[Any], acme: str) -> None:
    _plan(connection, "5@0d,25@12h,100@2d", None)
    found = [(one["effective_from"], one["state"]["rollout_percentage"]) for one in versions(connection, "pilot")][1:]
    assert found == [(_NOW, 5), (_NOW + timedelta(hours=12), 25), (_NOW + timedelta(days=2), 100)]
    assert _steps(connection) == []


def test_a_step_is_taken_when_its_guard_holds(connection: Connection[Any], acme: str) -> None:
    _plan(connection, "5@0d,25@2d,100@5d", "match_rate>=0.7 over 2d")
    assert _share(connection) == (True, 5)
    _rates(connection, acme, -1, 0, 100)
    _rates(connection, acme, 0, 70, 30)
    _rates(connection, acme, 1, 71, 29)
    # Today is not over.
    _rates(connection, acme, 2, 0, 100)
    assert _decided(connection, timedelta(days=1)) == []
    assert _decided(connection, timedelta(days=2)) == [(2, "applied")]
    assert _share(connection) == (True, 25)
    newest = versions(connection, "pilot")[-1]
    assert newest["effective_from"] == _NOW + timedelta(days=2)
    step = _steps(connection)[0]
    assert step.version == newest["id"]
    assert step.measured == {"part": 141, "whole": 200, "tenants": 1, "value": 0.705}
    assert audit(connection, "pilot")[-1]["change_reason"] == (
        "because (step 2; match_rate>=0.7 over 2d: 0.7050 (141 of 200 at 1 tenants))"
    )
    _rates(connection, acme, 3, 70, 30)
    _rates(connection, acme, 4, 70, 30)
    assert _decided(connection, timedelta(days=5)) == [(3, "applied")]
    assert _share(connection) == (True, 100)
    assert rows_differ_from_history(connection) == []
    assert _decided(connection, timedelta(days=6)) == []


def test_a_fall_of_the_rate_holds_the_step_and_a_day_cancels_it(connection: Connection[Any], acme: str) -> None:
    _plan(connection, "5@0d,25@2d,100@3d", "match_rate>=0.7 over 1d")
    _rates(connection, acme, 1, 69, 31)
    assert _decided(connection, timedelta(days=2)) == [(2, "held")]
    # The next step does not go before one that is held, although it is due; it looks at the same days.
    _rates(connection, acme, 2, 69, 31)
    assert _decided(connection, timedelta(days=2, hours=23, minutes=55)) == [(2, "held")]
    (step,) = held_steps(connection)
    assert step.decided_at == _NOW + timedelta(days=2)
    assert _share(connection) == (True, 5)
    assert _decided(connection, timedelta(days=3)) == [(2, "cancelled")]
    assert [(one.step, one.state) for one in _steps(connection)] == [(2, "cancelled"), (3, "cancelled")]
    assert "held for a day by match_rate>=0.7 over 1d: 0.6900 (69 of 100" in str(_steps(connection)[0].reason)
    assert _decided(connection, timedelta(days=9)) == []


def test_a_held_step_is_taken_once_the_rate_is_back(connection: Connection[Any], acme: str) -> None:
    _plan(connection, "5@0d,25@1d", "match_rate>0.5 over 1d")
    _rates(connection, acme, 0, 50, 50)
    assert _decided(connection, timedelta(days=1)) == [(2, "held")]
    # Late clicks were counted.
    connection.execute("UPDATE trackai.daily_match_rates SET fbc = 51, unmatched = 49")
    assert _decided(connection, timedelta(days=1, hours=2)) == [(2, "applied")]


def test_no_evidence_is_no_permission(connection: Connection[Any], acme: str) -> None:
    for guard in ("match_rate>=0 over 2d", "dispatch_failures<=1 over 2d", "flag_errors<=1 over 2d"):
        _plan(connection, "5@0d,25@1d", guard)
        assert _decided(connection, timedelta(days=1)) == [(2, "held")]
        measured = steps_of(connection)[-1].measured
        assert measured is not None
        assert measured["value"] is None


def test_only_tenants_that_it_reaches_are_measured(
    connection: Connection[Any], acme: str, add_tenant: AddTenant
) -> None:
    globex, initech = add_tenant("globex"), add_tenant("initech")
    change(connection, "pilot", {"enabled": False}, tenant="globex", now=_NOW - timedelta(hours=1))
    _plan(connection, "5@0d,25@1d", "match_rate>=0.9 over 1d")
    for tenant_id, matched in ((acme, 100), (globex, 0), (initech, 90)):
        _rates(connection, tenant_id, 0, matched, 100 - matched)
    assert _decided(connection, timedelta(days=1)) == [(2, "applied")]
    assert _steps(connection)[0].measured == {"part": 190, "whole": 200, "tenants": 2, "value": 0.95}
    # Of a gate, the tenants that are in; and one tenant's ramp asks that tenant alone. Buckets 9291, 4571 and 667.
    _plan(connection, "10@0d,50@1d", "match_rate>=0.9 over 1d", key="email_matching")
    _plan(connection, "0@0d,50@1d", "match_rate>=0.9 over 1d", key="dark_mode", tenant="globex")
    decided = {(one.key, one.state): one.measured for one in decide_due(connection, lambda: _NOW + timedelta(days=1))}
    assert decided == {
        ("email_matching", "applied"): {"part": 90, "whole": 100, "tenants": 1, "value": 0.9},
        ("dark_mode", "held"): {"part": 0, "whole": 100, "tenants": 1, "value": 0.0},
    }


def test_failures_of_delivery_and_errors_of_the_flag(
    connection: Connection[Any], acme: str, add_sale: Callable[..., None]
) -> None:
    at = _NOW + timedelta(hours=20)
    for number, tries in enumerate((["failed", "success"], ["success"], ["success"], ["failed"], ["failed"])):
        add_sale(acme, f"e{number}", occurred_at=_NOW)
        for attempt, status in enumerate(tries, start=1):
            connection.execute(
                "INSERT INTO trackai.dispatch_attempts"
                " (tenant_id, event_id, conversion_id, attempt, status, failure, created_at, completed_at)"
                " SELECT tenant_id, %s, id, %s, %s, %s, %s, %s FROM trackai.conversions WHERE gateway_event_id = %s",
                (f"x{number}", attempt, status, "rejected" if status == "failed" else None, at, at, f"e{number}"),
            )
    connection.execute("DELETE FROM trackai.dispatch_queue")
    # The last one is tried again.
    connection.execute(
        "INSERT INTO trackai.dispatch_queue (tenant_id, occurred_at, conversion_id)"
        " SELECT tenant_id, occurred_at, id FROM trackai.conversions WHERE gateway_event_id = 'e4'"
    )
    _plan(connection, "5@0d,25@1d", "dispatch_failures<=0.25 over 1d")
    assert _decided(connection, timedelta(days=1)) == [(2, "applied")]
    assert _steps(connection)[0].measured == {"part": 1, "whole": 4, "tenants": 1, "value": 0.25}


def test_errors_of_the_flag(connection: Connection[Any], acme: str, trackai: Run) -> None:
    users = [{"tenant": "acme", "targetingKey": key} for key in ("a", "b", "c", "")]
    assert (
        trackai("flags", "ramp", "pilot", "--steps", "5@0d,25@1m", "--guard", "flag_errors<0.25 over 1d").exit_code == 0
    )
    check_all(connection, ["pilot"], users, datetime.now(UTC))
    (step,) = decide_due(connection, lambda: datetime.now(UTC) + timedelta(minutes=2))
    assert step.state == "held"
    assert step.measured == {"part": 1, "whole": 4, "tenants": 1, "value": 0.25}


def test_another_change_cancels_the_rest(connection: Connection[Any], acme: str) -> None:
    _rates(connection, acme, 0, 1, 0)
    guard = "match_rate>=0.5 over 1d"
    _plan(connection, "5@0d,25@1d,50@2d", guard)
    change(connection, "pilot", {"rollout_percentage": 7}, now=_NOW + timedelta(hours=1))
    assert [(one.step, one.state, one.reason) for one in _steps(connection)] == [
        (2, "cancelled", "changed by ana"),
        (3, "cancelled", "changed by ana"),
    ]
    _plan(connection, "5@0d,25@1d", guard)
    kill(connection, "pilot", now=_NOW + timedelta(hours=2))
    assert steps_of(connection) == []
    # Plain SQL cancels no step; the next look does.
    _plan(connection, "5@0d,25@1d", guard, key="community_feed")
    connection.execute("UPDATE trackai.feature_flags SET rollout_percentage = 3 WHERE key = 'community_feed'")
    assert _decided(connection, timedelta(days=1)) == [(2, "cancelled")]
    assert _share(connection, "community_feed") == (True, 3)
    # A later ramp takes the place of an earlier one.
    _plan(connection, "5@0d,25@1d", guard, key="receipt_generation")
    _plan(connection, "5@0d,30@1d", guard, key="receipt_generation")
    (step,) = [one for one in steps_of(connection) if one.key == "receipt_generation"]
    assert step.change["rollout_percentage"] == 30


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ("5", "is not a list of steps"),
        ("5@0d,25", "is not a list of steps"),
        ("101@0d", "from 0 to 100"),
        ("5@1d,25@1d", "later than the one before"),
        ("5@1d,25@2h", "later than the one before"),
    ],
)
def test_steps_that_are_none(steps: str, said: str) -> None:
    with pytest.raises(FlagRefusedError, match=said):
        read_steps(steps)


@pytest.mark.parametrize(
    ("guard", "said"),
    [
        ("match_rate", "is not a guard"),
        ("matched>=0.7 over 2d", "is not a guard"),
        ("match_rate=0.7 over 2d", "is not a guard"),
        ("match_rate>=0.7.1 over 2d", "is not a number"),
        ("match_rate>=70 over 2d", "a share from 0 to 1"),
        ("match_rate>=0.7 over 0d", "1 to 30 days"),
        ("match_rate>=0.7 over 31d", "1 to 30 days"),
    ],
)
def test_guards_that_are_none(guard: str, said: str) -> None:
    with pytest.raises(FlagRefusedError, match=said):
        read_guard(guard)


def test_the_commands(connection: Connection[Any], acme: str, trackai: Run, run_job: Any) -> None:
    def said(*arguments: str) -> str:
        result = trackai("flags", *arguments)
        assert result.exit_code == 0, result.output
        return " ".join(result.output.split())

    assert said("plans") == "Nothing is planned."
    ramp = ("ramp", "pilot", "--steps", "5@0d,25@1m,100@5d", "--guard", "match_rate>=0.7 over 2d", "--reason", "pilot")
    tried = said(*ramp, "--dry-run")
    assert "Nothing was changed." in tried
    assert "at 100 %:" in tried
    assert said("plans") == "Nothing is planned."
    made = said(*ramp)
    assert "pilot off -> on, 5 %" in made
    assert "pilot 25 % in 1 minutes, if match_rate>=0.7 over 2d" in made
    planned = said("plans")
    assert "2 25 %" in planned
    assert "match_rate>=0.7 over 2d" in planned
    run_job("apply_flag_plans")
    connection.execute(
        "UPDATE trackai.feature_flag_plans SET apply_at = apply_at - interval '2 minutes' WHERE step = 2"
    )
    run_job("apply_flag_plans")
    assert "held" in said("plans", "pilot")
    assert "nothing to measure" in said("plans", "pilot")
    cancelled = said("cancel", "pilot", "--reason", "stop")
    assert "pilot stays on, 5 %" in cancelled
    assert "This cancels step 2 of a ramp, 25 %" in cancelled
    assert said("plans") == "Nothing is planned."
    assert "Nothing is planned for pilot." in " ".join(trackai("flags", "cancel", "pilot").output.split())
    said("set", "pilot", "--off")
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%d")
    said("set", "pilot", "--on", "--effective-from", tomorrow)
    assert len(json.loads(trackai("flags", "plans", "--json").stdout)["versions"]) == 1
    assert "This cancels version" in said("cancel", "pilot")
    assert json.loads(trackai("flags", "plans", "--json").stdout)["versions"] == []
    assert rows_differ_from_history(connection) == []
