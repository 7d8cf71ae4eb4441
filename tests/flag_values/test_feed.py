"""How flags come to a process and stay there: told, looked for, read again, from a file, in children."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flag_values.world import add_flag, add_segment, eventually, prepare, set_flag, switch, switch_in_silence
from processes import CHECKOUT
from psycopg import Connection

from trackai_pipelines.database import embedded
from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.errors import DatabaseSetupError
from trackai_pipelines.flag_values.client import Flags, open_flags
from trackai_pipelines.flag_values.feed import STALE_AFTER, FlagEvent

MakeHome = Callable[..., Path]
NEVER = 3600.0


@pytest.fixture
def acme(home: Path, add_tenant: Callable[..., str]) -> str:
    """A tenant's slug, in a home of this test's own."""
    add_tenant("acme")
    return "acme"


def on(flags: Flags, key: str = "dark_mode") -> bool:
    return flags.is_on(key, tenant="acme", user="user-1")


def listeners(connection: Connection[Any]) -> list[int]:
    """The processes of the server that wait for what changes."""
    query = """
        SELECT pid FROM pg_stat_activity
        WHERE application_name = 'trackai flags' AND datname = current_database() AND query NOT LIKE '%%INSERT%%'
    """
    return [pid for (pid,) in connection.execute(query)]


def test_a_change_is_told_and_not_only_looked_for(acme: str, database_url: str, connection: Connection[Any]) -> None:
    told: list[tuple[FlagEvent, frozenset[str]]] = []
    with open_flags(database_url, look_seconds=NEVER) as flags:
        end = flags.subscribe(lambda event, keys: told.append((event, keys)))
        for enabled in (False, True, False):
            switch(connection, "dark_mode", enabled)
            eventually(lambda: on(flags) is enabled)  # noqa: B023 - called before the next turn
        connection.execute("UPDATE trackai.feature_flags SET killed = true WHERE key = 'social_sharing'")
        eventually(lambda: not on(flags, "social_sharing"))
        eventually(lambda: len(told) == 4)
        end()
        switch(connection, "dark_mode", True)
        eventually(lambda: on(flags))
    assert told == [(FlagEvent.CHANGED, frozenset({key})) for key in ("dark_mode",) * 3 + ("social_sharing",)]


def test_what_was_not_told_is_found_by_looking(acme: str, database_url: str, connection: Connection[Any]) -> None:
    with open_flags(database_url, look_seconds=0.05) as flags:
        switch_in_silence(connection, "dark_mode", False)
        eventually(lambda: not on(flags))


def test_everything_is_read_again_after_a_reconnect(acme: str, database_url: str, connection: Connection[Any]) -> None:
    with open_flags(database_url, look_seconds=NEVER) as flags:
        switch_in_silence(connection, "dark_mode", False)
        switch_in_silence(connection, "dark_mode", True)
        switch_in_silence(connection, "social_sharing", False)
        assert on(flags, "social_sharing")
        for pid in listeners(connection):
            connection.execute("SELECT pg_terminate_backend(%s)", (pid,))
        eventually(lambda: not on(flags, "social_sharing"))
        assert on(flags)
        # The new connection is told, too.
        switch(connection, "community_feed", True)
        eventually(lambda: on(flags, "community_feed"))


def test_what_goes_wrong_in_a_listener_stays_there(
    acme: str, database_url: str, connection: Connection[Any], caplog: pytest.LogCaptureFixture
) -> None:
    def fails(event: FlagEvent, keys: frozenset[str]) -> None:
        raise ValueError("a listener's own fault")

    with open_flags(database_url, look_seconds=NEVER) as flags:
        flags.subscribe(fails)
        switch(connection, "dark_mode", False)
        eventually(lambda: "a listener's own fault" in caplog.text)
        switch(connection, "dark_mode", True)
        eventually(lambda: on(flags))


def test_flags_are_stale_after_five_minutes_without_a_look(
    acme: str, database_url: str, connection: Connection[Any], server_url: str
) -> None:
    now = datetime.now(UTC)
    told: list[FlagEvent] = []
    with open_flags(database_url, look_seconds=0.05, clock=lambda: now) as flags:
        flags.subscribe(lambda event, _: told.append(event))
        with psycopg.connect(server_url, autocommit=True) as admin:
            name = connection.info.dbname
            admin.execute(psycopg.sql.SQL("ALTER DATABASE {} CONNECTION LIMIT 0").format(psycopg.sql.Identifier(name)))
            admin.execute(
                psycopg.sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(psycopg.sql.Identifier(name))
            )
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
            now += STALE_AFTER - timedelta(microseconds=1)
            fresh = flags.evaluate("dark_mode", tenant="acme")
            now += timedelta(microseconds=1)
            stale = flags.evaluate("dark_mode", tenant="acme")
            eventually(lambda: told == [FlagEvent.STALE])
            admin.execute(
                psycopg.sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(psycopg.sql.Identifier(name))
            )
            admin.execute(psycopg.sql.SQL("ALTER DATABASE {} CONNECTION LIMIT -1").format(psycopg.sql.Identifier(name)))
        eventually(lambda: told == [FlagEvent.STALE, FlagEvent.READY])
        again = flags.evaluate("dark_mode", tenant="acme")
    assert (fresh.reason, stale.reason, again.reason) == ("STATIC", "STALE", "STATIC")
    assert stale.value is True
    assert stale.metadata["reason"] == "STATIC"


def test_a_process_that_starts_without_a_database_uses_the_file(make_home: MakeHome, tmp_path: Path) -> None:
    server_home = make_home("cold")
    url = embedded.start(server_home).url("postgres")
    prepare(url)
    with connect(url) as connection:
        flag = add_flag(connection, "for_staff")
        add_segment(connection, "staff", flag, ("t-acme", "user-1"))
        switch(connection, "dark_mode", False)
    file = tmp_path / "flags-ruleset.json"
    open_flags(url, home=tmp_path).close()
    assert "user-1" not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600

    embedded.stop(server_home, though_used=True)
    told: list[FlagEvent] = []
    with open_flags(url, home=tmp_path) as flags:
        flags.subscribe(lambda event, _: told.append(event))
        stale = [flags.stale]
        found = flags.evaluate("dark_mode", True, tenant="acme")
        assert (found.value, found.reason, found.metadata["reason"]) == (False, "STALE", "DISABLED")
        assert flags.evaluate("social_sharing", False, tenant="acme").value is True
        # Who is a member is not in the file.
        unknown = flags.evaluate("for_staff", False, tenant="acme", user="user-1")
        assert (unknown.value, unknown.error_code) == (False, "GENERAL")
        embedded.start(server_home)
        eventually(lambda: FlagEvent.READY in told)
        stale.append(flags.stale)
        assert flags.evaluate("for_staff", False, tenant="acme", user="user-1").reason == "TARGETING_MATCH"
    assert stale == [True, False]
    # What was checked while the database was away is written.
    with connect(url) as connection:
        assert connection.execute("SELECT sum(checks) FROM trackai.feature_flag_usage").fetchone() == (4,)


def test_without_database_and_file_the_default_is_served(home: Path, tmp_path: Path) -> None:
    with open_flags(f"postgresql:///trackai?host={tmp_path}") as flags:
        found = flags.evaluate("dark_mode", True, tenant="acme")
    assert (found.value, found.error_code) == (True, "PROVIDER_NOT_READY")


def test_the_file_of_another_database_is_not_used(acme: str, database_url: str, home: Path, tmp_path: Path) -> None:
    open_flags(database_url).close()
    with open_flags(f"postgresql:///trackai?host={tmp_path}") as flags:
        assert flags.evaluate("dark_mode", tenant="acme").error_code == "PROVIDER_NOT_READY"


@pytest.mark.parametrize("text", ["", "{}", "[1, 2", '{"database": 1}'])
def test_a_file_that_cannot_be_read_is_as_none(home: Path, tmp_path: Path, text: str) -> None:
    (home / "flags-ruleset.json").write_text(text)
    with open_flags(f"postgresql:///trackai?host={tmp_path}") as flags:
        assert flags.evaluate("dark_mode", tenant="acme").error_code == "PROVIDER_NOT_READY"


def test_a_home_that_cannot_be_written_to_is_no_harm(
    acme: str, database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    with open_flags(database_url, home=tmp_path / "file") as flags:
        assert on(flags)
    assert "flags are not kept" in caplog.text


def test_a_url_that_is_none_is_refused() -> None:
    with pytest.raises(DatabaseSetupError, match="must look like"):
        open_flags("mysql://somewhere")


# Processes -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def started(database_url: str, home: Path) -> Iterator[Callable[[str], "subprocess.Popen[str]"]]:
    """Run a script as a process: `started("...")`; it finds `open_flags` and `url`, and a line it prints is flushed."""
    begun = []

    def start(script: str) -> "subprocess.Popen[str]":
        head = f"from trackai_pipelines.flag_values.client import open_flags\nurl = {database_url!r}\n"
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", head + script],
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        begun.append(process)
        return process

    yield start
    for process in begun:
        # With its children, which hold its pipes open.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def line_of(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def ended(process: "subprocess.Popen[str]") -> None:
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors


@pytest.mark.processes
def test_a_change_is_seen_by_other_processes(
    acme: str, connection: Connection[Any], started: Callable[[str], "subprocess.Popen[str]"]
) -> None:
    script = """
