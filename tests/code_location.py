"""The code location on a database of the test's own, and facts for it to work on.

What belongs here: what tests of definitions, jobs and sensors share. What does not: what is expected of them.
"""

import os
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster_location.dispatching import TOKEN
from psycopg import Connection, sql

from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.capi_sandbox.server import sandbox
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.database.statements import shipped
from trackai_pipelines.definitions import build_definitions
from trackai_pipelines.utc_days import range_tags

Insert = Callable[..., int]
ROOT = Path(__file__).resolve().parents[1]
TOOLS = Path(sys.executable).parent


@pytest.fixture
def database(database_url: str) -> EventDatabase:
    """The resource, on the test's database."""
    return EventDatabase(url=database_url)


@pytest.fixture
def location(home: Path, database: EventDatabase) -> dg.Definitions:
    """All definitions, on the test's database and home."""
    return build_definitions(resources={"database": database})


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """An instance in memory, for what runs in this process."""
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def postgres_instance(
    home: Path, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    """An instance as users have it: the project's dagster.yaml over PostgreSQL."""
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", empty_database_url)
    (home / "dagster.yaml").write_text(shipped("dagster.yaml").read_text())
    with dg.DagsterInstance.from_config(str(home)) as stored:
        yield stored


@pytest.fixture
def run_job(location: dg.Definitions, instance: dg.DagsterInstance) -> Callable[..., dg.ExecuteInProcessResult]:
    """Run a job of the location in this process: `run_job("rematch_unmatched", days=[first, last])`."""

    def run(name: str, *, days: list[Any] | None = None, **options: Any) -> dg.ExecuteInProcessResult:
        if days:
            options["tags"] = {**options.get("tags", {}), **range_tags(days)}
        result = location.resolve_job_def(name).execute_in_process(instance=instance, **options)
        assert result.success
        return result

    return run


def materialised(instance: dg.DagsterInstance, asset: str) -> dict[str, Any]:
    """Metadata of each partition's newest materialisation."""
    found = {}
    for record in instance.fetch_materializations(dg.AssetKey(asset), limit=100, ascending=True).records:
        event = record.asset_materialization
        assert event is not None
        if event.partition:
            found[event.partition] = {name: value.value for name, value in event.metadata.items()}
    return found


def _inserter(connection: Connection[Any], table: str, defaults: dict[str, Any]) -> Insert:
    def insert(tenant_id: str, **columns: Any) -> int:
        row = {"tenant_id": tenant_id, **defaults, **columns}
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING id").format(
            sql.Identifier("trackai", table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(map(sql.Placeholder, row)),
        )
        found = connection.execute(statement, row).fetchone()
        assert found is not None
        return int(found[0])

    return insert


@pytest.fixture
def insert_click(connection: Connection[Any]) -> Insert:
    """Insert a click by plain SQL; return its id."""
    return _inserter(connection, "clicks", {})


@pytest.fixture
def insert_sale(connection: Connection[Any]) -> Insert:
    """Insert a conversion by plain SQL, `at` being when it happened; return its id."""
    insert = _inserter(connection, "conversions", {"gateway": "shopify", "value": 10, "currency": "BRL"})
    numbers = iter(range(1, 1_000_000))

    def add(tenant_id: str, at: datetime, **columns: Any) -> int:
        event = {"gateway_event_id": f"event-{next(numbers)}", "occurred_at": at}
        return insert(tenant_id, **event, **columns)

    return add


@pytest.fixture
def add_matched_sales(insert_click: Insert, insert_sale: Insert) -> Callable[..., list[int]]:
    """Insert a day's sales, still to be matched: so many that fbc matches, that fbp matches, that nothing matches."""

    def add(tenant_id: str, at: datetime, *, fbc: int = 0, fbp: int = 0, unmatched: int = 0) -> list[int]:
        before = at - timedelta(hours=1)
        mark = f"{at:%Y%m%d%H%M%S}"
        sales = []
        for number in range(fbc):
            insert_click(tenant_id, fbclid=f"C{mark}{number}", created_at=before)
            sales.append(insert_sale(tenant_id, at, fbclid=f"C{mark}{number}"))
        for number in range(fbp):
            browser = f"fb.1.17{mark}.{number + 1}"
            insert_click(tenant_id, fbp=browser, created_at=before)
            sales.append(insert_sale(tenant_id, at, fbp=browser))
        sales += [insert_sale(tenant_id, at, fbclid=f"U{mark}{number}") for number in range(unmatched)]
        return sales

    return add


@pytest.fixture
def environment(home: Path, database_url: str, empty_database_url: str) -> dict[str, str]:
    """The environment that `trackai env` prints for plain `dagster` and `dg` commands."""
    dagster_home = home / "dagster"
    dagster_home.mkdir()
    (dagster_home / "dagster.yaml").write_text(shipped("dagster.yaml").read_text())
    assert empty_database_url.startswith("postgresql://")
    return {
        **os.environ,
        "DAGSTER_HOME": str(dagster_home),
        "DAGSTER_POSTGRES_URL": empty_database_url,
        "TRACKAI_DATABASE_URL": database_url,
        "PYTHONPATH": str(ROOT),
        "PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}",
    }


@pytest.fixture
def box(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox that the environment names, and tokens for two tenants."""
    for slug in ("ACME", "OTHER"):
        monkeypatch.setenv(f"TRACKAI_CAPI_TOKEN_{slug}", TOKEN)
    monkeypatch.setenv("TRACKAI_RETRY_BASE_SECONDS", "0.01")
    with sandbox(tokens=[TOKEN]) as running:
        monkeypatch.setenv("TRACKAI_CAPI_URL", running.base_url)
        yield running
