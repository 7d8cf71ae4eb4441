"""Retention in Dagster: the job, its schedule, a backfill, and the check, over a real archive."""

import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from lifecycle.old_rows import (
    count_rows,
    insert_clicks,
    insert_log,
    insert_rejects,
    insert_sales,
    midnight,
    set_policies,
)
from psycopg import Connection

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.definitions import build_definitions
from trackai_pipelines.lifecycle.archive.manifest import archives
from trackai_pipelines.lifecycle.defs import jobs
from trackai_pipelines.lifecycle.mover import only_mover
from trackai_pipelines.lifecycle.retention.plan import latest_plan
from trackai_pipelines.lifecycle.retention.plan_shown import STEPS_SHOWN
from trackai_pipelines.utc_days import UTC_DAYS

DAY = timedelta(days=1)
Retain = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture
def today() -> date:
    return utc_now().date()


@pytest.fixture
def retain(location: dg.Definitions, instance: dg.DagsterInstance) -> Retain:
    """Run retention as of a day, whatever becomes of it."""

    def run(day: date, *, dry_run: bool = False) -> dg.ExecuteInProcessResult:
        return location.resolve_job_def("apply_retention").execute_in_process(
            instance=instance,
            partition_key=day.isoformat(),
            run_config={"ops": {"plan_and_apply": {"config": {"dry_run": dry_run}}}} if dry_run else {},
            raise_on_error=False,
        )

    return run


@pytest.fixture
def old_rows(connection: Connection[Any], add_tenant: Callable[..., str], today: date) -> None:
    """Of 20 days ago: three rows of the log, four clicks and two refused lines."""
    ten = timedelta(days=10)
    set_policies(
        connection,
        {"table_name": "match_log", "keep": ten, "grace": timedelta(0)},
        {"table_name": "clicks", "keep": ten, "anonymise_after": ten},
        {"table_name": "ingest_rejects", "keep": ten, "action": "drop"},
    )
    tenant, old = add_tenant("acme", lookback_days=5), midnight(today - 20 * DAY)
    insert_log(connection, today - 20 * DAY, [old] * 3)
    insert_clicks(connection, tenant, [old] * 4)
    insert_rejects(connection, [old] * 2)


