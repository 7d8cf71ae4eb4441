"""Checks stay green on a healthy world, and each corruption turns its own check red."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flag_values.world import add_flag
from gates import inherit_gate, kill_gate, set_gate
from matching.facts import insert_click, insert_sale
from psycopg import Connection, sql

from trackai_pipelines.clock import utc_now
from trackai_pipelines.flag_values.client import open_flags
from trackai_pipelines.flags.analytics import analyse_days
from trackai_pipelines.flags.plans import apply_due
from trackai_pipelines.flags.reconcile import (
    Compared,
    analytics_against_usage,
    decisions_of,
    history_faults,
    settings_against_history,
    values_of_sales,
)
from trackai_pipelines.flags.repeating import repeat_answers
from trackai_pipelines.match_rates.aggregate import aggregate_days
from trackai_pipelines.matching.drain import drain

AddTenant = Callable[..., str]
SALE = datetime(2026, 3, 10, 12, tzinfo=UTC)
EMAIL = "5" * 64


def days_of(connection: Connection[Any], table: str, column: str) -> list[date]:
    """The UTC days that rows are of: a test may begin before midnight and end after it."""
    query = sql.SQL("SELECT DISTINCT ({column} AT TIME ZONE 'UTC')::date FROM {table} ORDER BY 1").format(
        column=sql.Identifier(column), table=sql.Identifier("trackai", table)
    )
    return [day for (day,) in connection.execute(query)]


def compared(connection: Connection[Any]) -> dict[str, Compared]:
    """What every comparison finds."""
    used = days_of(connection, "feature_flag_usage", "accessed_at")
    repeated = [repeat_answers(connection, day) for day in used]
    return {
        "values": values_of_sales(connection, SALE.date() - timedelta(days=40), SALE.date()),
        "decisions": decisions_of(
            connection, days_of(connection, "match_log", "created_at"), tolerance=timedelta(seconds=0)
        ),
        # In a quarter of an hour the columns of tenants have followed their gates.
        "settings": settings_against_history(connection, utc_now() + timedelta(minutes=15)),
        "history": history_faults(connection, utc_now()),
        "analytics": analytics_against_usage(connection, used),
        "answers": Compared([fault for one in repeated for fault in one.faults]),
    }


def red(connection: Connection[Any]) -> set[str]:
    """The names of comparisons that find a fault."""
    found = compared(connection)
    assert all((one.said() is None) == (not one.faults) for one in found.values())
    return {name for name, one in found.items() if one.faults}


@pytest.fixture
def world(connection: Connection[Any], database_url: str, home: Path, add_tenant: AddTenant) -> dict[str, str]:
    """Three tenants with sales, gates that change between them, and checks by segment, variant and bucket."""
    tenants = {
        "acme": add_tenant("acme"),
        "globex": add_tenant("globex", email_matching=True, lookback_days=30),
        "initech": add_tenant("initech", lookback_days=7),
    }
    for tenant in tenants.values():
        at = SALE - timedelta(days=5)
        by_mail = insert_click(connection, tenant, at, fbclid="mail", external_id="user-1")
        insert_click(connection, tenant, at, fbclid="click")
        insert_click(connection, tenant, SALE - timedelta(days=20), fbp="fb.1.1700000000000.90")
        connection.execute(
            "INSERT INTO trackai.identities (tenant_id, email_hash, click_id, created_at) VALUES (%s, %s, %s, %s)",
            (tenant, EMAIL, by_mail, at),
        )
    for round_, event in enumerate(("before", "after")):
        for tenant in tenants.values():
            moment = SALE - timedelta(hours=round_)
            insert_sale(connection, tenant, f"{event}-1", fbclid="click", occurred_at=moment)
            insert_sale(connection, tenant, f"{event}-2", fbp="fb.1.1700000000000.90", occurred_at=moment)
            insert_sale(connection, tenant, f"{event}-3", customer_email_hash=EMAIL, occurred_at=moment)
            insert_sale(connection, tenant, f"{event}-4", fbclid="nowhere", occurred_at=moment)
        drain(connection, run_id="test")
        if event == "before":
            # The gate changes for sales from now on, for those of the past, and back.
            set_gate(connection, "lookback_days", tenants["acme"], "45")
            kill_gate(connection, "dispatch_policy")
            kill_gate(connection, "dispatch_policy", killed=False)
            set_gate(connection, "drain_batch_size", tenants["initech"], "600")
            inherit_gate(connection, "drain_batch_size", tenants["initech"])
    apply_due(connection, utc_now)
    for _ in aggregate_days(connection, SALE.date(), SALE.date()):
        pass
    check_flags(connection, database_url)
    return tenants


def check_flags(connection: Connection[Any], database_url: str) -> None:
    """Checks of a flag at 40 %, one with variants for a segment, and one that a tenant has its own percentage of."""
    add_flag(connection, "half", rollout_percentage=40)
    theme = add_flag(connection, "theme", value_type="string", off_value="blue", on_value="blue")
    connection.execute(
        """
        INSERT INTO trackai.feature_flag_segments (name, kind, condition)
        VALUES ('premium', 'attribute', '{"plan": "premium"}')
        """
    )
    connection.execute(
        """
        INSERT INTO trackai.feature_flag_rollouts (flag_id, user_segment, variant_key, percentage, position)
        VALUES (%(flag)s, 'premium', 'a', 30, 1), (%(flag)s, 'premium', 'b', 30, 2), (%(flag)s, NULL, 'a', 50, 3)
        """,
        {"flag": theme},
    )
    with open_flags(database_url) as flags:
        for number in range(40):
            flags.is_on("half", tenant="acme", user=f"user-{number}")
            flags.is_on("half", tenant="globex", user=f"anna{number}@shop.example")
            flags.evaluate(
                "theme", "red", tenant="acme", user=f"user-{number}", plan="premium" if number % 2 else "free"
            )
        flags.is_on("dark_mode", tenant="acme", user="user-1")
        flags.is_on("nowhere", tenant="acme", user="user-1")
    connection.execute("UPDATE trackai.feature_flags SET rollout_percentage = 60 WHERE key = 'half'")
    with open_flags(database_url) as flags:
        for number in range(40):
            flags.is_on("half", tenant="acme", user=f"user-{number}")
    list(analyse_days(connection, days_of(connection, "feature_flag_usage", "accessed_at")))


def test_a_healthy_world_is_green(connection: Connection[Any], world: dict[str, str]) -> None:
    assert [fault for one in compared(connection).values() for fault in one.faults] == []
    strategies = connection.execute(
        "SELECT DISTINCT strategy FROM trackai.matched_attributions ORDER BY strategy"
    ).fetchall()
    assert strategies == [("email",), ("fbc",), ("fbp",), ("unmatched",)]
    assert world


def test_what_became_known_later_is_counted_and_no_fault(connection: Connection[Any], world: dict[str, str]) -> None:
    connection.execute(
        """
        SELECT trackai.record_flag_version(
            f.id, f.key, %s, '2026-01-01', trackai.override_state(f.id, %s) || '{"enabled": true, "value": "1"}',
            'UPDATE', 'ana', 'agreed', NULL, NULL, NULL, clock_timestamp() + interval '2 minutes')
        FROM trackai.feature_flags f WHERE f.key = 'lookback_days'
        """,
        (world["globex"], world["globex"]),
    )
    found = decisions_of(connection, days_of(connection, "match_log", "created_at"))
    assert (found.faults, found.superseded > 0) == ([], True)


MUTED = "SET LOCAL session_replication_role = replica"
# By the comparison that must see it.
CORRUPTIONS: dict[str, tuple[str, str]] = {
    "a period deleted": (
        "values",
        ("DELETE FROM trackai.matching_settings WHERE tenant_id = 't-acme' AND effective_from = '-infinity'"),
    ),
    "two periods that overlap": (
        "values",
        (
            "INSERT INTO trackai.matching_settings SELECT m.tenant_id, '2026-03-01', m.effective_to, m.lookback_days,"
            " m.email_matching, m.lookback_version, m.email_version FROM trackai.matching_settings m"
            " WHERE m.effective_from = '-infinity' AND m.tenant_id = 't-globex'"
        ),
    ),
    "an attribution set to email": (
        "decisions",
        "UPDATE trackai.matched_attributions SET strategy = 'email' WHERE tenant_id = 't-acme' AND strategy = 'fbp'",
    ),
    "an attempt by e-mail where it was off": (
        "decisions",
        (
            "INSERT INTO trackai.match_log SELECT l.tenant_id, l.conversion_id, 3, 'email', 'no_key', NULL, 1, 'x',"
            " l.created_at FROM trackai.match_log l WHERE l.tenant_id = 't-acme' AND l.attempt = 1"
        ),
    ),
    "an attempt by e-mail deleted": (
        "decisions",
        "DELETE FROM trackai.match_log WHERE tenant_id = 't-globex' AND strategy = 'email'",
    ),
    "a version inserted with an old recorded_at": (
        "decisions",
        """
        WITH audit AS (
            INSERT INTO trackai.feature_flag_audit_log (flag_id, flag_key, action, changed_by, created_at)
            SELECT id, key, 'UPDATE', 'eve', '2026-01-01' FROM trackai.feature_flags WHERE key = 'email_matching'
            RETURNING id, flag_id, flag_key
        )
        INSERT INTO trackai.feature_flag_versions
            (flag_id, flag_key, tenant_id, effective_from, recorded_at, state, audit_id)
        SELECT a.flag_id, a.flag_key, 't-initech', '-infinity', '2026-01-01',
               '{"enabled": true, "rollout_percentage": 100}', a.id
        FROM audit a
        """,
    ),
    "a click moved": (
        "decisions",
        (
            "UPDATE trackai.clicks SET created_at = created_at - interval '60 days' WHERE fbclid = 'click'"
            " AND tenant_id = 't-globex'"
        ),
    ),
    "a row of matching_settings changed": (
        "settings",
        "UPDATE trackai.matching_settings SET lookback_days = 31 WHERE tenant_id = 't-globex'",
    ),
    "a column of a tenant changed": (
        "settings",
        "UPDATE trackai.tenants SET dispatch_policy = 'matched' WHERE id = 't-globex'",
    ),
    "a flag changed past its history": (
        "history",
        "UPDATE trackai.feature_flags SET enabled = true WHERE key = 'community_feed'",
    ),
    "an override changed past its history": (
        "history",
        "UPDATE trackai.feature_flag_overrides SET value = '8' WHERE tenant_id = 't-initech'",
    ),
    "an override made past its history": (
        "history",
        (
            "INSERT INTO trackai.feature_flag_overrides (tenant_id, flag_id, enabled, reason)"
            " SELECT 't-acme', id, false, 'x' FROM trackai.feature_flags WHERE key = 'dark_mode'"
        ),
    ),
    "a row of the audit log deleted": (
        "history",
        "DELETE FROM trackai.feature_flag_audit_log WHERE id = (SELECT max(id) FROM trackai.feature_flag_audit_log)",
    ),
    "a row of the audit log doubled": (
        "history",
        (
            "INSERT INTO trackai.feature_flag_audit_log (flag_id, flag_key, version, action, changed_by, created_at)"
            " SELECT flag_id, flag_key, version, action, changed_by, created_at FROM trackai.feature_flag_audit_log"
            " WHERE version IS NOT NULL ORDER BY id LIMIT 1"
        ),
    ),
    "a usage row deleted": (
        "analytics",
        (
            "DELETE FROM trackai.feature_flag_usage u USING trackai.feature_flags f"
            " WHERE f.id = u.flag_id AND f.key = 'dark_mode'"
        ),
    ),
    "a usage row doubled": (
        "analytics",
        (
            "INSERT INTO trackai.feature_flag_usage SELECT"
            ' (jsonb_populate_record(u, to_jsonb(u) || \'{"id": 999999, "external_id": "twice"}\')).*'
            " FROM trackai.feature_flag_usage u JOIN trackai.feature_flags f ON f.id = u.flag_id LIMIT 1"
        ),
    ),
    "a variant changed": (
        "answers",
        (
            "UPDATE trackai.feature_flag_usage SET variant_key = CASE variant_key WHEN 'on' THEN 'off' ELSE 'on' END"
            " WHERE (tenant_id, accessed_at, id) = (SELECT tenant_id, accessed_at, id FROM trackai.feature_flag_usage"
            " WHERE bucket IS NOT NULL LIMIT 1)"
        ),
    ),
    "a bucket changed, within its variant": (
        "answers",
        (
            "UPDATE trackai.feature_flag_usage SET bucket = CASE WHEN bucket < 2000 THEN bucket + 1 ELSE bucket - 1 END"
            " WHERE (tenant_id, accessed_at, id) = (SELECT tenant_id, accessed_at, id FROM trackai.feature_flag_usage"
            " WHERE user_id LIKE 'user-%' AND variant_key = 'on' AND bucket < 3900 LIMIT 1)"
        ),
    ),
    "a version that there is not": (
        "answers",
        "UPDATE trackai.feature_flag_usage SET flag_version = 999999 WHERE bucket IS NOT NULL",
    ),
}


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_a_corruption_turns_its_check_red(connection: Connection[Any], world: dict[str, str], corruption: str) -> None:
    check, statement = CORRUPTIONS[corruption]
    with connection.transaction():
        connection.execute(MUTED)
        assert connection.execute(statement).rowcount > 0
    assert check in red(connection)
    assert world


def test_settings_that_were_changed_are_written_again_from_the_history(
    connection: Connection[Any], world: dict[str, str]
) -> None:
    for corruption in ("a period deleted", "two periods that overlap", "a row of matching_settings changed"):
        with connection.transaction():
            connection.execute(MUTED)
            connection.execute(CORRUPTIONS[corruption][1])
    assert red(connection) >= {"values", "settings"}
    # As the checks say.
    connection.execute("SELECT trackai.lock_flags(), trackai.settle_matching(NULL)")
    assert red(connection) == set()
    assert world


def test_rates_that_are_older_than_the_sales_are_stale(connection: Connection[Any], world: dict[str, str]) -> None:
    insert_sale(connection, world["acme"], "late", fbclid="click")
    found = values_of_sales(connection, SALE.date(), SALE.date())
    assert (found.faults, found.stale) == ([], 2)


def test_analytics_know_the_users_that_were_erased(connection: Connection[Any], world: dict[str, str]) -> None:
    used = days_of(connection, "feature_flag_usage", "accessed_at")
    connection.execute("UPDATE trackai.feature_flag_usage SET user_id = NULL WHERE user_id = 'user-1'")
    assert analytics_against_usage(connection, used).faults == []
    connection.execute("UPDATE trackai.feature_flag_analytics SET total_users = 1")
    assert len(analytics_against_usage(connection, used).faults) == 3
    assert world
