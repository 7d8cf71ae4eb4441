"""Dagster and the web application in the foreground: four processes, kept running until Ctrl-C.

What belongs here: what `up` and `demo` have in common. What does not: child processes as such (services.py).

Webserver and daemon share one code server, which we watch. Left to themselves, each starts its own, and the daemon
replaces its own every minute; it notices a killed one only then, and no sensor ticks in between.
"""

import errno
import fcntl
import json
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from trackai_pipelines.service.bytecode import bytecode_variables
from trackai_pipelines.service.services import Service, start, start_again, stop
from trackai_pipelines.terminal.output import fail, remark
from trackai_pipelines.terminal.stopping import stop_requests

if TYPE_CHECKING:
    from trackai_pipelines.settings import Settings

DEFAULT_PORT = 3000
DEFAULT_WEB_PORT = 3001
DEFAULT_HOST = "127.0.0.1"
# A cold start on a small machine takes half a minute.
_ANSWER_SECONDS = 180
_LOOK_SECONDS = 0.3
# The longest that a killed database server stays away.
_KEEP_SECONDS = 5
# A service that dies more often than this within the span has a reason that starting it again does not fix.
_MOST_DEATHS = 5
_DEATHS_SPAN_SECONDS = 300
_LOCATION = "trackai_pipelines"
# Sensors watch for as long as they are allowed to: every evaluation leaves a row in Dagster's storage.
_SENSOR_TIMEOUT_SECONDS = 300
_SENSOR_TIMEOUT = "DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS"
# Descriptions of assets link to pages that the web application serves.
_DOCS = "TRACKAI_DOCS_URL"
# Sensors that watch occupy three threads, and three more for each daemon that was killed meanwhile. Dagster's default
# is the number of processors plus four.
_CODE_THREADS = 32
_CODE = ["-m", "trackai_pipelines.definitions", "--location-name", _LOCATION, "--inject-env-vars-from-instance"]
_CODE += ["--max-workers", str(_CODE_THREADS)]

# When a service died, and the service.
_Death = tuple[float, Service]


