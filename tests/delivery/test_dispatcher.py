"""From the queue to the sandbox: each event is sent once, and a bad one fails alone."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from delivery.refuser import refuser
from delivery.scenes import (
    SHORT,
    Moment,
    Tokens,
    circuit_of,
    insert_sales,
    outcomes,
    queued,
    send_due,
)
from psycopg import Connection

from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.capi_sandbox.server import sandbox
from trackai_pipelines.delivery.report import by_tenant

AddTenant = Callable[..., str]
SENT = [("success", None)]


def test_what_is_due_is_sent_once_in_requests_of_a_thousand(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox
) -> None:
    tenants = [add_tenant(f"shop-{n}", pixel_id=f"100{n}") for n in range(3)]
    sales = [sale for tenant in tenants for sale in insert_sales(connection, tenant, 1200)]
    report = send_due(database_url, box.base_url)
    assert outcomes(connection) == dict.fromkeys(sales, SENT)
    assert queued(connection) == []
    for n in range(3):
        pixel = box.pixel(f"100{n}")
        assert (pixel.requests, pixel.accepted, pixel.counted) == (2, 1200, 1200)
    assert by_tenant(report.sent) == {"shop-0": 1200, "shop-1": 1200, "shop-2": 1200}
    assert (report.requests, report.failed_requests, dict(report.waiting)) == (6, 0, {})
    again = send_due(database_url, box.base_url)
    assert again.empty


def test_a_lost_answer_is_asked_for_again_with_the_same_bytes(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox
) -> None:
    tenant = add_tenant("acme", pixel_id="1001")
    sales = insert_sales(connection, tenant, 3)
    box.misbehave(do="timeout", accept=True)
    clock = Moment()
    report = send_due(database_url, box.base_url, clock=clock, capi_timeout_seconds=0.3)
    assert (by_tenant(report.retried), dict(report.waiting)) == ({"acme": 3}, {"acme": 3})
    # The tenant's page sends other ids from now on; what was sent keeps its own.
    connection.execute("UPDATE trackai.tenants SET sent_event_id = 'order'")
    clock.advance(minutes=1)
    send_due(database_url, box.base_url, clock=clock)
    assert outcomes(connection) == {sale: [("failed", "timeout"), ("success", None)] for sale in sales}
    assert [(event.accepted, event.counted, event.changed) for event in box.events()] == [(2, 1, False)] * 3


@pytest.mark.parametrize("bad", [{0}, {58}, {17, 18}, {0, 29, 30, 58}, set(range(7))])
def test_bad_events_fail_alone(database_url: str, connection: Connection, add_tenant: AddTenant, bad: set[int]) -> None:
    """What our rules let pass and Meta refuses: the request is split until the bad event is alone."""
    tenant = add_tenant("acme", pixel_id="1001")
    sales = [
        insert_sales(connection, tenant, 1, ago=timedelta(minutes=100 - n), order_id=f"order-{n}")[0] for n in range(59)
    ]
    with refuser({f"order-{n}" for n in bad}, code=100, error_subcode=2804001) as server:
        report = send_due(database_url, server.base_url)
    assert queued(connection) == []
    ends = {sale: attempts[-1] for sale, attempts in outcomes(connection).items()}
    assert ends == {sale: ("failed", "bad_fbc") if n in bad else SENT[0] for n, sale in enumerate(sales)}
    assert sorted(server.accepted) == sorted(f"order-{n}" for n in range(59) if n not in bad)
    # Each halving costs a request for either half: 59 events are halved six times. Then two are tried alone.
    assert len(server.requests) <= 1 + (2 * 6 + 2) * len(bad)
    assert by_tenant(report.failed) == {"acme": len(bad)}
    circuit = circuit_of(connection, tenant)
    assert (circuit["state"], circuit["consecutive_failures"]) == ("closed", 0)


def test_answers_that_nobody_can_explain_are_bounded(
    database_url: str, connection: Connection, add_tenant: AddTenant
) -> None:
    """One event of eight meets an error that is not documented: it alone fails, after three attempts at least."""
    tenant = add_tenant("acme", pixel_id="1001")
    sales = [
        insert_sales(connection, tenant, 1, ago=timedelta(minutes=100 - n), order_id=f"order-{n}")[0] for n in range(8)
    ]
    clock = Moment()
    with refuser({"order-5"}, code=424242) as server:
        send_due(database_url, server.base_url, clock=clock, **SHORT)
    found = outcomes(connection)
    assert [attempts[-1][0] for attempts in (found[sale] for sale in sales)] == ["success"] * 5 + ["failed"] + [
        "success"
    ] * 2
    company = [("failed", "refused_together")] * 3
    assert found[sales[5]] == [*company, ("failed", "refused_alone"), ("failed", "unknown_error")]
    assert queued(connection) == []


def test_two_sales_with_one_event_id_are_told_once(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox
) -> None:
    tenant = add_tenant("acme", pixel_id="1001")
    first, second = insert_sales(connection, tenant, 2, order_id="one-order")
    send_due(database_url, box.base_url)
    (third,) = insert_sales(connection, tenant, 1, order_id="one-order", ago=timedelta(minutes=5))
    (other_value,) = insert_sales(connection, tenant, 1, order_id="one-order", value="50.00")
    report = send_due(database_url, box.base_url)
    doubled = [("failed", "duplicate_event")]
    assert outcomes(connection) == {first: SENT, second: doubled, third: doubled, other_value: SENT}
    assert box.pixel("1001").accepted == 2
    assert (by_tenant(report.sent), by_tenant(report.failed)) == ({"acme": 1}, {"acme": 1})
    messages = connection.execute("SELECT DISTINCT message FROM trackai.dispatch_attempts WHERE message IS NOT NULL")
    assert [f"same_event_as conversion {first} (" in message for (message,) in messages] == [True]


@pytest.mark.parametrize(
    ("columns", "token", "reason"),
    [
        ({"pixel_id": "1001"}, None, "TRACKAI_CAPI_TOKEN_ACME"),
        ({"pixel_id": None}, "token", "has no pixel"),
        ({"pixel_id": "1001"}, "another-token", "access token"),
        ({"pixel_id": "4004"}, "token", "pixel"),
    ],
)
def test_a_wrong_set_up_opens_the_circuit_and_keeps_the_events(
    database_url: str,
    connection: Connection,
    add_tenant: AddTenant,
    columns: dict[str, str | None],
    token: str | None,
    reason: str,
) -> None:
    tenant = add_tenant("acme", **columns)
    well = add_tenant("well", pixel_id="1002")
    sales, others = insert_sales(connection, tenant, 3), insert_sales(connection, well, 3)
    clock = Moment()
    with sandbox(tokens=["token"], pixels=["1001", "1002"]) as box:
        send_due(database_url, box.base_url, tokens=Tokens({"acme": token, "well": "token"}), clock=clock)
        circuit = circuit_of(connection, tenant)
        assert circuit["state"] == "open"
        assert reason in circuit["reason"]
        assert queued(connection) == sales
        assert [outcomes(connection)[sale] for sale in others] == [SENT] * 3
        # The set-up is fixed, and the cool-down is over.
        connection.execute("UPDATE trackai.tenants SET pixel_id = '1001' WHERE slug = 'acme'")
        clock.advance(seconds=61)
        send_due(database_url, box.base_url, tokens=Tokens({"acme": "token", "well": "token"}), clock=clock)
    assert queued(connection) == []
    assert [outcomes(connection)[sale][-1] for sale in sales] == SENT * 3
    assert circuit_of(connection, tenant)["state"] == "closed"


def test_a_new_pixel_is_tried_at_once(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox
) -> None:
    tenant = add_tenant("acme")
    insert_sales(connection, tenant, 1)
    send_due(database_url, box.base_url)
    connection.execute("UPDATE trackai.tenants SET pixel_id = '1001'")
    send_due(database_url, box.base_url)
    assert box.pixel("1001").accepted == 1
