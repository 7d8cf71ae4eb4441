"""`trackai flags ...`: what the commands change and say, and how they end."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flags.changing import audit, rows_differ_from_history, versions
from flags.checking import answers, check_all
from psycopg import Connection
from typer.testing import Result

Run = Callable[..., Result]
AddTenant = Callable[..., str]


@pytest.fixture
def flags(trackai: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """`flags("set", "dark_mode", "--off")` runs a command as ana that has to succeed; returns its output in a line."""
    monkeypatch.setenv("TRACKAI_ACTOR", "ana")

    def run(*arguments: str) -> str:
        result = trackai("flags", *arguments)
        assert result.exit_code == 0, result.output
        return " ".join(result.output.split())

    return run


@pytest.fixture
def asked(trackai: Run) -> Callable[..., Any]:
    """`asked("show", "dark_mode")` returns what the command prints as JSON."""

    def run(*arguments: str) -> Any:
        result = trackai("flags", *arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return run


def _refused(trackai: Run, *arguments: str) -> str:
    result = trackai("flags", *arguments)
    assert result.exit_code == 1, result.output
    return " ".join(result.output.split())


def test_a_flag_from_its_creation_to_its_archive(
    flags: Callable[..., str], asked: Callable[..., Any], connection: Connection[Any], trackai: Run
) -> None:
    said = flags("create", "pilot", "--name", "The pilot", "--owner", "web@example.com", "--description", "New page")
    assert said.startswith("pilot new, off (version ")
    assert "pilot off -> on, 10 % (version" in flags("set", "pilot", "--on", "--percentage", "10", "--reason", "pilot")
    assert "pilot is on, 10 % already: nothing to change." in flags("set", "pilot", "--on")
    shown = flags("show", "pilot")
    for words in ("on, 10 %", "The pilot: New page", "web@example.com", "Experimental", "'false' off, 'true' on"):
        assert words in shown
    assert "pilot on, 10 % Experimental 0 0 web@example.com" in flags("list")
    flags("set", "pilot", "--category", "UI", "--permanent", "--expires-on", "2027-01-01")
    assert asked("show", "pilot")["category"] == "UI"
    assert asked("show", "pilot")["expires_on"] == "2027-01-01"
    flags("archive", "pilot", "--reason", "done")
    assert "pilot" not in flags("list")
    assert "was archived on" in _refused(trackai, "set", "pilot", "--on")
    assert "was a flag before" in _refused(trackai, "create", "pilot")
    log = audit(connection, "pilot")
    assert [row["action"] for row in log] == ["CREATE", "UPDATE", "UPDATE", "DELETE"]
    assert [row["version"] is None for row in log] == [False, False, True, False]
    assert log[2]["old_value"] == {"category": "Experimental", "permanent": False, "expires_on": None}
    assert {row["changed_by"] for row in log} == {"ana"}
    history = asked("history", "pilot")["versions"]
    assert [one["when"] for one in history] == ["past", "past", "in force"]
    assert [one["change_reason"] for one in history] == [None, "pilot", "done"]


def test_variants_of_a_text(flags: Callable[..., str], asked: Callable[..., Any], trackai: Run) -> None:
    flags("create", "theme", "--type", "string", "--off-value", "blue", "--on-value", "blue", "--on")
    flags("variant", "theme", "control", "--weight", "34")
    flags("variant", "theme", "a", "--weight", "33", "--value", "green")
    assert "[control 34 % / a 33 %]" in flags("list")
    flags("variant", "theme", "a", "--inactive")
    assert "a 33 % (inactive)" in flags("list")
    assert "say --reshuffle" in _refused(trackai, "variant", "theme", "a", "--remove")
    assert "Moving users needs a reason" in _refused(trackai, "variant", "theme", "a", "--remove", "--reshuffle")
    flags("variant", "theme", "a", "--remove", "--reshuffle", "--reason", "out")
    (row,) = asked("show", "theme")["state"]["rollouts"]
    assert (row["variant_key"], row["percentage"], row["position"]) == ("control", 34, 0)
    assert trackai("flags", "variant", "theme", "a").exit_code == 2
    assert trackai("flags", "variant", "theme", "a", "--weight", "101").exit_code == 2


def test_segments_in_the_order_of_their_rows(flags: Callable[..., str], asked: Callable[..., Any]) -> None:
    flags("segment", "staff", "--condition", '{"staff": true}')
    flags("segment", "premium", "--condition", '{"plan": "premium"}')
    flags("variant", "dark_mode", "on", "--segment", "staff", "--weight", "100")
    flags("variant", "dark_mode", "on", "--segment", "premium", "--weight", "50", "--position", "0")
    rows = asked("show", "dark_mode")["state"]["rollouts"]
    assert [(row["user_segment"], row["variant_key"]) for row in rows] == [("premium", None), ("staff", None)]
    assert 'staff attribute: {"staff": true} Used by dark_mode.' in flags("segment", "staff")
    assert asked("segment", "premium")["flags"] == ["dark_mode"]
    assert "dark_mode uses it, and has a new version." in flags("segment", "staff", "--condition", '{"staff": 1}')


def test_an_override_and_its_end(
    flags: Callable[..., str],
    asked: Callable[..., Any],
    connection: Connection[Any],
    add_tenant: AddTenant,
    trackai: Run,
) -> None:
    add_tenant("acme")
    assert "needs a reason" in _refused(trackai, "override", "community_feed", "acme", "--on")
    end = (datetime.now(UTC) + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
    said = flags("override", "community_feed", "acme", "--on", "--until", end, "--reason", "trial")
    assert "community_feed at acme inherits -> on (version " in said
    assert "community_feed at acme inherits from" in said
    assert [one["when"] for one in asked("history", "community_feed", "--tenant", "acme")["versions"]] == [
        "in force",
        "planned",
    ]
    assert "acme on" in flags("show", "community_feed")
    said = flags("override", "community_feed", "t-acme", "--inherit", "--reason", "over")
    assert "community_feed at acme on -> inherits" in said
    assert "This cancels version" in said
    assert [one["when"] for one in asked("history", "community_feed", "--tenant", "acme")["versions"]] == [
        "past",
        "cancelled",
        "in force",
    ]
    assert rows_differ_from_history(connection) == []
    assert trackai("flags", "override", "community_feed", "acme").exit_code == 2
    assert trackai("flags", "override", "community_feed", "acme", "--on", "--inherit").exit_code == 2
    assert "There is no tenant nobody" in _refused(
        trackai, "override", "community_feed", "nobody", "--on", "--reason", "x"
    )


def test_a_gate_is_on_for_one_tenant(
    flags: Callable[..., str],
    asked: Callable[..., Any],
    connection: Connection[Any],
    add_tenant: AddTenant,
    trackai: Run,
) -> None:
    add_tenant("acme")
    add_tenant("globex")
    assert "email_matching boolean false built in 0 sale" in flags("gates")
    assert "is a gate of the pipeline" in _refused(trackai, "set", "email_matching", "--on")
    # Without a share of its own: where the unit is the tenant, on means on.
    flags("set", "email_matching", "--percentage", "30", "--reason", "pilot")
    flags("override", "email_matching", "acme", "--on", "--reason", "agreed")
    flags("override", "lookback_days", "acme", "--value", "30", "--reason", "agreed")
    columns = connection.execute("SELECT slug, email_matching, lookback_days FROM trackai.tenants ORDER BY slug")
    assert columns.fetchall() == [("acme", True, 30), ("globex", False, 90)]
    state = next(one["state"] for one in asked("show", "lookback_days")["overrides"])
    assert (state["enabled"], state["rollout_percentage"], state["value"]) == (True, 100, "30")
    assert "takes whole numbers from 0 to 3650" in _refused(
        trackai, "override", "lookback_days", "acme", "--value", "4000", "--reason", "x"
    )
    gates = {one["key"]: one for one in asked("gates")["gates"]}
    assert gates["email_matching"]["overrides"] == 1
    assert gates["dispatch_target"]["state"] is None


def test_a_kill_beats_plans_and_is_lifted(
    flags: Callable[..., str], asked: Callable[..., Any], connection: Connection[Any], trackai: Run
) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%d")
    assert "community_feed off -> on, from" in flags("set", "community_feed", "--on", "--effective-from", tomorrow)
    assert "Planned: on from" in flags("show", "community_feed")
    assert "community_feed off Experimental 0 1" in flags("list")
    assert "needs a reason" in _refused(trackai, "kill", "community_feed")
    said = flags("kill", "community_feed", "--reason", "broken")
    assert "community_feed off -> killed, off, from the beginning" in said
    assert "This cancels version" in said
    assert "is killed, off already" in flags("kill", "community_feed", "--reason", "broken")
    assert "community_feed killed, off -> off" in flags("unkill", "community_feed", "--reason", "mended")
    assert [one["when"] for one in asked("history", "community_feed")["versions"]] == [
        "cancelled",
        "cancelled",
        "cancelled",
        "in force",
    ]
    assert rows_differ_from_history(connection) == []


def test_a_dry_run_changes_nothing(
    flags: Callable[..., str], connection: Connection[Any], add_tenant: AddTenant
) -> None:
    add_tenant("acme")
    before = len(versions(connection, "dark_mode"))
    for arguments in (
        ("set", "dark_mode", "--off"),
        ("set", "dark_mode", "--name", "Night"),
        ("variant", "dark_mode", "a", "--weight", "5", "--reshuffle"),
        ("override", "dark_mode", "acme", "--off"),
        ("kill", "dark_mode"),
        ("archive", "dark_mode"),
    ):
        assert "Nothing was changed." in flags(*arguments, "--dry-run", "--reason", "try")
    assert len(versions(connection, "dark_mode")) == before
    assert connection.execute("SELECT name FROM trackai.feature_flags WHERE key = 'dark_mode'").fetchone() == (
        "Dark mode",
    )


def test_a_dry_run_says_what_it_would_do_to_users(
    flags: Callable[..., str], asked: Callable[..., Any], connection: Connection[Any], add_tenant: AddTenant
) -> None:
    add_tenant("acme")
    add_tenant("globex")
    contexts = [{"tenant": "acme", "targetingKey": f"user-{number}"} for number in range(40)]
    check_all(connection, ["community_feed"], contexts, datetime.now(UTC))
    said = flags("set", "community_feed", "--on", "--percentage", "10", "--reason", "pilot", "--dry-run")
    assert "community_feed off -> on, 10 %" in said
    assert "tenant users of 30 days gain lose switch unknown conversions of those value" in said
    (acme,) = asked("set", "community_feed", "--on", "--percentage", "10", "--dry-run")["preview"]["tenants"]
    assert (acme["slug"], acme["users"], acme["unknown"], acme["value"]) == ("acme", 40, 0, {})
    assert f"acme 40 {acme['gain']} 0 0 0 0 -" in said
    said = flags("set", "email_matching", "--on", "--reason", "pilot", "--dry-run")
    assert "tenant now then conversions a day" in said
    assert "globex false true 0.0" in said
    assert audit(connection, "email_matching") == []


def test_the_audit_log_says_how_many_users_moved(
    flags: Callable[..., str], connection: Connection[Any], add_tenant: AddTenant
) -> None:
    add_tenant("acme")
    flags("set", "community_feed", "--on", "--percentage", "50")
    contexts = [{"tenant": "acme", "targetingKey": f"user-{number}"} for number in range(40)]
    check_all(connection, ["community_feed"], contexts, datetime.now(UTC))
    before = [one.value for one in answers(connection, "community_feed", contexts, datetime.now(UTC))]
    flags("set", "community_feed", "--salt", "another", "--reshuffle", "--reason", "a new draw")
    after = [one.value for one in answers(connection, "community_feed", contexts, datetime.now(UTC))]
    moved = sum(was != becomes for was, becomes in zip(before, after, strict=True))
    assert audit(connection, "community_feed")[-1]["change_reason"] == (
        f"a new draw ({moved} of 40 users of 30 days are served another value)"
    )


def test_back_to_a_version_and_not_over_somebody_elses(
    flags: Callable[..., str], asked: Callable[..., Any], trackai: Run
) -> None:
    first = asked("set", "dark_mode", "--percentage", "50")["versions"][0]
    second = asked("set", "dark_mode", "--off", "--if-version", str(first))["versions"][0]
    assert f"is at version {second}, not {first}" in _refused(
        trackai, "set", "dark_mode", "--on", "--if-version", str(first)
    )
    assert "dark_mode off -> on, 50 %" in flags("set", "dark_mode", "--to-version", str(first))
    assert trackai("flags", "set", "dark_mode", "--to-version", str(first), "--on").exit_code == 2
    assert trackai("flags", "set", "dark_mode").exit_code == 2


def test_stale_flags_are_listed_with_the_reason(
    flags: Callable[..., str], asked: Callable[..., Any], connection: Connection[Any]
) -> None:
    flags("create", "old_promo", "--owner", "web@example.com", "--expires-on", "2026-01-31")
    assert "old_promo overdue" in flags("list", "--stale")
    (found,) = [one for one in asked("list", "--stale")["flags"] if one["key"] == "old_promo"]
    assert (found["why"], found["checks_30d"], found["owner_email"]) == ("overdue", 0, "web@example.com")
    flags("archive", "old_promo")
    assert flags("list", "--stale") == "No flag is stale."


def test_flags_are_opened_from_the_domain() -> None:
    from trackai_pipelines import flags as domain
    from trackai_pipelines.flag_values.client import open_flags

    assert domain.open_flags is open_flags


def test_keys_are_checked(trackai: Run) -> None:
    assert "cannot be a flag's key" in _refused(trackai, "create", "two words")
    assert "is a gate of the pipeline" in _refused(trackai, "create", "email_matching")
    assert "There is a flag dark_mode already" in _refused(trackai, "create", "dark_mode")
    assert "There is no flag dark_moed. Did you mean dark_mode?" in _refused(trackai, "show", "dark_moed")
