"""Whoever archives, drops, restores or rewrites is killed, anywhere: no row is lost, and the next run finishes it."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from declared import CLICKS, MATCH_LOG
from lifecycle.archive_scenes import DAY, fill_clicks, fill_log, keys_anywhere, rows_in
from psycopg import Connection

from trackai_pipelines.domain import Table
from trackai_pipelines.lifecycle.archive.drop import drop_day
from trackai_pipelines.lifecycle.archive.export import archive_day
from trackai_pipelines.lifecycle.archive.manifest import archives
from trackai_pipelines.lifecycle.archive.restore import restore_day
from trackai_pipelines.lifecycle.archive.store import Store, open_store

pytestmark = [pytest.mark.processes, pytest.mark.slow]

AT_ONCE = timedelta(0)
ROWS = 6_000
DAYS = (DAY, DAY + timedelta(days=1))

# Moves days out and back for ever, in an order of chance.
_WORKER = """
import random, sys
from datetime import date, timedelta
from trackai_pipelines.database.connection import connect
from trackai_pipelines.lifecycle.archive import arrow_rows, parquet_files
from trackai_pipelines.lifecycle.archive.drop import drop_day
from trackai_pipelines.lifecycle.archive.export import archive_day
from trackai_pipelines.lifecycle.archive.manifest import archives
from trackai_pipelines.lifecycle.archive.restore import restore_day
from trackai_pipelines.lifecycle.archive.rewrite import rewrite_archive
from trackai_pipelines.lifecycle.archive.store import open_store
from trackai_pipelines.lifecycle.mover import only_mover
from trackai_pipelines.domain import tables_of
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.lifecycle.leaving import leaving

LEAVING = leaving(tables_of(DOMAINS))
url, folder, seed = sys.argv[1:]
chance, store, now = random.Random(seed), open_store(folder), timedelta(0)
with connect(url, name="archive") as connection, only_mover(connection):
    print("at work", flush=True)
    while True:
        table = LEAVING[chance.choice(("match_log", "clicks"))]
        day = chance.choice((date(2026, 1, 5), date(2026, 1, 6)))
        step = chance.choice(("archive", "drop", "drop", "restore", "rewrite"))
        found = archives(connection, table.name, day)
        states = {archive.state for archive in found}
        if step == "archive" and "dropped" not in states:
            archive_day(connection, url, store, table, day, grace=now)
        elif step == "restore" and found:
            restore_day(connection, url, store, table, day, keep=now)
        for archive in found:
            if step == "drop" and archive.state == "verified":
                drop_day(connection, store, table, archive)
            elif step == "rewrite":
                rewrite_archive(connection, store, table, archive, lambda part: part)
"""

# For each number that it reads, a copy of this process does each thing once, and is killed by itself before the step of
# that number: a statement, or a file written or removed. It answers with what became of the copy.
_STEPPER = """
import os, signal, sys
from datetime import date, timedelta
from psycopg import Connection, Cursor
from trackai_pipelines.database.connection import connect
from trackai_pipelines.lifecycle.archive import arrow_rows, parquet_files
from trackai_pipelines.lifecycle.archive.drop import drop_day
from trackai_pipelines.lifecycle.archive.export import archive_day
from trackai_pipelines.lifecycle.archive.manifest import archives
from trackai_pipelines.lifecycle.archive.restore import restore_day
from trackai_pipelines.lifecycle.archive.rewrite import rewrite_archive
from trackai_pipelines.lifecycle.archive.store import open_store
from trackai_pipelines.lifecycle.mover import only_mover
from trackai_pipelines.domain import tables_of
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.lifecycle.leaving import leaving

LEAVING = leaving(tables_of(DOMAINS))
url, folder, name = sys.argv[1:]
table, day, now, left = LEAVING[name], date(2026, 1, 5), timedelta(0), 0


def counted(do):
    def counting(*arguments, **options):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return do(*arguments, **options)

    return counting


def do_all():
    store = open_store(folder)
    with connect(url, name="archive") as connection, only_mover(connection):
        archive_day(connection, url, store, table, day, grace=now)
        for archive in archives(connection, table.name, day):
            if archive.state == "verified":
                drop_day(connection, store, table, archive)
        for archive in archives(connection, table.name, day):
            rewrite_archive(connection, store, table, archive, lambda part: part)
        restore_day(connection, url, store, table, day, keep=now)


