"""What is due: which attributed sales are queued, which leave the queue, and why."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from delivery.scenes import (
    Moment,
    Tokens,
    insert_sales,
    outcomes,
    queued,
    send_due,
)
from psycopg import Connection

from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.delivery.report import by_tenant

AddTenant = Callable[..., str]
SENT = [("success", None)]


def test_only_what_the_tenant_wants_is_due(connection: Connection, add_tenant: AddTenant) -> None:
    everything = add_tenant("everything")
    matched = add_tenant("matched", dispatch_policy="matched")
    asleep = add_tenant("asleep", status="provisioning")
    all_of_all = [*insert_sales(connection, everything, 1), *insert_sales(connection, everything, 1, strategy="fbp")]
    (late,), hits = insert_sales(connection, matched, 1), insert_sales(connection, matched, 1, strategy="fbc")
    insert_sales(connection, everything, 1, ago=timedelta(days=8))
    dozing = insert_sales(connection, asleep, 1)
    assert sorted(queued(connection)) == sorted(all_of_all + hits)
    # A click arrives late; the tenant wakes up; another one changes its mind.
    connection.execute("UPDATE trackai.matched_attributions SET strategy = 'email' WHERE conversion_id = %s", (late,))
    assert sorted(queued(connection)) == sorted([*all_of_all, *hits, late])
    connection.execute("UPDATE trackai.tenants SET status = 'active'")
    assert sorted(queued(connection)) == sorted([*all_of_all, *hits, late, *dozing])
    connection.execute("UPDATE trackai.tenants SET dispatch_policy = 'matched'")
    assert sorted(queued(connection)) == sorted([all_of_all[1], *hits, late])
    connection.execute("UPDATE trackai.tenants SET dispatch_policy = 'all'")
    assert sorted(queued(connection)) == sorted([*all_of_all, *hits, late, *dozing])


def test_a_tenant_that_wakes_up_while_attributions_are_written_misses_none(
    database_url: str, connection: Connection, add_tenant: AddTenant
) -> None:
    tenant = add_tenant("asleep", status="provisioning")
    from trackai_pipelines.database.connection import connect

    with connect(database_url) as writer:
        writer.execute("BEGIN")
        sales = insert_sales(writer, tenant, 5)
        waking = threading.Thread(
            target=lambda: connection.execute("UPDATE trackai.tenants SET status = 'active'"), daemon=True
        )
        waking.start()
        waking.join(0.3)
        writer.execute("COMMIT")
        waking.join()
    assert queued(connection) == sales


def test_a_large_batch_is_queued_once_whatever_is_queued_already(connection: Connection, add_tenant: AddTenant) -> None:
    sales = insert_sales(connection, add_tenant("acme"), 1200)
    assert queued(connection) == sales
    connection.execute("DELETE FROM trackai.matched_attributions")
    connection.execute("DELETE FROM trackai.dispatch_queue WHERE conversion_id % 2 = 0")
    assert queued(connection) == [sale for sale in sales if sale % 2]
    connection.execute(
        "INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, strategy)"
        " SELECT tenant_id, id, 'unmatched' FROM trackai.conversions"
    )
    assert queued(connection) == sales


def _requeue(connection: Connection) -> None:
    connection.execute(
        "INSERT INTO trackai.dispatch_queue (tenant_id, occurred_at, conversion_id)"
        " SELECT tenant_id, occurred_at, id FROM trackai.conversions"
    )


def test_a_sale_that_was_sent_is_not_queued_again_by_a_late_click(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox
) -> None:
    tenant = add_tenant("acme", pixel_id="1001")
    sent, waiting = insert_sales(connection, tenant, 2)
    connection.execute("DELETE FROM trackai.dispatch_queue WHERE conversion_id = %s", (waiting,))
    send_due(database_url, box.base_url)
    connection.execute("UPDATE trackai.matched_attributions SET strategy = 'fbc'")
    assert queued(connection) == [waiting]
    # If it is put back on the queue by hand, the claim drops it.
    connection.execute("TRUNCATE trackai.dispatch_queue")
    _requeue(connection)
    send_due(database_url, box.base_url)
    assert outcomes(connection) == {sent: SENT, waiting: SENT}
    assert queued(connection) == []


def test_what_cannot_be_sent_says_why_and_holds_nothing_up(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox
) -> None:
    tenant = add_tenant("acme", pixel_id="1001")
    (unknown,) = insert_sales(connection, tenant, 1, currency="XXQ")
    (nobody,) = insert_sales(connection, tenant, 1, customer_email_hash=None)
    (free,) = insert_sales(connection, tenant, 1, value="0")
    (good,) = insert_sales(connection, tenant, 1)
    (ahead,) = insert_sales(connection, tenant, 1, ago=timedelta(hours=-5))
    clock = Moment()
    send_due(database_url, box.base_url, clock=clock)
    assert outcomes(connection) == {
        unknown: [("failed", "bad_currency")],
        nobody: [("failed", "little_user_data")],
        free: SENT,
        good: SENT,
    }
    assert queued(connection) == [ahead], "it waits for its time"
    assert box.pixel("1001").refused == 0


@pytest.mark.parametrize("kept_by", ["circuit", "waiting", "suspended", "token", "pixel"])
def test_what_grows_too_old_is_closed_whatever_keeps_it(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox, kept_by: str
) -> None:
    tenant = add_tenant("acme", pixel_id=None if kept_by == "pixel" else "1001")
    (old,) = insert_sales(connection, tenant, 1, ago=timedelta(days=6, hours=23))
    (young,) = insert_sales(connection, tenant, 1, ago=timedelta(days=2))
    connection.execute(
        {
            "circuit": "INSERT INTO trackai.dispatch_circuits (tenant_id, state, opened_at, retry_at, reason)"
            " VALUES ('t-acme', 'open', now(), now() + interval '9 h', 'a wrong token')",
            "waiting": "INSERT INTO trackai.dispatch_circuits (tenant_id, wait_until)"
            " VALUES ('t-acme', now() + interval '9 h')",
            "suspended": "UPDATE trackai.tenants SET status = 'suspended'",
        }.get(kept_by, "SELECT")
    )
    tokens, clock = Tokens({"acme": None} if kept_by == "token" else {}), Moment()
    clock.advance(hours=2)
    report = send_due(database_url, box.base_url, tokens=tokens, clock=clock)
    assert outcomes(connection) == {old: [("failed", "too_old")]}
    assert queued(connection) == [young]
    assert by_tenant(report.failed) == {"acme": 1}
    assert box.pixels() == {}
    if kept_by == "circuit":
        message = connection.execute("SELECT message FROM trackai.dispatch_attempts").fetchone()
        assert message is not None
        assert "a wrong token" in message[0]
