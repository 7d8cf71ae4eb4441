"""Flags that can probably go: each reason, what comes before it, and what is none."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flag_values.world import add_flag, set_flag
from flags.usage import row, write
from psycopg import Connection
from psycopg.types.json import Jsonb

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
# An hour within the bounds on either side, so that it does not matter when the test runs.
LONG_AGO, RECENTLY = NOW - 30 * DAY - timedelta(hours=1), NOW - 29 * DAY


@pytest.fixture
def add_old(connection: Connection[Any], add_tenant: Callable[..., str]) -> Callable[..., int]:
    """Add a flag that was created, and changed last, at some moments: by default 100 days ago."""
    add_tenant("acme")

    def add(created: datetime = NOW - 100 * DAY, changed: datetime | None = None, **columns: Any) -> int:
        changed = changed or created
        connection.execute("SET session_replication_role = replica")
        flag = add_flag(connection, "theme", created_at=created, updated_at=max(created, changed), **columns)
        for recorded in (created, changed):
            record(connection, flag, recorded)
        connection.execute("SET session_replication_role = origin")
        return flag

    return add


def record(connection: Connection[Any], flag: int, recorded: datetime, effective: datetime | None = None) -> None:
    connection.execute(
        """
        INSERT INTO trackai.feature_flag_versions (flag_id, flag_key, effective_from, recorded_at, state, audit_id)
        SELECT f.id, f.key, coalesce(%(effective)s::timestamptz, '-infinity'), %(recorded)s, trackai.flag_state(f.id),
               (SELECT least(min(v.audit_id), 0) - 1 FROM trackai.feature_flag_versions v)
        FROM trackai.feature_flags f WHERE f.id = %(flag)s
        """,
        {"flag": flag, "recorded": recorded, "effective": effective},
    )


def count(connection: Connection[Any], flag: int, day: date, checks: int, **variants: int) -> None:
    """Have a day in the analytics."""
    connection.execute(
        """
        INSERT INTO trackai.feature_flag_analytics
            (tenant_id, flag_id, date, total_users, total_checks, enabled_count, disabled_count, error_count,
             last_accessed_at, variants)
        VALUES ('t-acme', %(flag)s, %(day)s, 1, %(checks)s, %(checks)s, 0, 0, %(day)s::timestamp AT TIME ZONE 'UTC',
                %(variants)s)
        """,
        {"flag": flag, "day": day, "checks": checks, "variants": Jsonb(variants)},
    )


def stale(connection: Connection[Any]) -> tuple[Any, ...] | None:
    query = """
        SELECT why, since, checks_30d, last_checked_at, owner_email
        FROM trackai.v_stale_feature_flags WHERE key = 'theme'
    """
    return connection.execute(query).fetchone()


def why(connection: Connection[Any]) -> str | None:
    found = stale(connection)
    return found[0] if found else None


def days_back(number: int) -> date:
    """A day that is complete, and stays so."""
    return (NOW - number * DAY).date()


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def test_overdue_once_its_day_has_passed(connection: Connection[Any], add_old: Callable[..., int]) -> None:
    flag = add_old(owner_email="web@example.com", expires_on=days_back(2))
    count(connection, flag, days_back(3), 7, on=7)
    since, checked = midnight(days_back(1)), midnight(days_back(3))
    assert stale(connection) == ("overdue", since, 7, checked, "web@example.com")
    connection.execute("UPDATE trackai.feature_flags SET expires_on = %s", (days_back(-2),))
    assert why(connection) != "overdue"


def test_never_checked_a_month_after_it_was_created(connection: Connection[Any], add_old: Callable[..., int]) -> None:
    flag = add_old(created=LONG_AGO, enabled=False)
    assert stale(connection) == ("never_checked", LONG_AGO, 0, None, None)
    # A check that is not in the analytics yet counts.
    write(connection, [row(flag, NOW)])
    assert why(connection) is None


def test_not_never_checked_before_that(connection: Connection[Any], add_old: Callable[..., int]) -> None:
    add_old(created=RECENTLY)
    assert why(connection) is None


def test_not_checked_for_a_month(connection: Connection[Any], add_old: Callable[..., int]) -> None:
    flag = add_old()
    count(connection, flag, days_back(40), 5_000, on=5_000)
    assert stale(connection) == ("not_checked", midnight(days_back(40)), 0, midnight(days_back(40)), None)
    count(connection, flag, days_back(28), 1, off=1)
    assert why(connection) != "not_checked"


def test_always_the_same_in_a_thousand_checks(connection: Connection[Any], add_old: Callable[..., int]) -> None:
    flag = add_old(changed=NOW - 60 * DAY, rollout_percentage=50)
    count(connection, flag, days_back(3), 600, a=600)
    assert why(connection) is None
    count(connection, flag, days_back(28), 400, a=400)
    assert stale(connection) == ("always_same", NOW - 60 * DAY, 1_000, midnight(days_back(3)), None)


@pytest.mark.parametrize("variants", [{"a": 999, "b": 1}, {}])
def test_two_variants_or_errors_alone_are_not_the_same(
    connection: Connection[Any], add_old: Callable[..., int], variants: dict[str, int]
) -> None:
    flag = add_old(rollout_percentage=50)
    count(connection, flag, days_back(3), 1_000, **variants)
    assert why(connection) is None


def test_checks_of_today_and_of_before_the_month_say_nothing(
    connection: Connection[Any], add_old: Callable[..., int]
) -> None:
    flag = add_old(rollout_percentage=50)
    count(connection, flag, days_back(3), 500, a=500)
    count(connection, flag, days_back(33), 5_000, a=4_000, b=1_000)
    count(connection, flag, days_back(-1), 5_000, a=5_000)
    assert why(connection) is None
    count(connection, flag, days_back(4), 500, a=500)
    assert why(connection) == "always_same"


@pytest.mark.parametrize("effective", [None, NOW - DAY, NOW + DAY])
def test_a_change_within_the_month_begins_anew(
    connection: Connection[Any], add_old: Callable[..., int], effective: datetime | None
) -> None:
    """Recorded within it, or in force since then, or planned."""
    flag = add_old()
    count(connection, flag, days_back(3), 2_000, on=2_000)
    assert why(connection) == "always_same"
    record(connection, flag, RECENTLY if effective is None else NOW - 90 * DAY, effective)
    assert why(connection) is None


def test_fully_on_for_a_month(connection: Connection[Any], add_old: Callable[..., int]) -> None:
    flag = add_old(changed=LONG_AGO)
    count(connection, flag, days_back(3), 5, on=5)
    assert stale(connection) == ("fully_on", LONG_AGO, 5, midnight(days_back(3)), None)
    record(connection, flag, RECENTLY)
    assert why(connection) is None


_OVERRIDE = """
    INSERT INTO trackai.feature_flag_overrides (tenant_id, flag_id, reason, {}) VALUES ('t-acme', %(flag)s, 'x', {})
