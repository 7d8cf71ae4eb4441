"""The code location loads quickly, quietly and whole, as `dagster` and `dg` see it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from trackai_pipelines.database.statements import shipped
from trackai_pipelines.definitions import build_definitions, defs

ROOT = Path(__file__).resolve().parents[2]

LANDED = {
    "clicks", "identities", "conversions", "users", "campaigns", "refunds", "ad_accounts", "campaign_aliases",
    "ad_cost_statements", "fx_rates", "user_segments", "campaign_lifts", "feature_flag_usage",
    "feature_flag_segment_members", "ab_tests", "excluded_users", "ab_test_assignments",
    "creator_aliases", "sales_reports", "videos", "sales_adjustments",
}  # fmt: skip
ASSETS = LANDED | {
    "user_conversions",
    "matched_attributions",
    "match_log",
    "daily_match_rates",
    "capi_dispatches",
    "attribution_weights",
    "conversion_touchpoints",
    "campaign_credit_daily",
    "campaign_analytics_daily",
    "campaign_trend_data",
    "campaign_analytics_segments",
    "campaign_cohorts",
    "campaign_optimizations",
    "ab_test_outcomes",
    "ab_test_daily_results",
    "ab_test_results",
    "sales_ledger",
    "loyalty_daily_credit",
    "tier_checkpoints",
    "mission_progress",
    "redemptions",
    "commission_boost_redemptions",
    "feature_flags",
    "feature_flag_analytics",
    "feature_flag_exposures",
    "flag_segment_members",
    "daily_report",
}
# Nothing here computes a day of them.
WITHOUT_DAYS = LANDED | {
    "user_conversions", "campaign_optimizations", "feature_flags", "flag_segment_members", "sales_ledger",
}  # fmt: skip
JOBS = {
    "ingest_landing_files", "link_users", "match_conversions", "rematch_unmatched", "check_matching",
    "aggregate_match_rates", "aggregate_refunded_days", "dispatch_conversions", "check_delivery", "maintain_partitions",
    "aggregate_campaigns", "train_attribution", "recommend_campaigns", "apply_retention", "prune_dagster_history",
    "make_report", "apply_flag_plans", "aggregate_flag_usage", "refresh_flag_segments", "check_flags",
    "compute_experiments", "calibrate_experiments", "post_loyalty_sales", "credit_loyalty_sales",
    "retire_sales_reports",
    "evaluate_loyalty", "replay_loyalty", "reconcile_loyalty",
}  # fmt: skip
SENSORS = {
    "landing_files_sensor", "match_sensor", "late_clicks_sensor", "dispatch_sensor", "run_failure_alert_sensor",
    "open_circuit_alert_sensor", "held_step_alert_sensor", "flag_changes_sensor",
}  # fmt: skip
SCHEDULES = {
    "nightly_user_links", "hourly_matching_check", "nightly_match_rates", "nightly_refunded_days",
    "quarter_hourly_delivery_check", "daily_partition_maintenance", "daily_retention", "daily_history_pruning",
    "nightly_campaigns", "weekly_attribution_training", "nightly_recommendations", "nightly_report",
    "five_minutely_flag_plans", "nightly_flag_analytics", "nightly_flag_segments", "daily_flag_checks",
    "nightly_experiments", "weekly_calibration", "nightly_loyalty_credit", "daily_report_retirement",
    "hourly_loyalty", "daily_loyalty_checks",
}  # fmt: skip
CHECKS = {
    "clicks": set(),
    "identities": set(),
    "conversions": {"no_duplicate_conversions"},
    "users": set(),
    "campaigns": set(),
    "user_conversions": {"user_links_are_current"},
    "refunds": {
        "refunds_within_their_sales",
        "refunds_are_no_sales",
        "refunds_in_the_currency_of_their_sales",
        "refunds_find_their_sales",
    },
    "matched_attributions": {"exactly_one_attribution", "matching_agrees_with_gates"},
    "match_log": {"log_agrees_with_attributions", "partitions_ahead", "retention_keeps_up"},
    "daily_match_rates": {
        "match_rates_in_bounds",
        "yesterday_is_complete",
        "net_values_are_current",
        "every_sale_has_one_value",
    },
    "capi_dispatches": {"every_due_event_is_accounted_for", "oldest_due_event"},
    "ad_accounts": set(),
    "campaign_aliases": set(),
    "ad_cost_statements": {"costs_agree_across_levels", "unjoined_spend", "costs_are_fresh"},
    "fx_rates": {"rates_are_known"},
    "user_segments": set(),
    "campaign_lifts": set(),
    "attribution_weights": set(),
    "conversion_touchpoints": {"credits_sum_to_one", "shared_keys_in_bounds"},
    "campaign_credit_daily": set(),
    "campaign_analytics_daily": {"campaign_totals_reconcile", "spend_is_complete", "parts_agree"},
    "campaign_trend_data": set(),
    "campaign_analytics_segments": set(),
    "campaign_cohorts": set(),
    "campaign_optimizations": set(),
    "feature_flags": {"settings_equal_history", "flag_history_is_complete", "stale_flags"},
    "feature_flag_usage": {"exposures_repeat"},
    "feature_flag_analytics": {"analytics_equal_usage"},
    "feature_flag_exposures": set(),
    "feature_flag_segment_members": set(),
    "flag_segment_members": set(),
    "ab_tests": set(),
    "excluded_users": set(),
    "ab_test_assignments": set(),
    "ab_test_outcomes": {"outcomes_are_accounted_for"},
    "ab_test_daily_results": {
        "results_equal_totals",
        "no_sample_ratio_mismatch",
        "linkage_and_tracking_alike",
        "yesterday_is_computed",
        "p_values_are_calibrated",
    },
    "ab_test_results": {"configuration_is_frozen", "decisions_stand"},
    "creator_aliases": set(),
    "sales_reports": set(),
    "videos": set(),
    "sales_adjustments": set(),
    "sales_ledger": {
        "ledger_equals_sources",
        "posting_digests_hold",
        "caches_equal_ledger",
        "sync_is_complete",
    },
    "loyalty_daily_credit": {"credit_reconciles"},
    "tier_checkpoints": {"windows_tile_the_ledger", "tiers_replay", "loyalty_day_is_evaluated"},
    "mission_progress": set(),
    "redemptions": {"redemptions_follow_tiers", "stock_equals_claims", "raffles_reproduce"},
    "commission_boost_redemptions": {"boost_history_is_legal"},
    "daily_report": set(),
}
# Each costs tenths of a second in every process that Dagster starts.
HEAVY = {
    "pandas", "pyarrow", "phonenumbers", "rich", "alembic", "hypothesis", "matplotlib", "requests", "sqlalchemy",
    "httpx", "starlette", "uvicorn", "psycopg_pool", "duckdb", "adbc_driver_postgresql", "adbc_driver_manager",
    "fsspec", "ua_parser", "pygal", "prometheus_client", "numpy", "scipy",
}  # fmt: skip

_LOAD = """
import json, sys
from trackai_pipelines.definitions import defs
repository = defs.get_repository_def()
print(json.dumps({
    "assets": [key.to_user_string() for key in repository.asset_graph.get_all_asset_keys()],
    "jobs": [job for job in repository.job_names if not job.startswith("__")],
    "sensors": [sensor.name for sensor in repository.sensor_defs],
    "schedules": [schedule.name for schedule in repository.schedule_defs],
    "modules": sorted({name.partition(".")[0] for name in sys.modules}),
}))
"""


@pytest.mark.processes
def test_a_fresh_interpreter_loads_every_public_name_and_nothing_heavy(home: Path) -> None:
    """Without any database: loading must not connect, or a server that is down would take the UI with it."""
    done = subprocess.run([sys.executable, "-c", _LOAD], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert set(found["assets"]) == ASSETS
    assert set(found["jobs"]) == JOBS
    assert set(found["sensors"]) == SENSORS
    assert set(found["schedules"]) == SCHEDULES
    assert HEAVY.isdisjoint(found["modules"])
    assert list(home.iterdir()) == []


def test_every_asset_explains_itself() -> None:
    graph = defs.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        asset = graph.get(key)
        name = key.to_user_string()
        assert asset.description, name
        assert asset.owners, name
        assert asset.kinds == ({"html"} if name == "daily_report" else {"postgres"}), name
        assert asset.group_name in {
            "facts", "matching", "match_rates", "delivery", "campaigns", "flags", "experiments", "loyalty", "report",
        }, name  # fmt: skip


def test_every_job_sensor_schedule_and_check_explains_itself() -> None:
    repository = defs.get_repository_def()
    for job in JOBS:
        assert repository.get_job(job).description, job
    for sensor in repository.sensor_defs:
        assert sensor.description, sensor.name
    for schedule in repository.schedule_defs:
        assert schedule.description, schedule.name
    for key in defs.resolve_asset_graph().asset_check_keys:
        assert defs.resolve_asset_graph().get_check_spec(key).description, key


def test_every_asset_links_to_the_page_of_its_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    """In its description, which the UI shows as Markdown; the setting says where readers find the pages."""
    monkeypatch.setenv("TRACKAI_DOCS_URL", "https://docs.example/tree/docs")
    for node in build_definitions().resolve_asset_graph().asset_nodes:
        link = re.search(r"\[docs/(\w+\.md)\]\((.+)\)", node.description or "")
        assert link, node.key
        assert (shipped("docs") / link[1]).is_file()
        assert link[2] == f"https://docs.example/tree/docs/{link[1]}"
        assert node.group_name == link[1].removesuffix(".md")


def test_every_table_shows_its_columns_before_it_has_rows() -> None:
    for node in defs.resolve_asset_graph().asset_nodes:
        if node.key == dg.AssetKey("daily_report"):
            continue
        columns = node.metadata["dagster/column_schema"].value.columns
        assert columns, node.key
        assert all(column.description for column in columns), node.key


def test_checks_stand_on_their_assets() -> None:
    keys = defs.resolve_asset_graph().asset_check_keys
    found = {asset: {key.name for key in keys if key.asset_key == dg.AssetKey(asset)} for asset in ASSETS}
    assert found == CHECKS


def test_partitions_are_utc_days_and_a_backfill_is_one_run() -> None:
    graph = defs.resolve_asset_graph()
    for name in ASSETS - WITHOUT_DAYS:
        asset = graph.get(dg.AssetKey(name))
        assert isinstance(asset.partitions_def, dg.DailyPartitionsDefinition)
        assert asset.partitions_def.timezone == "UTC"
        assert asset.backfill_policy == dg.BackfillPolicy.single_run()


def test_lineage_goes_from_facts_over_attributions_to_rates() -> None:
    graph = defs.resolve_asset_graph()
    parents = {
        key.to_user_string(): {parent.to_user_string() for parent in graph.get(key).parent_keys}
        for key in graph.get_all_asset_keys()
    }
    assert parents == {
        **{name: set() for name in LANDED},
        "user_conversions": {"users", "conversions"},
        "feature_flags": set(),
        "matched_attributions": {"clicks", "identities", "conversions", "feature_flags"},
        "match_log": {"matched_attributions"},
        "daily_match_rates": {"conversions", "matched_attributions", "refunds"},
        "capi_dispatches": {"matched_attributions", "feature_flags"},
        "attribution_weights": {"clicks"},
        "conversion_touchpoints": {"clicks", "identities", "matched_attributions", "attribution_weights"},
        "campaign_credit_daily": {"conversion_touchpoints", "daily_match_rates"},
        "campaign_analytics_daily": {"conversion_touchpoints", "campaigns", "ad_cost_statements", "fx_rates"},
        "campaign_trend_data": {"campaign_analytics_daily"},
        "campaign_analytics_segments": {"conversion_touchpoints", "user_segments"},
        "campaign_cohorts": {"conversions", "campaign_analytics_daily"},
        "ab_test_outcomes": {
            "ab_tests",
            "ab_test_assignments",
            "excluded_users",
            "user_conversions",
            "matched_attributions",
        },
        "ab_test_daily_results": {"ab_test_outcomes"},
        "ab_test_results": {"ab_test_daily_results"},
        "sales_ledger": {
            "conversions",
            "matched_attributions",
            "refunds",
            "sales_reports",
            "sales_adjustments",
            "creator_aliases",
        },
        "loyalty_daily_credit": {"sales_ledger", "conversions", "matched_attributions"},
        "tier_checkpoints": {"sales_ledger"},
        "mission_progress": {"tier_checkpoints", "sales_ledger"},
        "redemptions": {"tier_checkpoints", "mission_progress"},
        "commission_boost_redemptions": {"tier_checkpoints", "redemptions", "sales_ledger"},
        "campaign_optimizations": {"clicks", "matched_attributions", "campaign_analytics_daily"},
        "feature_flag_analytics": {"feature_flag_usage", "feature_flags"},
        "feature_flag_exposures": {"feature_flag_usage", "feature_flags"},
        "flag_segment_members": {
            "feature_flags",
            "feature_flag_segment_members",
            "user_conversions",
            "matched_attributions",
        },
        "daily_report": {"daily_match_rates", "capi_dispatches"},
    }


@pytest.mark.processes
def test_dagster_validates_the_workspace(environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["dagster", "definitions", "validate", "-w", "workspace.yaml"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "Validation successful for code location trackai_pipelines" in said
    # The command itself is superseded, and says so.
    assert said.count("Warning") == said.count("SupersessionWarning"), said


@pytest.mark.processes
def test_dg_checks_the_definitions(environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["dg", "check", "defs"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
