"""Several drains at once, drains that are killed, and facts that arrive in the middle of it all."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count

import psycopg
import pytest
from matching.facts import SALE, decided, insert_backlog, insert_click, insert_sale
from psycopg import Connection

from trackai_pipelines.database.connection import connect
from trackai_pipelines.matching.drain import drain, work_waiting
from trackai_pipelines.matching.log import account_for, log_agreement

pytestmark = pytest.mark.processes

AddTenant = Callable[..., str]


@pytest.fixture
def reference(database_url: str, connection: Connection, add_tenant: AddTenant) -> dict[str, object]:
    """A backlog of 12,000 sales of three tenants on the queue, and what one undisturbed drain makes of it."""
    insert_backlog(connection, [add_tenant("a"), add_tenant("b"), add_tenant("c")], 12_000)
    connection.execute("CREATE TABLE public.waiting AS TABLE trackai.match_queue")
    drain(connection, run_id="reference")
    expected = decided(connection)
    connection.execute("TRUNCATE trackai.matched_attributions, trackai.match_log")
    connection.execute("INSERT INTO trackai.match_queue SELECT * FROM public.waiting")
    return dict(expected)


def _assert_consistent(connection: Connection, expected: dict[str, object]) -> None:
    assert decided(connection) == expected
    accounts = account_for(connection, SALE.date())
    assert (accounts.attributed, accounts.unaccounted, accounts.doubled) == (len(expected), 0, 0)
    days = connection.execute("SELECT DISTINCT (created_at AT TIME ZONE 'UTC')::date FROM trackai.match_log").fetchall()
    for (day,) in days:
        agreement = log_agreement(connection, day)
        assert (agreement.without_log, agreement.without_attribution) == (0, 0)
    assert connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM trackai.match_log GROUP BY tenant_id, conversion_id, attempt"
        " HAVING count(*) > 1) doubled"
    ).fetchone() == (0,)


@pytest.mark.parametrize("drains", [2, 4, 8])
def test_drains_at_once_share_one_backlog(
    database_url: str, connection: Connection, reference: dict[str, object], drains: int
) -> None:
    def one(number: int) -> int:
        with connect(database_url) as own:
            return drain(own, run_id=f"drain-{number}", batch_size=250).conversions

    with ThreadPoolExecutor(drains) as pool:
        shares = list(pool.map(one, range(drains)))
    assert sum(shares) == len(reference)
    assert sum(share > 0 for share in shares) >= 2, "the work was shared"
    _assert_consistent(connection, reference)
    deadlocks = connection.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    assert deadlocks.fetchone() == (0,)


def test_killed_backends_lose_and_double_nothing(
    database_url: str, connection: Connection, reference: dict[str, object]
) -> None:
    chance = random.Random(1)
    killed = 0

    def stubborn(number: int) -> None:
        nonlocal killed
        while True:
            try:
                with connect(database_url, name="victim") as own:
                    drain(own, run_id=f"victim-{number}", batch_size=100)
                    return
            except psycopg.OperationalError:
                killed += 1

    with ThreadPoolExecutor(3) as pool:
        under_way = [pool.submit(stubborn, number) for number in range(3)]
        while not all(future.done() for future in under_way) and killed < 40:
            time.sleep(chance.random() * 0.05)
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'victim' ORDER BY random() LIMIT 1"
            )
        for future in under_way:
            future.result()
    assert killed >= 3
    drain(connection, run_id="the rest")
    _assert_consistent(connection, reference)


def test_killed_process_gives_its_batch_back(
    database_url: str, connection: Connection, reference: dict[str, object]
) -> None:
    code = (
        "import sys; from trackai_pipelines.database.connection import connect;"
        "from trackai_pipelines.matching.drain import drain;"
        "drain(connect(sys.argv[1]), run_id='doomed', batch_size=50, on_batch=lambda report: print('.', flush=True))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, database_url], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.read(6)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert 0 < len(decided(connection)) < len(reference)
    drain(connection, run_id="heir")
    _assert_consistent(connection, reference)


def test_click_and_sale_committed_at_the_same_moment_always_meet(
    database_url: str, connection: Connection, add_tenant: AddTenant
) -> None:
    """Whichever of the two a drain sees first, the sale ends up with its click."""
    tenant = add_tenant("acme")
    pairs = 300
    numbers = count()
    finished = False

    def writer(insert_click_first: bool) -> None:
        chance = random.Random(insert_click_first)
        with connect(database_url) as click_side, connect(database_url) as sale_side:
            for _ in range(pairs):
                key = f"key{next(numbers)}"
                # Both transactions are open at once; they commit in either order, a moment apart.
                click_side.execute("BEGIN")
                sale_side.execute("BEGIN")
                insert_click(click_side, tenant, SALE - timedelta(hours=1), fbclid=key)
                insert_sale(sale_side, tenant, key, fbclid=key)
                first, second = (click_side, sale_side) if insert_click_first else (sale_side, click_side)
                first.execute("COMMIT")
                time.sleep(chance.random() * 0.004)
                second.execute("COMMIT")

    def drainer(number: int) -> None:
        with connect(database_url) as own:
            while not finished:
                drain(own, run_id=f"drainer-{number}", batch_size=3)

    with ThreadPoolExecutor(4) as pool:
        drainers = [pool.submit(drainer, number) for number in range(2)]
        for future in [pool.submit(writer, first) for first in (True, False)]:
            future.result()
        finished = True
        for future in drainers:
            future.result()
    drain(connection, run_id="the rest")
    assert work_waiting(connection).conversions == 0
    assert [event for event, (strategy, _) in decided(connection).items() if strategy != "fbc"] == []
    assert len(decided(connection)) == 2 * pairs


def test_clicks_deleted_under_running_drains(
    database_url: str, connection: Connection, reference: dict[str, object]
) -> None:
    def deleter() -> None:
        with connect(database_url) as own:
            for remainder in range(40):
                own.execute("DELETE FROM trackai.clicks WHERE id %% 40 = %s", (remainder,))

    def drainer(number: int) -> None:
        with connect(database_url) as own:
            drain(own, run_id=f"drainer-{number}", batch_size=200)

    with ThreadPoolExecutor(3) as pool:
        for future in [pool.submit(deleter), pool.submit(drainer, 1), pool.submit(drainer, 2)]:
            future.result()
    drain(connection, run_id="the rest")
    assert len(decided(connection)) == len(reference)
    assert all(click is None for _, click in decided(connection).values())
