"""A year of days, lived through fast, with whoever looks after them killed a hundred times: never a row is lost."""

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from declared import TABLES
from psycopg import Connection, sql

from trackai_pipelines.database.partitions import (
    create_partitions_ahead,
    detached_days,
    partition_days,
    partition_name,
)
from trackai_pipelines.lifecycle.archive.manifest import archives
from trackai_pipelines.match_rates.aggregate import aggregate_days

pytestmark = [pytest.mark.processes, pytest.mark.slow]

FIRST = date(2026, 1, 1)
DAYS = 365
KILLS = 100
# Its match rates are only aggregated much later.
FORGOTTEN, REMEMBERED = FIRST + timedelta(days=20), FIRST + timedelta(days=200)
KEYS = {"match_log": "conversion_id", "dispatch_attempts": "id", "clicks": "id"}
Keys = dict[str, set[int]]


@pytest.mark.timeout(1500)
def test_a_year_of_days_and_a_hundred_kills(
    connection: Connection, database_url: str, add_tenant: Callable[..., str], tmp_path: Path
) -> None:
    chance = random.Random(5)
    tenant = add_tenant("acme", lookback_days=30)
    connection.execute("UPDATE trackai.retention_policies SET keep = '120 days' WHERE table_name = 'clicks'")
    folder = tmp_path / "archive"
    inserted: Keys = {table: set() for table in KEYS}
    files = Files(folder)
    kills_on = [chance.randrange(DAYS) for _ in range(KILLS)]
    killed = 0
    worker = Worker(database_url, folder)
    try:
        for offset in range(DAYS):
            today = FIRST + timedelta(days=offset)
            if not offset:
                # The first day comes before the first maintenance.
                create_partitions_ahead(connection, TABLES, today=today, days=0)
            insert_day(connection, tenant, today, inserted, late=chance.random() < 0.1)
            if today != FORGOTTEN:
                list(aggregate_days(connection, today, today))
            if today == REMEMBERED:
                assert FORGOTTEN in partition_days(connection, "match_log")
                list(aggregate_days(connection, FORGOTTEN, FORGOTTEN))
            for _ in range(kills_on.count(offset)):
                worker.begin(today)
                time.sleep(chance.random() * worker.usual_seconds)
                worker.kill()
                killed += 1
                everything_is_there(connection, files, inserted)
                worker = Worker(database_url, folder, worker.usual_seconds)
            assert worker.live(today) == "done"
            everything_is_there(connection, files, inserted)
            ahead = {today + timedelta(days=days) for days in range(-1, 29)}
            assert ahead <= set(partition_days(connection, "match_log"))
    finally:
        worker.kill()
    assert killed == KILLS
    # Most of the kills met somebody at work.
    row = connection.execute("SELECT count(*) FROM trackai.retention_plans WHERE finished_at IS NULL").fetchone()
    assert row is not None
    assert row[0] > KILLS // 4
    # What had to leave has left, and nothing else: 90 days, and 7 of grace.
    last = FIRST + timedelta(days=DAYS - 1)
    assert [day for day in partition_days(connection, "match_log") if day < last - timedelta(days=90)] == []
    assert detached_days(connection, "match_log") == [last - timedelta(days=back) for back in range(97, 90, -1)]
    gone = {archive.day for archive in archives(connection, "match_log", states=["dropped"])}
    assert FORGOTTEN in gone
    assert connection.execute("SELECT count(*) FROM trackai.daily_match_rates").fetchone() == (DAYS,)
    assert connection.execute(
        "SELECT count(*) FROM trackai.matched_attributions WHERE strategy <> 'fbc' OR matched_at IS NULL"
    ).fetchone() == (0,)
    kept_clicks = connection.execute("SELECT count(click_id) FROM trackai.matched_attributions").fetchone()
    assert kept_clicks is not None
    assert 0 < kept_clicks[0] < DAYS
    assert [stray for stray in folder.rglob("*") if stray.suffix not in ("", ".parquet")] == []


