"""What doctor finds of tests."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from experiments import accounted
from experiments.accounted import COMPUTED_AT, DAY, NOW
from lifecycle.old_rows import insert
from psycopg import Connection

from trackai_pipelines.domain import Checkup, Level
from trackai_pipelines.experiments.health import health


def test_a_night_users_and_variants_are_looked_at(connection: Connection[Any], add_tenant: Callable[..., str]) -> None:
    tenant = add_tenant("acme")
    checkout, _ = accounted.build(connection, tenant)
    fresh = {"tenant_id": tenant, "test_id": checkout, "user_id": "u20", "variant_assigned": "a"}
    insert(connection, "ab_test_assignments", {**fresh, "assigned_at": NOW, "created_at": NOW})
    found = list(health(Checkup(connection, NOW, ())))
    assert [(one.check, one.level) for one in found] == [
        ("test days", Level.OK), ("test users", Level.OK), ("test configurations", Level.OK),
        ("test variants", Level.OK),
    ]  # fmt: skip
    connection.execute("UPDATE trackai.ab_tests SET window_days = 7 WHERE test_key = 'banner'")
    row = {"tenant_id": tenant, "test_id": checkout, "day": accounted.LAST, "computed_at": COMPUTED_AT}
    insert(connection, "ab_test_daily_health", {**row, "srm_p_value": 0.0001, "linkage_p_value": 0.0002})
    # The night of the next day is not due yet at three.
    assert next(iter(health(Checkup(connection, NOW + timedelta(hours=19), ())))).level is Level.OK
    found = list(health(Checkup(connection, NOW + 3 * DAY + timedelta(hours=1), ())))
    assert {one.level for one in found} == {Level.WARN}
    linked = "acme: checkout links the users of its variants differently with their sales (p 0.0002)"
    assert [one.said for one in found] == [
        "acme: checkout was computed up to 2026-03-20",
        "acme: nobody was assigned in checkout for 3 days",
        "acme: what starting froze of banner was changed",
        f"acme: checkout is not split as its weights say: 3 control, 2 a (p 0.0001); {linked}",
    ]
    assert all(one.fix for one in found)
