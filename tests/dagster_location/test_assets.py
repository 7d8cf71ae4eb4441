"""The assets through their jobs, on a real database: what is in the tables afterwards, and what Dagster shows of it."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from declared import TABLES
from matching.gates import override
from psycopg import Connection, sql

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.partitions import partition_days
from trackai_pipelines.match_rates.defs import schedules

RunJob = Callable[..., dg.ExecuteInProcessResult]


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def day_before(days: int) -> date:
    return utc_now().date() - timedelta(days=days)


def shown(result: dg.ExecuteInProcessResult, asset: str) -> dict[str | None, dict[str, Any]]:
    """Metadata of the asset's materialisations in a run, by partition; each partition has one."""
    events = [
        event.materialization
        for event in result.all_events
        if event.is_step_materialization and event.materialization.asset_key == dg.AssetKey(asset)
    ]
    by_partition = {event.partition: {name: value.value for name, value in event.metadata.items()} for event in events}
    assert len(by_partition) == len(events), f"a partition of {asset} was recorded twice"
    return by_partition


def some(metadata: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(metadata.get(name) for name in names)


def rates(connection: Connection[Any]) -> list[tuple[Any, ...]]:
    """All of daily_match_rates but the time it was computed."""
    return connection.execute(
        "SELECT tenant_id, day, gateway, currency, conversions, fbc, fbp, email, unmatched, pending, match_rate,"
        " value_total, value_matched, p95_match_seconds FROM trackai.daily_match_rates ORDER BY 1, 2, 3, 4"
    ).fetchall()


def write_lines(path: Path, *rows: dict[str, Any] | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))