for place, step in ((Connection, "execute"), (Cursor, "execute"), (Cursor, "copy"), (os, "fsync"), (os, "replace"),
                    (os, "unlink"), (os, "remove")):
    setattr(place, step, counted(getattr(place, step)))
for number in sys.stdin:
    left = int(number)
    copy = os.fork()
    if copy == 0:
        do_all()
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1]), flush=True)
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "archive"))


@pytest.fixture
def everything(connection: Connection[Any], add_tenant: Callable[..., str]) -> dict[str, Any]:
    """Two days of both tables; all of their rows, by table."""
    tenant = add_tenant("shop")
    for number, day in enumerate(DAYS):
        fill_log(connection, ROWS, day=day)
        fill_clicks(connection, tenant, ROWS, day=day, first=1 + number * ROWS)
    return {table.name: rows_in(connection, table.name) for table in (MATCH_LOG, CLICKS)}


def keys(connection: Connection[Any], store: Store) -> dict[str, set[tuple[Any, ...]]]:
    return {
        table.name: keys_anywhere(connection, store, table.name, (*table.key, "created_at"))
        for table in (MATCH_LOG, CLICKS)
    }


def finish(connection: Connection[Any], url: str, store: Store, day: date) -> None:
    """What the next run of retention does, and then a restoration: all rows are in their table again."""
    for table in (MATCH_LOG, CLICKS):
        states = {archive.state for archive in archives(connection, table.name, day)}
        if "dropped" not in states:
            archive_day(connection, url, store, table, day, grace=AT_ONCE)
        for archive in archives(connection, table.name, day, states=["verified"]):
            drop_day(connection, store, table, archive)
        restore_day(connection, url, store, table, day, keep=AT_ONCE)


def wait_until_alone(connection: Connection[Any]) -> None:
    """A killed client's session lives on until the server notices."""
    connection.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )


@pytest.mark.timeout(600)
def test_killed_at_random(
    connection: Connection[Any], database_url: str, store: Store, everything: dict[str, Any]
) -> None:
    chance = random.Random(20260105)
    all_keys = keys(connection, store)
    for number in range(20):
        worker = subprocess.Popen(
            [sys.executable, "-c", _WORKER, database_url, store.root, str(number)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            assert worker.stdout is not None
            assert worker.stdout.readline() == b"at work\n", worker.communicate()[1].decode()
            time.sleep(chance.uniform(0.01, 1.5))
            assert worker.poll() is None, worker.communicate()[1].decode()
        finally:
            worker.kill()
            worker.communicate()
        wait_until_alone(connection)
        assert keys(connection, store) == all_keys
    for day in DAYS:
        finish(connection, database_url, store, day)
    for table in (MATCH_LOG, CLICKS):
        assert rows_in(connection, table.name) == everything[table.name]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("table", [MATCH_LOG, CLICKS], ids=lambda table: table.name)
def test_killed_before_each_step(
    connection: Connection[Any], database_url: str, store: Store, add_tenant: Callable[..., str], table: Table
) -> None:
    fill_log(connection, 40)
    fill_clicks(connection, add_tenant("shop"), 40)
    before, all_keys = rows_in(connection, table.name), keys(connection, store)
    killed_at, ended = 0, -signal.SIGKILL
    with subprocess.Popen(
        [sys.executable, "-c", _STEPPER, database_url, store.root, table.name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as stepper:
        assert stepper.stdin is not None
        assert stepper.stdout is not None
        while ended == -signal.SIGKILL:
            killed_at += 1
            print(killed_at, file=stepper.stdin, flush=True)
            ended = int(stepper.stdout.readline())
            wait_until_alone(connection)
            assert keys(connection, store) == all_keys, killed_at
            finish(connection, database_url, store, DAY)
            assert rows_in(connection, table.name) == before, killed_at
            (archive,) = archives(connection, table.name)
            assert archive.state == "restored"
        stepper.stdin.close()
    assert ended == 0
    assert killed_at > 40
