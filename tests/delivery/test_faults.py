"""Everything goes wrong at once: whatever can be delivered is delivered, counted once, and everything is explained."""

import logging
import random
import subprocess
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from delivery.scenes import TOKEN, Tokens, insert_sales, outcomes, queued
from psycopg import Connection, sql

from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.capi_sandbox.misbehaviour import Misbehaviour
from trackai_pipelines.capi_sandbox.server import sandbox
from trackai_pipelines.clock import utc_now
from trackai_pipelines.delivery.account import account_for
from trackai_pipelines.delivery.dispatcher import dispatch
from trackai_pipelines.delivery.dry_run import dry_run
from trackai_pipelines.settings import CapiSettings

pytestmark = [pytest.mark.processes, pytest.mark.slow]

AddTenant = Callable[..., str]
StartWorker = Callable[..., "subprocess.Popen[bytes]"]
ROUNDS = 200
# About forty of a hundred requests meet one of these.
FAULTS = [
    Misbehaviour(do="error", status=500, probability=0.04),
    Misbehaviour(do="error", status=503, accept=True, probability=0.03),
    Misbehaviour(do="error", status=400, code=1, probability=0.03),
    Misbehaviour(do="error", status=400, code=17, wait_seconds=1, probability=0.02),
    Misbehaviour(do="error", status=400, code=190, probability=0.02),
    Misbehaviour(do="error", status=400, code=424242, probability=0.02),
    Misbehaviour(do="timeout", probability=0.02),
    Misbehaviour(do="timeout", accept=True, probability=0.02),
    Misbehaviour(do="reset", probability=0.04),
    Misbehaviour(do="reset", accept=True, probability=0.04),
    Misbehaviour(do="html", probability=0.03),
    Misbehaviour(do="truncated", accept=True, probability=0.03),
    Misbehaviour(do="empty", accept=True, probability=0.02),
    Misbehaviour(do="slow", ms=150, probability=0.04),
]


def test_two_hundred_rounds_of_all_faults_with_workers_killed(
    database_url: str, connection: Connection, add_tenant: AddTenant, start_worker: StartWorker, tmp_path: Path
) -> None:
    chance = random.Random(4)
    tenants = [add_tenant(f"shop-{n}", pixel_id=f"100{n}") for n in range(8)]
    good: set[int] = set()
    bad: dict[int, str] = {}
    said = b""
    # The sandbox's clock is ahead of ours: the oldest events are fine by our rules, and it refuses their requests.
    with sandbox(clock=lambda: utc_now() + timedelta(hours=2), misbehaviours=FAULTS, seed=4) as box:
        workers = {run: start_worker(box.base_url, run, stay=True, timeout=0.5) for run in "ab"}
        for number in range(ROUNDS):
            tenant = chance.choice(tenants)
            good.update(insert_sales(connection, tenant, chance.randrange(1, 30)))
            if chance.random() < 0.15:
                bad |= dict.fromkeys(insert_sales(connection, tenant, 1, currency="XXQ"), "bad_currency")
            if chance.random() < 0.15:
                late = timedelta(days=6, hours=23, seconds=-chance.randrange(600))
                bad |= dict.fromkeys(insert_sales(connection, tenant, 1, ago=late), "too_old")
            if chance.random() < 0.12:
                run = chance.choice(sorted(workers))
                said += _kill(connection, workers.pop(run), run)
                run = f"heir-{number}"
                workers[run] = start_worker(box.base_url, run, stay=True, timeout=0.5)
            if chance.random() < 0.1:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'trackai dispatch' AND datname = current_database() LIMIT 1"
                )
            # A round lasts for some requests, however fast the machine is.
            enough = _requests(box) + chance.randrange(2, 6)
            while queued(connection) and _requests(box) < enough:
                assert all(worker.poll() is None for worker in workers.values())
                time.sleep(0.01)
        box.behave()
        while queued(connection):
            assert all(worker.poll() is None for worker in workers.values())
            time.sleep(0.1)
        for run, worker in workers.items():
            said += _kill(connection, worker, run)
        _assert_delivered(connection, box, good, bad)
    assert TOKEN.encode() not in said
    assert _tables_with(connection, TOKEN) == []


