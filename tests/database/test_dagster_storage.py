"""Dagster's storage works with a plain postgresql:// URL, over the embedded server's socket."""

from pathlib import Path

import pytest
from dagster import AssetMaterialization, DagsterInstance, EventRecordsFilter, job, op
from dagster import DagsterEventType as EventType

_INSTANCE = """
storage:
  postgres:
    postgres_url:
      env: DAGSTER_POSTGRES_URL
telemetry:
  enabled: false
"""


@op
def note(context) -> None:  # type: ignore[no-untyped-def]
    context.log_event(AssetMaterialization("noted"))


@job
def note_once() -> None:
    note()


def test_runs_and_events_are_stored(home: Path, empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert empty_database_url.startswith("postgresql://")
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", empty_database_url)
    (home / "dagster.yaml").write_text(_INSTANCE)
    with DagsterInstance.from_config(str(home)) as instance:
        result = note_once.execute_in_process(instance=instance)
        assert result.success
        assert instance.get_run_by_id(result.run_id) is not None
        events = instance.get_event_records(EventRecordsFilter(EventType.ASSET_MATERIALIZATION), limit=5)
        assert [event.asset_key.to_user_string() for event in events if event.asset_key] == ["noted"]
