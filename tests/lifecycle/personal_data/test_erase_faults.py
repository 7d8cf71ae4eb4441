"""Erasing while others work, and killed in the middle: it is complete all the same."""

import os
import random
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from lifecycle.erase_world import NOW, YESTERDAY, AddTenant, Person, World, assert_erased, of_others, populated
from psycopg import Connection

from trackai_pipelines.database.connection import connect
from trackai_pipelines.delivery.account import account_for
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.lifecycle.archive.manifest import archives
from trackai_pipelines.lifecycle.archive.store import ArchiveDamaged
from trackai_pipelines.lifecycle.mover import MoverBusyError, only_mover
from trackai_pipelines.lifecycle.personal_data.erase import ErasureUnfinishedError, erase
from trackai_pipelines.matching.drain import drain

pytestmark = pytest.mark.processes


@pytest.fixture
def world(connection: Connection, database_url: str, tmp_path: Path) -> World:
    return World(connection, database_url, tmp_path)


@contextmanager
def _erasing(world: World, tenant: str, person: Person) -> Iterator[threading.Thread]:
    """An erasure that goes on beside the block, over a connection of its own."""
    with connect(world.url) as own:
        thread = threading.Thread(
            target=erase,
            args=(own, world.store, DOMAINS, tenant),
            kwargs={"email_hash": person.email_hash},
            daemon=True,
        )
        thread.start()
        yield thread
        thread.join(60)
        assert not thread.is_alive()


def _on_its_way(world: World, add_tenant: AddTenant) -> tuple[str, Person, int]:
    """A sale whose event a worker has written down as about to be sent."""
    acme = add_tenant("acme", pixel_id="1001")
    ann = Person("ann", 1)
    sale = world.sale(acme, ann, "new", YESTERDAY)
    drain(world.connection, run_id="new")
    world.connection.execute(
        "INSERT INTO trackai.dispatch_circuits (tenant_id, held_by, held_until)"
        " VALUES (%s, 'a worker', now() + interval '1 hour')",
        (acme,),
    )
    world.connection.execute(
        "INSERT INTO trackai.dispatch_attempts (tenant_id, event_id, conversion_id, attempt) VALUES (%s, 'e', %s, 1)",
        (acme, sale),
    )
    world.connection.execute(
        "UPDATE trackai.dispatch_queue SET attempts = 1, event_id = 'e', event = %s", (ann.email_hash,)
    )
    return acme, ann, sale


@pytest.mark.parametrize("accepted", [True, False])
def test_an_event_on_its_way_is_waited_for(
    world: World, connection: Connection, add_tenant: AddTenant, accepted: bool
) -> None:
    acme, ann, sale = _on_its_way(world, add_tenant)
    with _erasing(world, acme, ann) as erasing:
        erasing.join(1)
        assert erasing.is_alive()
        assert connection.execute("SELECT customer_email_hash FROM trackai.conversions").fetchone() == (ann.email_hash,)
        with connection.transaction():
            connection.execute(
                "UPDATE trackai.dispatch_attempts SET status = %s, failure = %s, completed_at = now() + interval '1 h'",
                ("success" if accepted else "failed", None if accepted else "timeout"),
            )
            if accepted:
                connection.execute("DELETE FROM trackai.dispatch_queue")
            connection.execute("UPDATE trackai.dispatch_circuits SET held_by = NULL, held_until = NULL")
    attempts = connection.execute(
        "SELECT conversion_id, attempt, status, failure FROM trackai.dispatch_attempts ORDER BY attempt"
    ).fetchall()
    tried = (
        [(sale, 1, "success", None)] if accepted else [(sale, 1, "failed", "timeout"), (sale, 2, "failed", "erased")]
    )
    assert attempts == tried
    assert_erased(world, acme, ann)
    assert account_for(connection).unexplained == 0


