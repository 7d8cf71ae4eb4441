"""Resident dispatchers as Dagster keeps them: asked for by the sensor, staying, relieved, ended, and seen in the UI."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster_location.dispatching import (
    ASSET,
    JOB,
    PATIENCE,
    SENT,
    day_before,
    rows_of,
    shown,
    since_noon,
    wait_for,
)
from delivery.scenes import insert_sales, outcomes, queued
from psycopg import Connection

from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.definitions import build_definitions
from trackai_pipelines.delivery.defs import resident
from trackai_pipelines.matching.drain import drain
from trackai_pipelines.residents.defs.sensors import MAX_RUNTIME_TAG
from trackai_pipelines.residents.leases import holders

pytestmark = pytest.mark.processes

AddTenant = Callable[..., str]


@pytest.fixture(autouse=True)
def _no_watch(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS", "1")


@pytest.fixture
def requests(
    location: dg.Definitions, database: EventDatabase, postgres_instance: dg.DagsterInstance
) -> Callable[[], list[dg.RunRequest]]:
    """Evaluate dispatch_sensor once: the runs it asks for."""
    repository = location.get_repository_def()

    def evaluate() -> list[dg.RunRequest]:
        with dg.build_sensor_context(
            instance=postgres_instance, resources={"database": database}, repository_def=repository
        ) as context:
            return list(repository.get_sensor_def("dispatch_sensor").evaluate_tick(context).run_requests or [])

    return evaluate


Launch = Callable[..., Callable[[], dg.ExecuteInProcessResult]]


@pytest.fixture
def launch(database: EventDatabase, postgres_instance: dg.DagsterInstance) -> Launch:
    """Execute a run in a thread, as the daemon would in a process; return a function that waits for its result."""

    def start(request: dg.RunRequest, **resources: object) -> Callable[[], dg.ExecuteInProcessResult]:
        job = build_definitions(resources={"database": database, **resources}).resolve_job_def(JOB)
        results: list[dg.ExecuteInProcessResult] = []

        def execute() -> None:
            results.append(
                job.execute_in_process(
                    run_config=request.run_config,
                    partition_key=request.partition_key,
                    tags={**request.tags, "dagster/run_key": request.run_key or ""},
                    instance=postgres_instance,
                    raise_on_error=False,
                )
            )

        thread = threading.Thread(target=execute)
        thread.start()

        def result() -> dg.ExecuteInProcessResult:
            thread.join(PATIENCE)
            assert results, "the run did not end"
            return results[0]

        return result

    return start


def windows(instance: dg.DagsterInstance) -> list[dict[str, Any]]:
    """What the materialisations of capi_dispatches show, the oldest first, with their `partition`."""
    records = instance.fetch_materializations(ASSET, limit=100, ascending=True).records
    found = [record.asset_materialization for record in records]
    return [
        {"partition": one.partition, **{name: value.value for name, value in one.metadata.items()}}
        for one in found
        if one
    ]


def test_the_sensor_asks_for_the_dispatchers_that_are_missing(
    requests: Callable[[], list[dg.RunRequest]], box: Sandbox, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    (request,) = requests()
    assert request.run_config["ops"] == {"capi_dispatches": {"config": {"stay": True, "promised": request.run_key}}}
    assert request.partition_key == day_before(0).isoformat()
    assert request.tags[MAX_RUNTIME_TAG] == "7500"
    connection.execute("UPDATE trackai.leases SET taken_at = now()")
    assert requests() == []
    monkeypatch.setenv("TRACKAI_DISPATCHERS", "3")
    assert len(requests()) == 2
    monkeypatch.setenv("TRACKAI_DISPATCHERS", "0")
    connection.execute("DELETE FROM trackai.leases")
    assert requests() == []


def test_a_dispatcher_stays_is_relieved_and_shows_its_windows(
    requests: Callable[[], list[dg.RunRequest]],
    launch: Launch,
    box: Sandbox,
    connection: Connection,
    postgres_instance: dg.DagsterInstance,
    add_tenant: AddTenant,
    insert_sale: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TRACKAI_RESIDENT_LIFE_SECONDS", "9")
    monkeypatch.setattr(resident, "WINDOW_SECONDS", 0.5)
    acme, other = add_tenant("acme", pixel_id="1001"), add_tenant("other", pixel_id="1002")
    add_tenant("poor", pixel_id="1003")
    insert_sales(connection, "t-poor", 3, ago=timedelta(hours=2))
    (request,) = requests()
    first = launch(request)
    (first_run,) = wait_for(lambda: holders(connection, JOB))

    # A sale arrives, is matched, and goes out.
    early = insert_sale(acme, datetime.now(UTC) - timedelta(days=2), customer_email_hash="a" * 64)
    drain(connection, run_id="test")
    wait_for(lambda: box.pixel("1001").accepted == 1)
    window = wait_for(lambda: windows(postgres_instance))[0]
    assert window["partition"] == day_before(2).isoformat()
    assert (window["sent"], window["failed"], window["retried"], window["requests"]) == (1, 0, 0, 1)
    assert window["events per second"] > 0
    assert rows_of(window["by tenant"]) == [["acme", "1", "0", "0"]]
    assert window["waiting"] == 3
    ((tenant, events, _, why),) = rows_of(window["waiting by tenant"])
    assert (tenant, events) == ("poor", "3")
    assert "TRACKAI_CAPI_TOKEN_POOR" in why
    check = dg.AssetCheckKey(ASSET, "oldest_due_event")
    history = postgres_instance.event_log_storage.get_asset_check_execution_history
    (age, *_) = wait_for(lambda: history(check, limit=1))
    assert age.status == AssetCheckExecutionRecordStatus.FAILED
    assert age.evaluation is not None
    assert (age.evaluation.metadata["tenant"].value, age.evaluation.severity) == ("poor", dg.AssetCheckSeverity.WARN)
    latest = postgres_instance.get_latest_materialization_event(ASSET)
    assert latest is not None
    assert latest.run_id == first_run

    (relief,) = wait_for(requests)
    second = launch(relief)
    ended = first()
    assert ended.success
    (second_run,) = holders(connection, JOB)
    assert second_run != first_run
    assert shown(ended)[request.partition_key]["sent in this run"] == 1

    def reported() -> int:
        """Return the events sent according to all windows, of any dispatcher."""
        return sum(window["sent"] for window in windows(postgres_instance) if "sent in this run" not in window)

    def told_by_the_second() -> bool:
        # It reports when it has seen that it is the eldest now, and then of what it sent before, too.
        insert_sale(other, datetime.now(UTC), customer_email_hash="b" * 64)
        drain(connection, run_id="test")
        return reported() > 1

    wait_for(told_by_the_second)
    wait_for(lambda: not [sale for sale in queued(connection) if sale >= early])
    connection.execute("DELETE FROM trackai.leases")
    assert second().success
    sent = {sale: attempts for sale, attempts in outcomes(connection).items() if sale >= early}
    assert set(map(tuple, sent.values())) == {(SENT,)}
    assert reported() == len(sent) == box.pixel("1001").accepted + box.pixel("1002").accepted


def test_a_window_that_cannot_be_noted_is_told_with_the_next_one(
    requests: Callable[[], list[dg.RunRequest]],
    launch: Launch,
    box: Sandbox,
    database: EventDatabase,
    connection: Connection,
    postgres_instance: dg.DagsterInstance,
    add_tenant: AddTenant,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    away = threading.Event()
    away.set()
    refused: list[str] = []

    class Away(EventDatabase):
        """A database that refuses to hear of windows for a while."""

        def connect(self, name: str) -> Any:
            if name == "dispatch windows" and away.is_set():
                refused.append(name)
                raise psycopg.OperationalError("the server is away")
            return super().connect(name)

    monkeypatch.setattr(resident, "WINDOW_SECONDS", 0.2)
    acme = add_tenant("acme", pixel_id="1001")
    insert_sales(connection, acme, 2, ago=since_noon(day_before(1)))
    (request,) = requests()
    run = launch(request, database=Away(url=database.url))
    wait_for(lambda: refused)
    assert windows(postgres_instance) == []
    away.clear()
    insert_sales(connection, acme, 3, ago=since_noon(day_before(1)))
    (window,) = wait_for(lambda: windows(postgres_instance))
    assert window["sent"] == 5
    connection.execute("DELETE FROM trackai.leases")
    assert run().success


def test_a_dispatcher_that_is_not_needed_ends_at_once(
    requests: Callable[[], list[dg.RunRequest]], launch: Launch, box: Sandbox, connection: Connection
) -> None:
    (late,) = requests()
    connection.execute("UPDATE trackai.leases SET expires_at = now() - interval '1 ms'")
    assert len(requests()) == 1
    connection.execute("UPDATE trackai.leases SET taken_at = now(), expires_at = now() + interval '1 hour'")
    result = launch(late)()
    assert result.success
    assert shown(result)[late.partition_key]["requests"] == 0
    # They would be shown as being executed for as long as a resident stays.
    assert list(result.get_asset_check_evaluations()) == []


def test_ending_a_run_lets_its_requests_end(
    environment: dict[str, str], box: Sandbox, connection: Connection, add_tenant: AddTenant
) -> None:
    acme = add_tenant("acme", pixel_id="1001")
    (sale,) = insert_sales(connection, acme, 1)
    box.misbehave(do="slow", ms=4000)
    day = day_before(0).isoformat()
    script = (
        "import dagster as dg\n"
        "from dagster._core.errors import DagsterExecutionInterruptedError\n"
        "from trackai_pipelines.definitions import defs\n"
        "with dg.DagsterInstance.get() as instance:\n"
        f"    job = defs.resolve_job_def({JOB!r})\n"
        "    try:\n"
        f"        job.execute_in_process(instance=instance, partition_key={day!r})\n"
        "    except (DagsterExecutionInterruptedError, KeyboardInterrupt):\n"
        "        print(instance.get_runs()[0].status.value)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], env={**environment, **os.environ, **environment}, stdout=subprocess.PIPE
    )
    wait_for(lambda: outcomes(connection) or process.poll() is not None)
    assert outcomes(connection) == {sale: [("pending", None)]}
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=PATIENCE)
    assert outcomes(connection) == {sale: [SENT]}
    assert box.pixel("1001").accepted == 1
    # Dagster was not asked to end the run.
    assert said.decode().strip() == "FAILURE"
