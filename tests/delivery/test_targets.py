"""What went to the sandbox is not sent: not in the view, not in the account, and a replay sends it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from delivery.scenes import insert_sales, queued, send_due
from psycopg import Connection

from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.delivery.account import account_for
from trackai_pipelines.delivery.coverage import coverage_of_days
from trackai_pipelines.delivery.replay import enqueue_days
from trackai_pipelines.delivery.sample import delivered_by_tenant
from trackai_pipelines.delivery.story import dispatch_story

AddTenant = Callable[..., str]


@pytest.fixture
def sales(database_url: str, connection: Connection[Any], add_tenant: AddTenant, box: Sandbox) -> list[int]:
    """Three sales of acme: one that Meta took, one that the sandbox took, and one that the sandbox refused."""
    tenant = add_tenant("acme", pixel_id="1001")
    first, second, third = insert_sales(connection, tenant, 3)
    send_due(database_url, box.base_url)
    _to_sandbox(connection, second)
    _to_sandbox(connection, third, status="failed", failure="bad_fbc")
    return [first, second, third]


def _to_sandbox(connection: Connection[Any], sale: int, *, status: str = "success", failure: str | None = None) -> None:
    connection.execute(
        "UPDATE trackai.dispatch_attempts SET target = 'sandbox', flag_version = 7, status = %s, failure = %s"
        " WHERE conversion_id = %s",
        (status, failure, sale),
    )


def _sent(connection: Connection[Any]) -> dict[int, bool]:
    return dict(connection.execute("SELECT id, sent_to_capi FROM trackai.v_conversions").fetchall())


def test_the_sandbox_has_a_place_of_its_own_in_the_account(connection: Connection[Any], sales: list[int]) -> None:
    first, second, third = sales
    assert _sent(connection) == {first: True, second: False, third: False}
    found = {(place.place, place.reason): place.events for place in account_for(connection).places}
    not_got = "and Meta has not got it: replay its day once the flag dispatch_target is meta"
    assert found == {
        ("sent", "accepted"): 1,
        ("sandbox", f"the sandbox accepted it, {not_got}"): 1,
        ("sandbox", f"the sandbox refused (bad_fbc) it, {not_got}"): 1,
    }
    tenant = connection.execute("SELECT id FROM trackai.tenants").fetchone()
    assert tenant is not None
    stories = [dispatch_story(connection, tenant[0], sale) for sale in sales]
    verdicts = [story.verdict if story else "" for story in stories]
    assert [verdict.partition(":")[0] for verdict in verdicts] == ["Sent", "Not sent", "Not sent"]
    assert [(a.target, a.flag_version) for story in stories if story for a in story.attempts] == [
        ("meta", 0), ("sandbox", 7), ("sandbox", 7)
    ]  # fmt: skip


def test_the_sandbox_counts_nowhere_as_delivered(connection: Connection[Any], sales: list[int]) -> None:
    today = datetime.now(UTC).date()
    assert [day.events for day in coverage_of_days(connection, today - timedelta(days=1), today)] == [1]
    delivered = delivered_by_tenant(connection)["acme"]
    assert (delivered.sent, delivered.accepted) == (1, 1)
    connection.execute("DELETE FROM trackai.dispatch_attempts")
    kept = connection.execute("SELECT conversion_id FROM trackai.past_deliveries").fetchall()
    assert kept == [(sales[0],)], "when attempts leave, only what Meta took stays known as delivered"
    assert _sent(connection) == {sales[0]: True, sales[1]: False, sales[2]: False}


def test_a_replay_sends_what_only_the_sandbox_got(
    database_url: str, connection: Connection[Any], box: Sandbox, sales: list[int]
) -> None:
    today = datetime.now(UTC).date()
    assert enqueue_days(connection, today - timedelta(days=1), today) == 2
    assert queued(connection) == sales[1:]
    send_due(database_url, box.base_url)
    assert _sent(connection) == dict.fromkeys(sales, True)
    assert account_for(connection).totals == {"sent": 3}
    assert enqueue_days(connection, today - timedelta(days=1), today) == 0


def test_a_transient_failure_at_the_sandbox_that_left_the_queue_is_found(
    connection: Connection[Any], sales: list[int]
) -> None:
    _to_sandbox(connection, sales[1], status="failed", failure="timeout")
    assert account_for(connection).unexplained == 1
