"""Loading survives kills, deadlocks, other loaders and rows that only the database refuses."""

import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from ingest.landing_zone import BUSINESS, EMAIL, KINDS, business_rows, counts, load_all, sale_record, write_jsonl
from psycopg import Connection, sql

from trackai_pipelines.database.connection import connect
from trackai_pipelines.ingest import load
from trackai_pipelines.ingest.load import FileReport, LoadInterruptedError, Progress, load_paths

pytestmark = pytest.mark.processes

_LOADER = """
import sys
from pathlib import Path
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.ingest import load
from trackai_pipelines.ingest.kinds import kinds_of
load.CHUNK_ROWS = 300
url, landing, *paths = sys.argv[1:]
# One call takes a file once, hence a call for each.
for path in paths:
    load.load_paths(url, [Path(path)], landing_dir=Path(landing), kinds=kinds_of(DOMAINS))
"""


def _facts(landing: Path, chance: random.Random) -> list[Path]:
    sales = [sale_record(number, tenant=chance.choice(["acme", "globex"]), email=EMAIL) for number in range(3_000)]
    clicks = [{"tenant": "acme", "fbclid": str(n % 700), "created_at": "2026-03-01T12:00:00Z"} for n in range(1_500)]
    people = [{"tenant": "acme", "email": f"{n}@x.com", "click_external_id": n} for n in range(600)]
    paths = []
    for name, rows in (("conversions", sales), ("clicks", clicks), ("identities", people)):
        for part in range(3):
            # Overlapping parts, each in an order of its own.
            chosen = [*chance.sample(rows, len(rows) * 2 // 3), {"tenant": "nobody", "part": part}]
            paths.append(write_jsonl(landing / f"{name}-{part}.jsonl", *chosen))
    return paths


def test_two_processes_that_load_everything_three_times_leave_what_one_load_leaves(
    database_url: str, connection: Connection, landing: Path
) -> None:
    chance = random.Random(7)
    paths = [str(path) for path in _facts(landing, chance)]
    load_all(database_url, landing)
    expected = {table: business_rows(connection, table) for table in BUSINESS}
    assert len(expected["ingest_rejects"]) == 9
    for table in ("conversions", "identities", "clicks", "ingest_rejects", "ingest_files"):
        connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(sql.Identifier("trackai", table)))
    environment = os.environ | {"PYTHONPATH": str(Path(load.__file__).parents[2])}
    loaders = []
    for _ in range(2):
        orders = [path for _ in range(3) for path in chance.sample(paths, len(paths))]
        loaders.append(
            subprocess.Popen(
                [sys.executable, "-c", _LOADER, database_url, str(landing), *orders],
                env=environment,
                stderr=subprocess.PIPE,
            )
        )
    for loader in loaders:
        _, errors = loader.communicate(timeout=120)
        assert loader.returncode == 0, errors.decode()
    assert {table: business_rows(connection, table) for table in BUSINESS} == expected


def test_a_load_that_is_killed_midway_is_completed_by_the_next(
    database_url: str, connection: Connection, landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "CHUNK_ROWS", 100)
    path = write_jsonl(landing / "conversions.jsonl", *(sale_record(number) for number in range(2_000)), b"{")

    def kill(progress: Progress) -> None:
        if progress.line == 500:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'trackai ingest' AND datname = current_database()"
            )

    with pytest.raises(LoadInterruptedError) as interrupted:
        load_paths(database_url, [path], landing_dir=landing, kinds=KINDS, on_progress=kill)
    told = str(interrupted.value)
    assert "conversions.jsonl" in told
    assert "Load the file again" in told
    (there,) = connection.execute("SELECT count(*) FROM trackai.conversions").fetchone() or (0,)
    assert 500 <= there < 2_000
    assert there % 100 == 0
    assert connection.execute("SELECT count(*) FROM trackai.ingest_files").fetchone() == (0,)
    (report,) = load_all(database_url, landing)
    assert counts(report) == (2_000 - there, there, 1)
    assert connection.execute(
        "SELECT count(*), count(DISTINCT gateway_event_id) FROM trackai.conversions"
    ).fetchone() == (2_000, 2_000)
    assert connection.execute("SELECT count(*) FROM trackai.match_queue").fetchone() == (2_000,)


