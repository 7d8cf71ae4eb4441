"""The real system under a steady stream of sales: `trackai up`, an app that inserts row by row, a Conversions API.

What belongs here: starting them, inserting at a rate, killing drains. What does not: what is measured meanwhile.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg

from benchmarks.database import Database, benchmark_sql, count
from benchmarks.world import add_sales
from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.database.connection import connect
from trackai_pipelines.settings import token_variable

# Migrations, the webserver, the daemon and the first drain, on a slow machine.
_START_SECONDS = 240
_STOP_SECONDS = 120
_LOOK_SECONDS = 0.2
_INSERTERS = 8
# Sales that an inserter has ready.
_AHEAD = 200
_STARTED_PROCESS = re.compile(r"\(pid: (\d+)\)")
# Sales of the world that are inserted one by one are numbered from here, those of before below.
FIRST_SALE = 1_000_000_000


@dataclass(frozen=True)
class Up:
    """A running `trackai up`, and the file that it writes to."""

    process: subprocess.Popen[bytes]
    log: Path

    def wait_until(self, holds: Callable[[], bool], *, seconds: float, what: str) -> None:
        """Look again and again until it holds. Raises RuntimeError when `up` ends before, or it takes longer."""
        deadline = time.monotonic() + seconds
        while not holds():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"trackai up {what}; it said:\n{self.log.read_text()[-5000:]}")
            time.sleep(_LOOK_SECONDS)


@contextmanager
def trackai_started(
    database: Database, *, drains: int, life_seconds: int, more: Mapping[str, str] | None = None
) -> Iterator[Up]:
    """Within the block, `trackai up` runs on these databases, on free ports; it has just been started.

    `more` are further variables of its environment.
    """
    port, web_port = _free_ports()
    log = database.home / "up.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "trackai_pipelines.cli", "up", "--port", str(port), "--web-port", str(web_port)],
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith(("TRACKAI_", "DAGSTER_"))},
                "TRACKAI_HOME": str(database.home),
                "TRACKAI_DATABASE_URL": database.url,
                "DAGSTER_POSTGRES_URL": database.dagster_url,
                "TRACKAI_DRAINS": str(drains),
                "TRACKAI_RESIDENT_LIFE_SECONDS": str(life_seconds),
                **(more or {}),
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Up(process, log)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(_STOP_SECONDS)


@contextmanager
def trackai_up(
    database: Database, *, drains: int, life_seconds: int, more: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Within the block, `trackai_started` has decided a first conversion."""
    with (
        trackai_started(database, drains=drains, life_seconds=life_seconds, more=more) as up,
        connect(database.url, name="benchmark") as connection,
    ):
        add_sales(connection, FIRST_SALE - 1, FIRST_SALE - 1)
        up.wait_until(
            lambda: not count(connection, "SELECT count(*) FROM trackai.match_queue"),
            seconds=_START_SECONDS,
            what="does not decide conversions",
        )
        yield


def _free_ports() -> tuple[int, int]:
    """Two ports that nobody listens on."""
    with socket.socket() as one, socket.socket() as other:
        for probe in (one, other):
            probe.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


@contextmanager
def conversions_api(*, latency_ms: int) -> Iterator[Sandbox]:
    """Within the block, a local Conversions API in a process of its own, which answers after so long."""
    command = [sys.executable, "-m", "trackai_pipelines.cli", "sandbox", "--port", "0"]
    serving = subprocess.Popen(
        [*command, "--latency-ms", str(latency_ms), "--keep-events", "0"],
        env=os.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert serving.stdout is not None
    try:
        # export TRACKAI_CAPI_URL=http://127.0.0.1:...
        with Sandbox(serving.stdout.readline().strip().partition("=")[2]) as box:
            yield box
    finally:
        serving.terminate()
        serving.wait(30)
        serving.stdout.close()


def delivering_to(box: Sandbox, *, tenants: int) -> dict[str, str]:
    """The variables that make `trackai up` deliver the sales of so many tenants of the world to it."""
    tokens = {token_variable(f"shop-{number}"): "token-of-the-benchmark" for number in range(1, tenants + 1)}
    return {**tokens, "TRACKAI_CAPI_URL": box.base_url}


def insert_steadily(database: Database, *, first: int, a_minute: float, seconds: float) -> dict[int, float]:
    """Insert sales from number `first` on, each on its own, at this rate for so long.

    Gives the id of each with the time, in seconds since 1970, at which its commit had returned.
    """
    total = round(a_minute * seconds / 60)
    begun = time.time()
    with ThreadPoolExecutor(_INSERTERS) as pool:
        parts = [
            pool.submit(_insert_every, database.url, first, place, total, begun, a_minute / 60)
            for place in range(_INSERTERS)
        ]
        committed = {}
        for part in parts:
            committed.update(part.result())
    return committed


def _insert_every(url: str, first: int, place: int, total: int, begun: float, rate: float) -> dict[int, float]:
    """One inserter's share of `total` sales, each when its time comes: turns are taken, numbers are in a row."""
    turns = range(place, total, _INSERTERS)
    first += sum(len(range(other, total, _INSERTERS)) for other in range(place))
    committed = {}
    with psycopg.connect(url, autocommit=True, application_name="benchmark app") as connection:
        for number, turn in enumerate(turns):
            if number % _AHEAD == 0:
                ready = _sales(connection, first + number, min(_AHEAD, len(turns) - number))
            wait = begun + turn / rate - time.time()
            if wait > 0:
                time.sleep(wait)
            sale = {**ready[number % _AHEAD], "occurred_at": datetime.now(UTC)}
            row = connection.execute(benchmark_sql("insert_sale"), sale).fetchone()
            assert row is not None
            committed[row[0]] = time.time()
    return committed


def _sales(connection: psycopg.Connection[Any], first: int, rows: int) -> list[dict[str, Any]]:
    cursor = connection.cursor(row_factory=psycopg.rows.dict_row)
    return cursor.execute("SELECT * FROM benchmark.sales(%s, %s)", [first, first + rows - 1]).fetchall()


def drain_processes(database: Database) -> list[psutil.Process]:
    """The processes of the drain runs that hold a lease, as Dagster's event log knows them."""
    with connect(database.url, name="benchmark") as connection:
        leases = connection.execute(
            "SELECT holder FROM trackai.leases WHERE name = 'match_conversions' AND taken_at IS NOT NULL "
            "AND expires_at > now() ORDER BY taken_at"
        ).fetchall()
    with psycopg.connect(database.dagster_url) as dagster:
        events = dagster.execute(
            "SELECT e.event FROM event_logs e JOIN unnest(%s::text[]) WITH ORDINALITY AS l (holder, place) "
            "ON strpos(l.holder, e.run_id) > 0 WHERE e.dagster_event_type = 'ENGINE_EVENT' ORDER BY l.place",
            [[holder for (holder,) in leases]],
        ).fetchall()
    pids = dict.fromkeys(int(pid) for (event,) in events for pid in _STARTED_PROCESS.findall(event))
    return [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