def require_free_port(host: str, port: int, option: str = "--port") -> None:
    """Fail, with a way out, when another process listens there already."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                fail(f"Port {port} of {host} is in use. Choose another, e.g. {option} {port + 1}, or end what uses it.")
            fail(f"Port {port} of {host} cannot be used: {error.strerror}. Choose another {option} or --host.")


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Within the block only this process serves the home: two daemons would do everything twice."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "up.lock").open("a", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fail(f"`trackai up` or `trackai demo` already runs Dagster for {home}. End that one, or use it.")
        yield


def require_free_ports(host: str, port: int, web_port: int) -> None:
    """Fail, with a way out, unless both are free and differ."""
    require_free_port(host, port)
    if web_port == port:
        fail(f"Dagster's UI and the web application cannot share port {port}. Choose another --port or --web-port.")
    require_free_port(host, web_port, "--web-port")


def serve(
    settings: "Settings",
    variables: Mapping[str, str],
    *,
    host: str,
    port: int,
    web_port: int,
    ready: Callable[[str, str], None],
) -> None:
    """Run code server, webserver, daemon and web application with these variables.

    `ready` is called with the URLs of Dagster's UI and of the web application once both answer. From then on a
    service that dies is started again, and so is the embedded server. Returns after Ctrl-C or SIGTERM, when everything
    has ended. Fails when a service dies before that, or again and again.
    """
    services: list[Service] = []
    dead: list[_Death] = []
    url, web_url = (f"http://{_reachable(host)}:{number}" for number in (port, web_port))
    shared = {
        # Daemon and code server have to agree on this.
        _SENSOR_TIMEOUT: os.environ.get(_SENSOR_TIMEOUT) or str(_SENSOR_TIMEOUT_SECONDS),
        _DOCS: os.environ.get(_DOCS) or f"{web_url}/docs",
        **bytecode_variables(settings.home),
        **variables,
    }
    with stop_requests() as stopping, tempfile.TemporaryDirectory(prefix="trackai-") as folder:
        # Not in the home, whose path may be too long for a socket.
        code = Path(folder, "code.sock")

        def begin(name: str, *arguments: str) -> Service:
            service = start(name, ["-m", *arguments], environment=shared, logs=settings.home / "logs")
            services.append(service)
            return service

        def wait_for(service: Service, answers: Callable[[], bool]) -> None:
            deadline = time.monotonic() + _ANSWER_SECONDS
            while not stopping.is_set() and not answers():
                _require_life(services)
                if time.monotonic() > deadline:
                    fail(f"{_title(service)} does not answer. {_log_of(service)}")
                stopping.wait(_LOOK_SECONDS)

        try:
            code_server = begin("code-server", "dagster", "api", "grpc", *_CODE, "--socket", str(code))
            wait_for(code_server, lambda: _listens(code))
            workspace = ["-w", str(_workspace(code))]
            webserver = begin("webserver", "dagster_webserver", "--host", host, "--port", str(port), *workspace)
            begin("daemon", "dagster._daemon", "run", *workspace)
            web = begin("web", "trackai_pipelines.cli", "web", "--host", host, "--port", str(web_port))
            wait_for(webserver, lambda: _answers(f"{url}/server_info"))
            wait_for(web, lambda: _answers(f"{web_url}/healthz"))
            if not stopping.is_set():
                ready(url, web_url)
            look = time.monotonic()
            while not stopping.wait(_LOOK_SECONDS):
                _revive(services, dead)
                if time.monotonic() - look > _KEEP_SECONDS:
                    _keep_database(settings)
                    look = time.monotonic()
            remark("Stopping...")
        finally:
            # The daemon first, so it starts no more runs. It would wait a minute for the sensors that are being
            # evaluated; a daemon that was killed evaluates them again when it starts.
            stop([service for service in services if service.name == "daemon"], patience=2)
            stop([*services, *(service for _, service in dead)])


def _workspace(code: Path) -> Path:
    """Write the workspace that consists of our code server, next to its socket."""
    server = {"host": "localhost", "socket": str(code), "location_name": _LOCATION}
    file = code.with_name("workspace.yaml")
    # JSON is YAML, too.
    file.write_text(json.dumps({"load_from": [{"grpc_server": server}]}), encoding="utf-8")
    return file


def _require_life(services: Sequence[Service]) -> None:
    for service in services:
        if service.died:
            fail(f"{_ended(service)}. {_log_of(service)}")


def _revive(services: list[Service], dead: list[_Death]) -> None:
    """Start services again that died, and note them: the runs of a dead code server work on, and end with us."""
    now = time.monotonic()
    for place, service in enumerate(services):
        if service.died:
            lately = [at for at, died in dead if died.name == service.name and now - at < _DEATHS_SPAN_SECONDS]
            if len(lately) >= _MOST_DEATHS:
                fail(f"{_ended(service)}, for the {len(lately) + 1}th time in a few minutes. {_log_of(service)}")
            remark(f"{_ended(service)}; it is started again.", style="yellow")
            dead[:] = [death for death in dead if death[0] in lately or death[1].alive]
            dead.append((now, service))
            services[place] = start_again(service)


def _title(service: Service) -> str:
    return "The web application" if service.name == "web" else f"Dagster's {service.name}"


def _ended(service: Service) -> str:
    return f"{_title(service)} ended by itself (exit code {service.process.returncode})"


def _log_of(service: Service) -> str:
    return f"Its log ({service.log}) ends:\n{service.last_words()}"


def _reachable(host: str) -> str:
    """Return the address by which we reach a process that listens on `host`."""
    if host == "0.0.0.0":  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    if host == "::":
        return "[::1]"
    return f"[{host}]" if ":" in host else host


def _listens(path: Path) -> bool:
    """Return whether a process listens on a socket; a code server does once it has loaded the definitions."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
    return True


def _answers(url: str) -> bool:
    import requests

    with requests.Session() as session:
        # A proxy of the environment does not know this machine.
        session.trust_env = False
        try:
            return session.get(url, timeout=5).ok
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
        remark(f"The embedded server does not run: {error}", style="red")
