"""Through PgBouncer in transaction mode: everything works that can, and what cannot says what to set."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from declared import TABLES
from ingest.landing_zone import load_all, sale_record, write_jsonl
from pooler import pooled
from psycopg import Connection, sql
from typer.testing import CliRunner

from trackai_pipelines.cli import app
from trackai_pipelines.database.connection import SESSION, connect, is_pooled
from trackai_pipelines.database.partitions import detach_partition, maintain
from trackai_pipelines.database.pooler import PoolerError, connect_directly, direct_url, shares_sessions
from trackai_pipelines.doctor.checkup import findings
from trackai_pipelines.domain import Finding, Level
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.flag_values.client import open_flags
from trackai_pipelines.lifecycle.mover import only_mover
from trackai_pipelines.matching.follow import follow
from trackai_pipelines.settings import Settings
from trackai_pipelines.web.pool import connection_pool

pytestmark = pytest.mark.processes

SESSIONS = 3
PATIENCE = 60


@pytest.fixture
def through(database_url: str, home: Path) -> Iterator[str]:
    """The test's database through a pooler of three sessions."""
    with pooled(database_url, sessions=SESSIONS) as url:
        yield url


def of_all_sessions(url: str, query: Any) -> list[Any]:
    """The answers of all server sessions of the pooler: each is kept from the others by an open transaction."""
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(url)) for _ in range(SESSIONS)]
        for client in clients:
            stack.enter_context(client.transaction())
        return [value for client in clients for (value,) in client.execute(query).fetchall()]


def test_the_pooler_is_recognised(through: str, database_url: str) -> None:
    with connect(database_url) as direct, connect(through) as shared:
        assert not is_pooled(direct)
        assert not shares_sessions(direct)
        assert is_pooled(shared)
        assert shares_sessions(shared)
    with pooled(database_url, mode="session") as own, connect(own) as connection:
        assert is_pooled(connection)
        assert not shares_sessions(connection)
        assert direct_url(own) == own


def test_four_ingests_at_once_leave_nothing_in_the_sessions(
    through: str, connection: Connection[Any], tmp_path: Path, add_tenant: Any
) -> None:
    add_tenant("acme")
    folders = []
    for worker in range(4):
        folder = tmp_path / str(worker)
        folder.mkdir()
        for part in range(6):
            numbers = range(worker * 1000 + part * 100, worker * 1000 + part * 100 + 100)
            write_jsonl(folder / f"conversions{part}.jsonl", *(sale_record(number) for number in numbers))
        folders.append(folder)
    with ThreadPoolExecutor(4) as workers:
        loads = workers.map(lambda folder: load_all(through, folder), folders)
        reports = [report for reports in loads for report in reports]
    assert sum(report.accepted for report in reports) == 2400
    assert connection.execute("SELECT count(*) FROM trackai.conversions").fetchone() == (2400,)
    # A table that stayed would meet the next client, with columns of before a migration.
    assert connection.execute("SELECT relname FROM pg_class WHERE relpersistence = 't'").fetchall() == []
    assert set(of_all_sessions(through, "SHOW temp_buffers")) == {"8MB"}


def test_settings_hit_no_stranger_and_times_are_in_utc(through: str, connection: Connection[Any]) -> None:
    zone = "ALTER ROLE trackai IN DATABASE {} SET timezone = 'Asia/Tokyo'"
    connection.execute(sql.SQL(zone).format(sql.Identifier(connection.info.dbname)))
    with connection_pool(through, seconds=0.5) as web, web.connection() as request:
        request.execute("SELECT 1")
    assert set(of_all_sessions(through, "SHOW statement_timeout")) == {"0"}
    assert set(of_all_sessions(through, "SHOW idle_in_transaction_session_timeout")) == {"0"}
    assert set(of_all_sessions(through, "SHOW timezone")) == {"UTC"}


