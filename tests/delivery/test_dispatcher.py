"""From the queue to the sandbox: what is due, what is not, and that each event is told once."""

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from delivery.refuser import refuser
from delivery.scenes import (
    SHORT,
    Moment,
    Tokens,
    circuit_of,
    dispatching_process,
    insert_sales,
    outcomes,
    queued,
    send_due,
)
from psycopg import AsyncConnection, Connection

from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.capi_sandbox.server import sandbox
from trackai_pipelines.delivery.claims import Worker, claim_events, hold_tenants, record_answer
from trackai_pipelines.delivery.dispatcher import dispatch
from trackai_pipelines.delivery.report import by_tenant
from trackai_pipelines.settings import CapiSettings

AddTenant = Callable[..., str]
SENT = [("success", None)]


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with sandbox() as running:
        yield running


def _requeue(connection: Connection) -> None:
    connection.execute(
        "INSERT INTO trackai.dispatch_queue (tenant_id, occurred_at, conversion_id)"
        " SELECT tenant_id, occurred_at, id FROM trackai.conversions"
    )


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


def test_the_registry_and_the_attempt_are_there_before_the_request(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox
) -> None:
    """A worker writes down what it is about to send, and dies; the next one sends the same under the same id."""
    tenant = add_tenant("acme", pixel_id="1001")
    (sale,) = insert_sales(connection, tenant, 1)
    worker = Worker("dead", Tokens(), CapiSettings())

    async def claim_and_die() -> None:
        now = datetime.now(UTC)
        async with await AsyncConnection.connect(database_url, autocommit=True) as own:
            assert await hold_tenants(own, worker, free=1, free_for_doubtful=1, now=now) == [(tenant, False)]
            claim = await claim_events(own, worker, tenant, now)
        assert claim is not None
        assert len(claim.events) == 1

    asyncio.run(claim_and_die())
    written = connection.execute(
        "SELECT r.event_id, d.payload_sha256, d.status FROM trackai.dedupe_registry r"
        " JOIN trackai.dispatch_attempts d USING (tenant_id, event_id, conversion_id)"
    ).fetchall()
    assert [status for _, _, status in written] == ["pending"]
    # What the sale is made of changes in between: a click is found.
    connection.execute("INSERT INTO trackai.clicks (tenant_id, fbc) VALUES (%s, 'fb.1.1790000000000.abc')", (tenant,))
    connection.execute(
        "UPDATE trackai.matched_attributions SET strategy = 'fbc', click_id = (SELECT max(id) FROM trackai.clicks)"
    )
    assert send_due(database_url, box.base_url).empty, "the dead worker still holds the tenant"
    connection.execute("UPDATE trackai.dispatch_circuits SET held_until = now() WHERE held_by = 'dead'")
    send_due(database_url, box.base_url)
    assert outcomes(connection) == {sale: [("failed", "unknown_outcome"), ("success", None)]}
    sent = connection.execute(
        "SELECT event_id, payload_sha256 FROM trackai.dispatch_attempts ORDER BY attempt"
    ).fetchall()
    assert sent == [written[0][:2]] * 2
    assert [(event.event_id, event.sha256) for event in box.events()] == sent[:1]


def test_a_worker_that_lost_its_hold_changes_nothing(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox
) -> None:
    from trackai_pipelines.delivery.answers import Answer, verdict_of
    from trackai_pipelines.delivery.circuit import Circuit

    tenant = add_tenant("acme", pixel_id="1001")
    (sale,) = insert_sales(connection, tenant, 1)
    worker = Worker("slow", Tokens(), CapiSettings())

    async def come_back_late() -> None:
        now = datetime.now(UTC)
        async with await AsyncConnection.connect(database_url, autocommit=True) as own:
            await hold_tenants(own, worker, free=1, free_for_doubtful=1, now=now)
            claim = await claim_events(own, worker, tenant, now)
            assert claim is not None
            connection.execute("UPDATE trackai.dispatch_circuits SET held_until = now()")
            await asyncio.to_thread(send_due, database_url, box.base_url)
            before = outcomes(connection), circuit_of(connection, tenant)
            refused = verdict_of(Answer(500, b"", {}, None), sent=1)
            assert not await record_answer(own, worker, claim, refused, Circuit(state="open"), now)
            assert await claim_events(own, worker, tenant, now) is None
        assert (outcomes(connection), circuit_of(connection, tenant)) == before

    asyncio.run(come_back_late())
    assert outcomes(connection) == {sale: [("failed", "unknown_outcome"), ("success", None)]}


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


