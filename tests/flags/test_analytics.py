"""Days of checks: what they come to, when they are computed again, and when they cannot be."""

import random
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from declared import TABLES
from flag_values.checks import SetClock, check
from flag_values.reference import vectors
from flag_values.world import add_flag
from flags.usage import analysed, exposed, random_rows, row, write
from psycopg import Connection
from psycopg.rows import dict_row

from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.partitions import (
    create_partitions_ahead,
    detach_partition,
    drop_detached,
    partition_days,
)
from trackai_pipelines.flag_values.buffer import SECOND, Buffer
from trackai_pipelines.flag_values.writer import Writer
from trackai_pipelines.flags.analytics import analyse_days, expose_days, unanalysed
from trackai_pipelines.lifecycle.archive.store import open_store
from trackai_pipelines.lifecycle.retention.apply import apply_plan
from trackai_pipelines.lifecycle.retention.plan import plan_retention

VECTORS = vectors("usage")
DAY = date(2026, 3, 5)
DAYS = [DAY + timedelta(days=ahead) for ahead in range(4)]
NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
_KEY = ("tenant_id", "flag_id", "date")


@pytest.fixture
def flag(connection: Connection[Any], add_tenant: Callable[..., str]) -> int:
    """A flag whose exposures are kept, two tenants, and partitions from the day before DAY on."""
    create_partitions_ahead(connection, TABLES, today=DAY, days=4)
    add_tenant("acme")
    add_tenant("globex")
    return add_flag(connection, "theme", track_exposures=True, salt="pepper")