def test_an_event_that_stays_on_its_way_is_told(
    world: World, connection: Connection, add_tenant: AddTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme, ann, _ = _on_its_way(world, add_tenant)
    before = world.tables()
    monkeypatch.setattr("trackai_pipelines.lifecycle.personal_data.erase._PATIENCE_SECONDS", 0.3)
    with pytest.raises(ErasureUnfinishedError, match="an event of the person is on its way to Meta"):
        world.erase(acme, ann)
    assert world.tables() == before, "the sale and its event are as they were"
    connection.execute("UPDATE trackai.dispatch_circuits SET held_until = now()")
    assert world.erase(acme, ann).events == 1


def test_a_worker_that_died_is_not_waited_for(world: World, connection: Connection, add_tenant: AddTenant) -> None:
    acme, ann, sale = _on_its_way(world, add_tenant)
    connection.execute("UPDATE trackai.dispatch_circuits SET held_until = now() - interval '1 second'")
    world.erase(acme, ann)
    attempts = connection.execute(
        "SELECT conversion_id, attempt, failure FROM trackai.dispatch_attempts ORDER BY attempt"
    ).fetchall()
    assert attempts == [(sale, 1, "unknown_outcome"), (sale, 2, "erased")]
    assert connection.execute("SELECT held_by FROM trackai.dispatch_circuits").fetchall() == [(None,)]
    assert_erased(world, acme, ann)


def test_retention_and_erasing_do_not_meet(world: World, connection: Connection, add_tenant: AddTenant) -> None:
    acme, ann, _ = populated(world, add_tenant)
    with (
        connect(world.url, name="trackai retention") as other,
        only_mover(other),
        pytest.raises(MoverBusyError, match="trackai retention"),
    ):
        world.erase(acme, ann)
    assert not world.erase(acme, ann).nothing


def test_an_archive_that_does_not_read_is_named_and_nothing_is_changed(world: World, add_tenant: AddTenant) -> None:
    acme, ann, _ = populated(world, add_tenant)
    (first, *_) = archives(world.connection, "clicks")
    path = Path(world.store.full(first.path))
    whole = path.read_bytes()
    before = world.tables()
    for broken in (whole[: len(whole) // 2], None):
        path.unlink(missing_ok=True)
        if broken is not None:
            path.write_bytes(broken)
        with pytest.raises(ArchiveDamaged, match=re.escape(first.path)):
            world.erase(acme, ann)
        assert world.tables() == before
    path.write_bytes(whole)
    world.erase(acme, ann)
    assert_erased(world, acme, ann)


# Dies before the n-th thing that it does to the database or the archive.
_MORTAL = """
import os, signal, sys
from pathlib import Path
from psycopg import Cursor
from trackai_pipelines.database.connection import connect
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.lifecycle.archive.store import Store, open_store
from trackai_pipelines.lifecycle.personal_data.erase import erase

url, archive, tenant, email_hash, dry_runs, left = *sys.argv[1:6], int(sys.argv[6])

def mortal(original):
    def do(*arguments, **named):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **named)
    return do

Cursor.execute, Store.remove, Path.unlink = mortal(Cursor.execute), mortal(Store.remove), mortal(Path.unlink)
os.fsync = mortal(os.fsync)
with connect(url) as connection:
    erase(connection, open_store(archive), DOMAINS, tenant, email_hash=email_hash, dry_runs=Path(dry_runs))
print(left)
"""


def _mortal(world: World, tenant: str, person: Person, lives: int) -> "subprocess.CompletedProcess[str]":
    arguments = [world.url, world.folder / "archive", tenant, person.email_hash, world.dry_runs, lives]
    return subprocess.run(
        [sys.executable, "-c", _MORTAL, *map(str, arguments)], capture_output=True, text=True, check=False,
        env={**os.environ},
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_killed_anywhere_and_repeated_it_is_complete(
    world: World, connection: Connection, add_tenant: AddTenant, seed: int
) -> None:
    acme, ann, _ = populated(world, add_tenant)
    world.refused_of(acme, ann)
    drain(connection, run_id="new")
    world.dry_run("acme", ann)
    others = {table: of_others(rows, table, acme, ann) for table, rows in world.tables().items()}
    dice = random.Random(seed)
    killed = 0
    for _ in range(6):
        # An erasure of this world does some fifty things, fewer when others have been begun; the first dozen only look.
        ended = _mortal(world, acme, ann, dice.randint(12, 52))
        if ended.returncode == 0:
            break
        assert ended.returncode == -9, ended.stderr
        killed += 1
        connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
    assert killed
    world.erase(acme, ann)
    assert_erased(world, acme, ann)
    changing = {"erasures", "archives", "dispatch_circuits", "ingest_rejects"}
    for table, rows in world.tables().items():
        if table not in changing:
            assert of_others(rows, table, acme, ann) == others[table], table
    records = connection.execute("SELECT count(*) FROM trackai.erasures").fetchone()
    assert records == (1,)


def test_writers_and_matching_go_on_meanwhile(world: World, connection: Connection, add_tenant: AddTenant) -> None:
    acme = add_tenant("acme", email_matching=True, pixel_id="1001")
    ann = Person("ann", 1)
    world.life_of(acme, ann)
    drain(connection, run_id="before")
    connection.execute(
        "INSERT INTO trackai.clicks (tenant_id, fbclid, fbp, ip, user_agent, utm_source)"
        " SELECT %s, 'IwARmany' || n, %s, '10.9.9.9', 'Many/1.0', 'newsletter' FROM generate_series(1, 20000) n",
        (acme, ann.key("fbp-new")),
    )
    ended, wrong, written = threading.Event(), [], []

    def write() -> None:
        try:
            with connect(world.url) as own:
                own.execute("SET statement_timeout = '2s'")
                number = 0
                while not ended.is_set() or number < 20:
                    number += 1
                    bob = Person(f"bob{number}", 100 + number)
                    with own.transaction():
                        mine = World.__new__(World)
                        mine.connection = own
                        clicked = mine.click(acme, bob, NOW, fbp="x", clid="x")
                        mine.identity(acme, bob, click_id=clicked)
                        mine.sale(acme, bob, "x", NOW, fbp=bob.key("fbp-x"))
                    drain(own, run_id="beside")
                    written.append(bob)
        except Exception as error:  # noqa: BLE001 - told by the test
            wrong.append(error)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    erased = world.erase(acme, ann)
    ended.set()
    writer.join()
    assert wrong == []
    assert erased.clicks == 20_006
    assert written
    assert_erased(world, acme, ann)
    for bob in written:
        matched = connection.execute(
            "SELECT c.customer_email_hash, k.fbp, a.strategy FROM trackai.conversions c"
            " JOIN trackai.matched_attributions a ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id"
            " JOIN trackai.clicks k ON k.tenant_id = a.tenant_id AND k.id = a.click_id WHERE c.gateway_event_id = %s",
            (f"{bob.name}-x",),
        ).fetchall()
        assert matched == [(bob.email_hash, bob.key("fbp-x"), "fbp")]
