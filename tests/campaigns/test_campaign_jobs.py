"""The days of campaigns in Dagster: the job, its checks and metadata, and what a night asks for."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
from campaigns.stated import state
from code_location import materialised
from psycopg import Connection

from trackai_pipelines.clock import utc_now
from trackai_pipelines.matching.drain import drain

ASSETS = {
    "conversion_touchpoints",
    "campaign_credit_daily",
    "campaign_analytics_daily",
    "campaign_trend_data",
    "campaign_analytics_segments",
}


def test_a_night_computes_its_days_and_those_that_changed(
    connection: Connection[Any],
    instance: dg.DagsterInstance,
    run_job: Callable[..., dg.ExecuteInProcessResult],
    add_tenant: Callable[..., str],
    add_matched_sales: Callable[..., list[int]],
) -> None:
    tenant = add_tenant("acme")
    noon = datetime.combine(utc_now().date(), datetime.min.time(), UTC) - timedelta(hours=12)
    late = noon - timedelta(days=10)
    add_matched_sales(tenant, noon, fbc=3, fbp=1, unmatched=1)
    add_matched_sales(tenant, late, fbc=2)
    drain(connection, run_id="test")
    days = [noon.date() - timedelta(days=back) for back in (2, 1, 0)]
    run_job("aggregate_match_rates", days=[late.date(), *days])
    result = run_job("aggregate_campaigns", days=days)
    for asset in ASSETS:
        found = materialised(instance, asset)
        assert set(found) == {*map(str, days), str(late.date())}
        assert found[str(noon.date())]["conversions"] == 4
        assert found[str(noon.date())]["revenue BRL"] == 40.0
        assert found[str(noon.date())]["share of revenue in (none) BRL"] == 1.0
        assert "a late sale or match" in found[str(late.date())]["due because of"]
    checks = {evaluation.check_name: evaluation.passed for evaluation in result.get_asset_check_evaluations()}
    assert checks == dict.fromkeys(
        (
            "campaign_totals_reconcile",
            "spend_is_complete",
            "parts_agree",
            "shared_keys_in_bounds",
            "credits_sum_to_one",
            "costs_agree_across_levels",
            "unjoined_spend",
            "rates_are_known",
            "costs_are_fresh",
        ),
        True,
    )
    assert len(result.get_asset_check_evaluations()) == len(checks)


def test_a_blocking_check_fails_the_run(
    connection: Connection[Any],
    location: dg.Definitions,
    instance: dg.DagsterInstance,
    run_job: Callable[..., dg.ExecuteInProcessResult],
    add_tenant: Callable[..., str],
    add_matched_sales: Callable[..., list[int]],
) -> None:
    tenant = add_tenant("acme")
    noon = datetime.combine(utc_now().date(), datetime.min.time(), UTC) - timedelta(hours=12)
    add_matched_sales(tenant, noon, fbc=3)
    drain(connection, run_id="test")
    run_job("aggregate_match_rates", days=[noon.date()])
    connection.execute("UPDATE trackai.daily_match_rates SET fbc = fbc - 1, unmatched = unmatched + 1")
    job = location.resolve_job_def("aggregate_campaigns")
    result = job.execute_in_process(instance=instance, partition_key=str(noon.date()), raise_on_error=False)
    (totals,) = [
        evaluation
        for evaluation in result.get_asset_check_evaluations()
        if evaluation.check_name == "campaign_totals_reconcile"
    ]
    assert not totals.passed
    assert totals.blocking
    assert "3 conversions, not 2" in (totals.description or "")


def test_the_night_finds_that_every_export_has_stopped(
    connection: Connection[Any],
    run_job: Callable[..., dg.ExecuteInProcessResult],
    add_tenant: Callable[..., str],
) -> None:
    tenant = add_tenant("acme", reporting_currency="BRL")
    last = utc_now().date() - timedelta(days=4)
    state(connection, tenant, [{"day": last, "currency": "USD"}])
    result = run_job("aggregate_campaigns", days=[last + timedelta(days=2)])
    said = {one.check_name: one.description for one in result.get_asset_check_evaluations() if not one.passed}
    assert said["costs_are_fresh"] == f"acme: no costs of meta account 1 since {last}"
    assert set(said) == {"costs_are_fresh", "unjoined_spend", "rates_are_known"}


def test_the_night_asks_for_three_days(location: dg.Definitions, instance: dg.DagsterInstance) -> None:
    schedule = location.get_repository_def().get_schedule_def("nightly_campaigns")
    at = datetime(2026, 3, 20, 1, 0, tzinfo=UTC)
    with dg.build_schedule_context(instance, scheduled_execution_time=at) as context:
        (request,) = schedule.evaluate_tick(context).run_requests or []
    assert request.tags["dagster/asset_partition_range_start"] == "2026-03-17"
    assert request.tags["dagster/asset_partition_range_end"] == "2026-03-19"
