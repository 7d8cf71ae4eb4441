"""Flags in Dagster: days of checks, members, versions as materialisations, and what is asked for when."""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from code_location import materialised
from dagster._core.loader import LoadingContextForTest
from declared import TABLES
from flag_values.world import add_flag, add_segment, switch
from flags.usage import row, write
from psycopg import Connection

from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.database.partitions import create_partitions_ahead, detach_partition, drop_detached
from trackai_pipelines.flags.defs import catalogue

RunJob = Callable[..., dg.ExecuteInProcessResult]
DAY = date(2026, 3, 5)
DAYS = [DAY, DAY + timedelta(days=1), DAY + timedelta(days=2)]
NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
CATALOGUE_CHECKS = ("settings_equal_history", "flag_history_is_complete", "stale_flags")


@pytest.fixture
def flag(connection: Connection[Any], add_tenant: Callable[..., str]) -> int:
    """A flag whose exposures are kept, and a check on each of the first two days."""
    create_partitions_ahead(connection, TABLES, today=DAY, days=3)
    add_tenant("acme")
    flag = add_flag(connection, "theme", track_exposures=True)
    write(connection, [row(flag, NOON, checks=3), row(flag, NOON + timedelta(days=1), user_id="u2", variant_key="a")])
    return flag


def test_days_of_checks_are_one_run(instance: dg.DagsterInstance, run_job: RunJob, flag: int) -> None:
    run_job("aggregate_flag_usage", days=DAYS)
    for asset in ("feature_flag_analytics", "feature_flag_exposures"):
        found = materialised(instance, asset)
        assert [found[str(day)]["checks"] for day in DAYS] == [3, 1, 0]
    assert materialised(instance, "feature_flag_exposures")[str(DAY)]["users"] == 1


def test_days_whose_usage_has_left_are_refused_and_the_others_computed(
    instance: dg.DagsterInstance, location: dg.Definitions, connection: Connection[Any], run_job: RunJob, flag: int
) -> None:
    run_job("aggregate_flag_usage", days=[DAY])
    query = "SELECT * FROM trackai.feature_flag_analytics WHERE date = %s"
    before = connection.execute(query, (DAY,)).fetchall()
    detach_partition(connection, "feature_flag_usage", DAY)
    drop_detached(connection, "feature_flag_usage", DAY)
    long_ago = DAY - timedelta(days=31)

    tags = {
        "dagster/asset_partition_range_start": str(long_ago),
        "dagster/asset_partition_range_end": str(DAYS[-1]),
    }
    job = location.resolve_job_def("aggregate_flag_usage")
    result = job.execute_in_process(instance=instance, tags=tags, raise_on_error=False)

    assert not result.success
    # The day before DAY has a partition, too.
    failure = result.failure_data_for_node("feature_flag_analytics")
    assert failure is not None
    assert failure.error is not None
    assert f"31 days from {long_ago} to {DAY} is not in the database any more" in failure.error.message
    found = materialised(instance, "feature_flag_analytics")
    assert set(found) == {str(DAY - timedelta(days=1)), *map(str, DAYS)}
    assert found[str(DAYS[1])]["checks"] == 1
    assert connection.execute(query, (DAY,)).fetchall() == before
    assert len(before) == 1


def test_earlier_days_are_computed_where_that_is_asked_for(
    instance: dg.DagsterInstance, location: dg.Definitions, flag: int
) -> None:
    config = {"feature_flag_analytics": {"config": {"earlier": True}}}
    job = location.resolve_job_def("aggregate_flag_usage")
    job.execute_in_process(instance=instance, partition_key=str(DAYS[2]), run_config={"ops": config})
    assert [materialised(instance, "feature_flag_analytics")[str(day)]["checks"] for day in DAYS] == [3, 1, 0]
    assert set(materialised(instance, "feature_flag_exposures")) == {str(DAYS[2])}