"""
_ROLLOUT = "INSERT INTO trackai.feature_flag_rollouts (flag_id, percentage, {}) VALUES (%(flag)s, 50, {})"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE trackai.feature_flags SET enabled = false WHERE id = %(flag)s",
        "UPDATE trackai.feature_flags SET rollout_percentage = 99 WHERE id = %(flag)s",
        _ROLLOUT.format("variant_key", "'a'"),
        _ROLLOUT.format("user_segment", "'staff'"),
        "INSERT INTO trackai.feature_flag_prerequisites SELECT %(flag)s, min(f.id) FROM trackai.feature_flags f",
        _OVERRIDE.format("enabled", "false"),
        _OVERRIDE.format("rollout_percentage", "5"),
        _OVERRIDE.format("value", "'false'"),
        _OVERRIDE.format("killed", "true"),
    ],
)
def test_what_serves_somebody_another_value_is_not_fully_on(
    connection: Connection[Any], add_old: Callable[..., int], statement: str
) -> None:
    flag = add_old()
    count(connection, flag, days_back(3), 5, on=5)
    connection.execute("INSERT INTO trackai.feature_flag_segments (name, kind) VALUES ('staff', 'list')")
    connection.execute("SET session_replication_role = replica")
    connection.execute(statement, {"flag": flag})
    connection.execute("SET session_replication_role = origin")
    assert why(connection) is None


def test_an_override_that_says_the_same_changes_nothing(
    connection: Connection[Any], add_old: Callable[..., int]
) -> None:
    flag = add_old()
    count(connection, flag, days_back(3), 5, on=5)
    connection.execute("SET session_replication_role = replica")
    connection.execute(
        "INSERT INTO trackai.feature_flag_overrides (tenant_id, flag_id, enabled, value, reason) "
        "VALUES ('t-acme', %s, true, 'true', 'x')",
        (flag,),
    )
    assert why(connection) == "fully_on"


@pytest.mark.parametrize(("column", "value"), [("permanent", True), ("killed", True), ("archived_at", "now")])
def test_permanent_killed_and_archived_flags_are_not_stale(
    connection: Connection[Any], add_old: Callable[..., int], column: str, value: Any
) -> None:
    add_old(expires_on=days_back(10))
    assert why(connection) == "overdue"
    set_flag(connection, "theme", column, value)
    assert why(connection) is None


def test_seeded_flags_are_not_stale_at_first(connection: Connection[Any]) -> None:
    assert connection.execute("SELECT count(*) FROM trackai.v_stale_feature_flags").fetchone() == (0,)
