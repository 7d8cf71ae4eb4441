"""Pruning of Dagster's own storage: what goes, and that the UI is told the same before and after."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterEventType as Kind
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value
from psycopg import Connection, sql

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.definitions import build_definitions
from trackai_pipelines.lifecycle.dagster_history.prune import Pruned, prune_history
from trackai_pipelines.utc_days import UTC_DAYS, range_tags

Run = Callable[..., str]
KEEP = timedelta(days=14)


@pytest.fixture
def storage(postgres_instance: dg.DagsterInstance, empty_database_url: str) -> Iterator[Connection[Any]]:
    """Dagster's database itself."""
    with connect(empty_database_url, name="test") as opened:
        yield opened


@pytest.fixture
def run(location: dg.Definitions, postgres_instance: dg.DagsterInstance, storage: Connection[Any]) -> Run:
    """Run a job and make it look old: `run("ingest_landing_files", age=days(30))` gives its id."""

    def run(
        job: str, *, age: timedelta = timedelta(), days: list[date] | None = None, of: Any = None, **more: Any
    ) -> str:
        tags = range_tags(days) if days else {}
        result = (
            (of or location)
            .resolve_job_def(job)
            .execute_in_process(instance=postgres_instance, raise_on_error=False, tags=tags, **more)
        )
        made_older(storage, result.run_id, age)
        return str(result.run_id)

    return run


def days(number: float) -> timedelta:
    return timedelta(days=number)


def day(back: int) -> date:
    return utc_now().date() - timedelta(days=back)


def made_older(storage: Connection[Any], run_id: str, age: timedelta) -> None:
    """Move all times of a run into the past."""
    by = {"run": run_id, "age": age, "seconds": age.total_seconds()}
    storage.execute(
        "UPDATE runs SET start_time = start_time - %(seconds)s, end_time = end_time - %(seconds)s,"
        " create_timestamp = create_timestamp - %(age)s, update_timestamp = update_timestamp - %(age)s"
        " WHERE run_id = %(run)s",
        by,
    )
    storage.execute('UPDATE event_logs SET "timestamp" = "timestamp" - %(age)s WHERE run_id = %(run)s', by)
    storage.execute(
        "UPDATE asset_check_executions SET evaluation_event_timestamp = evaluation_event_timestamp - %(age)s"
        " WHERE run_id = %(run)s",
        by,
    )


def pruned(storage: Connection[Any], forget: Callable[[str], None] = lambda run_id: None) -> Pruned:
    done = prune_history(storage, now=utc_now(), keep=KEEP, forget_output=forget)
    assert done is not None
    return done


def told(instance: dg.DagsterInstance, location: dg.Definitions) -> dict[str, Any]:
    """What the UI asks of every asset and check."""
    answers: dict[str, Any] = {}
    graph = location.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        events = instance.event_log_storage
        partitions = graph.get(key).partitions_def
        events.wipe_asset_cached_status(key)
        latest = instance.get_latest_materialization_event(key)
        record = next(iter(instance.get_asset_records([key])), None)
        last_run = record.asset_entry.last_run_id if record else None
        newest = events.get_latest_storage_id_by_partition(key, Kind.ASSET_MATERIALIZATION)
        answers[key.to_user_string()] = {
            "materialised": instance.get_materialized_partitions(key),
            "newest by partition": newest,
            "planned by partition": events.get_latest_storage_id_by_partition(key, Kind.ASSET_MATERIALIZATION_PLANNED),
            "metadata": {
                partition: records[0].asset_materialization.metadata
                for partition in newest
                if (
                    records := instance.fetch_materializations(
                        dg.AssetRecordsFilter(asset_key=key, asset_partitions=[partition]), limit=1
                    ).records
                )
                and records[0].asset_materialization
            },
            "versions": events.get_latest_tags_by_partition(
                key, Kind.ASSET_MATERIALIZATION, tag_keys=["dagster/data_version"]
            ),
            "latest": latest and (latest.run_id, latest.timestamp),
            "runs of newest": sorted(
                (record.run_id, record.status.value)
                for record in instance.get_runs(
                    dg.RunsFilter(run_ids=[latest.run_id, last_run] if latest and last_run else ["none"])
                )
            ),
            # Computed afresh, since the cache was wiped.
            "status": get_and_update_asset_status_cache_value(instance, key, partitions),
        }
    for check in graph.asset_check_keys:
        summary = instance.event_log_storage.get_asset_check_summary_records([check])[check]
        answers[f"{check.asset_key.to_user_string()}:{check.name}"] = (
            summary.last_check_execution_record,
            summary.last_completed_check_execution_record,
        )
    return answers


