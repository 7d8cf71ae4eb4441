"""The checks of delivery: they pass, warn and fail, and are evaluated without anybody asking."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster_location.dispatching import (
    ASSET,
    JOB,
    day_before,
    rows_of,
    since_noon,
)
from delivery.scenes import insert_sales, queued
from psycopg import Connection

from trackai_pipelines.capi_sandbox.client import Sandbox

AddTenant = Callable[..., str]
RunJob = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture
def check(home: Path, location: dg.Definitions, instance: dg.DagsterInstance) -> Callable[[str], Any]:
    """Evaluate one check of capi_dispatches, and nothing else."""

    def run(name: str) -> dg.AssetCheckEvaluation:
        key = dg.AssetCheckKey(ASSET, name)
        job = dg.Definitions(
            assets=list(location.assets or []),
            asset_checks=list(location.asset_checks or []),
            jobs=[dg.define_asset_job("one_check", selection=dg.AssetSelection.checks(key))],
            resources=location.resources,
        ).resolve_job_def("one_check")
        (evaluation,) = job.execute_in_process(instance=instance).get_asset_check_evaluations()
        assert evaluation.check_name == name
        return evaluation

    return run


def test_every_due_event_is_accounted_for(
    check: Callable[[str], dg.AssetCheckEvaluation],
    run_job: RunJob,
    box: Sandbox,
    connection: Connection,
    add_tenant: AddTenant,
) -> None:
    name = "every_due_event_is_accounted_for"
    assert check(name).passed
    acme = add_tenant("acme", pixel_id="1001")
    sales = insert_sales(connection, acme, 4, ago=since_noon(day_before(1)))
    insert_sales(connection, acme, 2, ago=timedelta(hours=1), currency="XXQ")
    insert_sales(connection, add_tenant("poor", pixel_id="1002"), 3)
    insert_sales(connection, add_tenant("asleep", status="suspended"), 1)
    run_job(JOB, partition_key=day_before(0).isoformat())
    evaluation = check(name)
    shown: dict[str, Any] = {key: value.value for key, value in evaluation.metadata.items()}
    assert evaluation.passed
    assert [shown[key] for key in ("sent", "waiting", "failed", "not due", "unexplained")] == [4, 3, 2, 1, 0]
    assert rows_of(shown["failed by tenant"]) == [["acme", "2", "bad_currency"]]
    assert "TRACKAI_CAPI_TOKEN_POOR" in shown["waiting by tenant"]
    assert rows_of(shown["by tenant"]) == [
        ["acme", "0", "2", "0", "4", "0"],
        ["poor", "0", "0", "3", "0", "0"],
        ["asleep", "0", "0", "0", "0", "1"],
    ]
    assert rows_of(shown["key coverage"])[0][:3] == ["all", "4", "100%"]

    connection.execute("DELETE FROM trackai.dispatch_attempts WHERE conversion_id = %s", (sales[0],))
    evaluation = check(name)
    assert not evaluation.passed
    assert evaluation.severity == dg.AssetCheckSeverity.ERROR
    assert evaluation.metadata["unexplained"].value == 1
    assert f"1 events are neither sent, nor waiting, nor failed, the oldest of a sale of {day_before(1)}" in str(
        evaluation.description
    )
    # Do what it says.
    run_job(JOB, days=[day_before(1), day_before(0)])
    assert check(name).passed


@pytest.mark.parametrize(
    ("ago", "passes", "severity"),
    [
        (timedelta(minutes=59), True, None),
        (timedelta(minutes=61), False, dg.AssetCheckSeverity.WARN),
        (timedelta(hours=23, minutes=59), False, dg.AssetCheckSeverity.WARN),
        (timedelta(hours=24, minutes=1), False, dg.AssetCheckSeverity.ERROR),
    ],
)
def test_the_oldest_due_event_warns_then_fails(
    check: Callable[[str], dg.AssetCheckEvaluation],
    run_job: RunJob,
    box: Sandbox,
    connection: Connection,
    add_tenant: AddTenant,
    ago: timedelta,
    passes: bool,
    severity: dg.AssetCheckSeverity | None,
) -> None:
    assert check("oldest_due_event").passed
    insert_sales(connection, add_tenant("poor", pixel_id="1002"), 2, ago=ago)
    # Neither of these could go out.
    asleep = add_tenant("asleep", pixel_id="1003")
    insert_sales(connection, asleep, 1, ago=timedelta(days=5))
    connection.execute("UPDATE trackai.tenants SET status = 'suspended' WHERE id = %s", (asleep,))
    insert_sales(connection, "t-poor", 1, ago=timedelta(hours=-5))
    run_job(JOB, partition_key=day_before(0).isoformat())
    evaluation = check("oldest_due_event")
    assert evaluation.passed == passes
    assert evaluation.metadata["tenant"].value == "poor"
    assert "TRACKAI_CAPI_TOKEN_POOR" in str(evaluation.metadata["why"].value)
    assert evaluation.metadata["waiting"].value == 4
    if not passes:
        assert evaluation.severity == severity
        assert "An event of tenant poor waits" in str(evaluation.description)
        assert "TRACKAI_CAPI_TOKEN_POOR" in str(evaluation.description)


@pytest.mark.parametrize(
    ("minute", "evaluated"),
    [(0, {"oldest_due_event", "every_due_event_is_accounted_for"}), (15, {"oldest_due_event"})],
)
def test_what_waits_is_looked_at_by_schedule(
    location: dg.Definitions,
    postgres_instance: dg.DagsterInstance,
    box: Sandbox,
    connection: Connection,
    add_tenant: AddTenant,
    minute: int,
    evaluated: set[str],
) -> None:
    schedule = location.get_repository_def().get_schedule_def("quarter_hourly_delivery_check")
    assert schedule.cron_schedule == "*/15 * * * *"
    at = datetime(2026, 3, 10, 7, minute, tzinfo=UTC)
    with dg.build_schedule_context(instance=postgres_instance, scheduled_execution_time=at) as context:
        (request,) = schedule.evaluate_tick(context).run_requests or []
    insert_sales(connection, add_tenant("acme", pixel_id="1001"), 1, ago=timedelta(hours=2))
    job = location.resolve_job_def(schedule.job_name)
    if request.asset_check_keys:
        job = job.get_subset(asset_selection=set(), asset_check_selection=set(request.asset_check_keys))
    result = job.execute_in_process(instance=postgres_instance)
    passed = {evaluation.check_name: evaluation.passed for evaluation in result.get_asset_check_evaluations()}
    assert set(passed) == evaluated
    assert not passed["oldest_due_event"]
    assert len(queued(connection)) == 1, "it looks, and sends nothing"


def test_a_quarter_is_left_out_when_the_dispatcher_has_just_said_it(
    location: dg.Definitions, postgres_instance: dg.DagsterInstance
) -> None:
    schedule = location.get_repository_def().get_schedule_def("quarter_hourly_delivery_check")
    now = datetime.now(UTC)
    hour = now.replace(minute=0, second=0, microsecond=0)

    def asked(at: datetime) -> bool:
        with dg.build_schedule_context(instance=postgres_instance, scheduled_execution_time=at) as context:
            return bool(schedule.evaluate_tick(context).run_requests)

    # A minute after this one's: never on the hour.
    soon, late = (now + timedelta(minutes=add) for add in (1, 12))
    soon, late = (at + timedelta(minutes=1) if at.minute == 0 else at for at in (soon, late))
    assert asked(soon)
    postgres_instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
            check_name="oldest_due_event", asset_key=dg.AssetKey("capi_dispatches"), passed=True, metadata={}
        )
    )
    assert not asked(soon)
    assert asked(late)
    assert asked(hour + timedelta(hours=1)), "both checks, on the hour"