def test_from_landing_files_to_match_rates(
    home: Path,
    connection: Connection[Any],
    add_tenant: Callable[..., str],
    run_job: RunJob,
    instance: dg.DagsterInstance,
) -> None:
    add_tenant("acme", email_matching=True)
    before, yesterday, today = day_before(2), day_before(1), day_before(0)
    landing = home / "landing" / "acme"

    def sale(event: str, at: datetime, value: str = "10.50", **columns: Any) -> dict[str, Any]:
        facts = {"gateway": "shopify", "gateway_event_id": event, "value": value, "currency": "BRL"}
        return {"tenant": "acme", **facts, "occurred_at": at.isoformat(), **columns}

    click_time = (noon(before) - timedelta(hours=1)).isoformat()
    write_lines(
        landing / "clicks.jsonl",
        {"tenant": "acme", "external_id": "c1", "fbclid": "Click1", "created_at": click_time},
        {"tenant": "acme", "external_id": "c2", "fbp": "fb.1.1700000000000.77", "created_at": click_time},
        {"tenant": "acme", "external_id": "c3", "created_at": click_time},
        {"tenant": "acme", "external_id": "c1", "fbclid": "Click1", "created_at": click_time},
    )
    write_lines(
        landing / "identities.jsonl",
        {"tenant": "acme", "email": "Someone@Example.com", "click_external_id": "c3", "created_at": click_time},
    )
    write_lines(
        landing / "conversions.jsonl",
        sale("s1", noon(before), fbclid="Click1"),
        sale("s2", noon(before), fbp="fb.1.1700000000000.77"),
        sale("s3", noon(before), fbclid="Nobody"),
        sale("s4", noon(yesterday), "0.0001", fbc="fb.1.1700000000000.Click1"),
        sale("s4", noon(yesterday), "0.0001", fbc="fb.1.1700000000000.Click1"),
        sale("s5", noon(yesterday), email="someone@example.com"),
        sale("s6", noon(yesterday), value="-1"),
        "{not json",
    )

    loaded = run_job("ingest_landing_files")
    figures = ("files", "accepted", "duplicates", "rejected")
    assert some(shown(loaded, "clicks")[None], *figures) == (1, 3, 1, 0)
    assert some(shown(loaded, "identities")[None], *figures) == (1, 1, 0, 0)
    assert some(shown(loaded, "conversions")[None], *figures) == (1, 5, 1, 2)
    columns = shown(loaded, "conversions")[None]["dagster/column_schema"].columns
    assert {"tenant_id", "gateway_event_id", "occurred_at", "fbc"} <= {column.name for column in columns}
    reported = "".join(str(entry) for entry in instance.all_logs(loaded.run_id))
    assert "conversions.jsonl" in reported
    assert "someone@example.com" not in reported.lower()

    matched = run_job("match_conversions", partition_key=today.isoformat())
    decided = shown(matched, "matched_attributions")
    counts = ("decided of this day", "fbc", "fbp", "email", "unmatched", "match rate")
    assert set(decided) == {before.isoformat(), yesterday.isoformat(), today.isoformat()}
    assert some(decided[before.isoformat()], *counts) == (3, 1, 1, 0, 1, 0.6667)
    assert some(decided[yesterday.isoformat()], *counts) == (2, 1, 0, 1, 0, 1.0)
    assert some(decided[today.isoformat()], *counts) == (0, 0, 0, 0, 0, None)
    assert some(decided[today.isoformat()], "decided in this run", "re-matched", "micro-batches") == (5, 0, 2)
    # Attempts: s1 1, s2 2, s3 3, s4 1, s5 3.
    assert shown(matched, "match_log") == {today.isoformat(): {"log rows written": 10, "conversions": 5}}
    assert connection.execute("SELECT DISTINCT run_id FROM trackai.match_log").fetchall() == [(matched.run_id,)]

    aggregated = run_job("aggregate_match_rates", days=[before, yesterday])
    by_day = shown(aggregated, "daily_match_rates")
    totals = ("dagster/partition_row_count", "conversions", "fbc", "fbp", "email", "unmatched", "pending", "match rate")
    assert some(by_day[before.isoformat()], *totals) == (1, 3, 1, 1, 0, 1, 0, 0.6667)
    assert some(by_day[yesterday.isoformat()], *totals) == (1, 2, 1, 0, 1, 0, 0, 1.0)
    # The table's rows, though this run has just written them: Dagster shows them as the asset's.
    assert {day["dagster/row_count"] for day in by_day.values()} == {2}
    empty = shown(run_job("aggregate_match_rates", days=[today]), "daily_match_rates")[today.isoformat()]
    assert some(empty, "dagster/row_count", "dagster/partition_row_count") == (2, 0)
    assert [row[1:10] for row in rates(connection)] == [
        (before, "shopify", "BRL", 3, 1, 1, 0, 1, 0),
        (yesterday, "shopify", "BRL", 2, 1, 0, 1, 0, 0),
    ]
    assert all(check.passed for check in aggregated.get_asset_check_evaluations() if check.blocking)


def test_a_later_drain_does_not_shrink_a_day_in_the_ui(
    add_tenant: Callable[..., str], insert_sale: Callable[..., int], run_job: RunJob
) -> None:
    """What a run decided is not what the day holds, and must not stand under Dagster's name for the latter."""
    acme, day = add_tenant("acme"), day_before(0)
    for decided in (3, 1):
        for number in range(decided):
            insert_sale(acme, datetime.combine(day, time(), UTC), fbclid=f"Nobody{number}")
        result = run_job("match_conversions", partition_key=day.isoformat())
        reported = shown(result, "matched_attributions")[day.isoformat()]
        assert reported["decided of this day"] == decided
        assert "dagster/partition_row_count" not in reported


def test_match_job_leaves_unmatched_conversions_alone(
    connection: Connection[Any], add_tenant: Callable[..., str], insert_sale: Callable[..., int], run_job: RunJob
) -> None:
    acme, day = add_tenant("acme"), day_before(0)
    # On the run's own day, which a re-match would be for.
    insert_sale(acme, datetime.combine(day, time(), UTC), fbclid="Nobody")
    run_job("match_conversions", partition_key=day.isoformat())
    again = run_job("match_conversions", partition_key=day.isoformat())
    assert shown(again, "matched_attributions")[day.isoformat()]["decided in this run"] == 0
    assert shown(again, "match_log") == {}
    assert connection.execute("SELECT max(attempt) FROM trackai.match_log").fetchone() == (2,)