def counts(storage: Connection[Any]) -> dict[str, int]:
    tables = ("runs", "run_tags", "event_logs", "asset_event_tags", "asset_check_executions", "snapshots")
    found = {}
    for table in tables:
        row = storage.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
        assert row is not None
        found[table] = row[0]
    return found


def test_old_history_goes_and_the_ui_is_told_the_same(
    home: Path,
    location: dg.Definitions,
    postgres_instance: dg.DagsterInstance,
    storage: Connection[Any],
    run: Run,
    add_tenant: Callable[..., str],
) -> None:
    add_tenant("acme")
    broken = build_definitions(resources={"database": EventDatabase(url="postgresql://127.0.0.1:1/none")})
    first_ingest = run("ingest_landing_files", age=days(60))
    first = run("aggregate_match_rates", age=days(50), days=[day(56), day(55), day(54), day(53)])
    superseded = run("aggregate_match_rates", age=days(45), days=[day(55), day(54)])
    failed = run("aggregate_match_rates", age=days(40), days=[day(40)], of=broken)
    failed_and_mended = run("aggregate_match_rates", age=days(39), days=[day(55), day(54)], of=broken)
    mended = run("aggregate_match_rates", age=days(38), days=[day(55), day(54)])
    match = run("match_conversions", age=days(30), partition_key=day(30).isoformat())
    no_asset = run("maintain_partitions", age=days(20))
    last_ingest = run("ingest_landing_files", age=days(20))
    young = run("aggregate_match_rates", age=days(13), days=[day(14)])

    before = told(postgres_instance, location)
    young_events = len(postgres_instance.all_logs(young))
    status = before["daily_match_rates"]["status"]
    assert day(40).isoformat() in UTC_DAYS.deserialize_subset(status.serialized_failed_partition_subset)
    assert day(53).isoformat() in UTC_DAYS.deserialize_subset(status.serialized_materialized_partition_subset)
    done = pruned(storage)
    assert told(postgres_instance, location) == before

    gone = {first_ingest, superseded, failed_and_mended, no_asset}
    kept = {first, failed, mended, match, last_ingest, young}
    assert {record.run_id for record in postgres_instance.get_runs()} == kept
    assert (done.runs, done.runs_kept) == (len(gone), len(kept) - 1)
    assert done.events > 100
    assert done.bytes > 10_000
    for run_id in gone:
        assert postgres_instance.all_logs(run_id) == []
    # Of old runs that stay, the events that make them stay are left.
    kinds = {entry.dagster_event_type for entry in postgres_instance.all_logs(first)}
    assert kinds == {Kind.ASSET_MATERIALIZATION, Kind.ASSET_MATERIALIZATION_PLANNED}
    assert len(postgres_instance.all_logs(young)) == young_events
    orphans = (
        "SELECT count(*) FROM asset_event_tags t WHERE NOT EXISTS (SELECT FROM event_logs e WHERE e.id = t.event_id)"
    )
    assert storage.execute(orphans).fetchone() == (0,)

    left = counts(storage)
    again = pruned(storage)
    assert (again.runs, again.events, again.check_evaluations, again.backfills, again.bytes) == (0, 0, 0, 0, 0)
    assert counts(storage) == left