def _requests(box: Sandbox) -> int:
    return sum(pixel.requests for pixel in box.pixels().values())


def _kill(connection: Connection, worker: "subprocess.Popen[bytes]", run: str) -> bytes:
    """Kill -9; time passes until its holds lapse. Return its output."""
    worker.kill()
    out, err = worker.communicate()
    connection.execute("UPDATE trackai.dispatch_circuits SET held_until = now() WHERE held_by LIKE %s", (f"{run}/%",))
    return bytes(out + err)


def _assert_delivered(connection: Connection, box: Sandbox, good: set[int], bad: dict[int, str]) -> None:
    ids: dict[int, str] = dict(
        connection.execute("SELECT conversion_id, event_id FROM trackai.dedupe_registry").fetchall()
    )
    events = {event.event_id: event for event in box.events()}
    assert {ids[sale] for sale in good} == set(events), "the good ones, all of them, and no other"
    assert {event.counted for event in events.values()} == {1}
    assert not any(event.changed for event in events.values())
    assert sum(event.accepted for event in events.values()) > len(events), "some answers were lost"
    found = outcomes(connection)
    assert {sale: found[sale][-1] for sale in good} == dict.fromkeys(good, ("success", None))
    assert {sale: found[sale][-1] for sale in bad} == {sale: ("failed", failure) for sale, failure in bad.items()}
    failures = {failure for attempts in found.values() for _, failure in attempts}
    assert {"unknown_outcome", "refused_together", "timeout", "connection", "setup", "throttled"} <= failures
    account = account_for(connection)
    assert (account.unexplained, dict(account.totals)) == (0, {"sent": len(good), "failed": len(bad)})


def test_a_token_is_found_nowhere_but_in_the_header(
    database_url: str,
    connection: Connection,
    add_tenant: AddTenant,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """After a run with every fault, with everything logged that is ever logged."""
    caplog.set_level(logging.DEBUG)
    for n in range(8):
        insert_sales(connection, add_tenant(f"shop-{n}", pixel_id=f"100{n}"), 40)
    add_tenant("strange", pixel_id="1009")
    insert_sales(connection, "t-strange", 1)
    connection.execute("UPDATE trackai.dispatch_queue SET at_most = 4")
    tokens = Tokens({"strange": TOKEN + "\r\nX-Injected: 1 \N{SNOWMAN}"})
    with sandbox(misbehaviours=FAULTS, seed=1) as box:
        settings = CapiSettings(
            capi_url=box.base_url, capi_timeout_seconds=0.3, retry_base_seconds=0.01, circuit_cooldown_seconds=0.05
        )
        for number in range(6):
            report = dispatch(database_url, tokens=tokens, settings=settings, run_id=f"run-{number}")
            assert TOKEN not in repr(report)
            time.sleep(0.05)
        dry_run(connection, tmp_path / "dry", tokens=tokens, settings=settings)
        assert TOKEN not in repr(box.requests())
    assert len(caplog.text) > 10_000
    assert TOKEN not in caplog.text
    assert _tables_with(connection, TOKEN) == []
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or TOKEN not in path.read_text()


def _tables_with(connection: Connection, text: str) -> list[str]:
    """Tables of any schema of ours in which a text is found in any column."""
    tables = connection.execute(
        "SELECT schemaname, relname FROM pg_stat_user_tables WHERE schemaname IN ('trackai', 'public')"
    ).fetchall()
    assert len(tables) > 15
    found = []
    for schema, table in tables:
        count = connection.execute(
            sql.SQL("SELECT count(*) FROM {} t WHERE t::text LIKE %s").format(sql.Identifier(schema, table)),
            (f"%{text}%",),
        ).fetchone()
        if count != (0,):
            found.append(table)
    return found