def test_sales_before_the_first_partition_are_matched_without_one(
    connection: Connection[Any], add_tenant: Callable[..., str], insert_sale: Callable[..., int], run_job: RunJob
) -> None:
    acme, day = add_tenant("acme"), day_before(0)
    insert_sale(acme, datetime(2019, 5, 1, tzinfo=UTC), fbclid="Nobody")
    # A producer's clock may be ahead: the sale lies in tomorrow, which is not a partition yet.
    insert_sale(acme, utc_now() + timedelta(hours=23, minutes=59), fbclid="Nobody")
    matched = run_job("match_conversions", partition_key=day.isoformat())
    assert set(shown(matched, "matched_attributions")) == {day.isoformat()}
    assert shown(matched, "matched_attributions")[day.isoformat()]["decided in this run"] == 2
    assert connection.execute("SELECT count(*) FROM trackai.matched_attributions").fetchone() == (2,)


def test_rematch_of_a_range_is_one_run_with_one_materialisation_a_day(
    connection: Connection[Any],
    add_tenant: Callable[..., str],
    insert_click: Callable[..., int],
    insert_sale: Callable[..., int],
    run_job: RunJob,
    instance: dg.DagsterInstance,
) -> None:
    acme = add_tenant("acme", lookback_days=5)
    days = [day_before(back) for back in (4, 3, 2)]
    sales = [insert_sale(acme, noon(day), fbclid="Key") for day in days]
    outside = insert_sale(acme, noon(day_before(1)), fbclid="Key")
    insert_click(acme, fbclid="Key", created_at=noon(day_before(20)))
    run_job("match_conversions", partition_key=day_before(0).isoformat())
    override(connection, acme, "lookback_days", "17")

    rematched = run_job("rematch_unmatched", days=days)
    by_day = shown(rematched, "matched_attributions")
    assert list(by_day) == [day.isoformat() for day in days]
    counts = ("decided of this day", "fbc", "unmatched", "match rate", "re-matched")
    # 16 and 17 days after the click are inside the window and at its open end.
    assert [some(by_day[day.isoformat()], *counts) for day in days] == [
        (1, 1, 0, 1.0, 3),
        (1, 0, 1, 0.0, 3),
        (1, 0, 1, 0.0, 3),
    ]
    attempts = connection.execute(
        "SELECT conversion_id, attempts, strategy FROM trackai.matched_attributions ORDER BY 1"
    ).fetchall()
    assert attempts == [(sales[0], 3, "fbc"), (sales[1], 4, "unmatched"), (sales[2], 4, "unmatched"),
                        (outside, 2, "unmatched")]  # fmt: skip
    assert instance.get_materialized_partitions(dg.AssetKey("matched_attributions")) == {
        day_before(back).isoformat() for back in range(5)
    }
    assert len(instance.get_runs(dg.RunsFilter(job_name="rematch_unmatched"))) == 1


def test_ninety_days_are_aggregated_in_one_run(
    connection: Connection[Any],
    add_tenant: Callable[..., str],
    add_matched_sales: Callable[..., list[int]],
    run_job: RunJob,
    instance: dg.DagsterInstance,
) -> None:
    acme = add_tenant("acme")
    days = [day_before(back) for back in range(90, 0, -1)]
    for number, day in enumerate(days):
        if number % 10 == 0:
            add_matched_sales(acme, noon(day), fbc=2, fbp=1, unmatched=1)
    run_job("match_conversions", partition_key=day_before(0).isoformat())

    first = run_job("aggregate_match_rates", days=[days[0], days[-1]])
    assert list(shown(first, "daily_match_rates")) == [day.isoformat() for day in days]
    assert list(shown(first, "match_log")) == [day.isoformat() for day in days]
    rows = rates(connection)
    assert [(row[1], *row[4:11]) for row in rows] == [(day, 4, 2, 1, 0, 1, 0, 0.75) for day in days[::10]]
    assert len(instance.get_runs(dg.RunsFilter(job_name="aggregate_match_rates"))) == 1
    assert len(instance.get_materialized_partitions(dg.AssetKey("daily_match_rates"))) == 90

    (computed,) = connection.execute("SELECT max(computed_at) FROM trackai.daily_match_rates").fetchone() or (None,)
    run_job("aggregate_match_rates", days=[days[0], days[-1]])
    assert rates(connection) == rows
    assert connection.execute(
        "SELECT count(*) FROM trackai.daily_match_rates WHERE computed_at <= %s", [computed]
    ).fetchone() == (0,)


