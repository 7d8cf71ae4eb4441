"""Runs as processes of this machine, and whether they are still alive.

Dagster's own launcher starts them and never looks again: a run whose process was killed together with its code server
stays "started" for hours and keeps its place in the queue. What belongs here: the one question that Dagster's run
monitoring asks (`run_launcher` in dagster.yaml). What does not: which residents are at work, which leases say
(residents/).
"""

from dagster import DagsterEventType, DagsterRun
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG

# The system's clock for the start of a process is not the clock that times events.
_CLOCKS_DIFFER_SECONDS = 60


class LocalRunLauncher(DefaultRunLauncher):
    """Dagster's launcher of local processes, which also notices when one of them is gone."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Return True: it checks."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Return whether the process of the run lives; runs that others launched count as alive.

        The process may outlive its code server and works on, so this looks at the process, not at the server.
        """
        process = self._process_of(run) if GRPC_INFO_TAG in run.tags else None
        if process is None or _lives(*process):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, f"The run's process {process[0]} is gone; it was killed.")

    def _process_of(self, run: DagsterRun) -> tuple[int, float] | None:
        """Return process id and time of the event that a run's process begins with."""
        for entry in self._instance.all_logs(run.run_id, of_type=DagsterEventType.ENGINE_EVENT):
            pid = entry.get_dagster_event().engine_event_data.metadata.get("pid")
            if pid is not None:
                return int(str(pid.value)), entry.timestamp
        return None


def _lives(pid: int, since: float) -> bool:
    import psutil

    try:
        process = psutil.Process(pid)
        # Another process may have the number by now.
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= since + _CLOCKS_DIFFER_SECONDS
    except psutil.NoSuchProcess:
        return False
