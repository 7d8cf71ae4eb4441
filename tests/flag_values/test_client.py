"""Asking in a process: values, defaults, moments, segments and what is counted."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flag_values.checks import SetClock
from flag_values.world import add_flag, add_members, add_segment, eventually, switch
from psycopg import Connection
from psycopg.rows import dict_row

from trackai_pipelines.flag_values.buffer import SECOND, Buffer
from trackai_pipelines.flag_values.client import Flags, open_flags
from trackai_pipelines.flag_values.members import MOST_KEPT

AddTenant = Callable[..., str]


@pytest.fixture
def flags(database_url: str, home: Path, add_tenant: AddTenant) -> Iterator[Flags]:
    """The flags of this test's database, which has two tenants; changes are told, not looked for."""
    add_tenant("acme", default_country="BR")
    add_tenant("globex")
    with open_flags(database_url, look_seconds=3600) as opened:
        yield opened


def known(flags: Flags, *keys: str) -> bool:
    return flags.snapshot is not None and set(keys) <= set(flags.snapshot.flag_ids)


def usage(connection: Connection[Any]) -> list[dict[str, Any]]:
    """What was counted, in the order of first checks; rows that time alone divides are together."""
    query = """
        SELECT f.key, u.tenant_id, u.user_id, u.app_type, u.variant_key, u.reason, u.error_code, u.value_used,
               sum(u.checks)::integer AS checks, sum(u.cache_hits)::integer AS cache_hits,
               u.flag_version > 0 AS versioned, min(u.bucket) AS bucket, min(u.request_id) AS request_id,
               min(u.device_info::text)::jsonb AS device_info
        FROM trackai.feature_flag_usage u
        LEFT JOIN trackai.feature_flags f ON f.id = u.flag_id
        GROUP BY f.key, u.tenant_id, u.user_id, u.app_type, u.variant_key, u.reason, u.error_code, u.value_used,
                 versioned
        ORDER BY min(u.id)
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query).fetchall()


def test_values_of_all_types_are_served(flags: Flags, connection: Connection[Any]) -> None:
    values = {"string": "blue", "integer": "25", "number": "0.5", "json": '{"a": [1, null]}'}
    for kind, value in values.items():
        add_flag(connection, f"a_{kind}", value_type=kind, off_value=value if kind == "json" else "1", on_value=value)
    eventually(lambda: known(flags, *(f"a_{kind}" for kind in values)))

    assert flags.is_on("dark_mode", tenant="acme")
    assert not flags.is_on("community_feed", tenant="t-acme", user="user-1")
    assert flags.evaluate("a_string", "red", tenant="acme").value == "blue"
    assert flags.evaluate("a_integer", 1, tenant="acme").value == 25
    as_float = flags.evaluate("a_integer", 1.0, tenant="acme").value
    assert (as_float, type(as_float)) == (25.0, float)
    assert flags.evaluate("a_number", 1.0, tenant="acme").value == 0.5
    assert flags.evaluate("a_json", {}, tenant="acme").value == {"a": [1, None]}
    assert flags.evaluate("a_json", [], tenant="acme").value == {"a": [1, None]}
    assert flags.evaluate("a_json", tenant="acme").value == {"a": [1, None]}


@pytest.mark.parametrize(
    ("key", "default"),
    [("dark_mode", 1), ("dark_mode", "true"), ("dark_mode", 1.0), ("lookback_days", True), ("lookback_days", "90")],
)
def test_another_type_than_asked_for_is_refused(flags: Flags, key: str, default: object) -> None:
    found = flags.evaluate(key, default, tenant="acme")
    assert (found.value, found.reason, found.error_code) == (default, "ERROR", "TYPE_MISMATCH")
    assert found.value_used is None


def test_without_an_answer_the_default_is_served(flags: Flags) -> None:
    unknown = flags.evaluate("no_such_flag", "red", tenant="acme")
    assert (unknown.value, unknown.error_code) == ("red", "FLAG_NOT_FOUND")
    stranger = flags.evaluate("dark_mode", True, tenant="nobody")
    assert (stranger.value, stranger.error_code) == (True, "INVALID_CONTEXT")
    assert not flags.is_on("no_such_flag", tenant="acme")
    hidden = flags.evaluate("email_matching", tenant="acme", visible_only=True)
    assert hidden.error_code == "FLAG_NOT_FOUND"


def test_the_context_is_the_user_the_attributes_and_the_tenants_slug(flags: Flags, connection: Connection[Any]) -> None:
    condition = '{"plan": "premium", "tenant": "acme", "targetingKey": "42"}'
    connection.execute(
        "INSERT INTO trackai.feature_flag_segments (name, kind, condition) VALUES ('s', 'attribute', %s)", (condition,)
    )
    flag = add_flag(connection, "for_premium", rollout_percentage=0)
    connection.execute(
        "INSERT INTO trackai.feature_flag_rollouts (flag_id, user_segment, percentage) VALUES (%s, 's', 100)", (flag,)
    )
    eventually(lambda: flags.is_on("for_premium", tenant="acme", user="42", plan="premium"))
    asked = {"targetingKey": "42", "tenant": "globex", "plan": "free"}
    assert flags.evaluate("for_premium", tenant="acme", context=asked, plan="premium").value is True
    assert flags.evaluate("for_premium", tenant="acme", context=asked).value is False
    assert not flags.is_on("for_premium", tenant="globex", user="42", plan="premium")


def test_another_moment_is_answered_from_history_and_not_counted(flags: Flags, connection: Connection[Any]) -> None:
    before = datetime.now(UTC)
    switch(connection, "dark_mode", False)
    eventually(lambda: not flags.is_on("dark_mode", tenant="acme"))
    flags.flush()
    counted = sum(row["checks"] for row in usage(connection))

    assert flags.evaluate("dark_mode", tenant="acme", at=before).value is True
    later = before + timedelta(days=1)
    assert flags.evaluate("dark_mode", tenant="acme", at=later).value is False
    assert flags.evaluate("dark_mode", tenant="acme", at=later, known_at=before).value is True
    flags.flush()
    assert sum(row["checks"] for row in usage(connection)) == counted


def test_every_check_is_counted_but_those_of_gates_timed_by_the_sale(flags: Flags, connection: Connection[Any]) -> None:
    add_flag(connection, "half", rollout_percentage=50)
    eventually(lambda: known(flags, "half"))
    for _ in range(3):
        flags.is_on("dark_mode", tenant="acme", user="user-1")
    flags.evaluate("half", False, tenant="acme", app_type="web", request_id="r-1", context={"device": {"os": "iOS"}})
    flags.evaluate("half", False, tenant="globex", user=12345)
    flags.evaluate("no_such_flag", False, tenant="acme")
    flags.evaluate("dispatch_target", "meta", tenant="acme")
    flags.evaluate("email_matching", False, tenant="acme")
    flags.evaluate("lookback_days", 90, tenant="acme")
    flags.evaluate("dark_mode", False, tenant="nobody")
    flags.flush()

    once: dict[str, Any] = {
        "checks": 1,
        "cache_hits": 1,
        "versioned": True,
        "bucket": None,
        "request_id": None,
        "device_info": None,
    }
    once |= {"tenant_id": "t-acme", "user_id": None, "app_type": "pipeline", "error_code": None, "value_used": False}
    off = {"variant_key": "off", "reason": "DISABLED"}
    failed: dict[str, Any] = {"variant_key": None, "reason": "ERROR", "value_used": None}
    half: dict[str, Any] = {
        "key": "half",
        "tenant_id": "t-globex",
        "user_id": "12345",
        "reason": "SPLIT",
        "bucket": 6713,
    }
    on: dict[str, Any] = {"key": "dark_mode", "user_id": "user-1", "checks": 3, "cache_hits": 3, "variant_key": "on"}
    found = usage(connection)
    assert found == [
        {**once, **on, "reason": "STATIC", "value_used": True},
        {**once, **failed, "key": "half", "app_type": "web", "error_code": "TARGETING_KEY_MISSING", "request_id": "r-1",
         "device_info": {"os": "iOS"}},
        {**once, **half, "bucket": found[2]["bucket"], "variant_key": found[2]["variant_key"],
         "value_used": found[2]["variant_key"] == "on"},
        {**once, **failed, "key": None, "versioned": False, "error_code": "FLAG_NOT_FOUND"},
        {**once, **off, "key": None, "versioned": False},
    ]  # fmt: skip
    (bucket,) = connection.execute("SELECT trackai.flag_bucket('half', '12345')").fetchone() or (None,)
    assert found[2]["bucket"] == bucket
    assert (found[2]["variant_key"] == "on") == (bucket < 5_000)


def test_a_write_that_comes_late_divides_no_row(
    database_url: str, home: Path, add_tenant: AddTenant, connection: Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal checks fold for twice the time between two writes, because each write comes somewhat later than that."""
    add_tenant("acme")
    monkeypatch.setenv("TRACKAI_FLAGS_FLUSH_SECONDS", "3600")
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    clock = SetClock(int(noon.timestamp()) * SECOND)
    monkeypatch.setattr("trackai_pipelines.flag_values.client.Buffer", partial(Buffer, clock=clock))
    with open_flags(database_url) as flags:
        for later in (0, 3_600, 3_599, 1):
            clock.now += later * SECOND
            flags.is_on("dark_mode", tenant="acme", user="user-1")
    rows = connection.execute("SELECT checks FROM trackai.feature_flag_usage ORDER BY accessed_at").fetchall()
    assert rows == [(3,), (1,)]


