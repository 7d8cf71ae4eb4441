"""Dagster's storage works with a plain postgresql:// URL, over the embedded server's socket."""

from pathlib import Path

import pytest
from dagster import AssetKey, AssetMaterialization, DagsterInstance, job, op

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
        stored = instance.fetch_materializations(AssetKey("noted"), limit=5).records
        assert [record.run_id for record in stored] == [result.run_id]
