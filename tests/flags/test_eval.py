"""`trackai flags eval`: the value and the way to it, now, in the past, and as it was known."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flags.changing import change, create, kill
from psycopg import Connection
from typer.testing import Result

from trackai_pipelines.flags.altering import change_row, set_fields

Run = Callable[..., Result]


@pytest.fixture
def asked(trackai: Run) -> Callable[..., dict[str, Any]]:
    """`asked("dark_mode", "--user", "1")` returns the answer for acme as JSON."""

    def run(*arguments: str) -> dict[str, Any]:
        result = trackai("flags", "eval", *arguments, "--tenant", "acme", "--json")
        assert result.exit_code == 0, result.output
        found: dict[str, Any] = json.loads(result.stdout)
        return found

    return run


def _row(variant: str, weight: int, segment: str | None = None) -> Any:
    return change_row(variant, segment, weight=weight, value=None, active=None, position=None, remove=False)


def test_a_bucket_decides(connection: Connection[Any], add_tenant: Callable[..., str], asked: Any) -> None:
    add_tenant("acme")
    create(connection, "quarter", enabled=True, rollout_percentage=25, salt="edge")
    found = asked("quarter", "--user", "user-23121")
    # The bucket at the edge: in at 26 %.
    assert (found["value"], found["variant"], found["reason"], found["bucket"]) == (False, "off", "SPLIT", 2500)
    first, second, *way = found["steps"]
    assert first.startswith("for everyone: on, 25 % (version ")
    assert first.endswith('by ana: "because")')
    assert second == "acme: overrides nothing"
    assert way == [
        "everyone",
        "serves on to buckets [0, 2500)",
        "bucket 2500 of targetingKey 'user-23121', salt 'edge': off",
    ]
    change(connection, "quarter", {"rollout_percentage": 26}, tenant="acme")
    assert asked("quarter", "--user", "user-23121")["value"] is True
    assert asked("quarter")["error_code"] == "TARGETING_KEY_MISSING"
    assert asked("quarter")["steps"][-1] == "the context has no targetingKey, by which the bucket is found"


def test_segments_are_asked_in_order(
    connection: Connection[Any], add_tenant: Callable[..., str], trackai: Run, asked: Any
) -> None:
    add_tenant("acme")
    trackai("flags", "segment", "staff", "--condition", '{"staff": true}')
    trackai("flags", "segment", "pilots", "--list")
    connection.execute("INSERT INTO trackai.feature_flag_segment_members VALUES ('t-acme', 'pilots', 'user-1')")
    yesterday = datetime.now(UTC) - timedelta(days=1)
    create(connection, "pilot", enabled=True, rollout_percentage=0, now=yesterday)
    change(connection, "pilot", _row("on", 100, "staff"), now=yesterday)
    change(connection, "pilot", _row("on", 100, "pilots"), now=yesterday)
    found = asked("pilot", "--user", "user-1", "--attr", "staff=false", "--attr", "plan=premium")
    assert (found["value"], found["reason"], found["metadata"]["segment"]) == (True, "TARGETING_MATCH", "pilots")
    assert found["steps"][2:] == [
        'segment staff: {"staff": true}: no',
        "segment pilots: a member (list): yes",
        "serves on to buckets [0, 10000)",
    ]
    found = asked("pilot", "--user", "user-2")
    assert (found["value"], found["reason"]) == (False, "DEFAULT")
    assert found["steps"][-2:] == ["everyone else", "serves off"]
    past = (yesterday + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S")
    (step,) = [
        step for step in asked("pilot", "--user", "user-1", "--at", past)["steps"] if step.startswith("segment pilots")
    ]
    assert step.endswith("yes (members are not recorded over time: those of now were asked)")


def test_a_prerequisite_is_off(connection: Connection[Any], add_tenant: Callable[..., str], asked: Any) -> None:
    add_tenant("acme")
    create(connection, "pilot", enabled=True)
    change(connection, "pilot", set_fields({}, requires=["community_feed"]))
    found = asked("pilot")
    assert (found["value"], found["reason"]) == (False, "DISABLED")
    assert found["steps"][-1] == "requires community_feed, which is false (DISABLED)"
    change(connection, "community_feed", {"enabled": True})
    assert asked("pilot")["value"] is True


def test_what_was_known_then(connection: Connection[Any], add_tenant: Callable[..., str], asked: Any) -> None:
    add_tenant("acme")
    sale = datetime.now(UTC) - timedelta(days=3)
    between = datetime.now(UTC)
    change(connection, "email_matching", {"enabled": True, "rollout_percentage": 100}, tenant="acme",
           effective_from=sale - timedelta(days=1))  # fmt: skip
    at = sale.strftime("%Y-%m-%dT%H:%M:%S")
    assert asked("email_matching", "--at", at)["value"] is True
    found = asked("email_matching", "--at", at, "--known-at", between.strftime("%Y-%m-%dT%H:%M:%S"))
    assert found["value"] is False
    assert found["steps"] == ["for everyone: off (built in)", "acme: overrides nothing"]
    kill(connection, "email_matching")
    assert asked("email_matching", "--at", at)["value"] is False


def test_what_is_said_to_people(connection: Connection[Any], add_tenant: Callable[..., str], trackai: Run) -> None:
    add_tenant("acme")
    create(connection, "limit", value_type="json", off_value="{}", on_value='{"a": "É"}', enabled=True)
    result = trackai("flags", "eval", "limit", "--tenant", "acme")
    assert result.output.splitlines()[0] == 'limit  {"a": "É"}  (STATIC, variant on)'
    change(connection, "limit", {"archived": True})
    assert (
        "limit  the caller's default  (FLAG_NOT_FOUND)" in trackai("flags", "eval", "limit", "--tenant", "acme").output
    )
    for arguments, code, said in (
        (("eval", "nothing", "--tenant", "acme"), 1, "There is no flag nothing."),
        (("eval", "limit", "--tenant", "nobody"), 1, "There is no tenant nobody"),
        (("eval", "limit", "--tenant", "acme", "--attr", "plan"), 2, "--attr takes name=value"),
    ):
        result = trackai("flags", *arguments)
        assert result.exit_code == code
        assert said in " ".join(result.output.split())