def test_aggregating_again_removes_groups_that_are_no_more(
    connection: Connection[Any], add_tenant: Callable[..., str], insert_sale: Callable[..., int], run_job: RunJob
) -> None:
    acme, other = add_tenant("acme"), add_tenant("other")
    day, next_day = day_before(3), day_before(2)
    kept = insert_sale(acme, noon(day))
    for tenant, columns in ((acme, {"gateway": "kiwify"}), (acme, {"currency": "USD"}), (other, {})):
        insert_sale(tenant, noon(day), **columns)
        insert_sale(tenant, noon(next_day), **columns)
    run_job("aggregate_match_rates", days=[day, next_day])
    assert len(rates(connection)) == 7

    override(connection, other, "email_matching", "true", noon(day))
    override(connection, acme, "lookback_days", "30", noon(next_day))
    again = shown(run_job("aggregate_match_rates", days=[day, next_day]), "daily_match_rates")
    assert {day: metadata["gates"] for day, metadata in again.items()} == {
        day.isoformat(): {"email_matching": {"false": 3, "true": 1}, "lookback_days": {"90": 4}},
        next_day.isoformat(): {"email_matching": {"false": 2, "true": 1}, "lookback_days": {"30": 2, "90": 1}},
    }

    connection.execute("DELETE FROM trackai.conversions WHERE id <> %s", [kept])
    run_job("aggregate_match_rates", partition_key=day.isoformat())
    assert [row[:4] for row in rates(connection)] == [
        (acme, day, "shopify", "BRL"),
        (acme, next_day, "kiwify", "BRL"),
        (acme, next_day, "shopify", "USD"),
        (other, next_day, "shopify", "BRL"),
    ]


def test_the_nightly_run_takes_late_arrivals_in(
    location: dg.Definitions,
    connection: Connection[Any],
    add_tenant: Callable[..., str],
    insert_click: Callable[..., int],
    add_matched_sales: Callable[..., list[int]],
    insert_sale: Callable[..., int],
    run_job: RunJob,
    instance: dg.DagsterInstance,
) -> None:
    acme = add_tenant("acme")
    today, days = day_before(0), [day_before(back) for back in (4, 3, 2, 1)]
    for day in days:
        add_matched_sales(acme, noon(day), fbc=1)
    insert_sale(acme, noon(days[1]), fbclid="Late")
    run_job("match_conversions", partition_key=today.isoformat())
    run_job("aggregate_match_rates", days=days)

    insert_click(acme, fbclid="Late", created_at=noon(days[1]))
    for day in days:
        add_matched_sales(acme, noon(day) + timedelta(hours=1), fbc=1)
    run_job("match_conversions", partition_key=today.isoformat())

    schedule = location.get_repository_def().get_schedule_def("nightly_match_rates")
    tick = dg.build_schedule_context(
        instance=instance, scheduled_execution_time=datetime(today.year, today.month, today.day, 0, 30, tzinfo=UTC)
    )
    (request,) = schedule.evaluate_tick(tick).run_requests or []
    nightly = location.resolve_job_def(schedule.job_name).execute_in_process(
        instance=instance, tags=dict(request.tags), run_config=request.run_config
    )
    assert nightly.success
    assert list(shown(nightly, "daily_match_rates")) == [day.isoformat() for day in days[1:]]
    # The fourth day back is left as it was; the late click turned an unmatched sale of the third into a match.
    assert [(row[1], row[4], row[5], row[8]) for row in rates(connection)] == [
        (days[0], 1, 1, 0), (days[1], 3, 3, 0), (days[2], 2, 2, 0), (days[3], 2, 2, 0),
    ]  # fmt: skip


