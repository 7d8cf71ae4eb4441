"""What the gates that matching reads make of the history of their flags: the settings of each tenant by moment.

What belongs here: versions recorded by plain SQL and by the columns of tenants. What does not: the commands.
"""

from collections.abc import Callable
from typing import Any

import pytest
from psycopg import Connection, errors
from psycopg.types.json import Jsonb

AddTenant = Callable[..., str]

# Reference buckets; both SDKs of GrowthBook say the same.
BUCKETS = [
    ("seed", "a", 505),
    ("foo", "def", 2019),
    ("tier_progress_bar", "user-1", 8261),
    ("tier_progress_bar", "42", 5057),
    ("edge", "user-23121", 2500),
    ("email_matching", "acme", 9291),
    ("email_matching", "globex", 4571),
    ("email_matching", "initech", 667),
]

# Reference history of email_matching: scope, effective from, recorded at, what the state says.
HISTORY: list[tuple[str | None, str, str, dict[str, Any]]] = [
    (None, "-infinity", "2026-03-01T08:00:00Z", {"enabled": True, "rollout_percentage": 0}),
    (None, "2026-03-05T09:00:00Z", "2026-03-05T09:00:00Z", {"enabled": True, "rollout_percentage": 30}),
    ("globex", "2026-03-06T00:00:00Z", "2026-03-06T00:00:00Z", {"enabled": False}),
    ("acme", "2026-03-02T00:00:00Z", "2026-03-08T12:00:00Z", {"enabled": True, "rollout_percentage": 100}),
    (None, "-infinity", "2026-03-10T10:00:00Z", {"enabled": True, "rollout_percentage": 30, "killed": True}),
]
# Tenant, moment of the sale, known at, the value, the number of the flag's version in force, and of the override's.
SALES = [
    ("acme", "2026-03-04T12:00:00Z", "2026-03-04T13:00:00Z", False, 1, 0),
    ("acme", "2026-03-05T09:00:00Z", "2026-03-05T09:01:00Z", False, 2, 0),
    ("acme", "2026-03-07T00:00:00Z", "2026-03-07T01:00:00Z", False, 2, 0),
    ("acme", "2026-03-04T12:00:00Z", "2026-03-09T00:00:00Z", True, 1, 4),
    ("acme", "2026-03-07T00:00:00Z", "2026-03-09T00:00:00Z", True, 2, 4),
    ("acme", "2026-03-07T00:00:00Z", "2026-03-11T00:00:00Z", False, 5, 4),
    ("globex", "2026-03-04T12:00:00Z", "2026-03-04T13:00:00Z", False, 1, 0),
    ("globex", "2026-03-05T09:00:00Z", "2026-03-05T09:01:00Z", False, 2, 0),
    ("globex", "2026-03-07T00:00:00Z", "2026-03-07T01:00:00Z", False, 2, 3),
    ("globex", "2026-03-04T12:00:00Z", "2026-03-09T00:00:00Z", False, 1, 0),
    ("globex", "2026-03-07T00:00:00Z", "2026-03-09T00:00:00Z", False, 2, 3),
    ("globex", "2026-03-07T00:00:00Z", "2026-03-11T00:00:00Z", False, 5, 3),
    ("initech", "2026-03-04T12:00:00Z", "2026-03-04T13:00:00Z", False, 1, 0),
    ("initech", "2026-03-05T09:00:00Z", "2026-03-05T09:01:00Z", True, 2, 0),
    ("initech", "2026-03-07T00:00:00Z", "2026-03-07T01:00:00Z", True, 2, 0),
    ("initech", "2026-03-04T12:00:00Z", "2026-03-09T00:00:00Z", False, 1, 0),
    ("initech", "2026-03-07T00:00:00Z", "2026-03-09T00:00:00Z", True, 2, 0),
    ("initech", "2026-03-07T00:00:00Z", "2026-03-11T00:00:00Z", False, 5, 0),
    ("umbrella", "2026-03-04T12:00:00Z", "2026-03-04T13:00:00Z", False, 1, 0),
    ("umbrella", "2026-03-05T09:00:00Z", "2026-03-05T09:01:00Z", False, 2, 0),
    ("umbrella", "2026-03-07T00:00:00Z", "2026-03-07T01:00:00Z", False, 2, 0),
    ("umbrella", "2026-03-04T12:00:00Z", "2026-03-09T00:00:00Z", False, 1, 0),
    ("umbrella", "2026-03-07T00:00:00Z", "2026-03-09T00:00:00Z", False, 2, 0),
    ("umbrella", "2026-03-07T00:00:00Z", "2026-03-11T00:00:00Z", False, 5, 0),
    ("hooli", "2026-03-04T12:00:00Z", "2026-03-04T13:00:00Z", False, 1, 0),
    ("hooli", "2026-03-05T09:00:00Z", "2026-03-05T09:01:00Z", False, 2, 0),
    ("hooli", "2026-03-07T00:00:00Z", "2026-03-07T01:00:00Z", False, 2, 0),
    ("hooli", "2026-03-04T12:00:00Z", "2026-03-09T00:00:00Z", False, 1, 0),
    ("hooli", "2026-03-07T00:00:00Z", "2026-03-09T00:00:00Z", False, 2, 0),
    ("hooli", "2026-03-07T00:00:00Z", "2026-03-11T00:00:00Z", False, 5, 0),
]


