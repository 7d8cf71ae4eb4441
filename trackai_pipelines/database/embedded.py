"""The embedded server's life: start it, check that it answers, stop it. A home has one server for all processes.

It listens on a unix socket only. The first process that needs it starts it; a lock file makes the others wait. It
outlives the process that started it. What does not belong here: its files and settings (cluster.py), and the databases
in it (server.py).
"""

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

import psutil
import psycopg
from tenacity import (
    Retrying,
    retry_if_exception,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_fixed,
)

from trackai_pipelines.database.accounts import run_as
from trackai_pipelines.database.binaries import Binaries
from trackai_pipelines.database.cluster import (
    PORT,
    ROLE,
    Cluster,
    binaries_for,
    configure,
    existing_cluster,
    initialise,
    make_cluster_folder,
)
from trackai_pipelines.database.errors import DatabaseSetupError
from trackai_pipelines.database.statements import statement

# Recovery after a crash replays up to max_wal_size; a slow disk needs minutes for it.
_START_SECONDS = 300
# A server that reports itself ready answers at once, or hangs.
_ANSWER_SECONDS = 30
# Another process's start, which may be such a recovery, and then our own.
_LOCK_SECONDS = 2 * _START_SECONDS
# Sessions of a killed postmaster hold its shared memory until they end; they are asked to end, then killed.
_ORPHAN_SECONDS = 5
_ORPHAN_ATTEMPTS = 20
# The session of a client that has ended lives on for a moment.
_LEAVING_SECONDS = 2
_STEP_SECONDS = 0.05
_NO_SETTINGS: Mapping[str, str] = MappingProxyType({})
_SHARED_MEMORY_HELD = "pre-existing shared memory block"
_NOT_YET = ("starting up", "shutting down", "in recovery mode", "not yet accepting connections")


@dataclass(frozen=True)
class Server:
    """A running embedded server."""

    socket_folder: Path

    def url(self, database: str) -> str:
        """Return a URL that psycopg, psycopg2 and SQLAlchemy all understand; it holds no secret.

        It names the port, because PGPORT would otherwise set it.
        """
        return f"postgresql://{ROLE}@:{PORT}/{database}?host={quote(str(self.socket_folder), safe='')}"


def start(home: Path, *, binaries: Binaries | None = None, settings: Mapping[str, str] = _NO_SETTINGS) -> Server:
    """Return the home's server; start it if it is not running, and create it if there is none.

    `binaries` replaces the preferred programs, `settings` of PostgreSQL override our own; neither changes a server that
    is running. Raises DatabaseSetupError, with the end of the server's log.
    """
    _make_home(home)
    cluster = existing_cluster(home)
    if cluster and (server := _answering(cluster)):
        return server
    with _locked(home):
        cluster = existing_cluster(home) or make_cluster_folder(home)
        return _running(cluster) or _started(cluster, binaries, settings)


def stop(home: Path, *, though_used: bool = False) -> bool:
    """Stop the home's server; return True if it ran and has ended, False if there was none or other clients use it.

    `though_used` ends their sessions. Raises DatabaseSetupError if the server does not end.
    """
    cluster = existing_cluster(home)
    if cluster is None:
        return False
    with _locked(home):
        pid = _postmaster(cluster)
        if pid is None:
            return False
        server = None if though_used else _answering(cluster)
        if server and _stays_used(server):
            return False
        _end(cluster, pid)
        return True


