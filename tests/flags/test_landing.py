"""Files of checks that were made offline, and of members of segments."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flag_values.world import add_flag, add_segment
from ingest.landing_zone import counts, load_all, write, write_jsonl
from psycopg import Connection
from psycopg.rows import dict_row

from trackai_pipelines.database.connection import connect
from trackai_pipelines.flags.analytics import analyse_days, expose_days

NOW = datetime.now(UTC)
PHONE_HASH = "sha256:029c7290f14c4516673508635f0519db95f7daf42057fd0e4ad1de84c5408a66"


def checked(**given: Any) -> dict[str, Any]:
    """A check of acme as an app writes it."""
    usual = {"tenant": "acme", "flag": "dark_mode", "user_id": "u1", "app_type": "mobile", "value_used": True}
    return {**usual, "accessed_at": NOW.isoformat(), **given}


def rows(connection: Connection[Any]) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("SELECT * FROM trackai.feature_flag_usage ORDER BY external_id").fetchall()


def reasons(connection: Connection[Any]) -> list[str]:
    query = "SELECT reason FROM trackai.ingest_rejects ORDER BY source, line"
    return [reason for (reason,) in connection.execute(query)]


def members(connection: Connection[Any]) -> list[tuple[Any, ...]]:
    query = "SELECT tenant_id, segment, user_id FROM trackai.feature_flag_segment_members ORDER BY 1, 2, 3"
    return connection.execute(query).fetchall()


def test_a_check_becomes_a_row_once(database_url: str, connection: Connection[Any], landing: Path) -> None:
    record = checked(variant_key="a", external_id="phone-1", request_id="r-1")
    record["device_info"] = {"os": "iOS \\ 17\t", "mail": "ana@example.com"}
    path = write_jsonl(landing / "flag_usage_1.jsonl", record)
    (report,) = load_all(database_url, landing)
    assert counts(report) == (1, 0, 0)
    (found,) = rows(connection)
    (flag,) = connection.execute("SELECT id FROM trackai.feature_flags WHERE key = 'dark_mode'").fetchone() or (0,)
    assert {name: found[name] for name in found.keys() - {"id", "device_info"}} == {
        "tenant_id": "t-acme",
        "accessed_at": NOW,
        "flag_id": flag,
        "user_id": "u1",
        "app_type": "mobile",
        "value_used": True,
        "request_id": "r-1",
        "last_accessed_at": NOW,
        "checks": 1,
        "cache_hits": 0,
        "response_us": None,
        "flag_version": None,
        "override_version": 0,
        "variant_key": "a",
        "user_segment": None,
        "reason": None,
        "error_code": None,
        "bucket": None,
        "overflow": False,
        "external_id": "phone-1",
    }
    assert found["device_info"] == {"os": "iOS \\ 17\t", "mail": "[e-mail masked]"}
    write_jsonl(path, record, record)
    (report,) = load_all(database_url, landing)
    assert counts(report) == (0, 2, 0)


def test_a_check_without_an_id_is_known_by_its_values(
    database_url: str, connection: Connection[Any], landing: Path
) -> None:
    path = landing / "flag_usage.jsonl"
    for accepted in (2, 0):
        write_jsonl(path, checked(), checked(), checked(user_id="u2"), *[checked()] * (1 - accepted // 2))
        (report,) = load_all(database_url, landing)
        assert report.accepted == accepted
    assert len(rows(connection)) == 2


def test_values_and_variants_are_read_as_apps_write_them(
    database_url: str, connection: Connection[Any], landing: Path
) -> None:
    moment = NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
    lines = [
        "flag,user_id,app_type,accessed_at,value_used,variant_key,device_info,external_id",
        f"dark_mode,u1,web,{moment},true,,,1",
        f"dark_mode,u1,web,{moment},0,,,2",
        f'dark_mode,u1,web,{moment},,,"{{""os"": ""Android""}}",3',
        f"dark_mode,u1,web,{moment},FALSE,control,iPhone,4",
        f"dark_mode,u1,web,{moment},perhaps,,,5",
    ]
    write(landing / "acme" / "flag_usage.csv", "\n".join(lines))
    (report,) = load_all(database_url, landing)
    assert counts(report) == (4, 0, 1)
    assert [(row["value_used"], row["variant_key"], row["device_info"]) for row in rows(connection)] == [
        (True, "on", None),
        (False, "off", None),
        (None, None, {"os": "Android"}),
        (False, "control", None),
    ]
    assert reasons(connection) == ["value_used is 'perhaps'; expected true or false"]


def test_what_cannot_be_counted_is_refused_and_kept(
    database_url: str, connection: Connection[Any], landing: Path
) -> None:
    long_ago = (NOW - timedelta(days=31)).isoformat()
    ahead = (NOW + timedelta(days=2)).isoformat()
    write_jsonl(
        landing / "flag_usage.jsonl",
        checked(flag="no_such_flag"),
        checked(app_type="desktop"),
        checked(accessed_at=long_ago),
        checked(accessed_at=ahead),
        checked(accessed_at=None),
        checked(tenant="nobody"),
        checked(),
    )
    (report,) = load_all(database_url, landing)
    assert counts(report) == (1, 0, 6)
    assert [reason.split(":")[0] for reason in reasons(connection)] == [
        "unknown_flag",
        "bad_app_type",
        "too_old",
        "in_future",
        "accessed_at is missing; expected when the flag was checked",
        "tenant 'nobody' is not known; expected the slug or id of a tenant",
    ]
    kept = connection.execute("SELECT payload ->> 'flag' FROM trackai.ingest_rejects WHERE line = 1").fetchone()
    assert kept == ("no_such_flag",)


def test_no_contact_is_stored(database_url: str, connection: Connection[Any], landing: Path) -> None:
    flag = add_flag(connection, "for_staff")
    add_segment(connection, "staff", flag)
    write_jsonl(landing / "flag_usage.jsonl", checked(user_id="+55 11 98765-4321", request_id="ana@example.com"))
    write_jsonl(
        landing / "flag_segments.jsonl",
        {"tenant": "acme", "segment": "staff", "user_id": "11 98765-4321"},
        {"tenant": "acme", "segment": "staff", "user_id": "Ana@example.com "},
    )
    load_all(database_url, landing)
    (row,) = rows(connection)
    assert row["user_id"] == PHONE_HASH
    assert "@" not in str(row)
    assert PHONE_HASH in {user for _, _, user in members(connection)}
    assert all(user.startswith("sha256:") for _, _, user in members(connection))


def test_uploaded_checks_are_counted_with_the_others(
    database_url: str, connection: Connection[Any], landing: Path
) -> None:
    flag = add_flag(connection, "theme", track_exposures=True)
    write_jsonl(
        landing / "flag_usage.jsonl",
        checked(flag="theme", variant_key="a"),
        checked(flag="theme", variant_key="a", user_id="u2"),
        checked(flag="theme", value_used=None),
    )
    load_all(database_url, landing)
    list(analyse_days(connection, [NOW.date()]))
    list(expose_days(connection, [NOW.date()]))
    query = """
        SELECT total_checks, total_users, enabled_count, error_count, variants, avg_response_time_ms
        FROM trackai.feature_flag_analytics WHERE flag_id = %s
    """
    assert connection.execute(query, (flag,)).fetchall() == [(3, 2, 2, 1, {"a": 2}, None)]
    exposed = "SELECT salt, user_id, variant_key FROM trackai.feature_flag_exposures ORDER BY user_id"
    assert connection.execute(exposed).fetchall() == [("theme", "u1", "a"), ("theme", "u2", "a")]


def test_members_come_and_go(database_url: str, connection: Connection[Any], landing: Path) -> None:
    flag = add_flag(connection, "for_staff")
    add_segment(connection, "staff", flag, ("t-acme", "u9"))
    with connect(database_url) as listener:
        listener.execute("LISTEN trackai_flag_members")
        write_jsonl(
            landing / "acme" / "flag_segments_1.jsonl",
            {"segment": "staff", "user_id": "u1"},
            {"segment": "staff", "user_id": 42, "remove": False},
            {"segment": "staff", "user_id": "u9", "remove": True},
            {"segment": "staff", "user_id": "u8", "remove": "true"},
        )
        (report,) = load_all(database_url, landing)
        assert [told.payload for told in listener.notifies(timeout=0)] == ["staff"]
    assert (report.accepted, report.rejected) == (3, 0)
    assert members(connection) == [("t-acme", "staff", "42"), ("t-acme", "staff", "u1")]
    write(landing / "flag_segments_2.csv", "tenant,segment,user_id,remove\nacme,staff,u1,1\nglobex,staff,u1,\n")
    load_all(database_url, landing)
    assert members(connection) == [("t-acme", "staff", "42"), ("t-globex", "staff", "u1")]


def test_members_of_no_list_are_refused(database_url: str, connection: Connection[Any], landing: Path) -> None:
    insert = "INSERT INTO trackai.feature_flag_segments (name, kind, condition, definition) VALUES (%s, %s, %s, %s)"
    connection.execute(insert, ("premium", "attribute", json.dumps({"plan": "premium"}), None))
    connection.execute(insert, ("buyers", "conversions", None, json.dumps({"within_days": 30})))
    connection.execute(insert, ("staff", "list", None, None))
    write_jsonl(
        landing / "acme" / "flag_segments.jsonl",
        {"segment": "nobody", "user_id": "u1"},
        {"segment": "premium", "user_id": "u1"},
        {"segment": "buyers", "user_id": "u1"},
        {"segment": "staff"},
        {"segment": "staff", "user_id": "u1"},
        {"segment": "staff", "user_id": "u1", "remove": True},
        {"segment": "staff", "user_id": "u1", "remove": "maybe"},
    )
    (report,) = load_all(database_url, landing)
    assert counts(report) == (1, 0, 6)
    assert reasons(connection) == [
        "unknown_segment: there is no segment 'nobody'; see `trackai flags segment`",
        "segment 'premium' is not a list: its members are computed from its attribute",
        "segment 'buyers' is not a list: its members are computed from its conversions",
        "user_id is missing",
        "user_id stands in the file for coming into 'staff' and for leaving it",
        "remove is 'maybe'; expected true or false",
    ]
    assert members(connection) == [("t-acme", "staff", "u1")]