@pytest.mark.parametrize(("salt", "unit", "bucket"), BUCKETS)
def test_buckets_are_growthbooks(connection: Connection[Any], salt: str, unit: str, bucket: int) -> None:
    assert connection.execute("SELECT trackai.flag_bucket(%s, %s)", (salt, unit)).fetchone() == (bucket,)


def test_a_letter_beyond_the_basic_plane_is_two_code_units(connection: Connection[Any]) -> None:
    hashed = 2166136261
    for unit in (0x4A, 0xD83D, 0xDE00, 0xE9):
        hashed = (hashed ^ unit) * 16777619 % 2**32
    assert connection.execute("SELECT trackai.fnv1a32(%s)", ("J\U0001f600\u00e9",)).fetchone() == (hashed,)


def _record(connection: Connection[Any], tenant: str | None, since: str, at: str, says: dict[str, Any]) -> None:
    state = {"off_value": "false", "on_value": "true", "salt": "email_matching", "killed": False, **says}
    if tenant is not None:
        state = {"enabled": None, "rollout_percentage": None, "value": None, "killed": None, **says}
    connection.execute(
        """
        SELECT trackai.record_flag_version(f.id, f.key, %s, %s, %s, 'UPDATE', 'ana', 'pilot', NULL, NULL, NULL, %s)
        FROM trackai.feature_flags f
        WHERE f.key = 'email_matching'
        """,
        (tenant, since, Jsonb(state), at),
    )


@pytest.mark.parametrize("known_at", sorted({known_at for _, _, known_at, _, _, _ in SALES}))
def test_the_settings_of_a_sale_follow_the_history_that_is_known(
    connection: Connection[Any], add_tenant: AddTenant, known_at: str
) -> None:
    slugs = sorted({sale[0] for sale in SALES})
    ids = {slug: add_tenant(slug) for slug in slugs}
    connection.execute("SELECT trackai.ensure_gate('email_matching')")
    (built_in,) = connection.execute("SELECT max(id) FROM trackai.feature_flag_versions").fetchone() or (0,)
    for tenant, since, at, says in HISTORY:
        if at <= known_at:
            _record(connection, ids[tenant] if tenant else None, since, at, says)
    for slug, sale, known, value, flag_version, override_version in SALES:
        if known != known_at:
            continue
        row = connection.execute(
            """
            SELECT email_matching, email_version, lookback_days, lookback_version
            FROM trackai.matching_settings
            WHERE tenant_id = %s AND effective_from <= %s AND %s < effective_to
            """,
            (ids[slug], sale, sale),
        ).fetchall()
        assert row == [(value, built_in + (override_version or flag_version), 90, 0)], (slug, sale)


def test_periods_of_a_tenant_cover_all_time_once(connection: Connection[Any], add_tenant: AddTenant) -> None:
    acme = add_tenant("acme")
    connection.execute("SELECT trackai.ensure_gate('email_matching')")
    for tenant, since, at, says in HISTORY[:2]:
        _record(connection, acme if tenant else None, since, at, says)
    add_tenant("globex", lookback_days=30)
    # A new version is a period of its own, also where its value is the one before: acme is not among the 30 %.
    assert connection.execute(
        """
        SELECT t.slug, m.effective_from::text, m.effective_to::text, m.email_matching, m.lookback_days
        FROM trackai.matching_settings m JOIN trackai.tenants t ON t.id = m.tenant_id
        ORDER BY t.slug, m.effective_from
        """
    ).fetchall() == [
        ("acme", "-infinity", "2026-03-05 09:00:00+00", False, 90),
        ("acme", "2026-03-05 09:00:00+00", "infinity", False, 90),
        ("globex", "-infinity", "2026-03-05 09:00:00+00", False, 30),
        ("globex", "2026-03-05 09:00:00+00", "infinity", False, 30),
    ]