def figures(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    (output,) = [event for event in result.all_events if event.event_type == dg.DagsterEventType.STEP_OUTPUT]
    return {name: value.value for name, value in output.step_output_data.metadata.items()}


def test_the_job_does_what_is_due_and_shows_it(
    connection: Connection[Any], home: Path, instance: dg.DagsterInstance, retain: Retain, old_rows: None, today: date
) -> None:
    first = retain(today)
    assert first.success
    found = figures(first)
    assert {name: found[f"rows {name}"] for name in ("anonymised", "archived", "dropped", "deleted", "blocked")} == {
        "anonymised": 4, "archived": 7, "dropped": 0, "deleted": 2, "blocked": 0,
    }  # fmt: skip
    assert found["bytes archived"] > 3
    lines = found["steps"].splitlines()
    assert lines[0] == "| action | table | day | rows | bytes | state | why | outcome |"
    assert lines[2].startswith(f"| anonymise | clicks | before {today - 10 * DAY} | 4 |  | done | older than 10 days |")
    assert len(lines) == 2 + 4
    assert len(list((home / "archive").rglob("*.parquet"))) == 2
    logged = [entry.user_message for entry in instance.all_logs(first.run_id)]
    (plan,) = [message for message in logged if message.startswith("plan ")]
    assert plan.splitlines()[2] == f"archive match_log {today - 20 * DAY}, 3 rows: older than 10 days"
    again = figures(retain(today))
    assert (again["rows archived"], again["rows dropped"], again["rows deleted"]) == (0, 3, 0)
    assert [archive.state for archive in archives(connection)] == ["verified", "dropped"]
    assert "steps" not in figures(retain(today))


def test_a_dry_run_only_tells(
    connection: Connection[Any], home: Path, retain: Retain, old_rows: None, today: date
) -> None:
    found = figures(retain(today, dry_run=True))
    assert found["dry run"] is True
    assert (found["rows to archive"], found["rows to delete"]) == (7, 2)
    assert [count_rows(connection, table) for table in ("match_log", "clicks", "ingest_rejects")] == [3, 4, 2]
    assert latest_plan(connection) is None
    assert not (home / "archive").exists()


def test_a_failed_step_fails_the_run_at_its_end_and_is_named(
    connection: Connection[Any], home: Path, retain: Retain, old_rows: None, today: date
) -> None:
    (home / "archive").mkdir()
    (home / "archive" / "match_log").write_text("in the way")
    result = retain(today)
    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    reason: Any = failure.step_failure_data.user_failure_data
    assert reason.description.startswith(f"archive match_log {today - 20 * DAY}: ")
    assert reason.metadata["steps failed"].value == 1
    assert reason.metadata["rows archived"].value == 4
    assert count_rows(connection, "ingest_rejects") == 0


def test_a_backfill_of_days(
    connection: Connection[Any], retain: Retain, add_tenant: Callable[..., str], today: date
) -> None:
    """Each run is as of its own day, so that the oldest rows go with the first of them."""
    set_policies(connection, {"table_name": "clicks", "keep": timedelta(days=10), "grace": timedelta(0)})
    tenant = add_tenant("acme", lookback_days=5)
    insert_clicks(connection, tenant, [midnight(today - back * DAY) for back in range(8, 16)])
    archived = []
    for back in range(5, -1, -1):
        result = retain(today - back * DAY)
        assert result.success
        archived.append(figures(result)["rows archived"])
        assert latest_plan(connection).day == today - back * DAY  # type: ignore[union-attr]
    assert archived == [0, 1, 1, 1, 1, 1]
    assert {archive.day for archive in archives(connection)} == {today - back * DAY for back in range(11, 16)}
    # What an old day's run leaves is not the newest.
    retain(today - 30 * DAY)
    assert latest_plan(connection).day == today  # type: ignore[union-attr]


def test_a_run_waits_for_another(
    connection: Connection[Any], retain: Retain, old_rows: None, today: date, database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(jobs, "_TRY_AGAIN_SECONDS", 0)
    monkeypatch.setattr(jobs, "_TRIES", 2)
    with connect(database_url, name="a restore") as other, only_mover(other):
        result = retain(today)
        retries = [event for event in result.all_events if event.is_step_up_for_retry]
        assert len(retries) == 2
        assert not result.success
        assert "a restore (process" in str(retries[0].event_specific_data)
    assert count_rows(connection, "ingest_rejects") == 2
    assert retain(today).success


def test_the_schedule_asks_for_the_scheduled_day(location: dg.Definitions, instance: dg.DagsterInstance) -> None:
    repository = location.get_repository_def()
    schedule = repository.get_schedule_def("daily_retention")
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    assert schedule.cron_schedule == "40 2 * * *"
    for today in (date(2026, 3, 29), date(2026, 10, 25)):
        at = datetime(today.year, today.month, today.day, 2, 40, tzinfo=UTC)
        context = dg.build_schedule_context(instance=instance, repository_def=repository, scheduled_execution_time=at)
        (request,) = schedule.evaluate_tick(context).run_requests or []
        assert (request.run_key, request.partition_key) == (today.isoformat(), today.isoformat())
        assert UTC_DAYS.has_partition_key(today.isoformat())


def test_many_steps_are_cut_off_with_troubles_first(
    connection: Connection[Any], retain: Retain, add_tenant: Callable[..., str], today: date
) -> None:
    set_policies(
        connection,
        {"table_name": "ingest_rejects", "keep": timedelta(days=1), "action": "drop"},
        {"table_name": "a|b", "keep": timedelta(days=1)},
    )
    insert_rejects(connection, [midnight(today - back * DAY) for back in range(2, 2 + STEPS_SHOWN + 5)])
    lines = figures(retain(today))["steps"].splitlines()
    assert lines[2].startswith(r"| archive | a\|b |")
    assert len(lines) == 2 + STEPS_SHOWN + 1
    assert lines[-1].startswith("| 6 more |")


# The check ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def check(home: Path, database: EventDatabase, instance: dg.DagsterInstance) -> Callable[[], dg.AssetCheckEvaluation]:
    defs = build_definitions(resources={"database": database})
    job = dg.Definitions(
        assets=list(defs.assets or []),
        asset_checks=list(defs.asset_checks or []),
        jobs=[
            dg.define_asset_job(
                "one_check",
                selection=dg.AssetSelection.checks(dg.AssetCheckKey(dg.AssetKey("match_log"), "retention_keeps_up")),
            )
        ],
        resources=defs.resources,
    ).resolve_job_def("one_check")

    def run() -> dg.AssetCheckEvaluation:
        (evaluation,) = job.execute_in_process(instance=instance).get_asset_check_evaluations()
        return evaluation

    return run


def test_the_check_is_green_before_and_after_a_good_run(
    check: Any, retain: Retain, old_rows: None, today: date
) -> None:
    assert check().passed
    retain(today)
    found = check()
    assert found.passed
    assert {name: value.value for name, value in found.metadata.items()}["archived rows"] == 7
    assert found.metadata["latest retention"].value == today.isoformat()


def test_the_check_warns_of_what_is_blocked(
    connection: Connection[Any], check: Any, retain: Retain, old_rows: None, today: date
) -> None:
    day = today - 20 * DAY
    insert_sales(connection, "t-acme", [midnight(day)])
    retain(today)
    # A dry run tells of nothing that has not been done.
    retain(today, dry_run=True)
    found = check()
    assert not found.passed
    assert found.severity == dg.AssetCheckSeverity.WARN
    assert found.metadata["steps blocked or failed"].value == 2
    assert (
        f"archive match_log {day} is blocked: the match rates of {day} do not count 1 conversions" in found.description
    )


@pytest.mark.parametrize("state", ["verified", "dropped"])
def test_the_check_fails_when_an_archive_is_gone(
    connection: Connection[Any], check: Any, retain: Retain, old_rows: None, today: date, home: Path, state: str
) -> None:
    retain(today)
    retain(today)
    (lost,) = archives(connection, states=[state])
    whole = home / "archive" / lost.path
    whole.rename(home / "put away")
    found = check()
    assert not found.passed
    assert found.severity == dg.AssetCheckSeverity.ERROR
    assert found.metadata["missing files"].value == 1
    assert str(whole) in found.description
    (home / "put away").rename(whole)
    assert check().passed
    shutil.rmtree(home / "archive")
    assert check().metadata["missing files"].value == 2


def test_the_check_fails_when_the_archive_is_no_place(
    connection: Connection[Any],
    check: Any,
    retain: Retain,
    old_rows: None,
    today: date,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    retain(today)
    monkeypatch.setenv("TRACKAI_ARCHIVE_DIR", "nonsense://bucket")
    found = check()
    assert found.severity == dg.AssetCheckSeverity.ERROR
    assert "nonsense" in found.description