def _make_home(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseSetupError(
            f"The folder {home} cannot be created ({error.strerror}). Set TRACKAI_HOME to one that can."
        ) from None


@contextlib.contextmanager
def _locked(home: Path) -> Iterator[None]:
    """Let one process at a time start or stop the server; the kernel frees the lock of a process that dies."""
    path = home / "postgres.lock"
    retrying = Retrying(
        retry=retry_if_exception_type(BlockingIOError),
        stop=stop_after_delay(_LOCK_SECONDS),
        wait=wait_fixed(_STEP_SECONDS),
        reraise=True,
    )
    try:
        file = path.open("a", encoding="utf-8")
    except OSError as error:
        raise DatabaseSetupError(
            f"{path} cannot be opened ({error.strerror}). Run as the owner of {home}, or set TRACKAI_HOME."
        ) from None
    with file:
        try:
            retrying(fcntl.flock, file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DatabaseSetupError(
                f"Another process has held {path} for {_LOCK_SECONDS} s. See which (fuser {path}), and end it."
            ) from None
        yield


# Probing ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _PidFile:
    pid: int
    socket_folder: str
    ready: bool


def _pid_file(cluster: Cluster) -> _PidFile | None:
    """Return what postmaster.pid says; the server fills it line by line."""
    try:
        lines = (cluster.data / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return None
    if not lines or not lines[0].strip().isdigit():
        return None
    return _PidFile(
        int(lines[0]),
        socket_folder=lines[4].strip() if len(lines) > 4 else "",
        ready=len(lines) > 7 and lines[7].strip() == "ready",
    )


def _answering(cluster: Cluster) -> Server | None:
    """Return the cluster's server if it answers a query and belongs to it. Raises if it refuses us for good."""
    written = _pid_file(cluster)
    if written is None or not written.socket_folder:
        return None
    server = Server(Path(written.socket_folder))
    try:
        with psycopg.connect(server.url("postgres"), connect_timeout=10) as connection:
            row = connection.execute("SHOW data_directory").fetchone()
    except psycopg.OperationalError as error:
        said = str(error)
        if "FATAL" in said and not any(transient in said for transient in _NOT_YET):
            raise DatabaseSetupError(f"The embedded server in {cluster.folder} refuses: {said}") from None
        return None
    return server if row and Path(row[0]).resolve() == cluster.data.resolve() else None


def _stays_used(server: Server) -> bool:
    """Return whether other clients stay connected; those that are just ending get a moment."""
    deadline = time.monotonic() + _LEAVING_SECONDS
    with psycopg.connect(server.url("postgres"), autocommit=True, connect_timeout=10) as connection:
        while (row := connection.execute(statement("database/other_clients")).fetchone()) and row[0]:
            if time.monotonic() > deadline:
                return True
            time.sleep(_STEP_SECONDS)
    return False


def _working_folder(process: psutil.Process, cluster: Cluster) -> str:
    """Return a process's working folder; in a container root may not see another account's, but the account may."""
    try:
        return process.cwd()
    except psutil.AccessDenied:
        if os.geteuid() != 0:
            return ""
        said = run_as(cluster.account, ["readlink", f"/proc/{process.pid}/cwd"], cwd=Path("/"))
        return said.stdout.rstrip("\n")


def _is_ours(process: psutil.Process, cluster: Cluster) -> bool:
    """Return whether this is a living process of the cluster's server: all of them work in the data folder."""
    try:
        return (
            process.status() != psutil.STATUS_ZOMBIE
            and process.name().startswith(("postgres", "postmaster"))
            and process.uids().real == cluster.account.uid
            and _working_folder(process, cluster) == str(cluster.data.resolve())
        )
    except psutil.NoSuchProcess:
        return False


def _postmaster(cluster: Cluster) -> int | None:
    """Return the process id of the living postmaster; a stale file may name an unrelated process."""
    written = _pid_file(cluster)
    if written is None or not psutil.pid_exists(written.pid):
        return None
    try:
        process = psutil.Process(written.pid)
    except psutil.NoSuchProcess:
        return None
    return written.pid if _is_ours(process, cluster) else None


# Starting and ending ---------------------------------------------------------------------------------------------


def _running(cluster: Cluster) -> Server | None:
    """Return the server if it runs, after waiting for it to start; None if there is none that can be reached."""
    deadline = time.monotonic() + _START_SECONDS
    while (pid := _postmaster(cluster)) is not None:
        if server := _answering(cluster):
            return server
        written = _pid_file(cluster)
        if written and written.ready and not Path(written.socket_folder, f".s.PGSQL.{PORT}").exists():
            # Its socket was deleted, or its folder moved: no process can reach it any more.
            _end(cluster, pid)
            return None
        if written and written.ready:
            deadline = min(deadline, time.monotonic() + _ANSWER_SECONDS)
        if time.monotonic() > deadline:
            raise DatabaseSetupError(
                f"The embedded server (process {pid}) in {cluster.folder} runs but does not answer. Its log ends:\n"
                f"{_end_of_log(cluster)}\nIf it hangs, end it (kill -QUIT {pid}) and try again."
            )
        time.sleep(_STEP_SECONDS)
    return None


def _started(cluster: Cluster, binaries: Binaries | None, settings: Mapping[str, str]) -> Server:
    chosen = binaries_for(cluster, binaries)
    if not cluster.data.exists():
        initialise(cluster, chosen)
    socket_folder = configure(cluster, settings)
    retrying = Retrying(
        retry=retry_if_exception(lambda error: _SHARED_MEMORY_HELD in str(error)),
        stop=stop_after_attempt(_ORPHAN_ATTEMPTS),
        wait=wait_fixed(0.5),
        reraise=True,
    )
    return retrying(_start_once, cluster, chosen, socket_folder)


def _start_once(cluster: Cluster, binaries: Binaries, socket_folder: Path) -> Server:
    _clear_remains(cluster, socket_folder)
    # Relative names, because pg_ctl hands them to a shell.
    options = f"--pgdata=data --log=server.log --timeout={_START_SECONDS} --wait --silent".split()
    done = run_as(cluster.account, [binaries.folder / "pg_ctl", "start", *options], cwd=cluster.folder)
    if done.returncode == 0 and (server := _running(cluster)):
        return server
    raise DatabaseSetupError(
        f"The embedded server in {cluster.folder} does not start. Its log ends:\n"
        f"{(done.stdout + done.stderr).strip()}\n{_end_of_log(cluster)}"
    )


def _clear_remains(cluster: Cluster, socket_folder: Path) -> None:
    """Clean up after a crash: end sessions that outlived their postmaster, and delete misleading files.

    Such sessions serve no client any more; recovery rolls back what they have not committed. The pid file of a dead
    process stays: PostgreSQL finds the shared memory of survivors through it.
    """
    orphans = [process for process in psutil.process_iter() if _is_ours(process, cluster)]
    for process in orphans:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGQUIT)
    deadline = time.monotonic() + _ORPHAN_SECONDS
    while any(_is_ours(process, cluster) for process in orphans) and time.monotonic() < deadline:
        time.sleep(_STEP_SECONDS)
    for process in orphans:
        if _is_ours(process, cluster):
            process.kill()
    socket = socket_folder / f".s.PGSQL.{PORT}"
    misleading = [str(socket), f"{socket}.lock"]
    written = _pid_file(cluster)
    if written and psutil.pid_exists(written.pid):
        # The number belongs to another process by now, or to a zombie: PostgreSQL would take it for its own.
        misleading.append("data/postmaster.pid")
    run_as(cluster.account, ["rm", "-f", "--", *misleading], cwd=cluster.folder)


def _end(cluster: Cluster, pid: int) -> None:
    """Shut down fast, as `pg_ctl stop -m fast` does: sessions end, and everything is on disk."""
    os.kill(pid, signal.SIGINT)
    deadline = time.monotonic() + _START_SECONDS
    while _postmaster(cluster) == pid:
        if time.monotonic() > deadline:
            raise DatabaseSetupError(
                f"The embedded server (process {pid}) in {cluster.folder} does not end. Its log ends:\n"
                f"{_end_of_log(cluster)}"
            )
        time.sleep(_STEP_SECONDS)


def _end_of_log(cluster: Cluster) -> str:
    if not cluster.log.exists():
        return "(no log)"
    return "\n".join(cluster.log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
