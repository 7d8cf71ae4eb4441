"""Flags in the report."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from flags.changing import hold_step
from psycopg import Connection
from psycopg.types.json import Jsonb
from report.pages import NASTY, Page, write

from trackai_pipelines.domain import Period
from trackai_pipelines.flags.section import VariantChecks, checked_flags, data, section

Add = Callable[..., str]
TODAY = datetime.now(UTC).date()
PERIOD = Period(TODAY - timedelta(days=6), TODAY + timedelta(days=1))


def change(connection: Connection[Any], statement: str, *parameters: Any, who: str, why: str) -> None:
    """Run a statement as somebody, for a reason."""
    with connection.transaction():
        connection.execute(
            "SELECT set_config('trackai.actor', %s, true), set_config('trackai.reason', %s, true)", (who, why)
        )
        connection.execute(statement.encode(), parameters or None)


def checked(connection: Connection[Any], tenant_id: str, key: str, day: date, errors: int = 0, **variants: int) -> None:
    """Insert a day's analytics of a flag."""
    total = sum(variants.values())
    connection.execute(
        "INSERT INTO trackai.feature_flag_analytics (tenant_id, flag_id, date, total_users, total_checks,"
        " enabled_count, disabled_count, error_count, last_accessed_at, variants)"
        " SELECT %s, f.id, %s, 1, %s, %s, 0, %s, %s, %s FROM trackai.feature_flags f WHERE f.key = %s",
        (tenant_id, day, total + errors, total, errors, datetime.now(UTC), Jsonb(variants), key),
    )


def shown(connection: Connection[Any], path: Path, period: Period = PERIOD) -> Page:
    return Page(write(connection, path / "report.html", (section(), data(connection, period)), period=period))


def after(texts: list[str], first: str, count: int) -> list[str]:
    place = texts.index(first)
    return texts[place : place + count]


def test_a_database_without_checks_and_changes_says_so(connection: Connection[Any], tmp_path: Path) -> None:
    texts = " ".join(shown(connection, tmp_path).texts)
    assert "No flag was checked in these days" in texts
    assert "No flag was changed in these days." in texts
    assert "Gates" not in texts.split("How to read this")[0]


def test_changes_say_what_for_whom_by_whom_and_why(
    connection: Connection[Any], add_tenant: Add, tmp_path: Path
) -> None:
    add_tenant("acme")
    on = "UPDATE trackai.feature_flags SET enabled = true, rollout_percentage = 10 WHERE key = 'community_feed'"
    change(connection, on, who="ana", why="pilot")
    override = (
        "INSERT INTO trackai.feature_flag_overrides (tenant_id, flag_id, enabled, reason)"
        " SELECT 't-acme', id, true, 'x' FROM trackai.feature_flags WHERE key = 'notification_center'"
    )
    change(connection, override, who="bo", why=NASTY)
    described = "UPDATE trackai.feature_flags SET description = 'other' WHERE key = 'dark_mode'"
    change(connection, described, who="cy", why="clearer")
    texts = shown(connection, tmp_path).texts
    assert after(texts, "dark_mode", 5) == ["dark_mode", "everyone", "its description", "cy", "clearer"]
    assert after(texts, "notification_center", 5) == ["notification_center", "acme", "inherits -> on", "bo", NASTY]
    assert after(texts, "community_feed", 5) == ["community_feed", "everyone", "off -> on, 10 %", "ana", "pilot"]
    # The newest first; of another tenant, nothing; of other days, nothing.
    assert texts.index("dark_mode") < texts.index("notification_center") < texts.index("community_feed")
    add_tenant("globex")
    of_globex = data(connection, Period(PERIOD.first, PERIOD.last, "globex"))["changes"]
    assert {one.key for one in of_globex} == {"dark_mode", "community_feed"}
    past = data(connection, Period(TODAY - timedelta(days=9), TODAY - timedelta(days=2)))
    assert (past["changes"], past["more_changes"]) == ([], 0)