class Worker:
    """Somebody who looks after the days."""

    def __init__(self, database_url: str, archive: Path, usual_seconds: float = 0.5) -> None:
        script = Path(__file__).parents[1] / "retention_worker.py"
        self.process = subprocess.Popen(
            [sys.executable, str(script), database_url, str(archive)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.usual_seconds = usual_seconds

    def begin(self, day: date) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{day}\n")
        self.process.stdin.flush()

    def live(self, day: date) -> str:
        begun = time.monotonic()
        self.begin(day)
        assert self.process.stdout is not None
        answer = self.process.stdout.readline().strip()
        self.usual_seconds = max(0.1, 0.9 * self.usual_seconds + 0.1 * (time.monotonic() - begun))
        return answer

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


class Files:
    """What the archives hold, each file read once for every content that it has."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.read: dict[tuple[str, str], set[int]] = {}

    def keys(self, path: str, sha256: str, column: str) -> set[int]:
        if (path, sha256) not in self.read:
            found = pq.read_table(self.folder / path, columns=[column]).column(column).to_pylist()
            assert len(found) == len(set(found))
            self.read[path, sha256] = set(found)
        return self.read[path, sha256]


def insert_day(connection: Connection, tenant: str, day: date, inserted: Keys, *, late: bool) -> None:
    """A day's clicks, one sale of one of them, its log and its delivery; sometimes also clicks of long ago."""
    at = datetime(day.year, day.month, day.day, 1, tzinfo=UTC)
    clicked = [at] * 5 + ([at - timedelta(days=250)] * 2 if late else [])
    clicks = connection.execute(
        "INSERT INTO trackai.clicks (tenant_id, fbclid, created_at, ingested_at) "
        "SELECT %s, 'x', at, %s FROM unnest(%s::timestamptz[]) at RETURNING id",
        [tenant, at, clicked],
    ).fetchall()
    sale = connection.execute(
        "INSERT INTO trackai.conversions "
        "(tenant_id, gateway, gateway_event_id, value, currency, occurred_at, created_at) "
        "VALUES (%s, 'stripe', %s, 1, 'BRL', %s, %s) RETURNING id",
        [tenant, str(day), at, at],
    ).fetchone()
    assert sale is not None
    connection.execute("DELETE FROM trackai.match_queue")
    connection.execute(
        "INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, click_id, strategy, matched_at) "
        "VALUES (%s, %s, %s, 'fbc', %s)",
        [tenant, sale[0], clicks[0][0], at],
    )
    # Clicks stay until the journeys of the sales that they may have led to are known.
    connection.execute(
        "INSERT INTO trackai.conversion_journeys "
        "(tenant_id, conversion_id, day, touches, shared_keys, truncated, computed_at) "
        "VALUES (%s, %s, %s, 1, 0, false, %s)",
        [tenant, sale[0], day, at],
    )
    number = 1000 * (day - FIRST).days
    connection.execute(
        "INSERT INTO trackai.match_log "
        "(tenant_id, conversion_id, attempt, strategy, outcome, processing_ms, created_at) "
        "SELECT %s, %s + n, 1, 'fbc', 'no_key', 1, %s + n * interval '2 hours' FROM generate_series(0, 9) n",
        [tenant, number, at],
    )
    attempts = connection.execute(
        "INSERT INTO trackai.dispatch_attempts (tenant_id, event_id, conversion_id, attempt, status, created_at, "
        "completed_at) SELECT %s, %s, %s, n, 'success', %s, %s FROM generate_series(1, 4) n RETURNING id",
        [tenant, str(day), sale[0], at, at],
    ).fetchall()
    inserted["clicks"].update(row[0] for row in clicks)
    inserted["match_log"].update(number + n for n in range(10))
    inserted["dispatch_attempts"].update(row[0] for row in attempts)


def everything_is_there(connection: Connection, files: Files, inserted: Keys) -> None:
    """Rows in the database and in archives that count are all that were ever inserted; none twice in the database."""
    manifest = archives(connection)
    for table, key in KEYS.items():
        present: list[int] = []
        for part in parts(connection, table):
            query = sql.SQL("SELECT {} FROM {}").format(sql.Identifier(key), sql.Identifier("trackai", part))
            present += [row[0] for row in connection.execute(query)]
        assert len(present) == len(set(present))
        dropped: list[int] = []
        verified: set[int] = set()
        for archive in manifest:
            if archive.table_name == table:
                found = files.keys(archive.path, archive.sha256, key)
                assert len(found) == archive.rows
                if archive.state == "dropped":
                    dropped += found
                else:
                    verified |= found
        assert len(dropped) == len(set(dropped))
        assert not set(dropped) & set(present)
        assert set(present) | set(dropped) | verified == inserted[table]


def parts(connection: Connection, table: str) -> Iterator[str]:
    """The table, and beside it the days that are not (or just no longer) part of it."""
    yield table
    if table == "match_log":
        attached = set(partition_days(connection, "match_log"))
        found = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'trackai'::regnamespace AND relkind = 'r' "
            "AND relname ~ '^match_log_[0-9]{8}$'"
        ).fetchall()
        yield from (name for (name,) in found if name not in {partition_name(table, day) for day in attached})
