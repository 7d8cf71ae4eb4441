"""retention: the plan that is shown, what is done, exit codes, and what doctor says of it."""

import json
import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lifecycle.old_rows import count_rows, insert_log, insert_rejects, insert_sales, midnight, set_policies
from psycopg import Connection
from typer.testing import Result

from trackai_pipelines.database.connection import connect
from trackai_pipelines.doctor.checkup import findings
from trackai_pipelines.domain import Finding, Level
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.lifecycle.mover import only_mover
from trackai_pipelines.settings import Settings

Run = Callable[..., Result]
DAY = timedelta(days=1)


@pytest.fixture
def today() -> date:
    return datetime.now(UTC).date()


@pytest.fixture
def old(connection: Connection[Any], today: date, home: Path) -> date:
    """An old day with three rows of the log and two refused lines."""
    set_policies(
        connection,
        {"table_name": "match_log", "keep": timedelta(days=10)},
        {"table_name": "ingest_rejects", "keep": timedelta(days=10), "action": "drop"},
    )
    day = today - 20 * DAY
    insert_log(connection, day, [midnight(day)] * 3)
    insert_rejects(connection, [midnight(day)] * 2)
    return day


def rows_of(result: Result) -> list[list[str]]:
    return [line.split() for line in result.stdout.splitlines() if line.split()[:1] in (["archive"], ["delete"])]


def finding(name: str) -> Finding:
    return {found.check: found for found in findings(DOMAINS, Settings(), now=datetime.now(UTC))}[name]


