"""Flags' figures for /metrics."""

from datetime import UTC, datetime, timedelta

from flag_values.reference import state
from flags.serving import record
from psycopg import Connection

from trackai_pipelines.domain import Checkup
from trackai_pipelines.flags.metrics import metrics


def figures(connection: Connection, at: datetime) -> dict[str, float]:
    return {one.name: one.samples[0][1] for one in metrics(Checkup(connection, at, ()))}


def test_the_newest_version_what_is_held_and_what_was_lost(connection: Connection) -> None:
    now = datetime.now(UTC)
    assert figures(connection, now) == {"flag_version": 10, "flag_steps_held": 0, "flag_checks_lost_last_day": 0}
    version = record(connection, "dark_mode", state())
    connection.execute(
        "INSERT INTO trackai.feature_flag_plans (flag_id, step, apply_at, change, guard, state, created_by)"
        " SELECT id, n, now(), '{}', '{}', CASE n WHEN 1 THEN 'applied' ELSE 'held' END, 'ana'"
        " FROM trackai.feature_flags, generate_series(1, 3) AS n WHERE key = 'dark_mode'"
    )
    connection.execute(
        "INSERT INTO trackai.feature_flag_usage_gaps (writer, from_at, to_at, lost_checks, reason)"
        " SELECT 'w', %(now)s - n * interval '10 hours', %(now)s - n * interval '10 hours', 100, 'too many'"
        " FROM generate_series(1, 3) AS n",
        {"now": now},
    )
    assert figures(connection, now) == {"flag_version": version, "flag_steps_held": 2, "flag_checks_lost_last_day": 200}
    later = figures(connection, now + timedelta(days=2))
    assert later["flag_checks_lost_last_day"] == 0
