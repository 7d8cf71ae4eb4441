"""Dagster in the foreground: its webserver and daemon, until Ctrl-C or until one of them dies.

What belongs here: what `up` and `demo` have in common. What does not: child processes as such (services.py).
"""

import errno
import fcntl
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from trackai_pipelines.cli.output import fail, remark
from trackai_pipelines.cli.services import Service, start, stop
from trackai_pipelines.cli.stopping import stop_requests

if TYPE_CHECKING:
    from trackai_pipelines.settings import Settings

DEFAULT_PORT = 3000
DEFAULT_HOST = "127.0.0.1"
# A cold start on a small machine takes half a minute.
_ANSWER_SECONDS = 180
_LOOK_SECONDS = 0.3
# How long a killed database server stays away at most.
_KEEP_SECONDS = 5


def require_free_port(host: str, port: int) -> None:
    """Fail, with a way out, when somebody listens there already."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                fail(f"Port {port} of {host} is in use. Choose another, e.g. --port {port + 1}, or end what uses it.")
            fail(f"Port {port} of {host} cannot be used: {error.strerror}. Choose another --port or --host.")


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Within the block this process alone serves the home: two daemons would do everything twice."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "up.lock").open("a", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fail(f"Dagster runs for {home} already, by `trackai up` or `trackai demo`. End that one, or use it.")
        yield


def serve(
    settings: "Settings", variables: Mapping[str, str], *, host: str, port: int, ready: Callable[[str], None]
) -> None:
    """Run webserver and daemon with these variables; `ready` is called with the UI's URL once it answers.

    Returns after Ctrl-C or SIGTERM, when everything has ended. Fails when one of the processes dies. Keeps the
    embedded server running meanwhile, should it be killed.
    """
    with stop_requests() as stopping:
        services = _start(settings, variables, host, port)
        try:
            url = f"http://{_reachable(host)}:{port}"
            deadline = time.monotonic() + _ANSWER_SECONDS
            while not stopping.is_set() and not _answers(url):
                _require_life(services)
                if time.monotonic() > deadline:
                    fail(f"The UI does not answer on {url}. The webserver's log ends:\n{services[0].last_words()}")
                stopping.wait(_LOOK_SECONDS)
            if not stopping.is_set():
                ready(url)
            look = time.monotonic()
            while not stopping.wait(_LOOK_SECONDS):
                _require_life(services)
                if time.monotonic() - look > _KEEP_SECONDS:
                    _keep_database(settings)
                    look = time.monotonic()
            remark("Stopping...")
        finally:
            # The daemon first, so that it starts no run any more.
            stop(list(reversed(services)))


def _start(settings: "Settings", variables: Mapping[str, str], host: str, port: int) -> list[Service]:
    from trackai_pipelines.database.statements import shipped

    workspace = ["-w", str(shipped("workspace.yaml"))]
    logs = settings.home / "logs"
    webserver = ["-m", "dagster_webserver", "--host", host, "--port", str(port), *workspace]
    daemon = ["-m", "dagster._daemon", "run", *workspace]
    return [
        start("webserver", webserver, environment=variables, logs=logs),
        start("daemon", daemon, environment=variables, logs=logs),
    ]


def _require_life(services: list[Service]) -> None:
    for service in services:
        if service.died:
            fail(
                f"Dagster's {service.name} ended by itself (exit code {service.process.returncode}). Its log "
                f"({service.log}) ends:\n{service.last_words()}"
            )


def _reachable(host: str) -> str:
    """The address by which we reach what listens on `host`."""
    if host == "0.0.0.0":  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    if host == "::":
        return "[::1]"
    return f"[{host}]" if ":" in host else host


def _answers(url: str) -> bool:
    import requests

    with requests.Session() as session:
        # A proxy of the environment does not know this machine.
        session.trust_env = False
        try:
            return session.get(f"{url}/server_info", timeout=5).ok
        except requests.RequestException:
            return False


def _keep_database(settings: "Settings") -> None:
    from trackai_pipelines.database.errors import DatabaseSetupError
    from trackai_pipelines.database.server import dagster_database_url, event_database_url

    try:
        if settings.database_url is None:
            event_database_url(settings)
        if settings.dagster_postgres_url is None:
            dagster_database_url(settings)
    except DatabaseSetupError as error:
        remark(f"The embedded server is away: {error}", style="red")
