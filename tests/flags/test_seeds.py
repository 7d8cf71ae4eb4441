"""The flags that a new database has."""

from typing import Any

from psycopg import Connection, sql

FLAGS = [
    ("tier_progress_bar", "Tier progress bar", "Display tier progression", "UI", True),
    ("amount_chip_selector", "Amount chip selector", "Quick-select amounts", "UI", True),
    ("platform_goal_meter", "Platform goal meter", "Community goals", "UI", True),
    ("ai_concierge_chat", "AI concierge chat", "AI support", "UI", True),
    ("dark_mode", "Dark mode", "Dark theme", "UI", True),
    ("social_sharing", "Social sharing", "Social integration", "Advanced", True),
    ("receipt_generation", "Receipt generation", "Receipt export", "Advanced", True),
    ("community_feed", "Community feed", "Community sharing", "Experimental", False),
    ("notification_center", "Notification center", "Notification hub", "Experimental", False),
    ("advanced_analytics", "Advanced analytics", "Analytics dashboard", "Experimental", False),
]
# Empty until somebody changes something.
EMPTY = (
    "feature_flag_prerequisites", "feature_flag_rollouts", "feature_flag_overrides", "feature_flag_segments",
    "feature_flag_segment_members", "feature_flag_plans", "feature_flag_usage", "feature_flag_usage_gaps",
    "feature_flag_analytics", "feature_flag_exposures", "feature_flag_clients", "matching_settings",
)  # fmt: skip


def test_ten_flags_are_there_and_no_other_row(connection: Connection[Any]) -> None:
    found = connection.execute(
        "SELECT key, name, description, category, enabled FROM trackai.feature_flags ORDER BY id"
    ).fetchall()
    assert found == FLAGS
    plain = connection.execute(
        """
        SELECT DISTINCT value_type, off_value, on_value, bucket_by, salt, rollout_percentage, killed, client_visible,
               permanent, track_exposures, created_by
        FROM trackai.feature_flags
        """
    ).fetchall()
    assert plain == [("boolean", "false", "true", "targetingKey", None, 100, False, True, False, False, "seed")]
    for table in EMPTY:
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("trackai", table))
        assert connection.execute(query).fetchone() == (0,), table


def test_each_has_one_version_from_the_beginning(connection: Connection[Any]) -> None:
    found = connection.execute(
        """
        SELECT v.flag_key, v.effective_from = '-infinity', v.state = trackai.flag_state(v.flag_id), a.action,
               a.changed_by
        FROM trackai.feature_flag_versions v
        JOIN trackai.feature_flag_audit_log a ON a.id = v.audit_id AND a.version = v.id
        ORDER BY v.id
        """
    ).fetchall()
    assert found == [(key, True, True, "CREATE", "seed") for key, *_ in FLAGS]
    assert connection.execute("SELECT count(*) FROM trackai.feature_flag_audit_log").fetchone() == (10,)
