"""Experiments in Dagster: days as partitions, checks after them, and what is asked for when."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from experiments.shop import add_test
from experiments.world import assign, put_sale, put_user
from psycopg import Connection
from typer.testing import Result

from trackai_pipelines.experiments.defs import days as defs_of_days
from trackai_pipelines.experiments.designs import config_digest, design_of

RunJob = Callable[..., dg.ExecuteInProcessResult]
DAY = timedelta(days=1)
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
START = TODAY - 4 * DAY
ASSETS = ("ab_test_outcomes", "ab_test_daily_results", "ab_test_results")


@pytest.fixture
def test(connection: Connection[Any], add_tenant: Callable[..., str]) -> int:
    """A test of twenty users, one more each hour; every second one of `a` buys at once."""
    tenant = add_tenant("acme")
    test = add_test(connection, tenant, "checkout", start_date=START, started_at=START, status="running",
                    sample_size=100, currency="BRL", end_date=START + 1.5 * DAY, window_days=1)  # fmt: skip
    connection.execute(
        "UPDATE trackai.ab_tests SET config_digest = %s", [config_digest(design_of(connection, tenant, test))]
    )
    for number in range(20):
        at, user, variant = START + number * DAY / 24, f"u{number}", ("control", "a")[number % 2]
        put_user(connection, tenant, user, user, START)
        assign(connection, tenant, test, user, variant, at, START)
        if number % 4 == 1:
            put_sale(connection, tenant, user, at + DAY / 2, START + DAY)
    return test


def partitions(instance: dg.DagsterInstance, asset: str) -> dict[date, dict[str, Any]]:
    """Metadata of each partition's newest materialisation."""
    found = {}
    for record in instance.fetch_materializations(dg.AssetKey(asset), limit=100, ascending=True).records:
        event = record.asset_materialization
        assert event is not None
        if event.partition:
            found[date.fromisoformat(event.partition)] = {name: of.value for name, of in event.metadata.items()}
    return found


def test_a_range_of_days_is_one_run_and_each_day_is_described(
    instance: dg.DagsterInstance, run_job: RunJob, connection: Connection[Any], test: int
) -> None:
    days = [START.date() + n * DAY for n in range(3)]
    result = run_job("compute_experiments", days=days)
    found = {asset: partitions(instance, asset) for asset in ASSETS}
    assert [set(of) for of in found.values()] == [{*days}] * 3
    shown = found["ab_test_daily_results"]
    assert [(shown[day]["tests running"], shown[day]["users"], shown[day]["conversions"]) for day in days] == [
        (1, 20, 3), (1, 20, 5), (1, 20, 5)
    ]  # fmt: skip
    assert shown[days[0]]["srm p acme/checkout"] == 1.0
    assert "lift acme/checkout a" not in shown[days[0]]
    assert all(shown[day]["seconds"] > 0 for day in days)
    # It was completed by its end date, and everybody's window is over: no day remains to be computed.
    assert connection.execute("SELECT status FROM trackai.ab_tests").fetchone() == ("completed",)
    checks = {one.check_name: one for one in result.get_asset_check_evaluations()}
    assert set(checks) >= {
        "outcomes_are_accounted_for", "results_equal_totals", "no_sample_ratio_mismatch", "linkage_and_tracking_alike",
        "configuration_is_frozen", "decisions_stand", "yesterday_is_computed",
    }  # fmt: skip
    assert {name for name, one in checks.items() if not one.passed} == set()


def test_what_is_wrong_fails_or_warns(run_job: RunJob, connection: Connection[Any], test: int) -> None:
    connection.execute("UPDATE trackai.ab_tests SET pre_days = 7, end_date = NULL")
    assign_more = """
        INSERT INTO trackai.ab_test_assignments (tenant_id, test_id, user_id, variant_assigned, assigned_at)
        SELECT 't-acme', %s, 'more' || n, 'a', %s FROM generate_series(1, 100) n
    """
    connection.execute(assign_more, (test, START))
    found = {
        one.check_name: one for one in run_job("compute_experiments", days=[START.date()]).get_asset_check_evaluations()
    }
    wrong = {name: one.severity for name, one in found.items() if not one.passed}
    assert wrong == {
        "configuration_is_frozen": dg.AssetCheckSeverity.ERROR,
        "no_sample_ratio_mismatch": dg.AssetCheckSeverity.WARN,
        # Nobody knows those who came, and they are all in one variant.
        "linkage_and_tracking_alike": dg.AssetCheckSeverity.WARN,
    }
    assert "acme: what starting froze of checkout was changed." in (found["configuration_is_frozen"].description or "")


def test_days_beyond_the_run_that_changed_are_told(instance: dg.DagsterInstance, run_job: RunJob, test: int) -> None:
    run_job("compute_experiments", days=[(TODAY - DAY).date()])
    found = partitions(instance, "ab_test_daily_results")
    assert START.date() in found
    assert "seconds" not in found[START.date()]


def test_the_night_asks_for_yesterday() -> None:
    at = datetime(2026, 3, 10, 1, tzinfo=UTC)
    context = dg.build_schedule_context(scheduled_execution_time=at)
    asked = defs_of_days.nightly_experiments(context)
    assert isinstance(asked, dg.RunRequest)
    assert asked.run_key == "2026-03-09"
    assert asked.tags["dagster/asset_partition_range_end"] == "2026-03-09"


def test_the_command_does_the_same(
    trackai: Callable[..., Result], run_job: RunJob, connection: Connection[Any], test: int
) -> None:
    first, last = START.date(), (START + 2 * DAY).date()
    done = trackai("experiments", "compute", "--from", str(first), "--to", str(last), "--tenant", "acme")
    assert done.exit_code == 0, done.output
    rows = [line.split() for line in done.stdout.splitlines() if line.strip().startswith("20")]
    assert rows == [[str(first + n * DAY), "1", "20", sales] for n, sales in enumerate(("3", "5", "5"))]
    totals = "SELECT * FROM trackai.ab_test_daily_totals ORDER BY day, population, variant_name"
    figures = connection.execute(totals.replace("*", "day, users_count, revenue")).fetchall()
    run_job("compute_experiments", days=[first])
    assert connection.execute(totals.replace("*", "day, users_count, revenue")).fetchall() == figures
    assert trackai("experiments", "compute", "--from", str(last), "--to", str(first)).exit_code == 2