def test_without_credentials_the_archive_says_what_to_set(
    trackai: Run, connection: Connection[Any], old: date, today: date, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert_log(connection, old - DAY, [midnight(old - DAY)] * 2)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    # Otherwise it asks the machine's cloud.
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("TRACKAI_ARCHIVE_DIR", "s3://trackai-no-such-bucket/archive")
    result = trackai("retention")
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    said = " ".join(result.stderr.split())
    assert "and 1 step more failed: s3://trackai-no-such-bucket/archive/ cannot be used" in said
    assert "Unable to locate credentials" in said
    assert "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in said
    assert "TRACKAI_ARCHIVE_DIR" in said
    # What does not need the archive was done, and no row is lost.
    assert count_rows(connection, "match_log") == 5
    assert count_rows(connection, "ingest_rejects") == 0
    assert "AWS_ACCESS_KEY_ID" in finding("archive").said
    assert finding("archive").level is Level.FAIL


def test_the_plan_is_shown_first_and_then_done(
    trackai: Run, connection: Connection[Any], old: date, home: Path
) -> None:
    result = trackai("retention")
    assert result.exit_code == 0, result.output
    planned, rejected, archived, deleted = rows_of(result)
    assert planned[:4] == ["archive", "match_log", str(old), "3"]
    assert planned[5:] == ["MB", "older", "than", "10", "days"]
    assert rejected[:4] == ["delete", "ingest_rejects", str(old), "2"]
    assert archived[3:7] == ["3", "done", "archived", "3"]
    assert deleted[3:] == ["2", "done", "deleted", "2", "rows"]
    assert "2 steps done, 0 steps blocked, 0 steps failed" in result.stderr
    assert len(list((home / "archive").rglob("*.parquet"))) == 1
    again = trackai("retention")
    assert again.exit_code == 0
    assert again.stdout == ""
    assert "Nothing is old enough" in again.stderr


def test_a_dry_run_changes_nothing(trackai: Run, connection: Connection[Any], old: date, home: Path) -> None:
    result = trackai("retention", "--dry-run")
    assert result.exit_code == 0
    assert [row[:4] for row in rows_of(result)] == [
        ["archive", "match_log", str(old), "3"], ["delete", "ingest_rejects", str(old), "2"],
    ]  # fmt: skip
    assert "Nothing was changed; 2 steps would be done, 0 steps blocked." in result.stderr
    assert count_rows(connection, "match_log") == 3
    assert not (home / "archive").exists()
    # While somebody restores, one may still look.
    with only_mover(connection):
        assert trackai("retention", "--dry-run").exit_code == 0


def test_json_is_one_object_and_the_dry_runs_steps_are_the_runs(trackai: Run, old: date) -> None:
    said, done = (json.loads(trackai("retention", "--json", *options).stdout) for options in (["--dry-run"], []))
    assert (said["dry_run"], done["dry_run"]) == (True, False)
    assert [step["state"] for step in done["steps"]] == ["done", "done"]
    kept = ("action", "table_name", "day", "rows", "bytes", "reason", "blocked_by", "place")
    assert [[step[name] for name in kept] for step in said["steps"]] == [
        [step[name] for name in kept] for step in done["steps"]
    ]


def test_another_day(trackai: Run, connection: Connection[Any], old: date, today: date) -> None:
    assert trackai("retention", "--day", str(old + 10 * DAY)).stdout == ""
    assert count_rows(connection, "match_log") == 3
    ahead = str(today + 400 * DAY)
    refused = trackai("retention", "--day", ahead)
    assert refused.exit_code == 2
    assert "in the future" in refused.stderr
    # The partitions that are made ahead are old then, and the rejects, which have none.
    query = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'trackai.match_log'::regclass"
    partitions = {name for (name,) in connection.execute(query)}
    *archived, (deleted, table, day, *_) = rows_of(trackai("retention", "--day", ahead, "--dry-run"))
    assert {f"trackai.{name}_{day.replace('-', '')}" for _, name, day, *_ in archived} == partitions
    assert (deleted, table, day) == ("delete", "ingest_rejects", str(old))
    assert len(archived) == len(partitions)
    assert trackai("retention", "--day", "tomorrow").exit_code == 2


def test_a_failed_step_is_named_and_fails_the_command(
    trackai: Run, connection: Connection[Any], old: date, home: Path
) -> None:
    (home / "archive").mkdir()
    (home / "archive" / "match_log").write_text("in the way")
    result = trackai("retention")
    assert result.exit_code == 1
    assert f"archive match_log {old} failed: " in result.stderr
    assert "Traceback" not in result.output
    assert count_rows(connection, "ingest_rejects") == 0
    told = finding("retention")
    assert told.level is Level.WARN
    assert f"archive match_log {old} failed: " in told.said
    (home / "archive" / "match_log").unlink()
    assert trackai("retention").exit_code == 0
    assert finding("retention").level is Level.OK


@pytest.mark.usefixtures("dagster_storage")
def test_what_is_blocked_is_shown_and_no_failure(
    trackai: Run, connection: Connection[Any], add_tenant: Callable[..., str], old: date
) -> None:
    assert finding("retention").said == "has not run yet"
    insert_sales(connection, add_tenant("acme"), [midnight(old)])
    result = trackai("retention")
    assert result.exit_code == 0
    assert "do not count 1 conversions" in result.stdout
    assert "1 step blocked" in result.stderr
    told = finding("retention")
    assert told.level is Level.WARN
    assert f"`trackai aggregate --from {old} --to {old}`" in told.said
    assert trackai("doctor").exit_code == 0
    assert trackai("aggregate", "--from", str(old), "--to", str(old)).exit_code == 0
    assert trackai("retention").exit_code == 0
    assert finding("retention").level is Level.OK


def test_somebody_else_at_it_is_told(trackai: Run, database_url: str, old: date) -> None:
    with connect(database_url, name="a restore") as other, only_mover(other):
        result = trackai("retention")
    assert result.exit_code == 1
    assert "a restore (process" in result.stderr
    assert "Traceback" not in result.output


def test_doctor_looks_whether_the_archive_can_be_written_to(
    trackai: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert finding("archive").level is Level.OK
    assert not (home / "archive").exists()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TRACKAI_ARCHIVE_DIR", str(tmp_path / "file" / "archive"))
    refused = finding("archive")
    assert refused.level is Level.FAIL
    assert str(tmp_path / "file") in refused.said
    assert trackai("doctor").exit_code == 1
    monkeypatch.setenv("TRACKAI_ARCHIVE_DIR", "memory://archive")
    assert finding("archive").level is Level.OK
    monkeypatch.setenv("TRACKAI_ARCHIVE_DIR", "nonsense://archive")
    assert "nonsense" in finding("archive").said