def test_members_of_a_list_are_kept_in_memory(flags: Flags, connection: Connection[Any]) -> None:
    flag = add_flag(connection, "for_staff", rollout_percentage=0)
    add_segment(connection, "staff", flag, ("t-acme", "user-1"), ("t-globex", "user-2"))
    connection.execute("NOTIFY trackai_flag_members")
    eventually(lambda: flags.is_on("for_staff", tenant="acme", user="user-1"))
    assert not flags.is_on("for_staff", tenant="acme", user="user-2")
    assert flags.is_on("for_staff", tenant="globex", user="user-2")
    assert not flags.is_on("for_staff", tenant="globex")

    connection.execute("DELETE FROM trackai.feature_flag_segment_members WHERE user_id = 'user-2'")
    add_members(connection, "staff", ("t-acme", "42"))
    connection.execute("NOTIFY trackai_flag_members")
    eventually(lambda: flags.is_on("for_staff", tenant="acme", user=42))
    assert not flags.is_on("for_staff", tenant="globex", user="user-2")
    flags.flush()
    assert {row["cache_hits"] - row["checks"] for row in usage(connection)} == {0}


def test_a_member_who_is_a_contact_is_found_by_any_form_of_it(flags: Flags, connection: Connection[Any]) -> None:
    flag = add_flag(connection, "for_staff", rollout_percentage=0)
    phone = "sha256:029c7290f14c4516673508635f0519db95f7daf42057fd0e4ad1de84c5408a66"
    add_segment(connection, "staff", flag, ("t-acme", phone), ("t-acme", "user-1"))
    connection.execute("NOTIFY trackai_flag_members")
    eventually(lambda: flags.is_on("for_staff", tenant="acme", user="user-1"))
    assert flags.is_on("for_staff", tenant="acme", user="+55 11 98765-4321")
    assert flags.is_on("for_staff", tenant="acme", user="(11) 98765-4321")
    assert not flags.is_on("for_staff", tenant="acme", user="(11) 98765-4322")


