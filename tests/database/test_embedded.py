"""The embedded server from nothing, in awkward places, after violence, and with company."""

import contextlib
import os
import pwd
import signal
import stat
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import sqlalchemy

import trackai_pipelines
from trackai_pipelines.database import embedded
from trackai_pipelines.database.accounts import server_account
from trackai_pipelines.database.binaries import wheel_binaries
from trackai_pipelines.database.cluster import STATE, existing_cluster
from trackai_pipelines.database.errors import DatabaseSetupError

pytestmark = pytest.mark.processes

_START = """
import sys, time
from pathlib import Path
from trackai_pipelines.database import embedded
print(embedded.start(Path(sys.argv[1])).url("postgres"), flush=True)
time.sleep(float(sys.argv[2]))
"""
MakeHome = Callable[..., Path]


def _starter(home: Path, *, stays: float = 0) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", _START, str(home), str(stays)],
        env={**os.environ, "PYTHONPATH": str(Path(trackai_pipelines.__file__).parents[1])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _asked(url: str, question: str = "SELECT current_user::text") -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute(question).fetchone()
    assert row is not None
    return str(row[0])


def _postmaster_pid(home: Path) -> int:
    cluster = existing_cluster(home)
    assert cluster is not None
    return int((cluster.data / "postmaster.pid").read_text().splitlines()[0])


def _wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{pid}/stat").exists() and " Z " in Path(f"/proc/{pid}/stat").read_text():
            return
        time.sleep(0.05)
    raise AssertionError(f"process {pid} is still there")


def _as_nobody(work: Callable[[], None]) -> None:
    """Run in a child with the account `nobody`; a fork, because nobody may be unable to reach the interpreter."""
    with warnings.catch_warnings():
        # Newer Pythons warn of forks next to threads; this child only runs what is loaded already.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        code = 1
        try:
            nobody = pwd.getpwnam("nobody")
            os.setgroups([])
            os.setgid(nobody.pw_gid)
            os.setuid(nobody.pw_uid)
            os.chdir("/")
            work()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.fixture(scope="module")
def running(make_home: MakeHome) -> tuple[Path, embedded.Server]:
    home = make_home("with space")
    return home, embedded.start(home)


def test_it_starts_from_nothing_in_a_path_with_spaces(
    running: tuple[Path, embedded.Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, server = running
    url = server.url("postgres")
    assert str(home) in str(server.socket_folder)
    assert embedded.start(home) == server
    monkeypatch.setenv("PGPORT", "1")
    for plain in (url, url.replace("postgresql://", "postgresql+psycopg://")):
        engine = sqlalchemy.create_engine(plain, poolclass=sqlalchemy.NullPool)
        with engine.connect() as connection:
            assert connection.scalar(sqlalchemy.text("SELECT current_user::text")) == "trackai"
    assert _asked(url) == "trackai"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("listen_addresses", ""),
        ("data_checksums", "on"),
        ("server_encoding", "UTF8"),
        ("TimeZone", "UTC"),
        ("jit", "off"),
        ("max_wal_size", "4GB"),
        ("unix_socket_permissions", "0700"),
        ("max_connections", "200"),
    ],
)
def test_it_is_set_up_for_its_work(running: tuple[Path, embedded.Server], setting: str, value: str) -> None:
    assert _asked(running[1].url("postgres"), f"SHOW {setting}") == value


def test_only_its_account_enters_its_folders_and_parents_keep_their_permissions(
    running: tuple[Path, embedded.Server],
) -> None:
    home, server = running
    cluster = existing_cluster(home)
    assert cluster is not None
    for folder in (cluster.folder, cluster.data, server.socket_folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert folder.stat().st_uid == cluster.account.uid != 0
    assert stat.S_IMODE(home.parent.stat().st_mode) == 0o755
    assert "METHOD" not in (cluster.data / "pg_hba.conf").read_text()


@pytest.mark.parametrize("name", ["commas, 'quotes' and $igns", "long-" * 30])
def test_a_path_that_no_socket_can_have_gets_a_private_folder_elsewhere(make_home: MakeHome, name: str) -> None:
    home = make_home(name)
    server = embedded.start(home)
    assert _asked(server.url("postgres")) == "trackai"
    assert not server.socket_folder.is_relative_to(home)
    assert stat.S_IMODE(server.socket_folder.stat().st_mode) == 0o700
    assert embedded.stop(home)
    server.socket_folder.rmdir()
    server.socket_folder.mkdir(mode=0o755)
    with pytest.raises(DatabaseSetupError, match="no other user may enter"):
        embedded.start(home)
    server.socket_folder.rmdir()


def test_a_home_that_the_servers_account_cannot_enter_stays_closed(make_home: MakeHome) -> None:
    home = make_home("inside", mode=0o700)
    server = embedded.start(home)
    assert _asked(server.url("postgres")) == "trackai"
    assert stat.S_IMODE(home.parent.stat().st_mode) == 0o700
    cluster = existing_cluster(home)
    assert cluster is not None
    outside = not cluster.folder.is_relative_to(home)
    assert outside == (os.geteuid() == 0)
    if outside:
        assert cluster.folder.parent == STATE
        marker = home / "postgres.location"
        right = marker.read_text()
        marker.write_text(f"{STATE / 'gone'}\n")
        with pytest.raises(DatabaseSetupError, match="it is not there"):
            embedded.start(home)
        marker.write_text(right)


def test_another_user_starts_one_of_his_own(server_url: str, make_home: MakeHome) -> None:
    home = make_home("of nobody")
    home.mkdir()

    def work() -> None:
        server = embedded.start(home)
        assert _asked(server.url("postgres")) == "trackai"
        assert (home / "postgres").stat().st_uid == os.geteuid() != 0
        assert embedded.stop(home)
        embedded.start(home)

    if os.geteuid() == 0:
        os.chown(home, pwd.getpwnam("nobody").pw_uid, -1)
        _as_nobody(work)
        # Root uses it as its owner does.
        assert _asked(embedded.start(home).url("postgres")) == "trackai"
    else:
        work()


def test_another_users_database_is_refused_with_a_reason(running: tuple[Path, embedded.Server]) -> None:
    home, _ = running

    def work() -> None:
        with pytest.raises(DatabaseSetupError, match="Run as that user or as root"):
            existing_cluster(home)

    if os.geteuid() == 0:
        _as_nobody(work)
    else:
        assert existing_cluster(home) is not None


def test_of_two_starters_one_starts_and_both_succeed(make_home: MakeHome) -> None:
    home = make_home("shared")
    starters = [_starter(home), _starter(home), _starter(home)]
    said = [starter.communicate(timeout=60) for starter in starters]
    assert [starter.returncode for starter in starters] == [0, 0, 0], said
    assert len({out for out, _ in said}) == 1
    cluster = existing_cluster(home)
    assert cluster is not None
    assert cluster.log.read_text().count("ready to accept connections") == 1


def test_it_outlives_ctrl_c_and_the_kill_of_its_starter(make_home: MakeHome) -> None:
    home = make_home("owned")
    owner = _starter(home, stays=60)
    assert owner.stdout is not None
    url = owner.stdout.readline().strip()
    pid = _postmaster_pid(home)
    os.killpg(owner.pid, signal.SIGINT)
    owner.communicate(timeout=20)
    assert _asked(url) == "trackai"
    owner = _starter(home, stays=60)
    assert owner.stdout is not None
    owner.stdout.readline()
    os.killpg(owner.pid, signal.SIGKILL)
    owner.communicate(timeout=20)
    assert _postmaster_pid(home) == pid
    assert embedded.stop(home)


def test_after_kill_of_the_postmaster_beside_a_busy_session_the_next_start_recovers(make_home: MakeHome) -> None:
    home = make_home("killed")
    url = embedded.start(home).url("postgres")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (id int)")
        connection.execute("INSERT INTO kept VALUES (7)")

    def be_busy() -> None:
        with contextlib.suppress(psycopg.Error), psycopg.connect(url) as busy:
            busy.execute("SELECT count(*) FROM generate_series(1, 1000000000)")

    session = threading.Thread(target=be_busy)
    session.start()
    time.sleep(0.5)
    pid = _postmaster_pid(home)
    os.kill(pid, signal.SIGKILL)
    _wait_until_gone(pid)
    again = embedded.start(home).url("postgres")
    assert _asked(again, "SELECT id FROM kept") == "7"
    assert _postmaster_pid(home) != pid
    session.join(timeout=20)
    assert not session.is_alive()


def test_a_pid_file_that_names_an_unrelated_process_is_dropped(make_home: MakeHome) -> None:
    home = make_home("stale")
    embedded.start(home)
    cluster = existing_cluster(home)
    assert cluster is not None
    lines = (cluster.data / "postmaster.pid").read_text().splitlines()
    assert embedded.stop(home)
    assert not embedded.stop(home)
    (cluster.data / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    os.chown(cluster.data / "postmaster.pid", cluster.account.uid, cluster.account.gid)
    assert _asked(embedded.start(home).url("postgres")) == "trackai"


def test_a_server_whose_socket_was_deleted_is_started_anew(make_home: MakeHome) -> None:
    home = make_home("no socket")
    server = embedded.start(home)
    pid = _postmaster_pid(home)
    (server.socket_folder / ".s.PGSQL.5432").unlink()
    assert _asked(embedded.start(home).url("postgres")) == "trackai"
    assert _postmaster_pid(home) != pid


def test_it_is_not_stopped_under_other_clients(make_home: MakeHome) -> None:
    home = make_home("in use")
    server = embedded.start(home)
    with psycopg.connect(server.url("postgres")):
        assert not embedded.stop(home)
        assert _asked(server.url("postgres")) == "trackai"
    assert embedded.stop(home)


def test_an_interrupted_first_start_is_begun_again(make_home: MakeHome) -> None:
    home = make_home("half")
    folder = home / "postgres"
    (folder / "data.new").mkdir(parents=True)
    (folder / "data.new" / "PG_VERSION").write_text("15\n")
    account = server_account()
    for made in (folder / "data.new", folder / "data.new" / "PG_VERSION"):
        os.chown(made, account.uid, account.gid)
    assert _asked(embedded.start(home).url("postgres")) == "trackai"


def test_why_it_does_not_start_is_in_the_error(make_home: MakeHome) -> None:
    with pytest.raises(DatabaseSetupError, match="no_such_setting"):
        embedded.start(make_home("broken"), settings={"no_such_setting": "1"})


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseSetupError, match="Set TRACKAI_HOME"):
        embedded.start(tmp_path / "file" / "home")


def test_the_wheels_programs_serve_and_later_starts_choose_the_same_version(make_home: MakeHome) -> None:
    home = make_home("wheel")
    newest = wheel_binaries()[0]
    server = embedded.start(home, binaries=newest)
    assert _asked(server.url("postgres"), "SHOW server_version").startswith("18.")
    assert embedded.stop(home)
    assert _asked(embedded.start(home).url("postgres"), "SHOW server_version").startswith("18.")
