"""PgBouncer in transaction mode in front of the test's server: few sessions, handed to whoever begins a transaction.

What belongs here: running it. What does not: what is expected of connections through it.

It is Debian's package `pgbouncer`. Where root runs the tests it is installed on first use.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from folders import server_folder
from psycopg.conninfo import conninfo_to_dict

from trackai_pipelines.database.accounts import server_account

_PORT = 6432
_PATIENCE = 30
_SETTINGS = """[databases]
* = {server}
[pgbouncer]
listen_port = {port}
listen_addr =
unix_socket_dir = {folder}
unix_socket_mode = 0777
auth_type = any
pool_mode = {mode}
default_pool_size = {sessions}
logfile = {folder}/log
ignore_startup_parameters = extra_float_digits
{user}
"""


@contextmanager
def pooled(url: str, *, sessions: int = 3, mode: str = "transaction") -> Iterator[str]:
    """Run a pooler in front of the database's server; yield the URL of the database through it."""
    program = _program()
    if program is None:
        pytest.skip("pgbouncer is not installed, and cannot be: only root may, by `apt-get install pgbouncer`")
    folder = server_folder("trackai-pooler-")
    parts = conninfo_to_dict(url)
    server = {name: parts[name] for name in ("host", "port", "user", "password") if parts.get(name)}
    if os.geteuid() == 0:
        account = server_account()
        os.chown(folder, account.uid, account.gid)
        user = f"user = {account.name}"
    else:
        user = ""
    settings = folder / "pgbouncer.ini"
    settings.write_text(
        _SETTINGS.format(
            server=" ".join(f"{name}={value}" for name, value in server.items()),
            port=_PORT,
            folder=folder,
            mode=mode,
            sessions=sessions,
            user=user,
        )
    )
    process = subprocess.Popen([program, "-q", settings], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    through = f"postgresql:///{parts['dbname']}?host={folder}&port={_PORT}"
    try:
        _wait_for(through, process, folder / "log")
        yield through
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_PATIENCE)
        shutil.rmtree(folder)


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            psycopg.connect(url, connect_timeout=5, user="trackai").close()
        except psycopg.OperationalError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        else:
            return


def _program() -> str | None:
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
    found = shutil.which("pgbouncer", path=path)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "-y", "-q", "pgbouncer"], capture_output=True, check=False, timeout=300)
        found = shutil.which("pgbouncer", path=path)
    return found
