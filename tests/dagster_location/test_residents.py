"""Resident drains as Dagster keeps them: asked for by the sensor, staying, relieved, and seen in the UI."""

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, RunLauncher, WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG
from psycopg import Connection

from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.matching.defs import resident
from trackai_pipelines.process_space import PROCESS_SPACE, process_space
from trackai_pipelines.residents.defs.sensors import MAX_RUNTIME_TAG
from trackai_pipelines.residents.leases import holders, next_start

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
JOB = "match_conversions"
RUN_KEY_TAG = "dagster/run_key"
PATIENCE = 60
Requests = Callable[[], "list[dg.RunRequest]"]


class PullingLauncher(RunLauncher):
    """A launcher whose runs have no worker yet: their image is being pulled, and goes on being pulled."""

    supports_check_run_worker_health = True

    def launch_run(self, context: LaunchRunContext) -> None:
        """Begin a pull, which no test waits for."""

    def terminate(self, run_id: str) -> bool:
        return False

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "No container.")


@pytest.fixture(autouse=True)
def _no_watch(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS", "1")


@pytest.fixture
def skipped() -> list[str]:
    """Why ticks asked for nothing."""
    return []


@pytest.fixture
def requests(
    location: dg.Definitions, database: EventDatabase, postgres_instance: dg.DagsterInstance, skipped: list[str]
) -> Requests:
    """Evaluate match_sensor once: the runs it asks for."""
    repository = location.get_repository_def()

    def evaluate() -> list[dg.RunRequest]:
        with dg.build_sensor_context(
            instance=postgres_instance, resources={"database": database}, repository_def=repository
        ) as context:
            data = repository.get_sensor_def("match_sensor").evaluate_tick(context)
        if data.skip_message:
            skipped.append(data.skip_message)
        return list(data.run_requests or [])

    return evaluate


@pytest.fixture
def launch(location: dg.Definitions, postgres_instance: dg.DagsterInstance) -> Callable[[dg.RunRequest], Any]:
    """Execute a run in a thread, as the daemon would in a process; return a function that waits for its result."""
    job = location.get_repository_def().get_job(JOB)

    def start(request: dg.RunRequest) -> Any:
        results: list[dg.ExecuteInProcessResult] = []

        def execute() -> None:
            results.append(
                job.execute_in_process(
                    run_config=request.run_config,
                    partition_key=request.partition_key,
                    tags={**request.tags, RUN_KEY_TAG: request.run_key or ""},
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


@pytest.fixture
def submit(location: dg.Definitions, postgres_instance: dg.DagsterInstance) -> Callable[[list[dg.RunRequest]], None]:
    """Make the runs that were asked for, as the daemon does before the next evaluation; they never start."""
    job = location.get_repository_def().get_job(JOB)

    def make(asked: list[dg.RunRequest]) -> None:
        for request in asked:
            postgres_instance.create_run_for_job(
                job, status=dg.DagsterRunStatus.STARTING, tags={RUN_KEY_TAG: request.run_key or ""}
            )

    return make


def wait_for(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_sensor_asks_for_what_is_missing_and_no_more(
    requests: Requests,
    submit: Callable[[list[dg.RunRequest]], None],
    connection: Connection[Any],
    skipped: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = requests()
    submit(first)
    assert len(first) == 2
    assert len({request.run_key for request in first}) == 2
    for request in first:
        config = request.run_config["ops"]["matched_attributions"]["config"]
        assert config == {"rematch": False, "stay": True, "promised": request.run_key}
        assert request.tags[MAX_RUNTIME_TAG] == "7500"
    assert requests() == []
    assert skipped == ["Enough are at work or being started; at work: none yet."]
    # One of the two is lost.
    connection.execute("DELETE FROM trackai.leases WHERE holder = %s", [first[0].run_key])
    (again,) = requests()
    submit([again])
    monkeypatch.setenv("TRACKAI_DRAINS", "3")
    assert len(requests()) == 1
    monkeypatch.setenv("TRACKAI_DRAINS", "0")
    assert requests() == []
    assert skipped[-1] == "None is wanted: the setting says 0."


def test_what_an_abandoned_evaluation_promised_is_asked_for_again(
    requests: Requests, submit: Callable[[list[dg.RunRequest]], None], connection: Connection[Any]
) -> None:
    """The daemon was killed while an evaluation watched on: its promises never become runs."""
    abandoned = requests()
    assert len(abandoned) == 2
    second = requests()
    assert len(second) == 2
    assert not {request.run_key for request in second} & {request.run_key for request in abandoned}
    submit(second)
    assert requests() == []


def test_a_queue_that_stands_still_is_not_made_longer(
    requests: Requests,
    connection: Connection[Any],
    skipped: list[str],
    location: dg.Definitions,
    postgres_instance: dg.DagsterInstance,
) -> None:
    job = location.get_repository_def().get_job(JOB)
    waiting = [postgres_instance.create_run_for_job(job, status=dg.DagsterRunStatus.NOT_STARTED) for _ in range(2)]
    assert requests() == []
    assert skipped == ["2 runs wait in the queue to be started."]
    # Whatever else a run's status says, it does not count as life.
    for status in (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.CANCELING):
        postgres_instance.create_run_for_job(job, status=status)
    # Nor does one that was forgotten on its way.
    with psycopg.connect(os.environ["DAGSTER_POSTGRES_URL"]) as storage:
        storage.execute(
            "UPDATE runs SET create_timestamp = create_timestamp - interval '11 minutes' WHERE run_id = ANY (%s)",
            [[run.run_id for run in waiting]],
        )
    assert len(requests()) == 2


def test_what_takes_long_to_start_is_not_asked_for_again(
    requests: Requests, submit: Callable[[list[dg.RunRequest]], None], connection: Connection[Any]
) -> None:
    submit(requests())
    # Nobody looked for longer than a promise lasts.
    connection.execute("UPDATE trackai.leases SET expires_at = now() - interval '1 hour'")
    assert requests() == []


def test_after_a_failed_start_the_next_one_waits_and_is_alone(
    requests: Requests,
    submit: Callable[[list[dg.RunRequest]], None],
    launch: Callable[[dg.RunRequest], Any],
    connection: Connection[Any],
    postgres_instance: dg.DagsterInstance,
    skipped: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    submit(requests())
    for run in postgres_instance.get_runs():
        postgres_instance.report_run_failed(run)
    assert requests() == []
    assert skipped[-1].startswith("1 starts in a row failed; the next one is due in ")
    connection.execute("UPDATE trackai.failed_starts SET next_at = now()")
    (probe,) = requests()
    monkeypatch.setenv("TRACKAI_RESIDENT_LIFE_SECONDS", "9")
    work = launch(probe)
    wait_for(lambda: holders(connection, JOB))
    (second,) = requests()
    assert second.run_key != probe.run_key
    connection.execute("DELETE FROM trackai.leases")
    assert work().success


def test_a_start_whose_process_is_gone_is_a_failed_one(
    requests: Requests,
    submit: Callable[[list[dg.RunRequest]], None],
    connection: Connection[Any],
    postgres_instance: dg.DagsterInstance,
) -> None:
    submit(requests())
    gone, launched = postgres_instance.get_runs()
    for run in (gone, launched):
        # Nobody listens there: the code server ended.
        tags = {GRPC_INFO_TAG: '{"host": "localhost", "socket": "/nowhere"}', PROCESS_SPACE: process_space()}
        postgres_instance.add_run_tags(run.run_id, tags)
    assert requests() == []
    assert {run.status for run in postgres_instance.get_runs()} == {dg.DagsterRunStatus.STARTING}
    with psycopg.connect(os.environ["DAGSTER_POSTGRES_URL"]) as storage:
        storage.execute(
            "UPDATE runs SET update_timestamp = update_timestamp - interval '2 minutes' WHERE run_id = %s",
            [gone.run_id],
        )
    assert requests() == []
    statuses = {run.run_id: run.status for run in postgres_instance.get_runs()}
    assert statuses == {gone.run_id: dg.DagsterRunStatus.FAILURE, launched.run_id: dg.DagsterRunStatus.STARTING}
    assert next_start(connection, JOB)[0] == 1


def test_a_start_of_a_minute_is_asked_for_once_whatever_another_launcher_sees_of_it(
    requests: Requests,
    submit: Callable[[list[dg.RunRequest]], None],
    connection: Connection[Any],
    postgres_instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An image is pulled: Docker's launcher has no container to show, and says that it finds none."""
    monkeypatch.setattr(postgres_instance, "_run_launcher", PullingLauncher())  # type: ignore[no-untyped-call]
    submit(requests())
    for _ in range(9):
        connection.execute("UPDATE trackai.leases SET expires_at = expires_at - interval '20 s'")
        with psycopg.connect(os.environ["DAGSTER_POSTGRES_URL"]) as storage:
            storage.execute("UPDATE runs SET update_timestamp = update_timestamp - interval '20 s'")
        assert requests() == []
    assert next_start(connection, JOB)[0] == 0
    assert {run.status for run in postgres_instance.get_runs()} == {dg.DagsterRunStatus.STARTING}


def test_how_long_starts_may_take_is_a_setting(
    requests: Requests,
    submit: Callable[[list[dg.RunRequest]], None],
    connection: Connection[Any],
    postgres_instance: dg.DagsterInstance,
    skipped: list[str],
    location: dg.Definitions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TRACKAI_RESIDENT_START_SECONDS", "300")
    monkeypatch.setenv("TRACKAI_RUN_QUEUE_SECONDS", "3600")
    monkeypatch.setenv("TRACKAI_RUN_START_SECONDS", "600")
    submit(requests())
    lasting = connection.execute("SELECT min(expires_at) > now() + interval '4 min' FROM trackai.leases").fetchone()
    assert lasting == (True,)
    gone = {GRPC_INFO_TAG: '{"host": "localhost", "socket": "/nowhere"}', PROCESS_SPACE: process_space()}
    for run in postgres_instance.get_runs():
        postgres_instance.add_run_tags(run.run_id, gone)
    with psycopg.connect(os.environ["DAGSTER_POSTGRES_URL"]) as storage:
        storage.execute("UPDATE runs SET update_timestamp = update_timestamp - interval '9 minutes'")
    assert requests() == []
    assert next_start(connection, JOB)[0] == 0
    job = location.get_repository_def().get_job(JOB)
    for _ in range(2):
        postgres_instance.create_run_for_job(job, status=dg.DagsterRunStatus.NOT_STARTED)
    with psycopg.connect(os.environ["DAGSTER_POSTGRES_URL"]) as storage:
        storage.execute("UPDATE runs SET create_timestamp = create_timestamp - interval '59 minutes'")
    assert requests() == []
    assert skipped[-1] == "2 runs wait in the queue to be started."


def test_a_watch_sees_a_death_at_once(
    requests: Requests, connection: Connection[Any], database: EventDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Longer than a test may take.
    monkeypatch.setenv("DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS", "3600")
    assert len(requests()) == 2

    def die() -> None:
        time.sleep(0.5)
        with database.connect("death") as own:
            own.execute("DELETE FROM trackai.leases")

    death = threading.Thread(target=die)
    death.start()
    assert len(requests()) == 2
    death.join()


def test_a_drain_stays_is_relieved_and_shows_its_windows(
    requests: Requests,
    launch: Callable[[dg.RunRequest], Any],
    connection: Connection[Any],
    postgres_instance: dg.DagsterInstance,
    add_tenant: Any,
    insert_click: Any,
    insert_sale: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TRACKAI_DRAINS", "1")
    monkeypatch.setenv("TRACKAI_RESIDENT_LIFE_SECONDS", "9")
    monkeypatch.setattr(resident, "WINDOW_SECONDS", 0.5)
    acme = add_tenant("acme")
    click = insert_click(acme, fbclid="Early", created_at=NOON)
    (request,) = requests()
    first = launch(request)
    (first_run,) = wait_for(lambda: holders(connection, JOB))

    sale = insert_sale(acme, NOON, fbclid="Early")
    wait_for(lambda: connection.execute("SELECT 1 FROM trackai.matched_attributions").fetchone())

    def windows() -> list[dg.AssetMaterialization]:
        found = postgres_instance.fetch_materializations(dg.AssetKey("match_log"), limit=10).records
        return [record.asset_materialization for record in found if record.asset_materialization]

    (window,) = wait_for(windows)
    assert window.metadata["conversions"].value == 1
    assert window.metadata["p95 seconds to match"].value >= 0.001
    seen = postgres_instance.get_latest_materialization_event(dg.AssetKey("matched_attributions"))
    assert seen is not None
    assert seen.run_id == first_run
    assert seen.asset_materialization is not None
    assert seen.asset_materialization.partition == "2026-03-10"
    assert seen.asset_materialization.metadata["fbc"].value == 1

    (relief,) = wait_for(requests)
    second = launch(relief)
    result = first()
    assert result.success
    assert result.run_id == first_run
    # It left when its successor was at work.
    (second_run,) = holders(connection, JOB)
    assert second_run != first_run
    insert_sale(acme, NOON, fbclid="Early")
    wait_for(lambda: len(connection.execute("SELECT 1 FROM trackai.matched_attributions").fetchall()) == 2)
    connection.execute("DELETE FROM trackai.leases")
    assert second().success
    assert holders(connection, JOB) == []
    decided = connection.execute(
        "SELECT conversion_id, click_id, strategy FROM trackai.matched_attributions ORDER BY 1"
    )
    assert decided.fetchall() == [(sale, click, "fbc"), (sale + 1, click, "fbc")]
    # Whole runs, for the partition they started on, and the windows in between.
    materialised = postgres_instance.get_materialized_partitions(dg.AssetKey("matched_attributions"))
    assert materialised == {"2026-03-10", request.partition_key}


def test_one_that_is_not_needed_ends_at_once(
    requests: Requests, launch: Callable[[dg.RunRequest], Any], connection: Connection[Any]
) -> None:
    late, other = requests()
    connection.execute("UPDATE trackai.leases SET expires_at = now() - interval '1 ms'")
    replacements = {request.run_key for request in requests()}
    assert len(replacements) == 2
    connection.execute("UPDATE trackai.leases SET taken_at = now(), expires_at = now() + interval '1 hour'")
    assert launch(late)().success
    assert launch(other)().success
    assert set(holders(connection, JOB)) == replacements