def test_the_least_time_left_goes_first(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox
) -> None:
    tenants = [add_tenant(f"shop-{n}", pixel_id=f"100{n}") for n in range(4)]
    ages = [timedelta(hours=2), timedelta(days=6), timedelta(minutes=1), timedelta(days=3)]
    for tenant, age in zip(tenants, ages, strict=True):
        insert_sales(connection, tenant, 2, ago=age)

    async def order() -> list[str]:
        worker, now = Worker("one", Tokens(), CapiSettings()), datetime.now(UTC)
        taken = []
        async with await AsyncConnection.connect(database_url, autocommit=True) as own:
            while held := await hold_tenants(own, worker, free=1, free_for_doubtful=1, now=now):
                taken += [tenant for tenant, _ in held]
        return taken

    assert asyncio.run(order()) == ["t-shop-1", "t-shop-3", "t-shop-0", "t-shop-2"]


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
    # Each halving costs a request for either half: 59 events are halved six times.
    assert len(server.requests) <= 1 + 2 * 6 * len(bad)
    assert by_tenant(report.failed) == {"acme": len(bad)}
    circuit = circuit_of(connection, tenant)
    assert (circuit["state"], circuit["consecutive_failures"]) == ("closed", 0)


def test_answers_that_nobody_can_explain_are_bounded(
    database_url: str, connection: Connection, add_tenant: AddTenant
) -> None:
    """One event of eight meets an error that is not documented: in the end it alone has failed, after 20 attempts."""
    tenant = add_tenant("acme", pixel_id="1001")
    sales = [
        insert_sales(connection, tenant, 1, ago=timedelta(minutes=100 - n), order_id=f"order-{n}")[0] for n in range(8)
    ]
    clock = Moment()
    with refuser({"order-5"}, code=424242) as server:
        for _ in range(60):
            send_due(database_url, server.base_url, clock=clock, **SHORT)
            clock.advance(hours=1)
    found = outcomes(connection)
    assert [attempts[-1][0] for attempts in (found[sale] for sale in sales)] == ["success"] * 5 + ["failed"] + [
        "success"
    ] * 2
    assert found[sales[5]] == [("failed", "unknown_error")] * 20
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
    assert [f"conversion {first} is the same sale" in message for (message,) in messages] == [True]


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
        # Mended, and the cool-down is over.
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


def test_a_sale_that_was_sent_is_not_queued_again_by_a_late_click(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox
) -> None:
    tenant = add_tenant("acme", pixel_id="1001")
    sent, waiting = insert_sales(connection, tenant, 2)
    connection.execute("DELETE FROM trackai.dispatch_queue WHERE conversion_id = %s", (waiting,))
    send_due(database_url, box.base_url)
    connection.execute("UPDATE trackai.matched_attributions SET strategy = 'fbc'")
    assert queued(connection) == [waiting]
    # Whoever puts it back on the queue by hand has it dropped at the claim.
    connection.execute("TRUNCATE trackai.dispatch_queue")
    _requeue(connection)
    send_due(database_url, box.base_url)
    assert outcomes(connection) == {sent: SENT, waiting: SENT}
    assert queued(connection) == []


