"""The command line against a database of the test's own, in this process.

What belongs here: how tests call commands, and the facts they insert. What does not: assertions.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from folders import server_folder
from psycopg import Connection, sql
from typer.testing import CliRunner, Result

from trackai_pipelines.cli import app
from trackai_pipelines.database.embedded import stop

CLICK_ID = "IwAR0clickid"


@pytest.fixture
def run() -> Callable[..., Result]:
    """`run("match", "--json")` runs a command in this process, with nothing set but a home."""

    def invoke(*arguments: str | Path) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return invoke


@pytest.fixture
def server_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home for an embedded server of the test's own, with spaces in its path, gone afterwards."""
    folder = server_folder("trackai-cli-")
    own = folder / "a home with spaces"
    own.mkdir()
    monkeypatch.setenv("TRACKAI_HOME", str(own))
    yield own
    stop(own, though_used=True)
    shutil.rmtree(folder)


@pytest.fixture
def trackai(
    home: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, run: Callable[..., Result]
) -> Callable[..., Result]:
    """`run` with the environment naming this test's migrated event database.

    Dagster's is out of reach: tests of commands that use it ask for `dagster_storage`, too.
    """
    monkeypatch.setenv("TRACKAI_DATABASE_URL", database_url)
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", "postgresql://nobody@127.0.0.1:1/nowhere")
    return run


@pytest.fixture
def dagster_storage(trackai: object, empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty database for Dagster, which the environment of `trackai` names."""
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", empty_database_url)
    return empty_database_url


@pytest.fixture
def add_click(connection: Connection) -> Callable[..., None]:
    """Insert a click of a tenant an hour before the sale of `add_sale`."""

    def add(tenant_id: str, **columns: object) -> None:
        row = {"tenant_id": tenant_id, "fbclid": CLICK_ID, "created_at": "2026-01-10 11:00:00+00", **columns}
        connection.execute(_insert("clicks", row), row)

    return add


@pytest.fixture
def add_sale(connection: Connection) -> Callable[..., None]:
    """Insert a conversion: by default 99.90 BRL through stripe on 10 January 2026, with a click id."""

    def add(tenant_id: str, event_id: str, **columns: object) -> None:
        row = {
            "tenant_id": tenant_id,
            "gateway": "stripe",
            "gateway_event_id": event_id,
            "value": "99.90",
            "currency": "BRL",
            "occurred_at": "2026-01-10 12:00:00+00",
            "fbc": f"fb.1.1768042800000.{CLICK_ID}",
            **columns,
        }
        connection.execute(_insert("conversions", row), row)

    return add


def _insert(table: str, row: dict[str, object]) -> sql.Composed:
    return sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier("trackai", table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(map(sql.Placeholder, row)),
    )