def test_checks_keep_their_newest_evaluation(
    postgres_instance: dg.DagsterInstance, storage: Connection[Any], run: Run
) -> None:
    old = [run("aggregate_match_rates", age=days(22 - number), days=[day(40)]) for number in range(3)]
    check = dg.AssetCheckKey(dg.AssetKey("daily_match_rates"), "match_rates_in_bounds")
    events = postgres_instance.event_log_storage
    before = events.get_asset_check_summary_records([check])
    assert {record.run_id for record in events.get_asset_check_execution_history(check, limit=9)} == set(old)
    assert pruned(storage).check_evaluations > 0
    assert events.get_asset_check_summary_records([check]) == before
    assert {record.run_id for record in events.get_asset_check_execution_history(check, limit=9)} == {old[-1]}


@dg.op
def note_thrice(context: dg.OpExecutionContext) -> None:
    for number in range(3):
        context.log_event(dg.AssetMaterialization("match_log", partition="2026-01-01", metadata={"n": number}))
        context.log_event(dg.AssetMaterialization("clicks", metadata={"n": number}))


@dg.job
def resident() -> None:
    """What a resident drain leaves behind: the same partition again and again."""
    note_thrice()


def noted(instance: dg.DagsterInstance, key: str, run_id: str) -> list[Any]:
    """Which of the materialisations that `resident` made are there."""
    events = instance.all_logs(run_id, of_type=Kind.ASSET_MATERIALIZATION)
    materials = [entry.get_dagster_event().step_materialization_data.materialization for entry in events]
    return [found.metadata["n"].value for found in materials if found.asset_key == dg.AssetKey(key)]


def test_superseded_materialisations_of_a_partition_go_after_a_day(
    postgres_instance: dg.DagsterInstance, storage: Connection[Any]
) -> None:
    """Of an asset without partitions all stay for as long as the runs."""
    ids = [resident.execute_in_process(instance=postgres_instance).run_id for _ in range(4)]
    for run_id, age in zip(ids, (3, 2, 0.9, 0), strict=True):
        made_older(storage, run_id, days(age))
    lines = len(postgres_instance.all_logs(ids[0]))
    done = pruned(storage)
    assert (done.events, done.superseded, done.runs) == (6, 6, 0)
    assert [noted(postgres_instance, "match_log", run_id) for run_id in ids] == [[], [], [0, 1, 2], [0, 1, 2]]
    assert [noted(postgres_instance, "clicks", run_id) for run_id in ids] == [[0, 1, 2]] * 4
    assert len(postgres_instance.all_logs(ids[0])) == lines - 3


def test_unfinished_runs_are_left_whole(postgres_instance: dg.DagsterInstance, storage: Connection[Any]) -> None:
    for status in dg.DagsterRunStatus:
        run_id = resident.execute_in_process(instance=postgres_instance).run_id
        storage.execute("UPDATE runs SET status = %s WHERE run_id = %s", (status.value, run_id))
        made_older(storage, run_id, days(400))
    newest = resident.execute_in_process(instance=postgres_instance).run_id
    whole = len(postgres_instance.all_logs(newest))
    pruned(storage)
    left = storage.execute("SELECT status, run_id FROM runs ORDER BY id").fetchall()
    finished = ("SUCCESS", "FAILURE", "CANCELED")
    unfinished = [status.value for status in dg.DagsterRunStatus if status.value not in finished]
    assert [status for status, _ in left] == [*unfinished, "SUCCESS"]
    assert {len(postgres_instance.all_logs(run_id)) for _, run_id in left} == {whole}


def test_events_without_a_run_follow_the_same_rule(
    postgres_instance: dg.DagsterInstance, storage: Connection[Any]
) -> None:
    for _ in range(3):
        postgres_instance.report_runless_asset_event(dg.AssetMaterialization("outside", partition="2026-01-01"))
        postgres_instance.report_runless_asset_event(dg.AssetMaterialization("outside_alone"))
    newest = postgres_instance.get_latest_materialization_event(dg.AssetKey("outside_alone"))
    made_older(storage, "", days(5))
    assert pruned(storage).events == 2
    made_older(storage, "", days(10))
    assert pruned(storage).events == 2
    assert postgres_instance.get_materialized_partitions(dg.AssetKey("outside")) == {"2026-01-01"}
    assert newest is not None
    assert postgres_instance.get_latest_materialization_event(dg.AssetKey("outside_alone")) == newest