def test_a_resident_polls_where_nobody_would_wake_it(
    through: str, connection: Connection[Any], add_tenant: Any, insert_sale: Any
) -> None:
    acme = add_tenant("acme")
    done = threading.Event()
    resident = threading.Thread(
        target=follow,
        kwargs={
            "connect": partial(connect, through),
            "run_id": "run",
            "until": done.is_set,
            "on_window": lambda *_: None,
            "window_seconds": 1,
        },
    )
    resident.start()
    with open_flags(through):
        insert_sale(acme, datetime.now(UTC))
        deadline = time.monotonic() + PATIENCE
        while connection.execute("SELECT count(*) FROM trackai.matched_attributions").fetchone() == (0,):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert of_all_sessions(through, "SELECT pg_listening_channels()") == []
    done.set()
    resident.join()


def test_what_needs_a_session_takes_the_direct_url(
    through: str, database_url: str, empty_database_url: str, connection: Connection[Any], monkeypatch: Any
) -> None:
    held = (
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    with connect(through) as shared:
        advice = "Set TRACKAI_DATABASE_DIRECT_URL to a URL of the server itself"
        with pytest.raises(PoolerError, match=advice), only_mover(shared):
            raise AssertionError
        with pytest.raises(PoolerError):
            detach_partition(shared, "match_log", datetime.now(UTC).date())
        # Days ahead are made all the same.
        assert maintain(shared, TABLES, today=datetime.now(UTC).date() + timedelta(days=9)).made
    assert connection.execute(held).fetchone() == (0,)
    monkeypatch.setenv("TRACKAI_DATABASE_URL", through)
    refused = CliRunner().invoke(app, ["retention"])
    assert refused.exit_code == 1
    assert "Set TRACKAI_DATABASE_DIRECT_URL" in " ".join(refused.stderr.split())

    for wrong, why in ((empty_database_url, "another database"), (through, "leads to a pooler, too")):
        monkeypatch.setenv("TRACKAI_DATABASE_DIRECT_URL", wrong)
        with pytest.raises(PoolerError, match=why):
            direct_url(through)
    monkeypatch.setenv("TRACKAI_DATABASE_DIRECT_URL", database_url)
    with connect_directly(through, name="test") as own:
        assert not is_pooled(own)
        maintain(own, TABLES, today=datetime.now(UTC).date())
    for command in (["retention"], ["retention"], ["migrate"]):
        result = CliRunner().invoke(app, command)
        assert result.exit_code == 0, result.output
    assert connection.execute(held).fetchone() == (0,)


def test_doctor_says_what_a_pooler_costs(
    through: str, database_url: str, connection: Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACKAI_DATABASE_URL", through)
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", database_url)

    def found() -> dict[str, Finding]:
        return {finding.check: finding for finding in findings(DOMAINS, Settings(), now=datetime.now(UTC))}

    said = found()
    assert said["pooler"].said.startswith("in transaction mode: drains look for work twice a second")
    assert said["direct URL"].level is Level.FAIL
    assert "TRACKAI_DATABASE_DIRECT_URL" in (said["direct URL"].fix or "")
    assert "idle_in_transaction_session_timeout = 0" in said["session settings"].said
    for name, value in SESSION.items():
        setting = sql.SQL("ALTER ROLE trackai IN DATABASE {} SET {} = {}")
        connection.execute(
            setting.format(sql.Identifier(connection.info.dbname), sql.Identifier(name), sql.Literal(value))
        )
    monkeypatch.setenv("TRACKAI_DATABASE_DIRECT_URL", database_url)
    # Sessions that begin from now on have them.
    with pooled(database_url) as fresh:
        monkeypatch.setenv("TRACKAI_DATABASE_URL", fresh)
        said = found()
    assert said["direct URL"].level is Level.OK
    assert "session settings" not in said
    with pooled(database_url, mode="session") as own:
        monkeypatch.setenv("TRACKAI_DATABASE_URL", own)
        assert found()["pooler"].said == "in session mode, which costs nothing"
