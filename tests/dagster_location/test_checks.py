"""Each asset check passes on good data and fails, or warns, on data that was really broken in the database.

What does not belong here: the checks of delivery, which good data for these would fail (test_dispatch_checks.py), and
those of loyalty (tests/loyalty), which has data of its own.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from flags.usage import row, write
from psycopg import Connection, sql

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.database.partitions import partition_days, partition_name
from trackai_pipelines.definitions import defs
from trackai_pipelines.flag_values.bucketing import bucket
from trackai_pipelines.match_rates.aggregate import aggregate_days
from trackai_pipelines.matching.drain import drain

CHECKS = {
    "no_duplicate_conversions", "exactly_one_attribution", "log_agrees_with_attributions", "partitions_ahead",
    "match_rates_in_bounds", "yesterday_is_complete", "retention_keeps_up",
    "user_links_are_current", "refunds_within_their_sales", "refunds_are_no_sales",
    "refunds_in_the_currency_of_their_sales", "refunds_find_their_sales", "net_values_are_current",
    "costs_agree_across_levels", "unjoined_spend", "rates_are_known", "costs_are_fresh",
    "campaign_totals_reconcile", "credits_sum_to_one", "spend_is_complete", "parts_agree", "shared_keys_in_bounds",
    "every_sale_has_one_value", "matching_agrees_with_gates", "settings_equal_history", "flag_history_is_complete",
    "analytics_equal_usage", "exposures_repeat", "stale_flags",
    "outcomes_are_accounted_for", "results_equal_totals", "no_sample_ratio_mismatch", "linkage_and_tracking_alike",
    "configuration_is_frozen", "decisions_stand", "yesterday_is_computed", "p_values_are_calibrated",
}  # fmt: skip
Evaluate = Callable[[], dict[str, dg.AssetCheckEvaluation]]


@pytest.fixture
def evaluate(home: Any, database: EventDatabase, instance: dg.DagsterInstance) -> Evaluate:
    """Run all checks but those of delivery and loyalty, and nothing else; return the evaluations by name."""
    delivery = dg.AssetSelection.checks_for_assets(dg.AssetKey("capi_dispatches"))
    chosen = dg.AssetSelection.all_asset_checks() - delivery - dg.AssetSelection.groups("loyalty")
    job = dg.Definitions(
        assets=list(defs.assets or []),
        asset_checks=list(defs.asset_checks or []),
        jobs=[dg.define_asset_job("all_checks", selection=chosen)],
        resources={**(defs.resources or {}), "database": database},
    ).resolve_job_def("all_checks")

    def run() -> dict[str, dg.AssetCheckEvaluation]:
        result = job.execute_in_process(instance=instance)
        assert result.success
        return {evaluation.check_name: evaluation for evaluation in result.get_asset_check_evaluations()}

    return run


@pytest.fixture
def yesterday() -> date:
    return utc_now().date() - timedelta(days=1)


@pytest.fixture
def good(
    connection: Connection[Any], add_tenant: Callable[..., str], add_matched_sales: Any, yesterday: date
) -> list[int]:
    """Twenty sales of yesterday, matched as healthy traffic is, and aggregated; return their ids."""
    noon = datetime(yesterday.year, yesterday.month, yesterday.day, 12, tzinfo=UTC)
    sales: list[int] = add_matched_sales(add_tenant("acme"), noon, fbc=15, fbp=3, unmatched=2)
    drain(connection, run_id="test")
    list(aggregate_days(connection, yesterday, yesterday))
    return sales


def failed(evaluations: dict[str, dg.AssetCheckEvaluation]) -> set[str]:
    assert set(evaluations) == CHECKS
    return {name for name, evaluation in evaluations.items() if not evaluation.passed}


def drop_partition(connection: Connection[Any], day: date) -> None:
    connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier("trackai", partition_name("match_log", day))))


def figures(evaluation: dg.AssetCheckEvaluation) -> dict[str, Any]:
    return {name: value.value for name, value in evaluation.metadata.items()}


def test_all_pass_on_good_data(good: list[int], evaluate: Evaluate) -> None:
    evaluations = evaluate()
    assert failed(evaluations) == set()
    assert figures(evaluations["no_duplicate_conversions"])["conversions"] == 20
    assert figures(evaluations["exactly_one_attribution"])["attributed"] == 20
    assert figures(evaluations["log_agrees_with_attributions"])["attributions decided"] == 20
    assert figures(evaluations["match_rates_in_bounds"]) == {"decided": 20, "fbc share": 0.75, "fbp share": 0.15}
    assert figures(evaluations["yesterday_is_complete"])["aggregated"] == 20


def test_a_conversion_that_is_there_twice(good: list[int], connection: Connection[Any], evaluate: Evaluate) -> None:
    # The constraint would not let it happen; the check is for the day when somebody has dropped it.
    connection.execute(
        "ALTER TABLE trackai.conversions DROP CONSTRAINT conversions_tenant_id_gateway_gateway_event_id_key"
    )
    connection.execute(
        "INSERT INTO trackai.conversions (tenant_id, gateway, gateway_event_id, value, currency, occurred_at)"
        " SELECT tenant_id, gateway, gateway_event_id, value, currency, occurred_at FROM trackai.conversions"
        " WHERE id = ANY (%s)",
        [good[:2]],
    )
    evaluations = evaluate()
    # The twins are sales that yesterday's aggregate has not counted.
    assert failed(evaluations) == {"no_duplicate_conversions", "yesterday_is_complete"}
    assert figures(evaluations["no_duplicate_conversions"])["duplicates"] == 2
    assert evaluations["no_duplicate_conversions"].severity == dg.AssetCheckSeverity.ERROR


def test_a_conversion_that_is_neither_attributed_nor_queued(
    good: list[int], connection: Connection[Any], evaluate: Evaluate
) -> None:
    connection.execute("DELETE FROM trackai.matched_attributions WHERE conversion_id = %s", [good[-1]])
    evaluations = evaluate()
    # Yesterday's aggregate has a decision that is gone.
    assert failed(evaluations) == {"exactly_one_attribution", "yesterday_is_complete"}
    assert figures(evaluations["exactly_one_attribution"])["unaccounted for"] == 1
    assert "rematch_unmatched" in (evaluations["exactly_one_attribution"].description or "")


def test_a_conversion_that_waits_is_accounted_for(
    good: list[int], connection: Connection[Any], insert_sale: Any, evaluate: Evaluate
) -> None:
    insert_sale("t-acme", utc_now())
    evaluations = evaluate()
    assert failed(evaluations) == set()
    assert figures(evaluations["exactly_one_attribution"])["waiting"] == 1


def test_an_attribution_that_is_there_twice(good: list[int], connection: Connection[Any], evaluate: Evaluate) -> None:
    connection.execute("ALTER TABLE trackai.matched_attributions DROP CONSTRAINT matched_attributions_pkey")
    connection.execute(
        "INSERT INTO trackai.matched_attributions SELECT * FROM trackai.matched_attributions WHERE conversion_id = %s",
        [good[0]],
    )
    evaluations = evaluate()
    assert "exactly_one_attribution" in failed(evaluations)
    assert figures(evaluations["exactly_one_attribution"])["doubled"] == 1


@pytest.mark.parametrize(
    ("broken", "without_log", "without_attribution"),
    [
        # The log names another click than the attribution.
        ("UPDATE trackai.match_log SET click_id = click_id + 1 WHERE conversion_id = %s", 1, 1),
        # The log's hit is gone.
        ("DELETE FROM trackai.match_log WHERE conversion_id = %s", 1, 0),
        # The attribution is gone; the log's hit hangs in the air.
        ("DELETE FROM trackai.matched_attributions WHERE conversion_id = %s", 0, 1),
        # The attribution was turned round behind the log's back.
        (
            "UPDATE trackai.matched_attributions SET strategy = 'unmatched', click_id = NULL WHERE conversion_id = %s",
            1,
            1,
        ),
    ],
)
def test_a_log_that_disagrees(
    broken: Any,
    without_log: int,
    without_attribution: int,
    good: list[int],
    connection: Connection[Any],
    evaluate: Evaluate,
) -> None:
    assert connection.execute(broken, [good[0]]).rowcount == 1
    evaluations = evaluate()
    assert "log_agrees_with_attributions" in failed(evaluations)
    found = figures(evaluations["log_agrees_with_attributions"])
    assert found["attributions without their log"] == without_log
    assert found["hits without their attribution"] == without_attribution


def test_a_deleted_click_leaves_the_log_in_agreement(
    good: list[int], connection: Connection[Any], evaluate: Evaluate
) -> None:
    assert connection.execute("DELETE FROM trackai.clicks").rowcount == 18
    assert failed(evaluate()) == set()


@pytest.mark.parametrize(("ahead", "passes"), [(7, False), (0, False), (8, True)])
def test_partitions_that_are_missing(
    ahead: int, passes: bool, connection: Connection[Any], evaluate: Evaluate, yesterday: date
) -> None:
    first = yesterday + timedelta(days=1 + ahead)
    for day in partition_days(connection, "match_log"):
        if day >= first:
            drop_partition(connection, day)
    evaluations = evaluate()
    assert ("partitions_ahead" not in failed(evaluations)) == passes
    if not passes:
        assert f"{first} has no partition" in (evaluations["partitions_ahead"].description or "")


@pytest.mark.parametrize(
    ("counts", "outside"),
    [
        ({"fbc": 14, "fbp": 4, "unmatched": 2}, set()),
        ({"fbc": 17, "fbp": 2, "unmatched": 1}, set()),
        ({"fbc": 13, "fbp": 4, "unmatched": 3}, {"fbc matches 65.0%"}),
        ({"fbc": 18, "fbp": 2}, {"fbc matches 90.0%"}),
        ({"fbc": 15, "unmatched": 5}, {"fbp matches 0.0%"}),
        ({"unmatched": 3}, {"fbc matches 0.0%", "fbp matches 0.0%"}),
        ({}, set()),
    ],
)
def test_rates_outside_their_bounds_warn(
    counts: dict[str, int],
    outside: set[str],
    connection: Connection[Any],
    add_tenant: Any,
    add_matched_sales: Any,
    yesterday: date,
    evaluate: Evaluate,
) -> None:
    acme = add_tenant("acme")
    noon = datetime(yesterday.year, yesterday.month, yesterday.day, 12, tzinfo=UTC)
    add_matched_sales(acme, noon, **counts)
    # Neither today's nor sales of eight days ago count.
    for other in (noon + timedelta(days=1) - timedelta(hours=12), noon - timedelta(days=7)):
        add_matched_sales(acme, other, unmatched=5)
    drain(connection, run_id="test")
    list(aggregate_days(connection, yesterday - timedelta(days=8), yesterday + timedelta(days=1)))
    evaluations = evaluate()
    assert failed(evaluations) == ({"match_rates_in_bounds"} if outside else set())
    found = evaluations["match_rates_in_bounds"]
    assert found.severity == dg.AssetCheckSeverity.WARN
    assert {part.split(",")[0] for part in (found.description or "").split("; ") if part} == outside


def test_yesterday_was_not_aggregated(good: list[int], connection: Connection[Any], evaluate: Evaluate) -> None:
    connection.execute("DELETE FROM trackai.daily_match_rates")
    # An old day, made fresh, does not hide it.
    list(aggregate_days(connection, date(2026, 1, 1), date(2026, 1, 1)))
    evaluations = evaluate()
    assert failed(evaluations) == {"yesterday_is_complete"}
    assert "Materialise daily_match_rates" in (evaluations["yesterday_is_complete"].description or "")


def test_yesterday_got_a_sale_after_it_was_aggregated(
    good: list[int], connection: Connection[Any], insert_sale: Any, yesterday: date, evaluate: Evaluate
) -> None:
    last = datetime(yesterday.year, yesterday.month, yesterday.day, 23, 59, 59, 999_999, tzinfo=UTC)
    insert_sale("t-acme", last + timedelta(microseconds=1))
    insert_sale("t-acme", last - timedelta(days=1))
    drain(connection, run_id="test")
    assert failed(evaluate()) == set()
    insert_sale("t-acme", last)
    drain(connection, run_id="test")
    assert failed(evaluate()) == {"yesterday_is_complete"}
    list(aggregate_days(connection, yesterday, yesterday))
    assert "yesterday_is_complete" not in failed(evaluate())


def test_yesterday_was_aggregated_before_it_was_matched(
    connection: Connection[Any], add_tenant: Any, add_matched_sales: Any, yesterday: date, evaluate: Evaluate
) -> None:
    noon = datetime(yesterday.year, yesterday.month, yesterday.day, 12, tzinfo=UTC)
    add_matched_sales(add_tenant("acme"), noon, fbc=15, fbp=3, unmatched=2)
    suspended = add_matched_sales(add_tenant("quiet", status="suspended"), noon, fbc=1)
    list(aggregate_days(connection, yesterday, yesterday))
    drain(connection, run_id="test")
    evaluations = evaluate()
    assert failed(evaluations) == {"yesterday_is_complete"}
    assert figures(evaluations["yesterday_is_complete"])["aggregated as pending"] == 20 + len(suspended)
    list(aggregate_days(connection, yesterday, yesterday))
    assert failed(evaluate()) == set()


def test_yesterdays_log_partition_is_gone(
    good: list[int], connection: Connection[Any], yesterday: date, evaluate: Evaluate
) -> None:
    drop_partition(connection, yesterday)
    assert failed(evaluate()) == {"yesterday_is_complete"}


def refund(connection: Connection[Any], sale: int, **changes: Any) -> None:
    """Insert a refund of all of a sale, linked with it, with changes."""
    row = {
        "event": "re_1",
        "value": None,
        "currency": None,
        "conversion_id": sale,
        "created_at": utc_now(),
    } | changes
    connection.execute(
        "INSERT INTO trackai.refunds (tenant_id, gateway, gateway_event_id, original_event_id, value, currency,"
        " occurred_at, created_at, conversion_id) SELECT tenant_id, gateway, %(event)s, gateway_event_id,"
        " coalesce(%(value)s, value), coalesce(%(currency)s, currency), least(occurred_at, %(created_at)s),"
        " %(created_at)s, %(conversion_id)s"
        " FROM trackai.conversions WHERE id = %(sale)s",
        row | {"sale": sale},
    )


def test_a_refund_that_is_not_subtracted_yet(
    good: list[int], connection: Connection[Any], evaluate: Evaluate, yesterday: date
) -> None:
    refund(connection, good[0])
    evaluations = evaluate()
    assert failed(evaluations) == {"net_values_are_current"}
    assert figures(evaluations["net_values_are_current"]) == {"days with other refunds": 1}
    list(aggregate_days(connection, yesterday, yesterday))
    assert failed(evaluate()) == set()
    connection.execute("DELETE FROM trackai.refunds")
    assert failed(evaluate()) == {"net_values_are_current"}


def test_refunds_that_break_a_rule(
    good: list[int], connection: Connection[Any], evaluate: Evaluate, yesterday: date
) -> None:
    def found(name: str) -> dg.AssetCheckEvaluation:
        list(aggregate_days(connection, yesterday, yesterday))
        evaluations = evaluate()
        assert failed(evaluations) == {name}
        connection.execute("TRUNCATE trackai.refunds")
        return evaluations[name]

    (event, value) = connection.execute(
        "SELECT gateway_event_id, value FROM trackai.conversions WHERE id = %s", [good[0]]
    ).fetchone() or ("", 0)
    # Together above the value; neither is.
    refund(connection, good[0], value=value)
    refund(connection, good[0], event="re_2", value="0.0001")
    above = found("refunds_within_their_sales")
    assert above.severity == dg.AssetCheckSeverity.ERROR
    assert figures(above) == {"sales refunded above their value": 1}
    assert str(event) in str(above.description)
    refund(connection, good[0], event=event)
    assert found("refunds_are_no_sales").severity == dg.AssetCheckSeverity.ERROR
    refund(connection, good[0], currency="KWD", value=10**9)
    assert found("refunds_in_the_currency_of_their_sales").severity == dg.AssetCheckSeverity.WARN
    # A link that the rule does not give, and one that is missing.
    for wrong in (good[1], None):
        refund(connection, good[0], conversion_id=wrong)
        assert figures(found("refunds_find_their_sales"))["with another sale than the rule gives"] == 1
    old = utc_now() - timedelta(days=5)
    refund(connection, good[0], created_at=old)
    connection.execute("UPDATE trackai.refunds SET original_event_id = 'unknown', conversion_id = NULL")
    assert figures(found("refunds_find_their_sales")) == {
        "refunds": 1,
        "without a sale": 1,
        "without a sale for two days": 1,
        "days since the oldest arrived": 5,
        "with another sale than the rule gives": 0,
    }
    refund(connection, good[0], created_at=utc_now())
    connection.execute("UPDATE trackai.refunds SET original_event_id = 'unknown', conversion_id = NULL")
    list(aggregate_days(connection, yesterday, yesterday))
    assert failed(evaluate()) == set()


def test_flags_that_disagree_with_sales_decisions_history_and_usage(
    good: list[int], connection: Connection[Any], evaluate: Evaluate, yesterday: date
) -> None:
    noon = datetime(yesterday.year, yesterday.month, yesterday.day, 12, tzinfo=UTC)
    with connection.transaction():
        # Past the triggers that would record it.
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute("DELETE FROM trackai.matching_settings")
        connection.execute("UPDATE trackai.matched_attributions SET strategy = 'email' WHERE strategy = 'fbp'")
        connection.execute("UPDATE trackai.feature_flags SET enabled = true WHERE key = 'community_feed'")
    found = connection.execute("SELECT flag_id, id FROM trackai.feature_flag_versions WHERE flag_key = 'dark_mode'")
    flag, version = found.fetchone() or (0, 0)
    # A client that hashes in another way.
    write(connection, [row(flag, noon, flag_version=version, override_version=0, bucket=bucket("dark_mode", "u1") - 1)])
    assert failed(evaluate()) >= {
        "every_sale_has_one_value",
        "matching_agrees_with_gates",
        "settings_equal_history",
        "flag_history_is_complete",
        "analytics_equal_usage",
        "exposures_repeat",
    }
