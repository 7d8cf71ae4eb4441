"""The circuit: its rules as values, and as the database and several workers see them."""

import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from delivery.scenes import Moment, Tokens, circuit_of, insert_sales, outcomes, queued, send_due
from hypothesis import given
from hypothesis import strategies as st
from psycopg import Connection

from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.capi_sandbox.server import sandbox
from trackai_pipelines.delivery.answers import AnswerKind, Verdict
from trackai_pipelines.delivery.circuit import LONGEST_BACKOFF_SECONDS, Circuit, after, backoff_seconds
from trackai_pipelines.delivery.dispatcher import dispatch
from trackai_pipelines.settings import CapiSettings

AddTenant = Callable[..., str]
StartWorker = Callable[..., "subprocess.Popen[bytes]"]
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
SETTINGS = CapiSettings()


def _verdict(kind: AnswerKind, wait: float | None = None) -> Verdict:
    return Verdict(kind, None, None, None, None, "" if kind is AnswerKind.accepted else "x", f"said {kind}", wait)


def _after(circuit: Circuit, *kinds: AnswerKind, now: datetime = NOW) -> Circuit:
    for kind in kinds:
        circuit = after(circuit, _verdict(kind), now=now, settings=SETTINGS)
    return circuit


def test_the_tenth_failure_in_a_row_opens_it() -> None:
    nine = _after(Circuit(), *[AnswerKind.retry] * 9)
    assert (nine.state, nine.consecutive_failures) == ("closed", 9)
    ten = _after(nine, AnswerKind.retry)
    assert (ten.state, ten.retry_at, ten.reason) == ("open", NOW + timedelta(seconds=60), "said retry")
    assert _after(nine, AnswerKind.accepted) == Circuit()


def test_throttling_does_not_count() -> None:
    nine = _after(Circuit(), *[AnswerKind.retry] * 9)
    throttled = _after(nine, *[AnswerKind.slow_down] * 20)
    assert (throttled.state, throttled.consecutive_failures) == ("closed", 9)
    assert _after(throttled, AnswerKind.retry).state == "open"


def test_a_throttled_tenant_waits_as_told() -> None:
    shown = after(Circuit(), _verdict(AnswerKind.slow_down, 1800), now=NOW, settings=SETTINGS)
    assert not shown.lets_through(NOW + timedelta(seconds=1799))
    assert shown.lets_through(NOW + timedelta(seconds=1800))
    # A probe that is throttled has proved nothing: the next one comes when Meta said, after no longer cool-down.
    probe = after(
        Circuit("half_open", 10, NOW, cooldown_seconds=240),
        _verdict(AnswerKind.slow_down, 30),
        now=NOW,
        settings=SETTINGS,
    )
    assert (probe.state, probe.retry_at, probe.cooldown_seconds) == ("open", NOW + timedelta(seconds=30), 240)
    busy = after(Circuit(), _verdict(AnswerKind.accepted, 90), now=NOW, settings=SETTINGS)
    assert (busy.state, busy.wait_until) == ("closed", NOW + timedelta(seconds=90))


def test_the_cool_down_doubles_to_its_cap_and_starts_anew() -> None:
    circuit, cooldowns = _after(Circuit(), AnswerKind.setup), []
    assert circuit.state == "open"
    for _ in range(9):
        assert circuit.retry_at is not None
        assert circuit.cooldown_seconds is not None
        cooldowns.append(circuit.cooldown_seconds)
        assert not circuit.lets_through(circuit.retry_at - timedelta(microseconds=1))
        assert circuit.lets_through(circuit.retry_at)
        probe = replace(circuit, state="half_open")
        circuit = _after(probe, AnswerKind.retry, now=circuit.retry_at)
    assert cooldowns == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert circuit.opened_at == NOW
    assert _after(_after(Circuit(), AnswerKind.setup), AnswerKind.accepted) == Circuit()


@given(kinds=st.lists(st.sampled_from([AnswerKind.accepted, AnswerKind.retry, AnswerKind.slow_down]), max_size=60))
def test_it_opens_exactly_where_ten_in_a_row_have_failed(kinds: list[AnswerKind]) -> None:
    circuit, row = Circuit(), 0
    for kind in kinds:
        circuit = _after(circuit, kind)
        row = 0 if kind is AnswerKind.accepted else row + (kind is AnswerKind.retry)
        assert (circuit.state == "open") == (row == 10)
        if circuit.state == "open":
            break


def test_back_off_doubles_with_jitter_to_its_cap() -> None:
    for failures in range(1, 30):
        floor = min(2.0 ** (failures - 1), LONGEST_BACKOFF_SECONDS)
        waits = {backoff_seconds(failures, SETTINGS) for _ in range(20)}
        assert floor <= min(waits) < max(waits) <= floor + 1