def test_backfills_go_with_their_last_run_and_protect_runs_until_they_end(
    postgres_instance: dg.DagsterInstance, storage: Connection[Any], run: Run
) -> None:
    begun = (utc_now() - days(50)).timestamp()
    for name, status in (("open", BulkActionStatus.REQUESTED), ("ended", BulkActionStatus.COMPLETED_SUCCESS)):
        postgres_instance.add_backfill(
            PartitionBackfill(
                name, status, from_failure=False, tags={"of": name}, backfill_timestamp=begun, partition_names=[]
            )
        )
        tags = {"dagster/backfill": name}
        old = resident.execute_in_process(instance=postgres_instance, tags=tags).run_id
        made_older(storage, old, days(40))
    resident.execute_in_process(instance=postgres_instance)
    assert pruned(storage).backfills == 1
    assert [made.tags["dagster/backfill"] for made in postgres_instance.get_runs() if made.tags] == ["open"]
    assert [found.backfill_id for found in postgres_instance.get_backfills()] == ["open"]
    assert storage.execute("SELECT DISTINCT backfill_id FROM backfill_tags").fetchall() == [("open",)]


def test_captured_output_goes_with_its_run_and_an_interrupted_pruning_is_taken_up(
    home: Path, postgres_instance: dg.DagsterInstance, storage: Connection[Any], run: Run
) -> None:
    old = {run("maintain_partitions", age=days(20)) for _ in range(3)}
    young = run("maintain_partitions")
    folders = home / "storage"
    for run_id in (*old, young):
        (folders / run_id / "compute_logs").mkdir(parents=True, exist_ok=True)

    def fail(run_id: str) -> None:
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="disk"):
        pruned(storage, fail)
    assert {record.run_id for record in postgres_instance.get_runs()} == {*old, young}
    assert run("prune_dagster_history")
    assert {folder.name for folder in folders.iterdir()} & {*old, young} == {young}
    assert old.isdisjoint(record.run_id for record in postgres_instance.get_runs())


def test_dagster_writes_and_another_pruning_leaves_while_one_is_at_work(
    postgres_instance: dg.DagsterInstance, storage: Connection[Any], run: Run, empty_database_url: str
) -> None:
    old = run("maintain_partitions", age=days(20))
    during: list[Any] = []

    def meanwhile(run_id: str) -> None:
        """Called within the transaction that deletes runs."""
        during.append(resident.execute_in_process(instance=postgres_instance).run_id)
        with connect(empty_database_url) as other:
            during.append(prune_history(other, now=utc_now(), keep=KEEP, forget_output=during.append))

    assert pruned(storage, meanwhile).runs == 1
    made, second = during
    assert second is None
    assert postgres_instance.get_run_by_id(old) is None
    assert noted(postgres_instance, "match_log", made) == [0, 1, 2]
    assert pruned(storage).runs == 0


def test_the_job_tells_what_it_did(
    home: Path, postgres_instance: dg.DagsterInstance, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = run("maintain_partitions", age=days(5))

    def figures(run_id: str) -> dict[str, Any]:
        (made,) = postgres_instance.all_logs(run_id, of_type=Kind.STEP_OUTPUT)
        return {name: value.value for name, value in made.get_dagster_event().step_output_data.metadata.items()}

    assert figures(run("prune_dagster_history"))["runs removed"] == 0
    monkeypatch.setenv("TRACKAI_DAGSTER_KEEP_DAYS", "4")
    done = figures(run("prune_dagster_history"))
    assert (done["runs removed"], done["days kept"]) == (1, 4)
    assert done["events removed"] > 5
    assert done["bytes removed"] > 1000
    assert postgres_instance.get_run_by_id(old) is None


def test_another_storage_is_left_alone(location: dg.Definitions, instance: dg.DagsterInstance) -> None:
    kept = location.resolve_job_def("maintain_partitions").execute_in_process(instance=instance).run_id
    done = location.resolve_job_def("prune_dagster_history").execute_in_process(instance=instance)
    assert done.success
    assert "Dagster's storage is not PostgreSQL" in str(instance.all_logs(done.run_id))
    assert instance.get_run_by_id(kept) is not None
