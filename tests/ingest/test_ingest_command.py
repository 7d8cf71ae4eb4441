"""ingest: its table, its exit codes, and what it says of refused records."""

import gzip
import json
from collections.abc import Callable
from decimal import Decimal
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
    assert result.exit_code == 1
    assert "trackai tenant add" in result.stderr


def test_a_file_of_another_name_is_told_of(trackai: Run, tmp_path: Path) -> None:
    other = tmp_path / "orders.jsonl"
    other.write_text("{}\n")
    result = trackai("ingest", other)
    assert result.exit_code == 1
    assert "not a landing file" in result.stdout
    assert "1 files were passed over" in result.stderr


@pytest.mark.parametrize(
    ("files", "plain", "strict"),
    [
        ({"shop/clicks.jsonl": b'{"fbclid": "a"}\n'}, 0, 0),
        ({"shop/clicks.jsonl": b'{"fbclid": "a"}\nno JSON\n'}, 0, 1),
        ({"shop/clicks.jsonl": b"no JSON\n"}, 1, 1),
        ({"shop/clicks.jsonl": b""}, 0, 0),
        ({"shop/clicks.jsonl": b'{"fbclid": "a"}\n', "shop/notes.doc": b"x"}, 0, 1),
        ({"shop/notes.doc": b"x"}, 1, 1),
        ({"shop/clicks.csv.part": b"x"}, 1, 1),
        ({"shop/webhooks/adyen/1.json": b"{}"}, 1, 1),
        ({"shop/clicks.parquet": b"PAR1"}, 1, 1),
        ({"shop/clicks.jsonl.gz": gzip.compress(b'{"fbclid": "a"}\n' * 9, compresslevel=0)[:-9]}, 0, 1),
        ({"shop/clicks/_SUCCESS": b"", "shop/clicks/part-0.json": b'{"fbclid": "a"}'}, 0, 0),
        ({"shop/_SUCCESS": b""}, 0, 0),
        ({"shop/webhooks/stripe/1.json": b'{"object": "list", "data": []}'}, 0, 0),
    ],
)
def test_exit_codes(
    trackai: Run, add_tenant: Callable[..., str], tmp_path: Path, files: dict[str, bytes], plain: int, strict: int
) -> None:
    add_tenant("shop")
    for name, content in files.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(content)
    # The second load finds what the first one took: that is no failure either.
    assert [trackai("ingest", tmp_path / "in").exit_code for _ in range(2)] == [plain, plain]
    assert trackai("ingest", "--strict", tmp_path / "in").exit_code == strict


def test_an_empty_folder_is_told_of(trackai: Run, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    result = trackai("ingest", folder)
    assert result.exit_code == 0
    assert "There was no file to load" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["/nowhere/clicks.jsonl"]])
def test_no_path_or_a_missing_one_is_bad_usage(trackai: Run, arguments: list[str]) -> None:
    assert trackai("ingest", *arguments).exit_code == 2


def test_a_file_with_two_readings_is_refused_once_and_loaded_with_the_options_it_asks_for(
    trackai: Run, add_tenant: Callable[..., str], home: Path, connection: Connection
) -> None:
    add_tenant("shop")
    file = home / "landing" / "shop" / "conversions.csv"
    file.parent.mkdir(parents=True)
    file.write_text(
        "gateway;gateway_event_id;value;currency;occurred_at\nloja;1;1.299;BRL;5/11/2025\nloja;2;850;BRL;6/11/2025\n"
    )
    refused = trackai("ingest", file)
    assert "0 new rows, 0 were here already, 1 refused" in refused.stderr
    options = ["--decimal", ",", "--dates", "day-first"]
    assert "2 refused" in trackai("ingest", file, *options).stderr
    assert "2 new rows" in trackai("ingest", file, *options, "--time-of-day", "12:00").stderr
    assert connection.execute("SELECT value, occurred_at::text FROM trackai.conversions ORDER BY value").fetchall() == [
        (Decimal("850.0000"), "2025-11-06 12:00:00+00"),
        (Decimal("1299.0000"), "2025-11-05 12:00:00+00"),
    ]
    (reason,) = connection.execute("SELECT reason FROM trackai.ingest_rejects WHERE line = 1").fetchone() or ("",)
    assert f"trackai ingest {file}" in reason
    assert "--decimal" in reason


@pytest.mark.parametrize(
    "options", [("--encoding", "klingon"), ("--encoding", "base64"), ("--separator", "x"), ("--decimal", ";")]
)
def test_an_option_that_names_nothing_is_refused(trackai: Run, clicks: Path, options: tuple[str, str]) -> None:
    result = trackai("ingest", clicks, *options)
    assert result.exit_code == 2
    assert options[0] in result.stderr
