"""ingest: its table, its exit codes, and what it says of refused records."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from psycopg import Connection
from typer.testing import Result

Run = Callable[..., Result]


@pytest.fixture
def clicks(home: Path) -> Path:
    """A file with two good clicks of tenant shop and one bad line."""
    folder = home / "landing" / "shop"
    folder.mkdir(parents=True)
    lines = [json.dumps({"fbclid": f"IwAR{n}", "created_at": "2026-01-10T11:00:00Z"}) for n in range(2)]
    file = folder / "clicks.jsonl"
    file.write_text("\n".join([*lines, "no JSON"]) + "\n")
    return file


def test_loads_and_says_what_was_refused(
    trackai: Run, add_tenant: Callable[..., str], clicks: Path, connection: Connection
) -> None:
    add_tenant("shop")
    result = trackai("ingest", clicks)
    assert result.exit_code == 0
    row = next(line.split() for line in result.stdout.splitlines() if "shop/clicks.jsonl" in line)
    assert row[:5] == ["shop/clicks.jsonl", "clicks", "2", "0", "1"]
    assert "trackai.ingest_rejects" in result.stderr
    assert connection.execute("SELECT count(*) FROM trackai.clicks").fetchone() == (2,)


def test_a_folder_loaded_again_brings_duplicates_alone(
    trackai: Run, add_tenant: Callable[..., str], clicks: Path
) -> None:
    add_tenant("shop")
    trackai("ingest", clicks)
    again = trackai("ingest", clicks.parents[1])
    assert again.exit_code == 0
    assert "0 new rows, 2 were here already, 1 refused" in again.stderr


def test_without_tenants_it_says_how_to_add_one(trackai: Run, clicks: Path) -> None:
    result = trackai("ingest", clicks)
    assert result.exit_code == 0
    assert "trackai tenant add" in result.stderr


def test_a_file_of_another_name_is_told_of(trackai: Run, tmp_path: Path) -> None:
    other = tmp_path / "orders.jsonl"
    other.write_text("{}\n")
    result = trackai("ingest", other)
    assert result.exit_code == 0
    assert "not a landing file" in result.stdout


def test_an_empty_folder_is_told_of(trackai: Run, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    result = trackai("ingest", folder)
    assert result.exit_code == 0
    assert "There was no file to load" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["/nowhere/clicks.jsonl"]])
def test_no_path_or_a_missing_one_is_bad_usage(trackai: Run, arguments: list[str]) -> None:
    assert trackai("ingest", *arguments).exit_code == 2