def test_schedules_ask_once_a_day(location: dg.Definitions, instance: dg.DagsterInstance) -> None:
    """The same evening by two clocks is one UTC day; across DST the days stay whole."""
    schedule = location.get_repository_def().get_schedule_def("nightly_match_rates")
    for today in (date(2026, 3, 29), date(2026, 10, 25), date(2028, 3, 1)):
        at = datetime(today.year, today.month, today.day, 0, 30, tzinfo=UTC)
        tick = schedule.evaluate_tick(dg.build_schedule_context(instance=instance, scheduled_execution_time=at))
        (request,) = tick.run_requests or []
        assert request.run_key == today.isoformat()
        assert request.tags["dagster/asset_partition_range_start"] == (today - timedelta(days=3)).isoformat()
        assert request.tags["dagster/asset_partition_range_end"] == (today - timedelta(days=1)).isoformat()
    maintenance = location.get_repository_def().get_schedule_def("daily_partition_maintenance")
    assert maintenance.execution_timezone == "UTC"
    assert maintenance.job_name == "maintain_partitions"


def test_the_nightly_aggregate_asks_for_partitions_only(
    location: dg.Definitions, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TRACKAI_FIRST_DAY may be yesterday, or next week."""
    schedule = location.get_repository_def().get_schedule_def("nightly_match_rates")
    tick = dg.build_schedule_context(
        instance=instance, scheduled_execution_time=datetime(2026, 3, 20, 0, 30, tzinfo=UTC)
    )
    monkeypatch.setattr(schedules, "FIRST_DAY", date(2026, 3, 19))
    (request,) = schedule.evaluate_tick(tick).run_requests or []
    assert request.tags["dagster/asset_partition_range_start"] == "2026-03-19"
    assert request.tags["dagster/asset_partition_range_end"] == "2026-03-19"
    monkeypatch.setattr(schedules, "FIRST_DAY", date(2026, 3, 27))
    skipped = schedule.evaluate_tick(tick)
    assert not skipped.run_requests
    assert "TRACKAI_FIRST_DAY" in (skipped.skip_message or "")


def number_of_partitions(connection: Connection[Any]) -> int:
    return sum(len(partition_days(connection, table.name)) for table in TABLES if table.partitioned)


def test_maintenance_makes_missing_partitions(connection: Connection[Any], run_job: RunJob) -> None:
    missing = [f"match_log_{day_before(-ahead):%Y%m%d}" for ahead in (3, 9)]
    for name in missing:
        connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier("trackai", name)))
    for _ in range(2):
        before = number_of_partitions(connection)
        result = run_job("maintain_partitions")
        (output,) = [event for event in result.all_events if event.event_type == dg.DagsterEventType.STEP_OUTPUT]
        made = number_of_partitions(connection) - before
        assert output.step_output_data.metadata["partitions made"].value == made
    found = connection.execute(
        "SELECT to_regclass('trackai.' || name) IS NOT NULL FROM unnest(%s::text[]) AS name", [missing]
    )
    assert found.fetchall() == [(True,), (True,)]


def test_a_run_without_its_database_fails_without_showing_the_password(
    home: Path, monkeypatch: pytest.MonkeyPatch, instance: dg.DagsterInstance
) -> None:
    from trackai_pipelines.definitions import build_definitions

    monkeypatch.setenv("TRACKAI_DATABASE_URL", "postgresql://someone:s3cret@127.0.0.1:9/nowhere")
    job = build_definitions().resolve_job_def("match_conversions")
    result = job.execute_in_process(instance=instance, partition_key="2026-01-01", raise_on_error=False)
    assert not result.success
    reported = "".join(str(entry) for entry in instance.all_logs(result.run_id))
    assert "TRACKAI_DATABASE_URL" in reported
    assert "s3cret" not in reported