def analytics(connection: Connection[Any]) -> dict[Any, dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute("SELECT * FROM trackai.feature_flag_analytics").fetchall()
    return {tuple(one[name] for name in _KEY): one for one in rows}


def figures(connection: Connection[Any]) -> dict[Any, dict[str, Any]]:
    hidden = {*_KEY, "id", "created_at"}
    return {key: {name: one[name] for name in one.keys() - hidden} for key, one in analytics(connection).items()}


def exposures(connection: Connection[Any]) -> dict[Any, Any]:
    query = """
        SELECT tenant_id, flag_id, salt, user_id, date, variant_key, first_exposed_at, checks
        FROM trackai.feature_flag_exposures
    """
    return {one[:6]: one[6:] for one in connection.execute(query)}


def test_the_checks_of_the_vectors_come_to_their_analytics(
    connection: Connection[Any], database_url: str, flag: int
) -> None:
    clock = SetClock()
    buffer = Buffer(clock=clock)
    writer = Writer(lambda: connect(database_url), buffer, seconds=3600)
    for made in VECTORS["checks"]:
        since = datetime.fromisoformat(made["accessed_at"]) - datetime(1970, 1, 1, tzinfo=UTC)
        clock.now = since // timedelta(microseconds=1) * 1000
        common = {name: made[name] for name in ("app_type", "variant_key", "value_used", "reason", "error_code")}
        took = made["response_us"] * (SECOND // 10**6)
        buffer.add(check(made["user_id"], flag_id=flag, **common), clock.now - took, hit=made["cache_hit"])
    writer.close()

    computed = dict(analyse_days(connection, DAYS[:2]))

    found = analytics(connection)
    for expected in VECTORS["analytics"]:
        one = found["t-acme", flag, date.fromisoformat(expected["date"])]
        assert {**expected, "date": one["date"]} == {name: one[name] for name in expected}
    assert found["t-acme", flag, DAY]["variants"] == {"control": 3, "a": 2}
    day = computed[DAY]
    assert day
    assert (day.checks, day.enabled, day.disabled, day.errors, day.rows, day.changed) == (6, 2, 3, 1, 1, 1)


@pytest.mark.parametrize("seed", range(3))
def test_days_are_what_a_loop_over_their_rows_says(connection: Connection[Any], flag: int, seed: int) -> None:
    chance = random.Random(seed)
    other = add_flag(connection, "plain")
    rows = random_rows(chance, [flag, other], ["t-acme", "t-globex"], DAYS, 400)
    write(connection, rows)
    list(analyse_days(connection, DAYS))
    list(expose_days(connection, DAYS))
    expected = analysed(rows)
    found = figures(connection)
    assert found.keys() == expected.keys()
    for key, one in expected.items():
        assert found[key] == {
            **one,
            "avg_response_time_ms": pytest.approx(one["avg_response_time_ms"]),
            "cache_hit_rate": pytest.approx(one["cache_hit_rate"]),
        }
    assert exposures(connection) == exposed(rows, {flag: "pepper"})


def test_computing_again_writes_nothing_and_late_rows_are_taken_in(connection: Connection[Any], flag: int) -> None:
    write(connection, [row(flag, NOON), row(flag, NOON, user_id="u2", variant_key="a")])
    list(analyse_days(connection, DAYS))
    list(expose_days(connection, DAYS))
    before, seen = analytics(connection), exposures(connection)
    for computed in (*dict(analyse_days(connection, DAYS)).values(), *dict(expose_days(connection, DAYS)).values()):
        assert computed
        assert computed.changed == 0
    assert (analytics(connection), exposures(connection)) == (before, seen)

    write(connection, [row(flag, NOON - timedelta(hours=1), checks=5)])
    list(analyse_days(connection, [DAY]))
    list(expose_days(connection, [DAY]))
    again = analytics(connection)["t-acme", flag, DAY]
    assert again["total_checks"] == 7
    assert (again["id"], again["created_at"]) == (
        before["t-acme", flag, DAY]["id"],
        before["t-acme", flag, DAY]["created_at"],
    )
    assert exposures(connection)["t-acme", flag, "pepper", "u1", DAY, "on"] == (NOON - timedelta(hours=1), 6)


def test_rows_without_checks_go(connection: Connection[Any], flag: int) -> None:
    write(connection, [row(flag, NOON)])
    list(analyse_days(connection, [DAY]))
    list(expose_days(connection, [DAY]))
    connection.execute("DELETE FROM trackai.feature_flag_usage")
    list(analyse_days(connection, [DAY]))
    list(expose_days(connection, [DAY]))
    assert analytics(connection) == exposures(connection) == {}


def test_checks_of_flags_and_tenants_that_are_gone_are_not_counted(connection: Connection[Any], flag: int) -> None:
    gone = add_flag(connection, "gone")
    write(connection, [row(flag, NOON), row(gone, NOON), row(0, NOON), row(flag, NOON, tenant_id="t-nobody")])
    connection.execute("DELETE FROM trackai.feature_flags WHERE id = %s", (gone,))
    list(analyse_days(connection, [DAY]))
    list(expose_days(connection, [DAY]))
    assert list(analytics(connection)) == [("t-acme", flag, DAY)]
    assert list(exposures(connection)) == [("t-acme", flag, "pepper", "u1", DAY, "on")]
    assert list(unanalysed(connection, [DAY])) == []


def test_a_day_whose_usage_has_left_is_refused_and_keeps_its_rows(connection: Connection[Any], flag: int) -> None:
    write(connection, [row(flag, NOON), row(flag, NOON + timedelta(days=1))])
    list(analyse_days(connection, DAYS))
    list(expose_days(connection, DAYS))
    before, seen = analytics(connection), exposures(connection)
    detach_partition(connection, "feature_flag_usage", DAY)
    drop_detached(connection, "feature_flag_usage", DAY)
    write(connection, [row(flag, NOON + timedelta(days=1))])

    long_ago = DAY - timedelta(days=40)
    refused = [long_ago, DAY]
    for compute in (analyse_days, expose_days):
        computed = dict(compute(connection, [long_ago, *DAYS]))
        assert [day for day, found in computed.items() if found is None] == refused
    after = analytics(connection)
    assert after["t-acme", flag, DAY] == before["t-acme", flag, DAY]
    assert after["t-acme", flag, DAYS[1]]["total_checks"] == 2
    key = ("t-acme", flag, "pepper", "u1", DAY, "on")
    assert exposures(connection)[key] == seen[key]


def test_a_day_that_is_being_taken_out_is_not_computed_to_nothing(
    connection: Connection[Any], database_url: str, flag: int
) -> None:
    """Its rows are not seen through the table any more, and it is not gone either."""
    write(connection, [row(flag, NOON)])
    list(analyse_days(connection, [DAY]))
    detach_partition(connection, "feature_flag_usage", DAY)
    assert dict(analyse_days(connection, [DAY]))[DAY]
    assert analytics(connection)["t-acme", flag, DAY]["total_checks"] == 1


def test_two_runs_at_once_compute_a_day_once(connection: Connection[Any], database_url: str, flag: int) -> None:
    write(connection, [row(flag, NOON, user_id=f"u{number}") for number in range(50)])
    changed: list[int] = []

    def run() -> None:
        with connect(database_url) as own:
            for _, computed in analyse_days(own, DAYS):
                assert computed
                changed.append(computed.changed)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(changed) == [0] * 15 + [1]
    assert analytics(connection)["t-acme", flag, DAY]["total_users"] == 50


def test_a_day_leaves_once_its_analytics_are_computed(
    connection: Connection[Any], database_url: str, flag: int, tmp_path: Path
) -> None:
    write(connection, [row(flag, NOON, checks=3)])
    # The first day on which DAY is older than 30 days.
    later = DAY + timedelta(days=31)

    def retain() -> list[tuple[str, str | None]]:
        def clock() -> datetime:
            return datetime(later.year, later.month, later.day, 3, tzinfo=UTC)

        plan = plan_retention(connection, TABLES, today=later, dry_run=False, clock=clock)
        applied = apply_plan(connection, database_url, open_store(str(tmp_path)), TABLES, plan, clock=clock)
        return [
            (step.state, step.blocked_by)
            for step in applied.steps
            if (step.table_name, step.day, step.action) == ("feature_flag_usage", DAY, "delete")
        ]

    (blocked,) = retain()
    assert blocked[0] == "blocked"
    assert blocked[1] is not None
    assert "miss 3 checks: run aggregate_flag_usage" in blocked[1]
    assert DAY in partition_days(connection, "feature_flag_usage")

    list(analyse_days(connection, [DAY]))
    # A row that came later is missed again.
    write(connection, [row(flag, NOON)])
    assert retain()[0][0] == "blocked"
    list(analyse_days(connection, [DAY]))
    assert retain() == [("done", None)]
    assert DAY not in partition_days(connection, "feature_flag_usage")
    assert dict(analyse_days(connection, [DAY])) == {DAY: None}
    assert analytics(connection)["t-acme", flag, DAY]["total_checks"] == 4


def test_first_exposures_are_joined_to_what_came_after_them(connection: Connection[Any], flag: int) -> None:
    hour = timedelta(hours=1)
    write(
        connection,
        [
            row(flag, NOON + 24 * hour, variant_key="a"),
            row(flag, NOON, variant_key="b"),
            row(flag, NOON + hour, variant_key="b"),
            row(flag, NOON, user_id="u2", variant_key="off", bucket=9_999, value_used=False),
            # Nobody decided that this user is off.
            row(flag, NOON, user_id="u3", variant_key="off", value_used=False, reason="DISABLED"),
        ],
    )
    list(expose_days(connection, DAYS))
    query = """
        SELECT flag_key, salt, user_id, variant_key, first_exposed_at, crossed
        FROM trackai.v_flag_first_exposures ORDER BY user_id
    """
    assert connection.execute(query).fetchall() == [
        ("theme", "pepper", "u1", "b", NOON, True),
        ("theme", "pepper", "u2", "off", NOON, False),
    ]


def test_exposures_have_the_salt_of_the_version_that_served(connection: Connection[Any], flag: int) -> None:
    versions = "SELECT max(id) FROM trackai.feature_flag_versions"
    (before,) = connection.execute(versions).fetchone() or (0,)
    connection.execute("UPDATE trackai.feature_flags SET salt = 'salt' WHERE id = %s", (flag,))
    (after,) = connection.execute(versions).fetchone() or (0,)
    write(connection, [row(flag, NOON, flag_version=before), row(flag, NOON, flag_version=after), row(flag, NOON)])
    list(expose_days(connection, [DAY]))
    assert {(key[2], value[1]) for key, value in exposures(connection).items()} == {("pepper", 1), ("salt", 2)}


def test_exposures_of_a_flag_that_does_not_keep_them_any_more_stay(connection: Connection[Any], flag: int) -> None:
    write(connection, [row(flag, NOON)])
    list(expose_days(connection, [DAY]))
    connection.execute("UPDATE trackai.feature_flags SET track_exposures = false WHERE id = %s", (flag,))
    list(expose_days(connection, [DAY]))
    assert len(exposures(connection)) == 1


def test_the_summary_has_a_row_for_every_flag(connection: Connection[Any], flag: int) -> None:
    now = datetime.now(UTC)
    create_partitions_ahead(connection, TABLES, today=now.date() - timedelta(days=31), days=0)
    write(
        connection,
        [
            row(flag, now, checks=3),
            row(flag, now, tenant_id="t-globex", checks=2, value_used=False),
            row(flag, now, value_used=None, user_id=None),
            row(flag, now, app_type="mobile"),
            row(flag, now - timedelta(days=31), checks=100),
        ],
    )
    query = """
        SELECT key, app_type, total_checks, unique_users, enabled_count, disabled_count, error_count, last_accessed_at
        FROM trackai.v_feature_flag_usage_summary WHERE key IN ('theme', 'dark_mode') ORDER BY key, app_type
    """
    assert connection.execute(query).fetchall() == [
        ("dark_mode", None, 0, 0, 0, 0, 0, None),
        ("theme", "mobile", 1, 1, 1, 0, 0, now),
        ("theme", "web", 6, 2, 3, 2, 1, now),
    ]
