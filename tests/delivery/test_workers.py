"""Several dispatchers, and dispatchers that die, stall, or lose their connections."""

import asyncio
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from delivery.scenes import (
    Tokens,
    a_worker,
    circuit_of,
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
from trackai_pipelines.settings import CapiSettings

AddTenant = Callable[..., str]
StartWorker = Callable[..., "subprocess.Popen[bytes]"]
SENT = [("success", None)]


def test_the_registry_and_the_attempt_are_there_before_the_request(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox
) -> None:
    """A worker writes down what it is about to send, and dies; the next one sends the same under the same id."""
    tenant = add_tenant("acme", pixel_id="1001")
    (sale,) = insert_sales(connection, tenant, 1)

    async def claim_and_die(worker: Worker) -> None:
        now = datetime.now(UTC)
        async with await AsyncConnection.connect(database_url, autocommit=True) as own:
            assert await hold_tenants(own, worker, free=1, free_for_doubtful=1, now=now) == [(tenant, False)]
            claim = await claim_events(own, worker, tenant, now)
        assert claim is not None
        assert len(claim.events) == 1

    with a_worker(database_url, "dead") as worker:
        asyncio.run(claim_and_die(worker))
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
    from trackai_pipelines.delivery.blame import outcome_of

    tenant = add_tenant("acme", pixel_id="1001")
    (sale,) = insert_sales(connection, tenant, 1)

    async def come_back_late(worker: Worker) -> None:
        now = datetime.now(UTC)
        async with await AsyncConnection.connect(database_url, autocommit=True) as own:
            await hold_tenants(own, worker, free=1, free_for_doubtful=1, now=now)
            claim = await claim_events(own, worker, tenant, now)
            assert claim is not None
            connection.execute("UPDATE trackai.dispatch_circuits SET held_until = now()")
            await asyncio.to_thread(send_due, database_url, box.base_url)
            before = outcomes(connection), circuit_of(connection, tenant)
            refused = verdict_of(Answer(500, b"", {}, None), sent=1)
            outcome = outcome_of(claim.circuit, claim.events, [], refused, now=now, settings=worker.settings)
            assert not await record_answer(own, worker, claim, refused, outcome, now)
            assert await claim_events(own, worker, tenant, now) is None
        assert (outcomes(connection), circuit_of(connection, tenant)) == before

    with a_worker(database_url, "slow") as worker:
        asyncio.run(come_back_late(worker))
    assert outcomes(connection) == {sale: [("failed", "unknown_outcome"), ("success", None)]}


def test_the_least_time_left_goes_first(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox
) -> None:
    tenants = [add_tenant(f"shop-{n}", pixel_id=f"100{n}") for n in range(4)]
    ages = [timedelta(hours=2), timedelta(days=6), timedelta(minutes=1), timedelta(days=3)]
    for tenant, age in zip(tenants, ages, strict=True):
        insert_sales(connection, tenant, 2, ago=age)

    async def order(worker: Worker) -> list[str]:
        now = datetime.now(UTC)
        taken = []
        async with await AsyncConnection.connect(database_url, autocommit=True) as own:
            while held := await hold_tenants(own, worker, free=1, free_for_doubtful=1, now=now):
                taken += [tenant for tenant, _ in held]
        return taken

    with a_worker(database_url, "one") as worker:
        assert asyncio.run(order(worker)) == ["t-shop-1", "t-shop-3", "t-shop-0", "t-shop-2"]


def test_workers_at_once_never_send_an_event_twice(
    database_url: str, connection: Connection, add_tenant: AddTenant, start_worker: StartWorker
) -> None:
    tenants = [add_tenant(f"shop-{n}", pixel_id=f"100{n}") for n in range(6)]
    for tenant in tenants:
        insert_sales(connection, tenant, 700)
    connection.execute("UPDATE trackai.dispatch_queue SET at_most = 7")
    with sandbox() as box:
        workers = [start_worker(box.base_url, f"worker-{n}") for n in range(3)]
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
    killed = seen = 0
    with sandbox() as box:
        sending = threading.Thread(target=send_due, args=(database_url, box.base_url))
        sending.start()
        while sending.is_alive():
            requests = sum(pixel.requests for pixel in box.pixels().values())
            # As fast as the machine is: one connection for every few requests.
            if requests >= seen + 4:
                seen = requests
                row = connection.execute(
                    "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity"
                    " WHERE application_name = 'trackai dispatch' AND datname = current_database()"
                    " ORDER BY random() LIMIT 1) victim"
                ).fetchone()
                assert row is not None
                killed += row[0]
            time.sleep(0.01)
        sending.join()
        # A hold may have been lost together with the answer to its commit: the next dispatch takes it up.
        connection.execute("UPDATE trackai.dispatch_circuits SET held_until = now() WHERE held_until IS NOT NULL")
        send_due(database_url, box.base_url)
        assert {event.counted for event in box.events()} == {1}
        assert len(box.events()) == 1200
    assert killed > 4
    assert queued(connection) == []


def test_an_interrupted_dispatch_loses_nothing(
    database_url: str, connection: Connection, add_tenant: AddTenant, start_worker: StartWorker
) -> None:
    for n in range(4):
        insert_sales(connection, add_tenant(f"shop-{n}", pixel_id=f"100{n}"), 100)
    connection.execute("UPDATE trackai.dispatch_queue SET at_most = 5")
    with sandbox(latency_ms=30) as box:
        for number in (signal.SIGINT, signal.SIGTERM):
            worker = start_worker(box.base_url, "interrupted", stay=True)
            assert worker.stdout is not None
            worker.stdout.readline()
            before = sum(pixel.requests for pixel in box.pixels().values())
            while sum(pixel.requests for pixel in box.pixels().values()) < before + 8:
                assert worker.poll() is None
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


def test_a_resident_picks_up_what_arrives_until_it_is_told_to_end(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox
) -> None:
    tenant = add_tenant("acme", pixel_id="1001")
    over = threading.Event()
    windows: list[Any] = []
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
                assert resident.is_alive()
                time.sleep(0.01)
    finally:
        over.set()
        resident.join()
    *shown, total = windows
    assert sum(sum(window.sent.values()) for window in shown) == sum(total.sent.values()) == 15