def test_members_of_a_large_list_are_looked_up(
    database_url: str, home: Path, add_tenant: AddTenant, connection: Connection[Any]
) -> None:
    add_tenant("acme")
    for_many = add_flag(connection, "for_many", rollout_percentage=0)
    for_few = add_flag(connection, "for_few", rollout_percentage=0)
    add_segment(connection, "few", for_few, ("t-acme", "user-1"))
    add_segment(connection, "many", for_many)
    connection.execute(
        "INSERT INTO trackai.feature_flag_segment_members (tenant_id, segment, user_id) "
        "SELECT 't-acme', 'many', 'user-' || n FROM generate_series(1, %s) AS n",
        (MOST_KEPT,),
    )
    with open_flags(database_url) as flags:
        last = f"user-{MOST_KEPT}"
        assert flags.is_on("for_many", tenant="acme", user=last)
        assert not flags.is_on("for_many", tenant="acme", user="user-0")
        assert not flags.is_on("for_few", tenant="acme", user="user-0")
        add_members(connection, "many", ("t-acme", "user-0"))
        assert flags.is_on("for_many", tenant="acme", user="user-0")
    found = {(row["key"], row["user_id"], row["checks"] - row["cache_hits"]) for row in usage(connection)}
    assert found == {("for_many", last, 1), ("for_many", "user-0", 1), ("for_few", "user-0", 0)}


def test_a_new_tenant_and_a_new_slug_are_seen(flags: Flags, connection: Connection[Any], add_tenant: AddTenant) -> None:
    flag = add_flag(connection, "for_one")
    connection.execute(
        "INSERT INTO trackai.feature_flag_overrides (tenant_id, flag_id, enabled, reason) "
        "VALUES ('t-acme', %s, false, 'test')",
        (flag,),
    )
    add_tenant("initech")
    # What is told is a version; tenants are looked at with it.
    switch(connection, "community_feed", True)
    eventually(lambda: flags.is_on("for_one", tenant="initech"))
    assert not flags.is_on("for_one", tenant="acme")
    connection.execute("UPDATE trackai.tenants SET slug = 'apex', updated_at = now() WHERE slug = 'acme'")
    switch(connection, "community_feed", False)
    eventually(lambda: flags.evaluate("for_one", tenant="apex").value is False)
    assert flags.evaluate("for_one", tenant="acme").error_code == "INVALID_CONTEXT"


def test_a_flag_that_was_deleted_is_not_found_and_its_checks_are_not_counted_for_it(
    flags: Flags, connection: Connection[Any]
) -> None:
    add_flag(connection, "short_lived")
    eventually(lambda: flags.is_on("short_lived", tenant="acme"))
    connection.execute("DELETE FROM trackai.feature_flags WHERE key = 'short_lived'")
    eventually(lambda: flags.evaluate("short_lived", tenant="acme").error_code == "FLAG_NOT_FOUND")
