"""The gate dispatch_target: to Meta, to the sandbox or nowhere, tenant by tenant, also when flags cannot be read."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from delivery.scenes import SHORT, Moment, Tokens, circuit_of, insert_sales, outcomes, queued, send_due
from gates import eventually, inherit_gate, kill_gate, set_gate, unreadable_flags
from psycopg import Connection

from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.capi_sandbox.server import sandbox
from trackai_pipelines.clock import utc_now
from trackai_pipelines.delivery.account import account_for
from trackai_pipelines.delivery.backlog import backlog_of, next_try
from trackai_pipelines.delivery.dispatcher import dispatch
from trackai_pipelines.delivery.dry_run import dry_run
from trackai_pipelines.delivery.health import health
from trackai_pipelines.delivery.report import by_tenant
from trackai_pipelines.delivery.story import dispatch_story
from trackai_pipelines.domain import Checkup
from trackai_pipelines.settings import CapiSettings

AddTenant = Callable[..., str]
GATE = "dispatch_target"
SENT = [("success", None)]

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def other() -> Iterator[Sandbox]:
    """The sandbox of the gate; `box` stands in for Meta."""
    with sandbox() as running:
        yield running


@pytest.fixture
def tenants(add_tenant: AddTenant) -> tuple[str, str, str]:
    acme, globex = add_tenant("acme", pixel_id="1001"), add_tenant("globex", pixel_id="1002")
    return acme, globex, add_tenant("initech", pixel_id="1003")


def _targets(connection: Connection[Any]) -> dict[int, tuple[str, int | None]]:
    """Target and version of the last attempt of each conversion."""
    rows = connection.execute(
        "SELECT conversion_id, target, flag_version FROM trackai.dispatch_attempts ORDER BY conversion_id, attempt"
    )
    return {conversion: (target, version) for conversion, target, version in rows}


def _places(connection: Connection[Any]) -> dict[tuple[str, str], int]:
    return {(place.slug, place.place): place.events for place in account_for(connection).places}


@contextmanager
def dispatching(url: str, box: Sandbox, **settings: Any) -> Iterator[None]:
    """Within the block a dispatcher stays and delivers what becomes due."""
    over = threading.Event()
    capi = CapiSettings(capi_url=box.base_url, **SHORT, **settings)
    work = threading.Thread(
        target=lambda: dispatch(url, tokens=Tokens(), settings=capi, run_id="test", until=over.is_set)
    )
    work.start()
    try:
        yield
    finally:
        over.set()
        work.join()


def test_each_tenant_has_a_target_of_its_own(
    database_url: str, connection: Connection[Any], tenants: tuple[str, str, str], box: Sandbox, other: Sandbox
) -> None:
    acme, globex, initech = tenants
    sales = {tenant: insert_sales(connection, tenant, 3) for tenant in tenants}
    version = set_gate(connection, GATE, acme, "sandbox")
    (of_all,) = connection.execute(
        "SELECT id FROM trackai.feature_flag_versions WHERE flag_key = %s AND tenant_id IS NULL", (GATE,)
    ).fetchone() or (None,)
    set_gate(connection, GATE, globex, "hold", by="ana", reason="contract ended")
    report = send_due(database_url, box.base_url, capi_sandbox_url=other.base_url)

    assert (by_tenant(report.sent), by_tenant(report.sandbox)) == ({"initech": 3}, {"acme": 3})
    assert [box.pixel(pixel).accepted for pixel in ("1001", "1002", "1003")] == [0, 0, 3]
    assert [other.pixel(pixel).accepted for pixel in ("1001", "1002", "1003")] == [3, 0, 0]
    assert _targets(connection) == {
        **dict.fromkeys(sales[acme], ("sandbox", version)),
        **dict.fromkeys(sales[initech], ("meta", of_all)),
    }
    assert queued(connection) == sales[globex], "what is held waits"
    assert _places(connection) == {("acme", "sandbox"): 3, ("globex", "waiting"): 3, ("initech", "sent"): 3}

    inherit_gate(connection, GATE, globex)
    send_due(database_url, box.base_url, capi_sandbox_url=other.base_url)
    assert outcomes(connection) == dict.fromkeys([sale for own in sales.values() for sale in own], SENT)
    assert box.pixel("1002").accepted == 3


def test_requests_are_checks_of_the_pipeline(
    database_url: str, connection: Connection[Any], tenants: tuple[str, str, str], box: Sandbox
) -> None:
    acme, *_ = tenants
    insert_sales(connection, acme, 2)
    version = set_gate(connection, GATE, acme, "meta")
    send_due(database_url, box.base_url)
    rows = connection.execute(
        "SELECT tenant_id, app_type, variant_key, override_version, checks FROM trackai.feature_flag_usage"
    ).fetchall()
    assert rows == [(acme, "pipeline", "override", version, 1)]


def test_a_sandbox_without_an_address_holds(
    database_url: str, connection: Connection[Any], tenants: tuple[str, str, str], box: Sandbox
) -> None:
    acme, globex, _ = tenants
    (sale,), (sent,) = insert_sales(connection, acme, 1), insert_sales(connection, globex, 1)
    version = set_gate(connection, GATE, acme, "sandbox")
    send_due(database_url, box.base_url)
    assert queued(connection) == [sale]
    assert outcomes(connection) == {sent: SENT}
    (backlog,) = backlog_of(connection, now=utc_now())
    assert backlog.reason == (
        f'held by flag dispatch_target (version {version}, ana: "tried out"): it says sandbox, and '
        "TRACKAI_CAPI_SANDBOX_URL is not set"
    )


def test_a_hold_is_explained_everywhere(
    database_url: str, connection: Connection[Any], tenants: tuple[str, str, str], box: Sandbox, tmp_path: Path
) -> None:
    """A kill is a hold for everyone, and beats what a tenant has of its own."""
    acme, *_ = tenants
    (sale,) = insert_sales(connection, acme, 1)
    set_gate(connection, GATE, acme, "meta")
    version = kill_gate(connection, GATE, by="ops", reason="Meta asked us to stop")
    assert send_due(database_url, box.base_url).empty
    said = f'held by flag dispatch_target (version {version}, ops: "Meta asked us to stop")'

    (place,) = account_for(connection).places
    assert (place.place, place.reason) == ("waiting", said)
    (backlog,) = backlog_of(connection, now=utc_now())
    assert (backlog.reason, backlog.held_back) == (said, True)
    assert next_try([backlog], now=utc_now()) is None, "waiting does not help"
    story = dispatch_story(connection, acme, sale)
    assert story is not None
    assert story.verdict == f"Waiting: {said}."
    findings = {finding.check: finding.said for finding in health(Checkup(connection, utc_now(), ()))}
    assert findings["held deliveries"] == f"acme, 1 events wait: {said}"
    dry = dry_run(connection, tmp_path / "dry", tokens=Tokens(), settings=CapiSettings(capi_url=box.base_url))
    assert dry.held_back == {"acme": said}

    kill_gate(connection, GATE, killed=False, reason="over")
    send_due(database_url, box.base_url)
    assert outcomes(connection) == {sale: SENT}
    assert account_for(connection).totals == {"sent": 1}


def test_held_events_that_grow_too_old_say_what_held_them(
    database_url: str, connection: Connection[Any], tenants: tuple[str, str, str], box: Sandbox
) -> None:
    acme, *_ = tenants
    version = set_gate(connection, GATE, acme, "hold")
    (sale,) = insert_sales(connection, acme, 1)
    clock = Moment()
    clock.advance(days=8)
    send_due(database_url, box.base_url, clock=clock)
    assert outcomes(connection) == {sale: [("failed", "too_old")]}
    (message,) = connection.execute("SELECT message FROM trackai.dispatch_attempts").fetchone() or ("",)
    assert f"held by flag dispatch_target (version {version})" in message


def test_a_kill_reaches_a_running_dispatcher_and_loses_nothing(
    database_url: str, connection: Connection[Any], tenants: tuple[str, str, str], box: Sandbox
) -> None:
    acme, globex, _ = tenants
    inserted = []

    def waits_while_others_go() -> bool:
        """Whether a sale of acme stayed on the queue for as long as it takes to deliver a later one of globex."""
        (own,), (others,) = insert_sales(connection, acme, 1), insert_sales(connection, globex, 1)
        inserted.append(own)
        eventually(lambda: others in outcomes(connection) and outcomes(connection)[others] == SENT)
        return own in queued(connection) and own not in outcomes(connection)

    with dispatching(database_url, box):
        insert_sales(connection, acme, 5)
        eventually(lambda: not queued(connection))
        set_gate(connection, GATE, acme, "hold")
        eventually(waits_while_others_go)
        set_gate(connection, GATE, acme, "meta")
        eventually(lambda: not queued(connection))
    assert {sale: outcomes(connection)[sale] for sale in inserted} == dict.fromkeys(inserted, SENT)
    assert {(event.accepted, event.counted) for event in box.events()} == {(1, 1)}


def test_the_last_known_value_holds_while_flags_cannot_be_read(
    database_url: str, connection: Connection[Any], tenants: tuple[str, str, str], box: Sandbox, other: Sandbox
) -> None:
    acme, globex, _ = tenants
    set_gate(connection, GATE, acme, "sandbox")
    set_gate(connection, GATE, globex, "hold")
    with dispatching(database_url, box, capi_sandbox_url=other.base_url):
        first = [insert_sales(connection, tenant, 1)[0] for tenant in tenants]
        eventually(lambda: queued(connection) == [first[1]])
        with unreadable_flags(connection):
            second = [insert_sales(connection, tenant, 1)[0] for tenant in tenants]
            eventually(lambda: sorted(queued(connection)) == sorted([first[1], second[1]]))
            assert {target for target, _ in _targets(connection).values()} == {"meta", "sandbox"}
            (backlog,) = backlog_of(connection, now=utc_now())
            assert backlog.reason.startswith("the flag dispatch_target cannot be read (relation")
        set_gate(connection, GATE, globex, "meta")
        eventually(lambda: not queued(connection))
    assert [other.pixel(pixel).accepted for pixel in ("1001", "1002", "1003")] == [2, 0, 0]
    assert [box.pixel(pixel).accepted for pixel in ("1001", "1002", "1003")] == [0, 2, 2]


def test_a_process_that_starts_without_flags_uses_what_the_last_one_knew(
    database_url: str, connection: Connection[Any], tenants: tuple[str, str, str], box: Sandbox
) -> None:
    acme, globex, _ = tenants
    set_gate(connection, GATE, acme, "hold")
    assert send_due(database_url, box.base_url).empty
    (held,), (sent,) = insert_sales(connection, acme, 1), insert_sales(connection, globex, 1)
    with unreadable_flags(connection):
        send_due(database_url, box.base_url)
        assert (queued(connection), outcomes(connection)) == ([held], {sent: SENT})


def test_nothing_is_sent_while_flags_were_never_read(
    database_url: str, connection: Connection[Any], tenants: tuple[str, str, str], box: Sandbox
) -> None:
    sales = [insert_sales(connection, tenant, 2) for tenant in tenants]
    with unreadable_flags(connection):
        assert send_due(database_url, box.base_url).empty
        assert queued(connection) == [sale for own in sales for sale in own]
        assert account_for(connection).totals == {"waiting": 6}
    send_due(database_url, box.base_url)
    assert account_for(connection).totals == {"sent": 6}


def test_a_sandbox_that_is_down_does_not_keep_events_from_meta(
    database_url: str, connection: Connection[Any], tenants: tuple[str, str, str], box: Sandbox, other: Sandbox
) -> None:
    acme, *_ = tenants
    (sale,) = insert_sales(connection, acme, 1)
    set_gate(connection, GATE, acme, "sandbox")
    clock = Moment()
    other.misbehave(do="error", status=400, code=190)
    send_due(database_url, box.base_url, capi_sandbox_url=other.base_url, clock=clock)
    circuit = circuit_of(connection, acme)
    assert (circuit["state"], circuit["target"]) == ("open", "sandbox")

    set_gate(connection, GATE, acme, "meta")
    clock.now = utc_now()
    send_due(database_url, box.base_url, capi_sandbox_url=other.base_url, clock=clock)
    assert outcomes(connection) == {sale: [("failed", "setup"), ("success", None)]}
    circuit = circuit_of(connection, acme)
    assert (circuit["state"], circuit["target"]) == ("closed", "meta")


def test_what_one_receiver_refused_is_in_doubt_there_alone(
    database_url: str, connection: Connection[Any], tenants: tuple[str, str, str], box: Sandbox, other: Sandbox
) -> None:
    acme, *_ = tenants
    insert_sales(connection, acme, 1)
    set_gate(connection, GATE, acme, "sandbox")
    clock = Moment()
    other.misbehave(do="error", status=400, code=100, subcode=2804099)
    send_due(database_url, box.base_url, capi_sandbox_url=other.base_url, clock=clock)
    doubt = "SELECT refusal, refusals, others_accepted, not_before IS NULL, at_most FROM trackai.dispatch_queue"
    assert connection.execute(doubt).fetchall() == [("100/2804099", 1, False, False, 1)]

    set_gate(connection, GATE, acme, "meta")
    clock.now = utc_now()
    box.misbehave(do="error", status=500)
    send_due(database_url, box.base_url, capi_sandbox_url=other.base_url, clock=clock)
    assert connection.execute(doubt).fetchall() == [(None, 0, False, True, 1000)]


def test_the_sandbox_is_never_sent_a_token_of_meta(
    database_url: str, connection: Connection[Any], tenants: tuple[str, str, str], box: Sandbox
) -> None:
    acme, *_ = tenants
    insert_sales(connection, acme, 1)
    set_gate(connection, GATE, acme, "sandbox")
    with sandbox(tokens=["sandbox"]) as strict:
        send_due(database_url, box.base_url, capi_sandbox_url=strict.base_url)
        assert strict.pixel("1001").accepted == 1
