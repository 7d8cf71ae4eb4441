"""Which account of the operating system runs the embedded server, and how to run a command as that account.

PostgreSQL refuses to run as root, so root gives the server to a dedicated system account. Only processes of that
account then write inside the cluster's folder: root never follows a path that others can change.
What does not belong here: anything about PostgreSQL itself.
"""

import contextlib
import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from trackai_pipelines.database.errors import DatabaseSetupError

DEDICATED_NAME = "trackai"
# On a slow disk it may take long to initialise or recover a cluster of gigabytes; nothing takes longer.
_COMMAND_SECONDS = 600
_USERADD = (
    "useradd",
    "--system",
    "--user-group",
    "--no-create-home",
    "--home-dir=/nonexistent",
    "--shell=/usr/sbin/nologin",
    DEDICATED_NAME,
)


@dataclass(frozen=True)
class SystemAccount:
    """An account that has a name: peer authentication and initdb need one."""

    name: str
    uid: int
    gid: int


def account_of(uid: int) -> SystemAccount:
    """Return the account with this number. Raises DatabaseSetupError if the number has no name."""
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise DatabaseSetupError(
            f"The user id {uid} has no name on this machine, and PostgreSQL needs one. Add it to /etc/passwd, or "
            "set TRACKAI_DATABASE_URL and DAGSTER_POSTGRES_URL to databases of a server of your own."
        ) from None
    return SystemAccount(entry.pw_name, entry.pw_uid, entry.pw_gid)


def server_account() -> SystemAccount:
    """Return the account that runs a new server: the caller's, or for root `trackai`, created if it is missing."""
    uid = os.geteuid()
    return account_of(uid) if uid else _dedicated_account()


def _dedicated_account() -> SystemAccount:
    # More than one process may add the account: useradd fails while another holds the password file.
    retrying = Retrying(
        retry=retry_if_exception_type(subprocess.CalledProcessError),
        stop=stop_after_attempt(20),
        wait=wait_fixed(0.1),
        reraise=True,
    )
    try:
        return retrying(_found_or_added)
    except FileNotFoundError:
        said = "useradd is not installed"
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip()
    raise DatabaseSetupError(
        f"PostgreSQL refuses to run as root, and the system account {DEDICATED_NAME!r} could not be created ({said}). "
        f"Add a system account of that name, or run as another user."
    )


def _found_or_added() -> SystemAccount:
    with contextlib.suppress(KeyError):
        entry = pwd.getpwnam(DEDICATED_NAME)
        return SystemAccount(entry.pw_name, entry.pw_uid, entry.pw_gid)
    subprocess.run(_USERADD, capture_output=True, text=True, check=True)
    entry = pwd.getpwnam(DEDICATED_NAME)
    return SystemAccount(entry.pw_name, entry.pw_uid, entry.pw_gid)


def run_as(
    account: SystemAccount, command: Sequence[str | Path], *, cwd: Path, text: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command as this account in a session of its own, with `text` on its standard input.

    The session is its own because Ctrl-C in the terminal goes to the foreground group, and must not reach the server.
    PG* variables are withheld, because PGPORT or PGDATA would redirect the server.
    """
    switch = os.geteuid() != account.uid
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={"PATH": os.defpath, **kept, "LC_ALL": "C", "TZ": "UTC"},
        input=text or "",
        text=True,
        errors="replace",
        capture_output=True,
        check=False,
        timeout=_COMMAND_SECONDS,
        start_new_session=True,
        umask=0o077,
        user=account.uid if switch else None,
        group=account.gid if switch else None,
        extra_groups=[] if switch else None,
    )


def can_enter(account: SystemAccount, folder: Path) -> bool:
    """Return whether the account may enter this folder, by entering it."""
    return run_as(account, ["/bin/sh", "-c", 'cd -- "$1"', "sh", folder], cwd=Path("/")).returncode == 0


def can_execute(account: SystemAccount, program: Path) -> bool:
    """Return whether the account may run this program."""
    return run_as(account, ["/bin/sh", "-c", 'test -x "$1"', "sh", program], cwd=Path("/")).returncode == 0


def write_as(account: SystemAccount, path: Path, text: str) -> None:
    """Write a file as this account, readable by it alone; readers see the old text or the new one, never a part."""
    script = 'cat > "$1.new" && mv -f -- "$1.new" "$1"'
    done = run_as(account, ["/bin/sh", "-c", script, "sh", path], cwd=path.parent, text=text)
    if done.returncode:
        raise DatabaseSetupError(f"{path} cannot be written by the user {account.name}: {done.stderr.strip()}")