import time
with open_flags(url, look_seconds=3600) as flags:
    seen = None
    while True:
        found = flags.evaluate("dark_mode", tenant="acme", user="user-1")
        if found.flag_version != seen:
            seen = found.flag_version
            print(seen, found.value, found.reason)
        time.sleep(0.001)
"""
    others = [started(script) for _ in range(2)]
    first = {line_of(other) for other in others}
    assert len(first) == 1
    for column, setting, value, reason in [
        ("enabled", False, "False", "DISABLED"),
        ("enabled", True, "True", "STATIC"),
        ("killed", True, "False", "DISABLED"),
        ("killed", False, "True", "STATIC"),
    ]:
        set_flag(connection, "dark_mode", column, setting)
        row = connection.execute("SELECT max(id) FROM trackai.feature_flag_versions").fetchone()
        assert row is not None
        assert [line_of(other) for other in others] == [f"{row[0]} {value} {reason}"] * 2


@pytest.mark.processes
@pytest.mark.parametrize("end", ["", "raise SystemExit", "import sys; sys.exit(0)", "del flags"])
def test_a_process_that_ends_normally_loses_no_check(
    acme: str, connection: Connection[Any], started: Callable[[str], "subprocess.Popen[str]"], end: str
) -> None:
    ended(
        started(f"""
