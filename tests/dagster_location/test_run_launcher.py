"""Whether a run's process is alive, as Dagster's run monitoring asks it: real processes, real events."""

import logging
import subprocess
import sys
from collections.abc import Callable, Iterator

import dagster as dg
import pytest
from dagster._core.events import EngineEventData
from dagster._core.launcher import WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._daemon.monitoring.run_monitoring import execute_run_monitoring_iteration

from trackai_pipelines import process_space as process_space_module
from trackai_pipelines.database.connection import connect
from trackai_pipelines.process_space import PROCESS_SPACE, process_space
from trackai_pipelines.run_launcher import LocalRunLauncher

pytestmark = pytest.mark.processes

# Of a Linux machine outside its containers.
FIRST_NAMESPACE = "pid:[4026531836]"
Started = Callable[..., dg.DagsterRun]


@pytest.fixture
def process() -> Iterator["subprocess.Popen[bytes]"]:
    """A process that does nothing."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as running:
        yield running
        running.kill()


@pytest.fixture
def started(location: dg.Definitions, postgres_instance: dg.DagsterInstance) -> Started:
    """A run that has begun in a process, as the launcher and the process itself record it."""

    def make(pid: int | None, *, launched: bool = True, space: str = process_space()) -> dg.DagsterRun:
        job = location.resolve_job_def("maintain_partitions")
        tags = {GRPC_INFO_TAG: "{}", PROCESS_SPACE: space} if launched else {}
        run = postgres_instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=tags)
        if pid is not None:
            postgres_instance.report_engine_event("Started process for run", run, EngineEventData.in_process(pid))
        return run

    return make


def monitor(instance: dg.DagsterInstance) -> None:
    with WorkspaceProcessContext(instance, None) as workspace:
        assert [error for error in execute_run_monitoring_iteration(workspace, logging.getLogger()) if error] == []


def status_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRunStatus:
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status


def test_a_run_whose_process_was_killed_is_failed(
    postgres_instance: dg.DagsterInstance, started: Started, process: "subprocess.Popen[bytes]"
) -> None:
    run = started(process.pid)
    monitor(postgres_instance)
    assert status_of(postgres_instance, run) is dg.DagsterRunStatus.STARTED
    process.kill()
    process.wait()
    monitor(postgres_instance)
    assert status_of(postgres_instance, run) is dg.DagsterRunStatus.FAILURE
    assert f"process {process.pid} is gone" in str(postgres_instance.all_logs(run.run_id))


def test_a_number_that_another_process_got_since_does_not_count(
    postgres_instance: dg.DagsterInstance, started: Started, process: "subprocess.Popen[bytes]", empty_database_url: str
) -> None:
    run = started(process.pid)
    with connect(empty_database_url, name="test") as storage:
        # The event is from before the process began.
        storage.execute(
            "UPDATE event_logs SET event = jsonb_set(event::jsonb, '{timestamp}', '1000000000.5') WHERE run_id = %s",
            (run.run_id,),
        )
    monitor(postgres_instance)
    assert status_of(postgres_instance, run) is dg.DagsterRunStatus.FAILURE


@pytest.mark.parametrize(("pid", "launched"), [(None, True), (2**22 + 1, False)])
def test_a_run_of_which_nothing_is_known_counts_as_alive(
    postgres_instance: dg.DagsterInstance, started: Started, pid: int | None, launched: bool
) -> None:
    """Not yet begun, or begun by somebody else, perhaps on another machine."""
    launcher = postgres_instance.run_launcher
    assert isinstance(launcher, LocalRunLauncher)
    assert launcher.check_run_worker_health(started(pid, launched=launched)).status is WorkerStatus.RUNNING


MACHINE, BOOT, NAMESPACE = process_space().split("/")


@pytest.mark.parametrize(
    "space",
    [
        f"{MACHINE}/{BOOT}/pid:[4026532999]",
        f"/another-boot/{NAMESPACE}",
        f"another-machine/another-boot/{NAMESPACE}",
        f"{MACHINE}/another-boot/pid:[4026532999]",
        "",
    ],
    ids=["another container", "another machine, unknown", "another machine", "another machine's container", "unknown"],
)
def test_a_run_elsewhere_is_left_to_those_who_see_it(
    postgres_instance: dg.DagsterInstance, started: Started, space: str
) -> None:
    """Its process has a number that no process has here; it works on."""
    run = started(2**22 + 1, space=space)
    monitor(postgres_instance)
    assert status_of(postgres_instance, run) is dg.DagsterRunStatus.STARTED


def test_a_start_elsewhere_is_left_alone_though_its_code_server_does_not_answer(
    postgres_instance: dg.DagsterInstance, started: Started
) -> None:
    run = started(None, space="another-machine/another-boot/")
    postgres_instance.add_run_tags(run.run_id, {GRPC_INFO_TAG: '{"host": "localhost", "socket": "/nowhere"}'})
    starting = postgres_instance.get_run_by_id(run.run_id)
    assert starting is not None
    health = postgres_instance.run_launcher.check_run_worker_health(starting.with_status(dg.DagsterRunStatus.STARTING))
    assert health.status is WorkerStatus.RUNNING


def test_a_restart_of_the_machine_ends_its_runs(
    postgres_instance: dg.DagsterInstance, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_space_module, "process_space", lambda: f"machine/boot/{FIRST_NAMESPACE}")
    run = started(None, space=f"machine/earlier/{FIRST_NAMESPACE}")
    cloned = started(None, space="machine/earlier/pid:[4026532999]")
    monitor(postgres_instance)
    assert status_of(postgres_instance, run) is dg.DagsterRunStatus.FAILURE
    assert status_of(postgres_instance, cloned) is dg.DagsterRunStatus.STARTED
