"""demo: the whole way on a small sample, in a process of its own, from a path with spaces."""

import json
from pathlib import Path

import psycopg
import pytest
from delivery.scenes import TOKEN
from processes import left_over, process

from trackai_pipelines.database.server import dagster_database_url, event_database_url
from trackai_pipelines.settings import Settings

pytestmark = [pytest.mark.processes, pytest.mark.slow]

COUNTED = ("conversions", "fbc", "fbp", "email", "unmatched", "pending")
CAMPAIGN_DAYS = ("conversion_touchpoints", "campaign_credit_daily", "campaign_analytics_daily",
                 "campaign_trend_data", "campaign_analytics_segments", "campaign_cohorts")  # fmt: skip
CAMPAIGN_FACTS = ("ad_accounts", "campaign_aliases", "ad_cost_statements", "fx_rates", "campaign_optimizations")
PLACES = ("sent", "failed", "waiting")
# What an operator's shell may hold: the demo must neither use it nor show it.
REAL = {"TRACKAI_CAPI_URL": "http://127.0.0.1:9", "TRACKAI_CAPI_TOKEN_LUMINA_CURSOS": TOKEN}


def demo(*arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr."""
    running = process("demo", "--exit", *arguments, **REAL)
    try:
        out, err = running.communicate(timeout=280)
    finally:
        running.kill()
    assert TOKEN not in out + err
    return running.returncode, out, err


def table_of(out: str) -> dict[str, tuple[list[int], list[int]]]:
    """The table on stdout, by tenant: counts, and events by place."""
    lines = [line.split() for line in out.splitlines()]
    width = 1 + len(COUNTED) + 1 + len(PLACES)
    rows = [words for words in lines if len(words) == width and words[1].replace(",", "").isdigit()]

    def numbers(words: list[str]) -> list[int]:
        return [int(word.replace(",", "")) for word in words]

    return {words[0]: (numbers(words[1 : 1 + len(COUNTED)]), numbers(words[-len(PLACES) :])) for words in rows}


def test_the_table_is_the_ground_truth_and_dagster_shows_the_work(server_home: Path) -> None:
    code, out, err = demo("--conversions", "600", "--days", "3")
    assert code == 0, err
    assert left_over(server_home) == []
    sample = json.loads((server_home / "demo.json").read_text())
    table = table_of(out)
    truth = {slug: [counts[name] for name in COUNTED] for slug, counts in sample["truth"]["by_tenant"].items()}
    assert {slug: counts for slug, (counts, _) in table.items()} == truth
    assert sum(counts[0] for counts, _ in table.values()) == 600
    assert "all 5 tenants agree" in err
    assert "users, their conversions, campaigns and refunds of all 5 tenants are as they should be" in err
    assert "checks of flags by day, what each was answered, both gates of 540 sales, and 10 changes are as they" in err
    assert "every due sale reached the sandbox, and was counted there once" in err
    assert "5 tests are decided, or wait, as they should, and each of " in err
    assert "events of creators' tiers is found, and no other" in err
    assert "the touches of 140 sales, every campaign's credit under 9 models, and what it cost are" in err
    # Three days are younger than seven: every sale of an active tenant is due.
    for slug, (counts, (sent, failed, waiting)) in table.items():
        active = slug not in ("sakura-goods", "harbor-supplements")
        assert (sent + failed, waiting) == (counts[0] if active else 0, 0)
    assert sum(failed for _, (_, failed, _) in table.values()) > 0
    assert "</html>" in (server_home / "reports" / "demo.html").read_text()

    settings = Settings()
    with psycopg.connect(dagster_database_url(settings)) as dagster:
        runs = dagster.execute("SELECT pipeline_name, status FROM runs ORDER BY id").fetchall()
        assert runs == [
            ("ingest_landing_files", "SUCCESS"),
            ("link_users", "SUCCESS"),
            ("aggregate_flag_usage", "SUCCESS"),
            ("match_conversions", "SUCCESS"),
            ("aggregate_match_rates", "SUCCESS"),
            ("aggregate_campaigns", "SUCCESS"),
            ("train_attribution", "SUCCESS"),
            ("recommend_campaigns", "SUCCESS"),
            ("compute_experiments", "SUCCESS"),
            ("evaluate_loyalty", "SUCCESS"),
            ("dispatch_conversions", "SUCCESS"),
            ("check_flags", "SUCCESS"),
            ("check_matching", "SUCCESS"),
            ("check_delivery", "SUCCESS"),
        ]
        materialised = dagster.execute(
            "SELECT asset_key, count(DISTINCT partition) FROM event_logs "
            "WHERE dagster_event_type = 'ASSET_MATERIALIZATION' GROUP BY asset_key"
        ).fetchall()
        # Three days of sales and today, on which they were matched.
        assert {json.loads(key)[0]: days for key, days in materialised} == {
            "clicks": 0,
            "identities": 0,
            "conversions": 0,
            "refunds": 0,
            "users": 0,
            "campaigns": 0,
            "user_conversions": 0,
            # Users of tests bought before.
            "matched_attributions": 8,
            "match_log": 4,
            "daily_match_rates": 4,
            **dict.fromkeys(CAMPAIGN_DAYS, 4),
            **dict.fromkeys(CAMPAIGN_FACTS, 0),
            "attribution_weights": 1,
            # The week before is partitions, too.
            "feature_flag_analytics": 8,
            "feature_flag_exposures": 8,
            "feature_flag_usage": 0,
            "feature_flag_segment_members": 0,
            "ab_test_assignments": 0,
            "excluded_users": 0,
            **dict.fromkeys(("ab_test_outcomes", "ab_test_daily_results", "ab_test_results"), 8),
            "sales_ledger": 0,
            "tier_checkpoints": 8,
            **dict.fromkeys(("mission_progress", "redemptions", "commission_boost_redemptions"), 4),
            "capi_dispatches": 4,
        }
        checks = dagster.execute(
            "SELECT DISTINCT check_name FROM asset_check_executions WHERE execution_status = 'SUCCEEDED'"
        ).fetchall()
        assert {name for (name,) in checks} >= {
            "no_duplicate_conversions",
            "exactly_one_attribution",
            "log_agrees_with_attributions",
            "match_rates_in_bounds",
            "yesterday_is_complete",
            "partitions_ahead",
            "every_due_event_is_accounted_for",
            "oldest_due_event",
            "every_sale_has_one_value",
            "matching_agrees_with_gates",
            "settings_equal_history",
            "flag_history_is_complete",
            "analytics_equal_usage",
            "exposures_repeat",
            "outcomes_are_accounted_for",
            "results_equal_totals",
            "configuration_is_frozen",
            "yesterday_is_computed",
        }

    again_code, again_out, again_err = demo()
    assert again_code == 0, again_err
    assert table_of(again_out) == table
    with psycopg.connect(event_database_url(settings)) as connection:
        attempts = connection.execute("SELECT count(*), max(attempt) FROM trackai.dispatch_attempts").fetchone()
        assert attempts == (sum(sent + failed for _, (sent, failed, _) in table.values()), 1)

    other_size, _, said = demo("--conversions", "700")
    assert other_size == 1
    assert "holds a demo of 600 conversions over 3 days" in said

    with psycopg.connect(event_database_url(settings)) as connection:
        connection.execute(
            "INSERT INTO trackai.conversions (tenant_id, gateway, gateway_event_id, value, currency, occurred_at) "
            "SELECT id, 'stripe', 'of other origin', 1, 'BRL', now() FROM trackai.tenants WHERE slug = 'lumina-cursos'"
        )
    wrong, _, difference = demo()
    assert wrong == 1
    assert f"lumina-cursos: conversions is {table['lumina-cursos'][0][0] + 1}" in difference
    assert not [path for path in server_home.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]