flags = open_flags(url)
for number in range(1000):
    flags.is_on("dark_mode", tenant="acme", user=number % 7)
{end}
""")
    )
    query = "SELECT sum(checks), count(DISTINCT user_id) FROM trackai.feature_flag_usage"
    assert connection.execute(query).fetchone() == (1000, 7)


@pytest.mark.processes
def test_forked_children_go_on_with_connections_of_their_own(
    acme: str, connection: Connection[Any], started: Callable[[str], "subprocess.Popen[str]"]
) -> None:
    process = started("""
import multiprocessing, sys, time
fork = multiprocessing.get_context("fork")
flags = open_flags(url, look_seconds=3600)

def ask(name, times):
    for number in range(times):
        flags.is_on("dark_mode", tenant="acme", user=name)

def child(name):
    ask(name, 10)
    # One write: three processes share the pipe.
    sys.stdout.write("ready\\n")
    while flags.is_on("social_sharing", tenant="acme", user=name):
        time.sleep(0.001)
    ask(name, 10)

ask("parent", 5)
children = [fork.Process(target=child, args=(f"child-{number}",)) for number in range(3)]
for one in children: one.start()
for one in children: one.join()
ask("parent", 5)
while flags.is_on("social_sharing", tenant="acme", user="parent"): time.sleep(0.001)
print([one.exitcode for one in children])
""")
    assert [line_of(process) for _ in range(3)] == ["ready"] * 3
    eventually(lambda: len(listeners(connection)) >= 4)
    switch(connection, "social_sharing", False)
    assert line_of(process) == "[0, 0, 0]"
    ended(process)
    query = """
        SELECT u.user_id, sum(u.checks)::integer
        FROM trackai.feature_flag_usage u JOIN trackai.feature_flags f ON f.id = u.flag_id
        WHERE f.key = 'dark_mode' GROUP BY u.user_id ORDER BY u.user_id
    """
    assert connection.execute(query).fetchall() == [("child-0", 20), ("child-1", 20), ("child-2", 20), ("parent", 10)]
    assert not listeners(connection)


@pytest.mark.processes
@pytest.mark.slow
def test_flags_are_served_while_the_server_is_killed_and_started_again(make_home: MakeHome, tmp_path: Path) -> None:
    server_home = make_home("restart")
    url = embedded.start(server_home).url("postgres")
    prepare(url)
    with connect(url) as connection:
        pid = connection.execute("SELECT pg_read_file('postmaster.pid')").fetchone()
        assert pid is not None
    asked = 0
    with open_flags(url, home=tmp_path, look_seconds=NEVER) as flags:
        assert on(flags)
        os.kill(int(pid[0].split()[0]), signal.SIGKILL)
        for _ in range(1_000):
            assert on(flags)
        embedded.start(server_home)
        with connect(url) as connection:
            switch(connection, "dark_mode", False)
        while on(flags):
            asked += 1
    with connect(url) as connection:
        row = connection.execute("SELECT sum(checks) FROM trackai.feature_flag_usage").fetchone()
    assert row == (1 + 1_000 + asked + 1,)


def test_the_file_has_every_version_and_tenant(acme: str, database_url: str, home: Path) -> None:
    open_flags(database_url).close()
    kept = json.loads((home / "flags-ruleset.json").read_text())
    assert len(kept["versions"]) == 10
    assert [tenant["slug"] for tenant in kept["tenants"]] == ["acme"]