def test_a_resident_picks_up_what_arrives_until_it_is_told_to_end(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox
) -> None:
    tenant = add_tenant("acme", pixel_id="1001")
    over = threading.Event()
    windows = []
    settings = CapiSettings(capi_url=box.base_url)

    def stay() -> None:
        report = dispatch(
            database_url,
            tokens=Tokens(),
            settings=settings,
            run_id="resident",
            until=over.is_set,
            on_window=windows.append,
            window_seconds=0.1,
        )
        windows.append(report)

    resident = threading.Thread(target=stay)
    resident.start()
    try:
        for number in range(1, 4):
            insert_sales(connection, tenant, 5)
            while box.pixel("1001").accepted < 5 * number:
                time.sleep(0.01)
    finally:
        over.set()
        resident.join()
    *shown, total = windows
    assert sum(sum(window.sent.values()) for window in shown) == sum(total.sent.values()) == 15


def test_workers_at_once_never_send_an_event_twice(
    database_url: str, connection: Connection, add_tenant: AddTenant
) -> None:
    tenants = [add_tenant(f"shop-{n}", pixel_id=f"100{n}") for n in range(6)]
    for tenant in tenants:
        insert_sales(connection, tenant, 700)
    connection.execute("UPDATE trackai.dispatch_queue SET at_most = 7")
    with sandbox() as box:
        workers = [dispatching_process(database_url, box.base_url, f"worker-{n}") for n in range(3)]
        errors = [worker.communicate()[1] for worker in workers]
        assert [worker.returncode for worker in workers] == [0, 0, 0], errors
        assert {(event.accepted, event.counted) for event in box.events()} == {(1, 1)}
        assert len(box.events()) == 4200
    assert queued(connection) == []
    assert set(map(tuple, outcomes(connection).values())) == {tuple(SENT)}


def test_killed_connections_are_survived(database_url: str, connection: Connection, add_tenant: AddTenant) -> None:
    for n in range(4):
        insert_sales(connection, add_tenant(f"shop-{n}", pixel_id=f"100{n}"), 300)
    connection.execute("UPDATE trackai.dispatch_queue SET at_most = 5")
    killed = 0
    with sandbox() as box:
        sending = threading.Thread(target=send_due, args=(database_url, box.base_url))
        sending.start()
        while sending.is_alive():
            row = connection.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity"
                " WHERE application_name = 'trackai dispatch' AND datname = current_database()"
                " ORDER BY random() LIMIT 1) victim"
            ).fetchone()
            assert row is not None
            killed += row[0]
            time.sleep(0.05)
        sending.join()
        # A hold may have been lost together with the answer to its commit: the next dispatch takes it up.
        connection.execute("UPDATE trackai.dispatch_circuits SET held_until = now() WHERE held_until IS NOT NULL")
        send_due(database_url, box.base_url)
        assert {event.counted for event in box.events()} == {1}
        assert len(box.events()) == 1200
    assert killed > 4
    assert queued(connection) == []


def test_an_interrupted_dispatch_loses_nothing(
    database_url: str, connection: Connection, add_tenant: AddTenant
) -> None:
    for n in range(4):
        insert_sales(connection, add_tenant(f"shop-{n}", pixel_id=f"100{n}"), 100)
    connection.execute("UPDATE trackai.dispatch_queue SET at_most = 5")
    with sandbox(latency_ms=30) as box:
        for number in (signal.SIGINT, signal.SIGTERM):
            worker = dispatching_process(database_url, box.base_url, "interrupted", stay=True)
            assert worker.stdout is not None
            worker.stdout.readline()
            before = sum(pixel.requests for pixel in box.pixels().values())
            while sum(pixel.requests for pixel in box.pixels().values()) < before + 8:
                time.sleep(0.01)
            worker.send_signal(number)
            worker.communicate()
            assert worker.returncode not in (0, -9)
            connection.execute("UPDATE trackai.dispatch_circuits SET held_until = now() WHERE held_until IS NOT NULL")
        assert queued(connection) != []
        send_due(database_url, box.base_url)
        assert {event.counted for event in box.events()} == {1}
        assert len(box.events()) == 400
    assert queued(connection) == []
    assert {attempts[-1] for attempts in outcomes(connection).values()} == {SENT[0]}