def test_what_evaluation_does_not_read_is_no_version(connection: Connection[Any], add_tenant: AddTenant) -> None:
    add_tenant("acme", lookback_days=30)
    connection.execute("UPDATE trackai.feature_flags SET owner_email = 'ads@acme.example' WHERE key = 'lookback_days'")
    assert connection.execute("SELECT count(*) FROM trackai.matching_settings").fetchone() == (1,)
    assert connection.execute(
        "SELECT action, version FROM trackai.feature_flag_audit_log ORDER BY id DESC LIMIT 1"
    ).fetchone() == ("UPDATE", None)


def test_columns_of_a_new_tenant_hold_since_ever(connection: Connection[Any], add_tenant: AddTenant) -> None:
    tenant = add_tenant("acme", email_matching=True, lookback_days=30)
    assert connection.execute(
        "SELECT effective_from::text, effective_to::text, email_matching, lookback_days FROM trackai.matching_settings"
    ).fetchall() == [("-infinity", "infinity", True, 30)]
    assert connection.execute(
        """
        SELECT f.key, o.enabled, o.rollout_percentage, o.value
        FROM trackai.feature_flag_overrides o JOIN trackai.feature_flags f ON f.id = o.flag_id
        WHERE o.tenant_id = %s ORDER BY f.key
        """,
        (tenant,),
    ).fetchall() == [("email_matching", True, 100, None), ("lookback_days", True, 100, "30")]


def test_a_tenant_with_the_built_in_values_needs_no_gate(connection: Connection[Any], add_tenant: AddTenant) -> None:
    add_tenant("acme")
    assert connection.execute("SELECT count(*) FROM trackai.feature_flags").fetchone() == (10,)
    assert connection.execute("SELECT count(*) FROM trackai.matching_settings").fetchone() == (1,)


def test_a_column_changed_later_divides_the_time(connection: Connection[Any], add_tenant: AddTenant) -> None:
    tenant = add_tenant("acme")
    with connection.transaction():
        connection.execute(
            "SELECT set_config('trackai.actor', 'ana', true), set_config('trackai.reason', 'asked', true)"
        )
        connection.execute("UPDATE trackai.tenants SET email_matching = true WHERE id = %s", (tenant,))
    assert connection.execute(
        "SELECT email_matching FROM trackai.matching_settings ORDER BY effective_from"
    ).fetchall() == [(False,), (True,)]
    assert connection.execute(
        """
        SELECT a.changed_by, a.change_reason, a.tenant_id
        FROM trackai.feature_flag_audit_log a
        JOIN trackai.feature_flag_versions v ON v.id = a.version AND v.audit_id = a.id
        WHERE a.flag_key = 'email_matching' AND a.tenant_id IS NOT NULL
        """
    ).fetchall() == [("ana", "asked", tenant)]
    # The same value again is no change.
    connection.execute("UPDATE trackai.tenants SET email_matching = true, name = 'Acme' WHERE id = %s", (tenant,))
    assert connection.execute(
        "SELECT count(*) FROM trackai.feature_flag_audit_log WHERE tenant_id = %s", (tenant,)
    ).fetchone() == (1,)


def test_a_new_tenant_inherits_the_gate(connection: Connection[Any], add_tenant: AddTenant) -> None:
    connection.execute("SELECT trackai.ensure_gate('email_matching')")
    connection.execute("UPDATE trackai.feature_flags SET enabled = true WHERE key = 'email_matching'")
    tenant = add_tenant("acme")
    assert connection.execute("SELECT email_matching FROM trackai.tenants WHERE id = %s", (tenant,)).fetchone() == (
        True,
    )
    assert connection.execute("SELECT count(*) FROM trackai.feature_flag_overrides").fetchone() == (0,)


def test_a_gate_takes_no_rollouts_and_cannot_be_removed(connection: Connection[Any]) -> None:
    connection.execute("SELECT trackai.ensure_gate('lookback_days')")
    with pytest.raises(errors.RestrictViolation, match="takes no rollouts"):
        connection.execute(
            """
            INSERT INTO trackai.feature_flag_rollouts (flag_id, variant_key, percentage)
            SELECT id, 'long', 50 FROM trackai.feature_flags WHERE key = 'lookback_days'
            """
        )
    with pytest.raises(errors.RestrictViolation, match="cannot be removed"):
        connection.execute("DELETE FROM trackai.feature_flags WHERE key = 'lookback_days'")


def test_history_is_not_changed(connection: Connection[Any]) -> None:
    for table in ("feature_flag_versions", "feature_flag_audit_log"):
        for change in ("UPDATE trackai.{} SET flag_key = 'other'", "DELETE FROM trackai.{}", "TRUNCATE trackai.{}"):
            with pytest.raises(errors.RestrictViolation, match="is history"):
                connection.execute(change.format(table))