def test_members_of_segments_are_computed(
    instance: dg.DagsterInstance, run_job: RunJob, connection: Connection[Any], flag: int
) -> None:
    connection.execute(
        "INSERT INTO trackai.feature_flag_segments (name, kind, definition) "
        "VALUES ('buyers', 'conversions', '{\"within_days\": 30}')"
    )
    run_job("refresh_flag_segments")
    event = instance.get_latest_materialization_event(dg.AssetKey("flag_segment_members"))
    assert event is not None
    assert event.asset_materialization is not None
    metadata = event.asset_materialization.metadata
    assert (metadata["segments"].value, metadata["members by segment"].value) == (1, {"buyers": 0})


@pytest.mark.parametrize("stale", [False, True])
def test_stale_flags_warn(run_job: RunJob, connection: Connection[Any], flag: int, stale: bool) -> None:
    # Created just now, the flag is not expected to have been checked.
    connection.execute("DELETE FROM trackai.feature_flag_usage")
    if stale:
        connection.execute(
            "UPDATE trackai.feature_flags SET expires_on = '2026-03-05', owner_email = 'web@example.com'"
        )
    found = {one.check_name: one for one in run_job("check_flags").get_asset_check_evaluations()}["stale_flags"]
    assert found.passed is not stale
    assert found.severity is dg.AssetCheckSeverity.WARN
    if stale:
        assert "theme (overdue since 2026-03-06, web@example.com)" in (found.description or "")


# The sensor ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def tick(
    location: dg.Definitions,
    instance: dg.DagsterInstance,
    database: EventDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[str | None], Any]:
    """Evaluate the sensor with a cursor; it looks once."""
    monkeypatch.setenv("DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS", "1")

    def evaluate(cursor: str | None) -> Any:
        sensor = location.get_repository_def().get_sensor_def("flag_changes_sensor")
        with dg.build_sensor_context(instance, cursor=cursor, resources={"database": database}) as context:
            return sensor.evaluate_tick(context)

    return evaluate


def versions(tick: Any) -> list[Any]:
    """The versions that an evaluation reports; whatever follows them is evaluations of checks."""
    materialised = [event for event in tick.asset_events if isinstance(event, dg.AssetMaterialization)]
    assert tick.asset_events[: len(materialised)] == materialised
    return materialised


def newest(connection: Connection[Any]) -> str:
    row = connection.execute("SELECT max(id) FROM trackai.feature_flag_versions").fetchone()
    assert row is not None
    return str(row[0])


def test_each_version_is_a_materialisation(
    connection: Connection[Any], tick: Callable[[str | None], Any], flag: int
) -> None:
    first = tick(None)
    assert len(versions(first)) == 11
    assert first.cursor == newest(connection)
    assert not first.run_requests

    connection.execute("SET trackai.actor = 'ana'")
    connection.execute("SET trackai.reason = 'pilot'")
    switch(connection, "theme", False)
    connection.execute(
        "INSERT INTO trackai.feature_flag_overrides (tenant_id, flag_id, enabled, rollout_percentage, reason) "
        "VALUES ('t-acme', %s, true, 25, 'agreed')",
        (flag,),
    )
    second = tick(first.cursor)
    shown = [{name: value.value for name, value in event.metadata.items()} for event in versions(second)]
    assert [event.asset_key.to_user_string() for event in versions(second)] == ["feature_flags"] * 2
    assert [(one["flag"], one["tenant"], one["change"], one["changed by"], one["reason"]) for one in shown] == [
        ("theme", "all", "on -> off", "ana", "pilot"),
        ("theme", "acme", "inherits -> on, 25 %", "ana", "pilot"),
    ]
    data_versions = [event.tags["dagster/data_version"] for event in versions(second)]
    assert data_versions == [str(one["version"]) for one in shown]
    assert data_versions[-1] == second.cursor == newest(connection)
    third = tick(second.cursor)
    assert (third.asset_events, third.skip_message) == ([], f"No flag was changed after version {second.cursor}.")


def test_many_versions_are_reported_over_several_evaluations(
    connection: Connection[Any], tick: Callable[[str | None], Any], flag: int
) -> None:
    for number in range(catalogue.MOST_VERSIONS):
        switch(connection, "theme", number % 2 == 1)
    reported, cursor = [], None
    for _ in range(2):
        found = tick(cursor)
        reported += [event.tags["dagster/data_version"] for event in versions(found)]
        cursor = found.cursor
    ids = connection.execute("SELECT id FROM trackai.feature_flag_versions ORDER BY id").fetchall()
    assert reported == [str(version) for (version,) in ids]