def test_only_the_newest_changes_are_shown(connection: Connection[Any], tmp_path: Path) -> None:
    set_to = "UPDATE trackai.feature_flags SET rollout_percentage = %s WHERE key = 'dark_mode'"
    for percentage in range(25):
        change(connection, set_to, percentage, who="ana", why="ramp")
    found = data(connection, PERIOD)
    assert (len(found["changes"]), found["more_changes"]) == (20, 5)
    assert found["changes"][0].said == "on, 23 % -> on, 24 %"


def test_checks_by_flag_and_variant(connection: Connection[Any], add_tenant: Add, tmp_path: Path) -> None:
    add_tenant("acme")
    add_tenant("globex")
    for day in (TODAY - timedelta(days=1), TODAY):
        checked(connection, "t-acme", "dark_mode", day, on=3_000)
        checked(connection, "t-acme", "community_feed", day, errors=10, a=60, off=30)
        checked(connection, "t-globex", "community_feed", day, a=100)
    checked(connection, "t-acme", "community_feed", TODAY - timedelta(days=30), a=5)
    found = data(connection, PERIOD)
    assert {flag.key: flag.checks for flag in found["flags"]} == {"dark_mode": 6_000, "community_feed": 400}
    page = shown(connection, tmp_path)
    assert after(page.texts, "dark_mode", 4) == ["dark_mode", "6,000", "on", "100.0%"]
    assert after(page.texts, "community_feed", 8) == [
        "community_feed", "400", "a", "80.0%", ", off", "15.0%", ", error", "5.0%"
    ]  # fmt: skip
    # One that serves everyone alike is not drawn.
    (chart,) = [one for one in page.all("svg") if "share of each day" in str(one.get("aria-label"))]
    assert str(chart["aria-label"]).startswith("community_feed")
    (flag,) = data(connection, Period(PERIOD.first, PERIOD.last, "globex"))["flags"]
    assert (flag.key, flag.checks, flag.chart) == ("community_feed", 200, None)


def test_many_variants_and_many_flags_stay_readable() -> None:
    days = [TODAY - timedelta(days=n) for n in range(3)]
    checks = [
        VariantChecks(f"flag-{flag}", day, f"v{n}", 1 + n + flag)
        for flag in range(9)
        for day in days
        for n in range(12)
    ]
    flags = checked_flags(checks)
    assert [flag.key for flag in flags] == [f"flag-{n}" for n in reversed(range(9))]
    assert [flag.chart is not None for flag in flags] == [True] * 6 + [False] * 3
    assert flags[0].chart is not None
    names, drawing = flags[0].chart
    assert names == ["v11", "v10", "v9", "v8", "v7", "v6", "v5", "others"]
    assert "others" in drawing


def test_gates_that_are_not_built_in(connection: Connection[Any], add_tenant: Add, tmp_path: Path) -> None:
    add_tenant("acme", email_matching=True, lookback_days=30)
    add_tenant("globex")
    texts = shown(connection, tmp_path).texts
    assert any("1 of 2 tenants have all the built-in values." in text for text in texts)
    place = texts.index("Tenant", texts.index("Gates"))
    assert texts[place + 7 : place + 14] == ["acme", "true", "30", "all", "meta", "0", "5000"]
    assert "globex" not in texts[place:]


def test_held_steps_and_flags_that_may_go(connection: Connection[Any], tmp_path: Path) -> None:
    hold_step(connection, "dark_mode", datetime(2026, 3, 1, tzinfo=UTC))
    connection.execute(
        "UPDATE trackai.feature_flags SET expires_on = %s, owner_email = 'team@example.com'"
        " WHERE key = 'community_feed'",
        (TODAY - timedelta(days=10),),
    )
    texts = shown(connection, tmp_path).texts
    held = texts[texts.index("Held ramps") :]
    assert after(held, "dark_mode", 3) == ["dark_mode", "everyone", "2"]
    assert "match_rate>=0.7 over 2d: nothing to measure (of 0 at 0 tenants)" in held
    stale = texts[texts.index("Flags that may go") :]
    assert after(stale, "community_feed", 2) == ["community_feed", "overdue"]
    assert "team@example.com" in stale
