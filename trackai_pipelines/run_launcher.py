"""Runs as processes of this machine, and whether they are still alive.

Dagster's own launcher starts them and never looks again: a run whose process was killed together with its code server
stays "started" for hours and keeps its place in the queue. What belongs here: the one question that Dagster's run
monitoring asks (`run_launcher` in dagster.yaml), also of a run that is still starting. What does not: which residents
are at work, which leases say (residents/).

A code server on another machine, or in another container, starts its runs there. Their processes cannot be seen from
here, so nothing is concluded about them.
"""

from dagster import DagsterEventType, DagsterRun, DagsterRunStatus
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, LaunchRunContext, WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG

from trackai_pipelines.process_space import PROCESS_SPACE, Relation, relation

# The system's clock for the start of a process is not the clock that times events.
_CLOCKS_DIFFER_SECONDS = 60
_ANSWER_SECONDS = 5


class LocalRunLauncher(DefaultRunLauncher):
    """Dagster's launcher of local processes, which also notices when one of them is gone."""

    def launch_run(self, context: LaunchRunContext) -> None:
        """Launch a run; one whose process takes longer to start than Dagster waits for it starts on.

        The run is tagged with the place where its code server starts processes. Raises DagsterUserCodeUnreachableError
        when the code server is gone or does not start a process.
        """
        space = _space_of_code(context)
        if space:
            self._instance.add_run_tags(context.dagster_run.run_id, {PROCESS_SPACE: space})
        try:
            super().launch_run(context)
        except DagsterUserCodeUnreachableError:
            # The code server answers once the process has imported Dagster: on a busy machine, after minutes.
            if not self._is_starting(context.dagster_run):
                raise

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Return True: it checks."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Return whether the process of the run lives; runs that others launched, or elsewhere, count as alive.

        The process may outlive its code server and works on, so this looks at the process, not at the server.
        """
        place = relation(run.tags.get(PROCESS_SPACE, ""))
        if place is Relation.ELSEWHERE:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "The run's process cannot be seen from here.")
        if place is Relation.ENDED:
            return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "The run's machine was restarted since.")
        process = self._process_of(run) if GRPC_INFO_TAG in run.tags else None
        if process is None:
            if run.status is DagsterRunStatus.STARTING and not self._is_starting(run):
                return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "The run's code server ended while it started.")
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        if _lives(*process):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, f"The run's process {process[0]} is gone; it was killed.")

    def _is_starting(self, run: DagsterRun) -> bool:
        """Return whether the run's code server holds a process of it; a server too busy to answer counts as yes."""
        import grpc  # type: ignore[import-untyped]
        from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
        from dagster._serdes import deserialize_value

        client = self._get_grpc_client_for_termination(run.run_id)  # type: ignore[no-untyped-call]
        if client is None:
            return True
        try:
            answer = client.can_cancel_execution(CanCancelExecutionRequest(run_id=run.run_id), timeout=_ANSWER_SECONDS)
        except DagsterUserCodeUnreachableError as error:
            cause = error.__cause__
            return isinstance(cause, grpc.RpcError) and cause.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        return deserialize_value(answer, CanCancelExecutionResult).can_cancel

    def _process_of(self, run: DagsterRun) -> tuple[int, float] | None:
        """Return process id and time of the event that a run's process begins with."""
        for entry in self._instance.all_logs(run.run_id, of_type=DagsterEventType.ENGINE_EVENT):
            pid = entry.get_dagster_event().engine_event_data.metadata.get("pid")
            if pid is not None:
                return int(str(pid.value)), entry.timestamp
        return None


def _space_of_code(context: LaunchRunContext) -> str | None:
    """Return where the run's code server starts processes, as its definitions say; None if they are not ours."""
    origin = context.dagster_run.remote_job_origin
    if context.workspace is None or origin is None:
        return None
    place = origin.repository_origin
    location = context.workspace.get_code_location(place.code_location_origin.location_name)
    found = (location.get_repository(place.repository_name).repository_snap.metadata or {}).get(PROCESS_SPACE)
    return str(found.value) if found else None


def _lives(pid: int, since: float) -> bool:
    import psutil

    try:
        process = psutil.Process(pid)
        # Another process may have the number by now.
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= since + _CLOCKS_DIFFER_SECONDS
    except psutil.NoSuchProcess:
        return False
