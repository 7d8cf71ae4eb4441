"""restore: an archived day is back, and what cannot be restored is told with what there is."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from declared import CLICKS
from psycopg import Connection
from typer.testing import Result

from trackai_pipelines.database.connection import connect
from trackai_pipelines.lifecycle.archive.drop import drop_day
from trackai_pipelines.lifecycle.archive.export import archive_day
from trackai_pipelines.lifecycle.archive.store import open_store
from trackai_pipelines.lifecycle.mover import only_mover

Run = Callable[..., Result]
DAY = date(2026, 1, 10)


@pytest.fixture
def archive(
    trackai: Run, home: Path, database_url: str, connection: Connection[Any], add_tenant: Callable[..., str],
    add_click: Callable[..., None],
) -> Callable[..., Path]:  # fmt: skip
    """`archive()` archives three clicks of the day and drops them; with `drop=False` only archives. Gives the file."""
    tenant = add_tenant("shop")
    for number in range(3):
        add_click(tenant, fbclid=f"click{number}")

    def archived(*, drop: bool = True) -> Path:
        store = open_store(str(home / "archive"))
        made = archive_day(connection, database_url, store, CLICKS, DAY, grace=timedelta(0))
        assert made is not None
        if drop:
            drop_day(connection, store, CLICKS, made)
        return home / "archive" / made.path

    return archived


def _clicks(connection: Connection[Any]) -> Any:
    return connection.execute("SELECT count(*) FROM trackai.clicks").fetchone()


def test_a_day_is_back_and_stays(trackai: Run, archive: Callable[..., Path], connection: Connection[Any]) -> None:
    archive()
    assert _clicks(connection) == (0,)
    result = trackai("restore", "clicks", "2026-01-10", "--keep-days", "3")
    assert result.exit_code == 0, result.stderr
    assert "3 rows of clicks of 2026-01-10 were put back" in result.stderr
    assert f"until {datetime.now(UTC) + timedelta(days=3):%Y-%m-%d}" in result.stderr
    assert _clicks(connection) == (3,)
    again = trackai("restore", "clicks", "2026-01-10")
    assert again.exit_code == 0
    assert "All rows were there" in again.stderr
    assert f"until {datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}" in again.stderr


def test_a_day_that_was_not_dropped_yet(
    trackai: Run, archive: Callable[..., Path], connection: Connection[Any]
) -> None:
    file = archive(drop=False)
    result = trackai("restore", "clicks", "2026-01-10")
    assert result.exit_code == 0, result.stderr
    assert "All rows were there" in result.stderr
    assert f"until {datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}" in result.stderr
    assert file.exists()
    assert _clicks(connection) == (3,)


def test_what_was_never_archived(trackai: Run, archive: Callable[..., Path]) -> None:
    archive()
    result = trackai("restore", "clicks", "2026-01-11")
    assert result.exit_code == 1
    assert "clicks of 2026-01-11 was never archived. Archived days of clicks: 2026-01-10." in result.stderr
    assert "match_log of 2026-01-10 was never archived, nor any other day" in (
        trackai("restore", "match_log", "2026-01-10").stderr
    )


def test_a_damaged_file_is_named(trackai: Run, archive: Callable[..., Path], connection: Connection[Any]) -> None:
    file = archive()
    file.write_bytes(file.read_bytes()[1:])
    result = trackai("restore", "clicks", "2026-01-10")
    assert result.exit_code == 1
    assert str(file) in result.stderr
    assert "Nothing was changed. Put the file back from a backup" in result.stderr
    assert "Traceback" not in result.stderr
    assert _clicks(connection) == (0,)


def test_an_archive_that_cannot_be_reached(
    trackai: Run, archive: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive()
    monkeypatch.setenv("TRACKAI_ARCHIVE_DIR", "carrier-pigeon://loft")
    result = trackai("restore", "clicks", "2026-01-10")
    assert result.exit_code == 1
    assert "begins with carrier-pigeon://" in result.stderr


def test_while_others_are_at_work(trackai: Run, archive: Callable[..., Path], database_url: str) -> None:
    archive()
    with connect(database_url, name="the night's retention") as other, only_mover(other):
        result = trackai("restore", "clicks", "2026-01-10")
    assert result.exit_code == 1
    assert "the night's retention" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["tenants", "2026-01-10"],
        ["clicks", "10.1.2026"],
        ["clicks", "2026-02-30"],
        ["clicks"],
        ["clicks", "2026-01-10", "--keep-days", "0"],
    ],
)
def test_bad_usage(trackai: Run, arguments: list[str]) -> None:
    result = trackai("restore", *arguments)
    assert result.exit_code == 2
    if arguments[0] == "tenants":
        assert "dispatch_attempts" in result.stderr
