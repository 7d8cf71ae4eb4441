"""The embedded server's files: where they are, which account owns them, how they are created and configured.

    <home>/postgres/data        PostgreSQL's data folder
    <home>/postgres/socket      the unix socket, unless its path would be too long or too strange for libpq
    <home>/postgres/server.log  the server's log
    <home>/postgres.location    instead of the above: where it is, if root keeps it outside an unreachable home

What does not belong here: starting, probing and stopping the server (embedded.py).
"""

import hashlib
import os
import re
import stat
import tempfile
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trackai_pipelines.database.accounts import (
    SystemAccount,
    account_of,
    can_enter,
    can_execute,
    run_as,
    server_account,
    write_as,
)
from trackai_pipelines.database.binaries import Binaries, choose_binaries, copied
from trackai_pipelines.database.errors import DatabaseSetupError
from trackai_pipelines.database.tuning import server_settings, usable_memory

ROLE = "trackai"
PORT = 5432
# Root's clusters, for homes that the server's account cannot reach, and copies of the wheel's programs.
STATE = Path("/var/lib/trackai")
# macOS allows 104 bytes for a socket's path, Linux 108; libpq adds "/.s.PGSQL.5432" and a zero byte.
_LONGEST_SOCKET_FOLDER = 88
# libpq splits hosts at commas, and URLs and configuration files have special characters: other paths are replaced by
# one in the temp folder.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._ +=-]+")
_CONF_NAME = "trackai.conf"
_REWRITTEN = "# Rewritten at each start of the embedded server: changes made here are lost.\n"
_LARGEST_LOG = 10 * 1024**2


@dataclass(frozen=True)
class Cluster:
    """One embedded server's folder and the account that it runs as."""

    folder: Path
    account: SystemAccount

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder; it exists only once it is complete."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.folder / "server.log"


def existing_cluster(home: Path) -> Cluster | None:
    """Return the home's cluster, or None before its first start. Raises DatabaseSetupError if another user owns it."""
    marker = _marker(home)
    folder = home / "postgres"
    if marker.exists():
        folder = Path(marker.read_text(encoding="utf-8").strip())
        if folder.parent != STATE or not folder.exists():
            raise DatabaseSetupError(
                f"{marker} says that the database is in {folder}, and it is not there. Bring that folder back, or "
                f"delete {marker} to begin with an empty database."
            )
    if not folder.exists():
        return None
    owner = folder.stat().st_uid
    user = os.geteuid()
    if user not in (0, owner):
        raise DatabaseSetupError(
            f"The database in {folder} belongs to user id {owner}, and you are {user}. Run as that user or as root, "
            "or set TRACKAI_HOME to a folder of your own."
        )
    # A folder that root still owns was never handed over: its first start was interrupted.
    return Cluster(folder, account_of(owner)) if owner else None


def make_cluster_folder(home: Path) -> Cluster:
    """Create the folder for a new cluster; for root it is outside `home` if the server's account cannot reach that.

    Parent folders keep their permissions. The caller holds the home's lock.
    """
    account = server_account()
    folder = home / "postgres"
    if account.uid == os.geteuid():
        folder.mkdir(mode=0o700)
    elif not (can_enter(account, home) and _handed_over(folder, account)):
        STATE.mkdir(mode=0o711, parents=True, exist_ok=True)
        folder = STATE / uuid.uuid4().hex
        if not (can_enter(account, STATE) and _handed_over(folder, account)):
            raise DatabaseSetupError(
                f"The user {account.name}, which runs PostgreSQL for root, can use neither {home} nor {STATE}. Set "
                "TRACKAI_HOME to a folder that every user may enter, or run as another user."
            )
        half = home / f".{_marker(home).name}.{folder.name}"
        half.write_text(f"{folder}\n", encoding="utf-8")
        half.replace(_marker(home))
    return Cluster(folder, account)