def test_versions_are_reported_without_the_audit_log(
    connection: Connection[Any], tick: Callable[[str | None], Any], flag: int
) -> None:
    connection.execute("SET session_replication_role = replica")
    connection.execute("DELETE FROM trackai.feature_flag_audit_log")
    assert {event.metadata["changed by"].value for event in versions(tick(None))} == {"unknown"}


def test_checks_are_evaluated_again_after_each_version(
    connection: Connection[Any],
    instance: dg.DagsterInstance,
    run_job: RunJob,
    tick: Callable[[str | None], Any],
    flag: int,
) -> None:
    def reported(cursor: str | None) -> str:
        found = tick(cursor)
        for event in found.asset_events:
            instance.report_runless_asset_event(event)
        return str(found.cursor)

    def shown() -> dict[str, str]:
        """The status of each check, as the UI shows it."""
        keys = [dg.AssetCheckKey(dg.AssetKey("feature_flags"), name) for name in CATALOGUE_CHECKS]
        latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
        return {
            key.name: record.status.value
            if asyncio.run(record.targets_latest_materialization(LoadingContextForTest(instance)))
            else "NOT_EVALUATED"
            for key, record in latest.items()
        }

    # Created just now, the flag is not expected to have been checked.
    connection.execute("DELETE FROM trackai.feature_flag_usage")
    cursor = reported(None)
    run_job("check_flags")
    switch(connection, "theme", False)
    cursor = reported(cursor)
    assert shown() == dict.fromkeys(CATALOGUE_CHECKS, "SUCCEEDED")

    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        switch(connection, "dark_mode", False)
    switch(connection, "theme", True)
    reported(cursor)
    assert shown() == dict.fromkeys(CATALOGUE_CHECKS, "SUCCEEDED") | {"flag_history_is_complete": "FAILED"}


# Schedules -----------------------------------------------------------------------------------------------------------


def test_the_night_computes_the_last_three_days_that_have_usage(
    location: dg.Definitions, instance: dg.DagsterInstance, database: EventDatabase, flag: int
) -> None:
    def asked(today: date) -> list[tuple[str, ...]]:
        schedule = location.get_repository_def().get_schedule_def("nightly_flag_analytics")
        at = datetime(today.year, today.month, today.day, 0, 40, tzinfo=UTC)
        with dg.build_schedule_context(
            instance, scheduled_execution_time=at, resources={"database": database}
        ) as context:
            found = schedule.evaluate_tick(context)
        start, end = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
        return [(str(one.run_key), one.tags[start], one.tags[end]) for one in found.run_requests or []]

    # Partitions begin on the day before DAY.
    assert asked(DAY - timedelta(days=1)) == []
    assert asked(DAY) == [("2026-03-05", "2026-03-04", "2026-03-04")]
    assert asked(DAYS[2]) == [("2026-03-07", "2026-03-04", "2026-03-06")]
    assert asked(DAYS[2] + timedelta(days=1)) == [("2026-03-08", "2026-03-05", "2026-03-07")]


def test_lineage_leads_from_flags_to_what_they_decide(location: dg.Definitions) -> None:
    graph = location.resolve_asset_graph()
    below = graph.get(dg.AssetKey("feature_flags")).child_keys
    assert {key.to_user_string() for key in below} >= {
        "matched_attributions",
        "capi_dispatches",
        "feature_flag_analytics",
        "feature_flag_exposures",
        "flag_segment_members",
    }


def test_members_by_list_are_an_asset_of_their_own(location: dg.Definitions, connection: Connection[Any]) -> None:
    flag = add_flag(connection, "for_staff")
    add_segment(connection, "staff", flag)
    graph = location.resolve_asset_graph()
    assert dg.AssetKey("feature_flag_segment_members") in graph.get(dg.AssetKey("flag_segment_members")).parent_keys