def test_ten_failed_requests_open_it_and_no_eleventh_is_sent(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox
) -> None:
    tenant = add_tenant("acme", pixel_id="1001")
    sales = insert_sales(connection, tenant, 5)
    clock = Moment()
    box.misbehave(do="error", status=500, times=100)
    for request in range(1, 10):
        send_due(database_url, box.base_url, clock=clock)
        send_due(database_url, box.base_url, clock=clock)
        found = circuit_of(connection, tenant)
        assert (found["state"], found["consecutive_failures"]) == ("closed", request)
        assert found["wait_until"] > clock.now
        clock.advance(minutes=2)
    for _ in range(5):
        send_due(database_url, box.base_url, clock=clock)
        clock.advance(seconds=10)
    found = circuit_of(connection, tenant)
    assert (found["state"], found["consecutive_failures"]) == ("open", 10)
    assert "Meta" in found["reason"]
    assert box.pixel("1001").requests == 10
    assert queued(connection) == sales
    # The cool-down is over: one probe, which fails; then twice as long; then one that passes.
    clock.advance(seconds=11)
    send_due(database_url, box.base_url, clock=clock)
    clock.advance(seconds=119)
    send_due(database_url, box.base_url, clock=clock)
    assert (box.pixel("1001").requests, circuit_of(connection, tenant)["cooldown_seconds"]) == (11, 120)
    box.behave()
    clock.advance(seconds=2)
    send_due(database_url, box.base_url, clock=clock)
    found = circuit_of(connection, tenant)
    assert (found["state"], found["consecutive_failures"], found["reason"], found["retry_at"]) == (
        "closed",
        0,
        None,
        None,
    )
    assert [outcomes(connection)[sale][-1] for sale in sales] == [("success", None)] * 5


def test_a_wrong_token_opens_it_at_once(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox
) -> None:
    tenant = add_tenant("acme", pixel_id="1001")
    insert_sales(connection, tenant, 2000)
    box.misbehave(do="error", status=400, code=190, times=100)
    send_due(database_url, box.base_url)
    assert circuit_of(connection, tenant)["state"] == "open"
    assert "token" in circuit_of(connection, tenant)["reason"]
    assert box.pixel("1001").requests == 1
    assert len(queued(connection)) == 2000


def test_throttling_waits_as_the_headers_say(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox
) -> None:
    tenant = add_tenant("acme", pixel_id="1001")
    insert_sales(connection, tenant, 3)
    clock = Moment()
    box.misbehave(do="error", status=400, code=80004, wait_seconds=600)
    send_due(database_url, box.base_url, clock=clock)
    assert circuit_of(connection, tenant)["wait_until"] == clock.now + timedelta(minutes=10)
    clock.advance(minutes=9)
    send_due(database_url, box.base_url, clock=clock)
    assert box.pixel("1001").requests == 1
    clock.advance(minutes=1)
    send_due(database_url, box.base_url, clock=clock)
    assert (queued(connection), circuit_of(connection, tenant)["consecutive_failures"]) == ([], 0)


def test_half_open_lets_one_probe_through_of_all_workers(
    database_url: str, connection: Connection, add_tenant: AddTenant, start_worker: StartWorker
) -> None:
    """Three processes find the cool-down over; the probe never gets an answer while they look."""
    tenant = add_tenant("acme", pixel_id="1001")
    insert_sales(connection, tenant, 10)
    connection.execute("UPDATE trackai.dispatch_queue SET at_most = 1")
    connection.execute(
        "INSERT INTO trackai.dispatch_circuits (tenant_id, state, consecutive_failures, opened_at, retry_at,"
        " cooldown_seconds) VALUES (%s, 'open', 10, now() - interval '1 min', now(), 900)",
        (tenant,),
    )
    with sandbox() as box:
        box.misbehave(do="timeout", times=100)
        workers = [start_worker(box.base_url, f"worker-{n}", timeout=2) for n in range(3)]
        errors = [worker.communicate()[1] for worker in workers]
        assert [worker.returncode for worker in workers] == [0, 0, 0], errors
        assert box.pixel("1001").requests == 1
    found = circuit_of(connection, tenant)
    assert (found["state"], found["consecutive_failures"], found["cooldown_seconds"]) == ("open", 11, 1800)


def test_tenants_in_trouble_do_not_hold_up_the_others(
    database_url: str, connection: Connection, add_tenant: AddTenant
) -> None:
    """Twenty tenants whose requests hang, with the oldest sales, next to forty that are well: these are served to the
    last event while those still wait for their first answer."""
    over = threading.Event()
    with sandbox() as box:
        for n in range(20):
            insert_sales(connection, add_tenant(f"hangs-{n}", pixel_id=f"200{n}"), 1, ago=timedelta(days=5))
            box.misbehave(do="timeout", pixel=f"200{n}", times=9)
        for n in range(40):
            insert_sales(connection, add_tenant(f"well-{n}", pixel_id=f"100{n}"), 3)
        connection.execute("UPDATE trackai.dispatch_queue SET at_most = 1")
        settings = CapiSettings(capi_url=box.base_url, capi_timeout_seconds=200)

        def stay() -> None:
            dispatch(database_url, tokens=Tokens(), settings=settings, run_id="test", until=over.is_set)

        resident = threading.Thread(target=stay)
        resident.start()
        while len(queued(connection)) > 20:
            assert resident.is_alive()
            time.sleep(0.05)
        counts = connection.execute("SELECT status, count(*) FROM trackai.dispatch_attempts GROUP BY status").fetchall()
        over.set()
    # The sandbox has hung up on those that waited.
    resident.join()
    assert dict(counts) == {"success": 120, "pending": 20}
    assert {circuit_of(connection, f"t-hangs-{n}")["consecutive_failures"] for n in range(20)} == {1}
