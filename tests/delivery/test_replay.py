"""Replaying days: what was not accepted goes out, what was accepted does not, unless asked for."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from delivery.scenes import Moment, insert_sales, outcomes, queued, send_due
from psycopg import Connection

from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.delivery.replay import enqueue_days

AddTenant = Callable[..., str]
SENT = ("success", None)


def test_a_replayed_day_sends_what_is_missing_and_nothing_twice(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox
) -> None:
    tenant = add_tenant("acme", pixel_id="1001")
    sent = insert_sales(connection, tenant, 5, ago=timedelta(days=2))
    send_due(database_url, box.base_url)
    lost = insert_sales(connection, tenant, 4, ago=timedelta(days=2, hours=-1))
    connection.execute("DELETE FROM trackai.dispatch_queue WHERE conversion_id = ANY (%s)", (lost,))
    (bad,) = insert_sales(connection, tenant, 1, ago=timedelta(days=2), currency="XXQ")
    send_due(database_url, box.base_url)
    assert queued(connection) == []
    today = datetime.now(UTC).date()
    first, last = today - timedelta(days=3), today
    assert enqueue_days(connection, first, last) == 5
    assert enqueue_days(connection, first, last) == 0
    send_due(database_url, box.base_url)
    assert {sale: attempts[-1] for sale, attempts in outcomes(connection).items()} == {
        **dict.fromkeys([*sent, *lost], SENT),
        bad: ("failed", "bad_currency"),
    }
    assert {(event.accepted, event.counted) for event in box.events()} == {(1, 1)}
    # What failed for good may be tried again and again; what was accepted stays alone.
    assert enqueue_days(connection, first, last) == 1


def test_accepted_sales_are_sent_again_only_when_asked_for(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox
) -> None:
    tenant = add_tenant("acme", pixel_id="1001")
    sales = insert_sales(connection, tenant, 3)
    send_due(database_url, box.base_url)
    today = datetime.now(UTC).date()
    days = today - timedelta(days=1), today
    assert enqueue_days(connection, *days) == 0
    assert enqueue_days(connection, *days, resend_already_sent=True) == 3
    box.misbehave(do="error", status=500)
    clock = Moment()
    send_due(database_url, box.base_url, clock=clock)
    clock.advance(minutes=1)
    send_due(database_url, box.base_url, clock=clock)
    assert outcomes(connection) == {sale: [SENT, ("failed", "server_error"), SENT] for sale in sales}
    assert {(event.accepted, event.counted) for event in box.events()} == {(2, 1)}
    assert queued(connection) == []


def test_a_replay_takes_only_what_is_due_and_legal(connection: Connection, add_tenant: AddTenant) -> None:
    acme = add_tenant("acme")
    matched = add_tenant("matched", dispatch_policy="matched")
    asleep = add_tenant("asleep", status="suspended")
    in_time = insert_sales(connection, acme, 1, ago=timedelta(days=6, hours=23))
    insert_sales(connection, acme, 1, ago=timedelta(days=7, seconds=-30))
    insert_sales(connection, acme, 1, ago=timedelta(days=20))
    insert_sales(connection, matched, 1)
    hit = insert_sales(connection, matched, 1, strategy="fbp")
    insert_sales(connection, asleep, 1)
    connection.execute("TRUNCATE trackai.dispatch_queue")
    today = datetime.now(UTC).date()
    assert enqueue_days(connection, today - timedelta(days=30), today) == 2
    assert queued(connection) == in_time + hit


def test_only_the_days_asked_for_are_replayed(connection: Connection, add_tenant: AddTenant) -> None:
    tenant = add_tenant("acme")
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    offsets = [timedelta(days=3), timedelta(days=2, microseconds=1), timedelta(days=2), timedelta(days=1)]
    sales = [insert_sales(connection, tenant, 1, at=midnight - offset)[0] for offset in offsets]
    connection.execute("TRUNCATE trackai.dispatch_queue")
    day = (midnight - timedelta(days=3)).date()
    assert enqueue_days(connection, day, day) == 2
    assert queued(connection) == sales[:2]
    with pytest.raises(ValueError, match="swap them"):
        enqueue_days(connection, day, day - timedelta(days=1))