@pytest.mark.parametrize("repeated_first", [True, False])
def test_a_chunk_of_new_rows_and_others_writes_the_new_ones_once(
    repeated_first: bool, database_url: str, connection: Connection, landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "CHUNK_ROWS", 1_000)
    load_all(
        database_url, landing, write_jsonl(landing / "conversions-0.jsonl", sale_record(1_500), sale_record(2_500))
    )
    # Chunks of new rows alone, with a row of the other file, with one that stands in another chunk or twice in its own.
    numbers = [*range(3_000), 2_990, *range(3_000, 5_000), 17]
    sales = [sale_record(number) for number in (reversed(numbers) if repeated_first else numbers)]
    (report,) = load_all(database_url, landing, write_jsonl(landing / "conversions-1.jsonl", *sales))
    assert counts(report) == (4_998, 4, 0)
    events = connection.execute("SELECT count(*), count(DISTINCT gateway_event_id) FROM trackai.conversions")
    assert events.fetchone() == (5_000, 5_000)
    queued = connection.execute("SELECT conversion_id FROM trackai.match_queue ORDER BY 1").fetchall()
    assert queued == connection.execute("SELECT id FROM trackai.conversions ORDER BY 1").fetchall()


def test_a_row_that_only_the_database_refuses_is_set_aside_alone(
    database_url: str, connection: Connection, landing: Path
) -> None:
    connection.execute("ALTER TABLE trackai.conversions ADD CHECK (order_id <> 'bad')")
    sales = [sale_record(number, order_id="bad" if number in {17, 400} else "good") for number in range(500)]
    write_jsonl(landing / "conversions.jsonl", *sales, b"{")
    (report,) = load_all(database_url, landing)
    assert counts(report) == (498, 0, 3)
    kept = connection.execute("SELECT line, reason FROM trackai.ingest_rejects ORDER BY line").fetchall()
    assert [line for line, _ in kept] == [18, 401, 501]
    assert kept[0][1].startswith("the database refused the row: new row for relation")
    assert counts(load_all(database_url, landing)[0]) == (0, 498, 3)
    assert connection.execute("SELECT count(*) FROM trackai.ingest_rejects").fetchone() == (3,)


def test_a_deadlock_is_tried_again(database_url: str, connection: Connection, landing: Path) -> None:
    connection.execute(
        sql.SQL("ALTER DATABASE {} SET deadlock_timeout = '300ms'").format(sql.Identifier(connection.info.dbname))
    )
    write_jsonl(landing / "conversions.jsonl", sale_record(1), sale_record(2))
    insert = (
        "INSERT INTO trackai.conversions (tenant_id, gateway, gateway_event_id, value, currency, occurred_at) "
        "VALUES ('t-acme', 'stripe', %s, 1, 'BRL', now())"
    )
    reports: list[FileReport] = []
    with connect(database_url, name="other") as other, other.transaction():
        # Ours never gives way: its own look at the locks comes too late.
        other.execute("SET LOCAL deadlock_timeout = '1h'")
        other.execute(insert, ["evt_2"])
        loader = threading.Thread(target=lambda: reports.extend(load_all(database_url, landing)))
        loader.start()
        while not connection.execute(
            "SELECT 1 FROM pg_stat_activity WHERE application_name = 'trackai ingest' AND wait_event_type = 'Lock' "
            "AND datname = current_database()"
        ).fetchone():
            time.sleep(0.01)
        other.execute(insert, ["evt_1"])
    loader.join(timeout=30)
    assert [counts(report) for report in reports] == [(0, 2, 0)]
