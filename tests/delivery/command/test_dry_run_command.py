"""dispatch --dry-run: what would be sent is written and shown, and nothing is sent."""

import json
from collections.abc import Callable
from pathlib import Path

from delivery.scenes import TOKEN, insert_sales, queued, row_of
from psycopg import Connection
from typer.testing import Result

from trackai_pipelines.capi_sandbox.client import Sandbox

Run = Callable[..., Result]
AddTenant = Callable[..., str]


def test_a_dry_run_writes_what_would_be_sent_and_sends_nothing(
    dispatch: Run, box: Sandbox, acme: str, add_tenant: AddTenant, connection: Connection, home: Path
) -> None:
    insert_sales(connection, acme, 3)
    insert_sales(connection, acme, 1, currency="XXQ")
    insert_sales(connection, add_tenant("other", pixel_id="1002"), 2)
    result = dispatch("--dry-run")
    assert result.exit_code == 0, result.output
    assert row_of(result, "acme") == ["3", "0", "0", "1"]
    assert "bad_currency (1)" in result.stdout
    assert row_of(result, "other") == ["2", "0", "0", "0"]
    assert "TRACKAI_CAPI_TOKEN_OTHER" in result.stdout
    (folder,) = (home / "dry-runs").iterdir()
    assert str(folder) in result.stderr.replace("\n", "")
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.relative_to(folder).as_posix() for path in files} == {
        "diff.jsonl", "acme/0001.json", "other/0001.json",
    }  # fmt: skip
    assert all(TOKEN not in path.read_text() for path in files)
    assert box.requests() == []
    totals = json.loads(dispatch("--dry-run", "--json").stdout)
    assert (totals["new"], totals["refused"], totals["requests"]) == (5, 1, 2)
    assert len(list((home / "dry-runs").iterdir())) == 2
    assert len(queued(connection)) == 6, "a dry run leaves the queue alone"


def test_a_dry_run_does_not_mix_with_what_is_there(dispatch: Run, acme: str, tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    result = dispatch("--dry-run", "--out", tmp_path)
    assert result.exit_code == 1
    assert "is not empty" in result.stderr


def test_a_value_of_nothing_is_sent_and_the_dry_run_warns_of_it(
    dispatch: Run, box: Sandbox, acme: str, connection: Connection, tmp_path: Path
) -> None:
    insert_sales(connection, acme, 1, value="0")
    dry = dispatch("--dry-run", "--out", tmp_path / "dry")
    assert "the value is 0" in dry.stdout
    assert row_of(dispatch(), "acme") == ["1", "0", "0", "0"]
    assert [event["custom_data"]["value"] for event in box.payloads()] == [0]