def _handed_over(folder: Path, account: SystemAccount) -> bool:
    """Create a private folder of the account; return False if the file system has no owners."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        os.chown(folder, account.uid, account.gid)
    except OSError:
        return False
    return folder.stat().st_uid == account.uid


def _marker(home: Path) -> Path:
    return home / "postgres.location"


def binaries_for(cluster: Cluster, given: Binaries | None) -> Binaries:
    """Return programs for this cluster that its account can run. Raises DatabaseSetupError if there are none."""
    binaries = choose_binaries(cluster.data, candidates=None if given is None else [given])
    if can_execute(cluster.account, binaries.folder / "postgres"):
        return binaries
    if cluster.account.uid == os.geteuid():
        raise DatabaseSetupError(
            f"The PostgreSQL programs in {binaries.folder} cannot be run by the user {cluster.account.name}. Fix "
            "their permissions, or set TRACKAI_DATABASE_URL."
        )
    STATE.mkdir(mode=0o711, parents=True, exist_ok=True)
    return copied(binaries, STATE)


def initialise(cluster: Cluster, binaries: Binaries) -> None:
    """Create the data folder, whole or not at all. Raises DatabaseSetupError with initdb's output."""
    half = "data.new"
    steps: list[list[str | Path]] = [
        ["rm", "-rf", "--", half],
        [
            binaries.folder / "initdb",
            f"--pgdata={half}",
            f"--username={ROLE}",
            "--auth-local=peer",
            "--auth-host=reject",
            "--data-checksums",
            "--encoding=UTF8",
            "--locale=C",
            "--no-instructions",
        ],
        ["/bin/sh", "-c", f"echo \"include '{_CONF_NAME}'\" >> {half}/postgresql.conf"],
        ["mv", "--", half, "data"],
    ]
    for step in steps:
        done = run_as(cluster.account, step, cwd=cluster.folder)
        if done.returncode:
            raise DatabaseSetupError(
                f"The embedded database could not be created in {cluster.folder}. {Path(step[0]).name} said:\n"
                f"{(done.stdout + done.stderr).strip()}"
            )


def configure(cluster: Cluster, extra: Mapping[str, str]) -> Path:
    """Write the server's settings, and let its own account and root connect, both as the role `trackai`.

    Returns the folder of its socket, which belongs to the cluster alone.
    """
    socket_folder = _socket_folder(cluster)
    settings = {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": f'"{socket_folder}"',
        "unix_socket_permissions": "0700",
        **server_settings(usable_memory()),
        **extra,
    }
    lines = [f"{name} = {_quoted(value)}\n" for name, value in settings.items()]
    write_as(cluster.account, cluster.data / _CONF_NAME, _REWRITTEN + "".join(lines))
    write_as(cluster.account, cluster.data / "pg_hba.conf", f"{_REWRITTEN}local all all peer map={ROLE}\n")
    users = sorted({"root", cluster.account.name})
    maps = "".join(f'{ROLE} "{user}" {ROLE}\n' for user in users)
    write_as(cluster.account, cluster.data / "pg_ident.conf", _REWRITTEN + maps)
    if cluster.log.exists() and cluster.log.stat().st_size > _LARGEST_LOG:
        run_as(cluster.account, ["mv", "-f", "--", cluster.log.name, "server.log.1"], cwd=cluster.folder)
    return socket_folder


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def _socket_folder(cluster: Cluster) -> Path:
    """Return a folder that only the server's account may enter, with a path that PostgreSQL and libpq both accept."""
    folder = cluster.folder / "socket"
    if len(os.fsencode(folder)) <= _LONGEST_SOCKET_FOLDER and _PLAIN_PATH.fullmatch(str(folder)):
        _private(folder, cluster.account)
        return folder
    name = f"trackai-{hashlib.sha256(os.fsencode(cluster.folder)).hexdigest()[:12]}"
    temp = Path(tempfile.gettempdir()).resolve()
    if len(os.fsencode(temp / name)) > _LONGEST_SOCKET_FOLDER or not _PLAIN_PATH.fullmatch(str(temp)):
        temp = Path("/tmp")  # noqa: S108 - the folder in it is private, and checked
    if not can_enter(cluster.account, temp):
        temp = Path("/tmp")  # noqa: S108
    _private(temp / name, cluster.account)
    return temp / name


def _private(folder: Path, account: SystemAccount) -> None:
    """Create the folder as the account; in a shared temp folder another user may have created it before."""
    run_as(account, ["mkdir", "--", folder], cwd=Path("/"))
    found = folder.lstat() if folder.exists() or folder.is_symlink() else None
    if found is None:
        raise DatabaseSetupError(f"The folder {folder} for the database's socket could not be created.")
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid or stat.S_IMODE(found.st_mode) != 0o700:
        raise DatabaseSetupError(
            f"{folder} must be a folder of the user {account.name} that no other user may enter, because it holds the "
            "database's socket. Another user created it: inspect it, then delete it."
        )
