"""The asset daily_report and its schedule: a page a night, linked from what Dagster shows."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import dagster as dg
from report.pages import Page

from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.definitions import build_definitions
from trackai_pipelines.domain import Domain, Section
from trackai_pipelines.domains import DOMAINS

RunJob = Callable[..., dg.ExecuteInProcessResult]


def test_a_range_of_days_is_one_run_and_a_page_a_day(
    home: Path,
    run_job: RunJob,
    add_tenant: Callable[..., str],
    insert_sale: Callable[..., int],
) -> None:
    insert_sale(add_tenant("acme"), dt.datetime(2026, 1, 9, 12, tzinfo=dt.UTC))
    days = [dt.date(2026, 1, 8), dt.date(2026, 1, 9)]
    result = run_job("make_report", days=days)
    events = [event.materialization for event in result.all_events if event.is_step_materialization]
    shown = {event.partition: {name: value.value for name, value in event.metadata.items()} for event in events}
    assert set(shown) == {"2026-01-08", "2026-01-09"}
    path = home / "reports" / "report-2026-01-09.html"
    assert shown["2026-01-09"] == {
        "page": str(path),
        "link": path.as_uri(),
        "days": "2025-12-11 to 2026-01-09",
        "conversions": 1,
        "unmatched": 0,
        "pending": 1,
        "refunds": 0,
        "delivered to Meta's API": 0,
    }
    assert shown["2026-01-08"]["conversions"] == 0
    assert "11 December 2025 to 09 January 2026" in Page(path).texts


def test_a_plugged_in_domain_is_in_it(
    home: Path, database: EventDatabase, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    template = tmp_path / "section.html"
    template.write_text("{{ toys | count }} toys")

    def section() -> Section:
        return Section(title="Toys", template=template, data=lambda connection, period: {"toys": 1234})

    toy = Domain(name="toys", says="Toys.", section=section)
    location = build_definitions(resources={"database": database, "domains": (*DOMAINS, toy)})
    location.resolve_job_def("make_report").execute_in_process(instance=instance, partition_key="2026-01-09")
    assert "1,234 toys" in Page(home / "reports" / "report-2026-01-09.html").texts


def test_every_night_after_the_aggregate_about_the_day_before(
    location: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    schedule = location.get_repository_def().get_schedule_def("nightly_report")
    at = dt.datetime(2026, 1, 10, 1, 15, tzinfo=dt.UTC)
    with dg.build_schedule_context(
        instance, scheduled_execution_time=at, repository_def=location.get_repository_def()
    ) as context:
        (request,) = schedule.evaluate_tick(context).run_requests or []
    assert (request.run_key, request.partition_key) == ("2026-01-09", "2026-01-09")
    aggregate = location.get_repository_def().get_schedule_def("nightly_match_rates")
    assert (aggregate.cron_schedule, schedule.cron_schedule) == ("30 0 * * *", "15 1 * * *")
