"""Plans that came into force: rows and columns of tenants follow them, and nothing else is touched."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
from flags.changing import change, create, rows_differ_from_history, versions
from psycopg import Connection

from trackai_pipelines.clock import utc_now
from trackai_pipelines.flags.defs.plans import five_minutely_flag_plans
from trackai_pipelines.flags.plans import anything_due, apply_due

AddTenant = Callable[..., str]
_PAST = datetime.now(UTC) - timedelta(days=2)


def _plan(connection: Connection[Any], key: str, fields: dict[str, Any], **given: Any) -> None:
    """Plan a change two days ago for yesterday."""
    change(connection, key, fields, now=_PAST, effective_from=_PAST + timedelta(days=1), **given)


def test_rows_follow_what_was_planned(connection: Connection[Any], add_tenant: AddTenant, run_job: Any) -> None:
    add_tenant("acme")
    create(connection, "pilot", now=_PAST)
    _plan(connection, "pilot", {"enabled": True, "rollout_percentage": 5})
    _plan(connection, "dark_mode", {"enabled": False}, tenant="acme")
    change(connection, "social_sharing", {"enabled": False}, tenant="acme", now=_PAST, until=_PAST + timedelta(days=1))
    assert len(rows_differ_from_history(connection)) == 3
    assert anything_due(connection, utc_now())
    recorded = len(versions(connection, "pilot"))
    run_job("apply_flag_plans")
    assert rows_differ_from_history(connection) == []
    assert not anything_due(connection, utc_now())
    assert len(versions(connection, "pilot")) == recorded
    row = connection.execute(
        "SELECT enabled, rollout_percentage, updated_by FROM trackai.feature_flags WHERE key = 'pilot'"
    )
    assert row.fetchone() == (True, 5, "ana")
    overrides = connection.execute("SELECT enabled, reason, created_by FROM trackai.feature_flag_overrides")
    assert overrides.fetchall() == [(False, "because", "ana")]
    assert apply_due(connection, utc_now) == []


def test_columns_of_tenants_follow_their_gates(connection: Connection[Any], add_tenant: AddTenant) -> None:
    for slug in ("acme", "globex"):
        add_tenant(slug)
    _plan(connection, "email_matching", {"enabled": True})
    _plan(connection, "lookback_days", {"enabled": True, "value": "30"}, tenant="acme")
    apply_due(connection, utc_now)
    found = connection.execute("SELECT slug, email_matching, lookback_days FROM trackai.tenants ORDER BY slug")
    assert found.fetchall() == [("acme", True, 30), ("globex", True, 90)]
    # What follows a gate is no override.
    assert [row["tenant_id"] for row in versions(connection, "email_matching")] == [None, None]


def test_what_was_written_past_the_history_is_left_for_its_check(connection: Connection[Any]) -> None:
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute("UPDATE trackai.feature_flags SET enabled = false WHERE key = 'dark_mode'")
    apply_due(connection, utc_now)
    assert [row["flag_key"] for row in rows_differ_from_history(connection)] == ["dark_mode"]


def test_a_run_is_requested_where_something_is_due(connection: Connection[Any], database: Any) -> None:
    def asked() -> Any:
        with dg.build_schedule_context(resources={"database": database}) as context:
            return five_minutely_flag_plans(context)

    assert isinstance(asked(), dg.SkipReason)
    create(connection, "pilot", now=_PAST)
    _plan(connection, "pilot", {"enabled": True})
    assert isinstance(asked(), dg.RunRequest)
