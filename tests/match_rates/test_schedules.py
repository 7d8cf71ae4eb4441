"""The nightly aggregate of refunded days: which days a tick asks for, until their runs have netted them."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from psycopg import Connection

from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.match_rates.defs import schedules

Insert = Callable[..., int]
DAY = timedelta(days=1)
TODAY = date(2026, 3, 20)


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


@pytest.fixture
def tick(location: dg.Definitions, instance: dg.DagsterInstance, database: EventDatabase) -> Callable[[], Any]:
    """Evaluate the schedule as of the night that TODAY begins with."""

    def evaluate() -> Any:
        schedule = location.get_repository_def().get_schedule_def("nightly_refunded_days")
        at = datetime(TODAY.year, TODAY.month, TODAY.day, 0, 45, tzinfo=UTC)
        resources = {"database": database}
        with dg.build_schedule_context(instance, scheduled_execution_time=at, resources=resources) as context:
            return schedule.evaluate_tick(context)

    return evaluate


@pytest.fixture
def refunded(connection: Connection[Any], insert_sale: Insert) -> Callable[..., None]:
    """Insert a sale of a day and its refund."""

    def add(tenant: str, sold: date, *, value: int = 4) -> None:
        sale = insert_sale(tenant, noon(sold))
        connection.execute(
            "INSERT INTO trackai.refunds (tenant_id, gateway, gateway_event_id, original_event_id, value, currency,"
            " occurred_at, conversion_id)"
            " SELECT tenant_id, gateway, 'r-' || id, gateway_event_id, %s, currency, occurred_at, id"
            " FROM trackai.conversions WHERE id = %s",
            (value, sale),
        )

    return add


def asked(found: Any) -> list[tuple[str, str, str]]:
    """Key, first and last day of each run that a tick asks for."""
    return [
        (
            request.run_key,
            request.tags["dagster/asset_partition_range_start"],
            request.tags["dagster/asset_partition_range_end"],
        )
        for request in found.run_requests or []
    ]


def test_each_stretch_of_stale_days_is_a_run_and_a_second_night_has_none(
    connection: Connection[Any],
    location: dg.Definitions,
    instance: dg.DagsterInstance,
    tick: Callable[[], Any],
    add_tenant: Callable[..., str],
    insert_sale: Insert,
    refunded: Callable[..., None],
) -> None:
    acme, other = add_tenant("acme"), add_tenant("other")
    insert_sale(acme, noon(date(2026, 3, 5)))
    nothing = tick()
    assert asked(nothing) == []
    assert "has the refunds of its sales" in (nothing.skip_message or "")

    # Six days apart are one run, seven are two; today's sales wait for their night.
    for tenant, day in (
        (acme, date(2026, 1, 10)),
        (other, date(2026, 1, 16)),
        (acme, date(2026, 1, 23)),
        (acme, date(2026, 3, 19)),
        (other, TODAY),
    ):
        refunded(tenant, day)
    found = tick()
    assert asked(found) == [
        ("2026-03-20:2026-01-10", "2026-01-10", "2026-01-16"),
        ("2026-03-20:2026-01-23", "2026-01-23", "2026-01-23"),
        ("2026-03-20:2026-03-19", "2026-03-19", "2026-03-19"),
    ]
    job = location.resolve_job_def("aggregate_refunded_days")
    for request in found.run_requests:
        assert job.execute_in_process(instance=instance, tags=dict(request.tags)).success
    netted = connection.execute(
        "SELECT tenant_id, day, refunds, refunded_total::int FROM trackai.daily_match_rates "
        "WHERE refunds > 0 ORDER BY 2"
    ).fetchall()
    assert netted == [
        (acme, date(2026, 1, 10), 1, 4),
        (other, date(2026, 1, 16), 1, 4),
        (acme, date(2026, 1, 23), 1, 4),
        (acme, date(2026, 3, 19), 1, 4),
    ]
    assert asked(tick()) == []


def test_a_refund_that_changes_or_goes_makes_its_day_stale_again(
    connection: Connection[Any],
    tick: Callable[[], Any],
    add_tenant: Callable[..., str],
    refunded: Callable[..., None],
    run_job: Callable[..., Any],
) -> None:
    refunded(add_tenant("acme"), TODAY - DAY)
    yesterday = ("2026-03-20:2026-03-19", "2026-03-19", "2026-03-19")
    for change in (
        "UPDATE trackai.refunds SET value = 5",
        "UPDATE trackai.refunds SET conversion_id = NULL",
    ):
        run_job("aggregate_refunded_days", days=[TODAY - DAY])
        assert asked(tick()) == []
        connection.execute(change)
        assert asked(tick()) == [yesterday]


def test_only_partitions_are_asked_for(
    tick: Callable[[], Any],
    add_tenant: Callable[..., str],
    refunded: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    acme = add_tenant("acme")
    for day in (date(2026, 3, 1), date(2026, 3, 2)):
        refunded(acme, day)
    monkeypatch.setattr(schedules, "FIRST_DAY", date(2026, 3, 2))
    assert asked(tick()) == [("2026-03-20:2026-03-02", "2026-03-02", "2026-03-02")]
    monkeypatch.setattr(schedules, "FIRST_DAY", TODAY)
    assert asked(tick()) == []
