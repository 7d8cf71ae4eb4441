"""Changes of flags through the one path that records them: versions, audit rows, rows, and what is refused."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flags.changing import (
    ANA,
    audit,
    change,
    create,
    flag_id,
    kill,
    rows_differ_from_history,
    unkill,
    versions,
)
from psycopg import Connection, errors, sql

from trackai_pipelines.flags.altering import back_to, change_row, set_fields
from trackai_pipelines.flags.recording import Author
from trackai_pipelines.flags.rules import FlagRefusedError
from trackai_pipelines.flags.scopes import scope_versions
from trackai_pipelines.flags.states import inherit

AddTenant = Callable[..., str]


@pytest.fixture(autouse=True)
def rows_follow_history(connection: Connection[Any]) -> Iterator[None]:
    """After each test here, the rows of every flag and override say what the version in force says."""
    yield
    assert rows_differ_from_history(connection) == []
    (orphans,) = connection.execute(
        "SELECT count(*) FROM trackai.feature_flag_versions v FULL JOIN trackai.feature_flag_audit_log a"
        " ON a.id = v.audit_id AND a.version = v.id WHERE v.id IS NULL AND a.version IS NOT NULL OR a.id IS NULL"
    ).fetchone() or (None,)
    assert orphans == 0


def _row(variant: str, segment: str | None = None, **given: Any) -> Any:
    asked = {"weight": None, "value": None, "active": None, "position": None, "remove": False}
    return change_row(variant, segment, **{**asked, **given})


def test_each_change_is_one_version_and_one_audit_row(connection: Connection[Any]) -> None:
    create(connection, "pilot")
    change(connection, "pilot", {"enabled": True})
    change(connection, "pilot", {"rollout_percentage": 10})
    change(connection, "pilot", {"archived": True})
    log = audit(connection, "pilot")
    assert [row["action"] for row in log] == ["CREATE", "TOGGLE", "UPDATE", "DELETE"]
    assert [row["version"] for row in log] == [row["id"] for row in versions(connection, "pilot")]
    assert {(row["changed_by"], row["change_reason"], str(row["ip_address"])) for row in log} == {
        ("ana", "because", "192.0.2.7")
    }
    assert [(row["old_value"] or {}).get("enabled") for row in log] == [None, False, True, True]
    assert [row["new_value"]["enabled"] for row in log] == [False, True, True, True]
    first, *later = versions(connection, "pilot")
    assert first["effective_from"] is None
    assert all(row["effective_from"] == row["recorded_at"] for row in later)


def test_a_change_that_changes_nothing_writes_nothing(connection: Connection[Any]) -> None:
    before = len(audit(connection, "dark_mode"))
    proposal, recorded = change(connection, "dark_mode", {"enabled": True, "rollout_percentage": 100})
    assert (proposal.records, recorded) == ((), [])
    assert len(audit(connection, "dark_mode")) == before


def test_history_cannot_be_changed_and_outlives_its_flag(connection: Connection[Any]) -> None:
    create(connection, "pilot")
    connection.execute("DELETE FROM trackai.feature_flags WHERE key = 'pilot'")
    assert [row["action"] for row in audit(connection, "pilot")] == ["CREATE", "DELETE"]
    assert versions(connection, "pilot")[-1]["state"] is None
    for table, column in (("feature_flag_audit_log", "changed_by"), ("feature_flag_versions", "flag_key")):
        names = {"table": sql.Identifier("trackai", table), "column": sql.Identifier(column)}
        for statement in ("UPDATE {table} SET {column} = 'x'", "DELETE FROM {table}", "TRUNCATE {table}"):
            with pytest.raises(errors.RestrictViolation):
                connection.execute(sql.SQL(statement).format(**names))
    with pytest.raises(FlagRefusedError, match="was a flag before"):
        create(connection, "pilot")


def test_plain_sql_leaves_what_a_command_leaves(connection: Connection[Any], add_tenant: AddTenant) -> None:
    add_tenant("acme")
    create(connection, "by_command")
    change(connection, "by_command", {"enabled": True})
    change(connection, "by_command", {"rollout_percentage": 5, "salt": "s"})
    change(connection, "by_command", {"enabled": False, "rollout_percentage": None}, tenant="acme")
    change(connection, "by_command", inherit, tenant="acme")
    change(connection, "by_command", _row("a", weight=30))
    change(connection, "by_command", set_fields({}, requires=["tier_progress_bar"]))
    with connection.transaction():
        for name, value in (("actor", "ana"), ("reason", "because"), ("ip", "192.0.2.7")):
            connection.execute("SELECT set_config(%s, %s, true)", (f"trackai.{name}", value))
        connection.execute("INSERT INTO trackai.feature_flags (key, name, category) VALUES ('by_sql', 'x', 'UI')")
        number = flag_id(connection, "by_sql")
        for statement in (
            "UPDATE trackai.feature_flags SET enabled = true WHERE id = %s",
            "UPDATE trackai.feature_flags SET rollout_percentage = 5, salt = 's' WHERE id = %s",
            "INSERT INTO trackai.feature_flag_overrides VALUES ('t-acme', %s, false, NULL, NULL, false, 'x')",
            "DELETE FROM trackai.feature_flag_overrides WHERE flag_id = %s",
            "INSERT INTO trackai.feature_flag_rollouts (flag_id, variant_key, percentage) VALUES (%s, 'a', 30)",
            "INSERT INTO trackai.feature_flag_prerequisites SELECT %s, min(id) FROM trackai.feature_flags",
        ):
            connection.execute(statement, (number,))
    by_command, by_sql = audit(connection, "by_command"), audit(connection, "by_sql")
    # An INSERT of an override is an UPDATE of the flag, though only `enabled` is said.
    first, last = ["CREATE", "TOGGLE", "UPDATE"], ["DELETE", "UPDATE", "UPDATE"]
    assert [row["action"] for row in by_sql] == [*first, "UPDATE", *last]
    assert [row["action"] for row in by_command] == [*first, "TOGGLE", *last]
    for log in (by_command, by_sql):
        assert {(row["changed_by"], row["change_reason"]) for row in log} == {("ana", "because")}
    states = [[row["state"] for row in versions(connection, key)] for key in ("by_command", "by_sql")]
    assert states[0] == [
        state if state is None or "salt" not in state else {**state, "salt": state["salt"].replace("sql", "command")}
        for state in states[1]
    ]


def test_a_planned_change_is_named_when_another_cancels_it(connection: Connection[Any]) -> None:
    now = datetime.now(UTC)
    create(connection, "pilot")
    _, (planned,) = change(connection, "pilot", {"enabled": True}, effective_from=now + timedelta(days=3))
    assert connection.execute("SELECT enabled FROM trackai.feature_flags WHERE key = 'pilot'").fetchone() == (False,)
    later, _ = change(connection, "pilot", {"rollout_percentage": 5}, effective_from=now + timedelta(days=5))
    # It builds on what was planned before it, and does not undo that.
    assert later.cancelled == ()
    assert later.after is not None
    assert later.after["enabled"]
    at_once, _ = change(connection, "pilot", {"rollout_percentage": 50})
    assert [one.id for one in at_once.cancelled] == [planned, planned + 1]
    assert at_once.after is not None
    assert not at_once.after["enabled"]


def test_only_gates_of_the_sale_are_backdated(connection: Connection[Any], add_tenant: AddTenant) -> None:
    add_tenant("acme")
    yesterday = datetime.now(UTC) - timedelta(days=1)
    with pytest.raises(FlagRefusedError, match="cannot be changed for the past"):
        change(connection, "dark_mode", {"enabled": False}, effective_from=yesterday)
    with pytest.raises(FlagRefusedError, match="cannot be changed for the past"):
        change(connection, "dispatch_target", {"enabled": True}, effective_from=yesterday)
    with pytest.raises(FlagRefusedError, match="is a gate of the pipeline"):
        change(connection, "email_matching", {"enabled": True}, effective_from=yesterday, author=Author("ana"))
    change(
        connection,
        "email_matching",
        {"enabled": True, "rollout_percentage": 100},
        tenant="acme",
        effective_from=yesterday,
    )
    settings = connection.execute(
        "SELECT nullif(effective_from, '-infinity'), email_matching FROM trackai.matching_settings"
        " WHERE tenant_id = 't-acme' ORDER BY 1 NULLS FIRST"
    ).fetchall()
    assert settings == [(None, False), (yesterday, True)]
    assert connection.execute("SELECT email_matching FROM trackai.tenants").fetchone() == (True,)


def test_the_columns_of_all_tenants_follow_their_gate(connection: Connection[Any], add_tenant: AddTenant) -> None:
    for slug in ("acme", "globex", "initech"):
        add_tenant(slug)
    change(connection, "email_matching", {"enabled": True, "rollout_percentage": 50})
    change(connection, "lookback_days", {"enabled": True, "on_value": "30"})
    change(connection, "lookback_days", {"enabled": True, "value": "7"}, tenant="t-globex")
    found = connection.execute("SELECT slug, email_matching, lookback_days FROM trackai.tenants ORDER BY slug")
    # Buckets 9291, 4571 and 667.
    assert found.fetchall() == [("acme", False, 30), ("globex", True, 7), ("initech", True, 30)]
    # Following is no override of its own.
    assert [row["tenant_id"] for row in versions(connection, "email_matching")] == [None, None]
    kill(connection, "lookback_days")
    assert connection.execute("SELECT DISTINCT lookback_days FROM trackai.tenants").fetchall() == [(90,)]
    unkill(connection, "lookback_days")
    assert connection.execute("SELECT lookback_days FROM trackai.tenants ORDER BY slug").fetchall() == [
        (30,),
        (7,),
        (30,),
    ]


def test_an_override_with_an_end_is_a_planned_return(connection: Connection[Any], add_tenant: AddTenant) -> None:
    add_tenant("acme")
    end = datetime.now(UTC) + timedelta(days=2)
    proposal, recorded = change(connection, "community_feed", {"enabled": True}, tenant="acme", until=end)
    assert len(recorded) == 2
    assert connection.execute("SELECT expires_at, reason FROM trackai.feature_flag_overrides").fetchone() == (
        end,
        "because",
    )
    assert versions(connection, "community_feed")[-1]["effective_from"] == end
    assert versions(connection, "community_feed")[-1]["state"] is None
    assert [row["action"] for row in audit(connection, "community_feed")[-2:]] == ["TOGGLE", "DELETE"]
    _, again = change(connection, "community_feed", {"enabled": True}, tenant="acme", until=end)
    assert again == []
    # A later change makes it permanent, and says so.
    proposal, _ = change(connection, "community_feed", {"rollout_percentage": 10}, tenant="acme")
    assert [one.id for one in proposal.cancelled] == recorded[1:]
    assert connection.execute("SELECT expires_at FROM trackai.feature_flag_overrides").fetchone() == (None,)


def test_lifting_a_kill_restores_every_period(connection: Connection[Any]) -> None:
    start = datetime.now(UTC) - timedelta(days=10)
    create(connection, "pilot", now=start)
    change(connection, "pilot", {"enabled": True}, now=start + timedelta(days=1))
    change(
        connection,
        "pilot",
        {"rollout_percentage": 5},
        now=start + timedelta(days=2),
        effective_from=start + timedelta(days=8),
    )
    killed = kill(connection, "pilot", now=start + timedelta(days=3))
    assert len(killed.cancelled) == 1
    assert _periods(connection, "pilot") == [(None, True, True, 100)]
    unkill(connection, "pilot", now=start + timedelta(days=9))
    assert _periods(connection, "pilot") == [
        (None, False, False, 100),
        (start + timedelta(days=1), True, False, 100),
    ]
    assert [row["action"] for row in audit(connection, "pilot")] == [
        "CREATE",
        "TOGGLE",
        "UPDATE",
        "TOGGLE",
        "TOGGLE",
        "TOGGLE",
    ]
    assert unkill(connection, "pilot").records == ()


def _periods(connection: Connection[Any], key: str) -> list[tuple[Any, ...]]:
    found = connection.execute(
        "SELECT nullif(effective_from, '-infinity'), (state ->> 'enabled')::boolean, (state ->> 'killed')::boolean,"
        " (state ->> 'rollout_percentage')::integer FROM trackai.feature_flag_periods"
        " WHERE flag_key = %s AND tenant_id IS NULL ORDER BY effective_from",
        (key,),
    )
    return found.fetchall()


def test_a_tenants_kill_and_its_end(connection: Connection[Any], add_tenant: AddTenant) -> None:
    add_tenant("acme")
    kill(connection, "dark_mode", tenant="acme")
    assert connection.execute("SELECT enabled, killed FROM trackai.feature_flag_overrides").fetchone() == (None, True)
    unkill(connection, "dark_mode", tenant="acme")
    assert connection.execute("SELECT count(*) FROM trackai.feature_flag_overrides").fetchone() == (0,)


def test_back_to_a_version(connection: Connection[Any]) -> None:
    create(connection, "theme", value_type="string", off_value="blue", on_value="blue", enabled=True)
    change(connection, "theme", _row("a", weight=30, value="green"))
    _, (number,) = change(connection, "theme", _row("b", weight=30, value="red"))
    change(connection, "theme", _row("a", remove=True), reshuffle=True)
    change(connection, "theme", {"rollout_percentage": 20})
    history = scope_versions(connection, "theme", None)
    proposal, _ = change(connection, "theme", back_to(history, number, tenant=False), reshuffle=True)
    assert proposal.after == next(one.state for one in history if one.id == number)
    with pytest.raises(FlagRefusedError, match="There is no version 1 "):
        back_to(history, 1, tenant=False)


def test_somebody_was_quicker(connection: Connection[Any], add_tenant: AddTenant) -> None:
    add_tenant("acme")
    _, (number,) = change(connection, "dark_mode", {"rollout_percentage": 50})
    change(connection, "dark_mode", {"rollout_percentage": 60}, if_version=number)
    with pytest.raises(FlagRefusedError, match=f"is at version {number + 1}, not {number}"):
        change(connection, "dark_mode", {"rollout_percentage": 70}, if_version=number)
    change(connection, "dark_mode", {"enabled": False}, tenant="acme", if_version=0)
    with pytest.raises(FlagRefusedError, match="dark_mode at acme is at version"):
        change(connection, "dark_mode", {"enabled": True}, tenant="acme", if_version=0)


def test_moving_users_needs_to_be_meant(connection: Connection[Any]) -> None:
    create(connection, "theme", value_type="string", off_value="blue", on_value="blue", enabled=True)
    change(connection, "theme", _row("control", weight=34))
    change(connection, "theme", _row("a", weight=33))
    change(connection, "theme", {"rollout_percentage": 40})
    for alter in (
        _row("control", weight=20),
        _row("a", position=0),
        _row("a", remove=True),
        {"salt": "another"},
        {"bucket_by": "tenant"},
    ):
        with pytest.raises(FlagRefusedError, match="would move users of theme"):
            change(connection, "theme", alter)
        with pytest.raises(FlagRefusedError, match="Moving users needs a reason"):
            change(connection, "theme", alter, reshuffle=True, author=Author("ana"))
    # Nobody else's variant changes by these.
    change(connection, "theme", _row("b", weight=33))
    change(connection, "theme", _row("a", active=False))
    change(connection, "theme", {"rollout_percentage": 70})
    change(connection, "theme", {"enabled": False})
    change(connection, "theme", _row("control", weight=20))


@pytest.mark.parametrize(
    ("key", "alter", "said"),
    [
        ("dark_mode", {"rollout_percentage": 101}, "whole number from 0 to 100"),
        ("dark_mode", {"on_value": "yes"}, "'yes' is no boolean"),
        ("dark_mode", {"on_value": "false"}, "its values are false and true"),
        ("dark_mode", {"requires": ["nothing"]}, "there is no such flag"),
        ("dark_mode", {"salt": ""}, "salt is empty"),
        ("dark_mode", _row("a", "nobody", weight=5), "There is no segment nobody"),
        ("dark_mode", _row("override", weight=5), "cannot be the name of a variant"),
        ("dark_mode", _row("a", active=False), "no variant a for everyone yet. Give it a --weight"),
        ("dark_mode", _row("a", remove=True), "no variant a for everyone yet."),
        ("dark_mode", _row("a", weight=5, value="x"), "'x' is no boolean"),
        ("lookback_days", {"on_value": "3651"}, "whole numbers from 0 to 3650"),
        ("lookback_days", {"on_value": "1e2"}, "is no integer|at most 15 digits"),
        ("dispatch_policy", {"on_value": "none"}, "takes all, matched"),
        ("email_matching", {"client_visible": True}, "no app can see it"),
        ("email_matching", {"bucket_by": "run"}, "its unit is tenant"),
        ("email_matching", {"archived": True}, "cannot be archived"),
        ("email_matching", {"requires": ["dark_mode"]}, "takes no variants, segments or prerequisites"),
        ("email_matching", _row("a", weight=5), "takes no variants, segments or prerequisites"),
        ("dark_moed", {"enabled": True}, "There is no flag dark_moed. Did you mean dark_mode"),
    ],
)  # fmt: skip
def test_what_is_refused(connection: Connection[Any], key: str, alter: Any, said: str) -> None:
    if isinstance(alter, dict) and "requires" in alter:
        required = alter["requires"]
        alter = lambda state: {**state, "requires": required}  # noqa: E731
    with pytest.raises(FlagRefusedError, match=said):
        change(connection, key, alter)
    assert audit(connection, key)[1:] == []


def test_prerequisites_make_no_circle(connection: Connection[Any]) -> None:
    for key in ("a", "b", "c"):
        create(connection, key)
    create(connection, "words", value_type="string")

    def requiring(*keys: str) -> Any:
        return lambda state: {**state, "requires": list(keys)}

    change(connection, "a", requiring("b"))
    change(connection, "b", requiring("c"))
    with pytest.raises(FlagRefusedError, match="c would require itself: c -> a -> b -> c"):
        change(connection, "c", requiring("a"))
    with pytest.raises(FlagRefusedError, match="a would require itself: a -> a"):
        change(connection, "a", requiring("b", "a"))
    with pytest.raises(FlagRefusedError, match="not a boolean flag"):
        change(connection, "a", requiring("words"))
    with pytest.raises(FlagRefusedError, match="c is required by b"):
        change(connection, "c", {"archived": True})
    change(connection, "a", {"archived": True})
    change(connection, "b", {"archived": True})
    change(connection, "c", {"archived": True})
    with pytest.raises(FlagRefusedError, match="was archived on"):
        change(connection, "c", {"enabled": True})


def test_weights_sum_to_at_most_100(connection: Connection[Any]) -> None:
    change(connection, "dark_mode", _row("a", weight=60), reshuffle=True)
    with pytest.raises(FlagRefusedError, match="weights of 101 % together"):
        change(connection, "dark_mode", _row("b", weight=41))
    create(connection, "limit", value_type="integer", off_value="1", on_value="2")
    with pytest.raises(FlagRefusedError, match="needs a value: a flag of type integer"):
        change(connection, "limit", _row("a", weight=60))


def test_overrides_kills_and_gates_need_a_reason(connection: Connection[Any], add_tenant: AddTenant) -> None:
    add_tenant("acme")
    silent = Author("ana")
    with pytest.raises(FlagRefusedError, match="An override needs a reason"):
        change(connection, "dark_mode", {"enabled": False}, tenant="acme", author=silent)
    with pytest.raises(FlagRefusedError, match="There is no tenant nobody"):
        change(connection, "dark_mode", {"enabled": False}, tenant="nobody")
    change(connection, "dark_mode", {"enabled": False}, author=silent)
    assert audit(connection, "dark_mode")[-1]["change_reason"] is None
    assert ANA.reason
