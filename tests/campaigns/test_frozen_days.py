"""A day whose hashes have gone and whose clicks have left keeps its journeys, credits and figures."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from campaigns.worlds import insert_world
from declared import TABLES
from lifecycle.old_rows import midnight, set_policies
from psycopg import Connection, sql

from trackai_pipelines.campaigns.days import compute_days
from trackai_pipelines.lifecycle.archive.manifest import archives
from trackai_pipelines.lifecycle.archive.store import open_store
from trackai_pipelines.lifecycle.retention.apply import apply_plan
from trackai_pipelines.lifecycle.retention.plan import Plan, plan_retention
from trackai_pipelines.match_rates.aggregate import aggregate_days

DAY = timedelta(days=1)
TODAY = date(2026, 5, 20)
SOLD = TODAY - 40 * DAY
EMAIL = sha256(b"ann@example.com").hexdigest()
RESULTS = ("conversion_touchpoints", "conversion_journeys", "conversion_buyers", "buyers", "campaign_credit_daily",
           "campaign_daily_money", "campaign_analytics_daily", "campaign_trend_data")  # fmt: skip


def _results(connection: Connection[Any]) -> dict[str, list[Any]]:
    rows = sql.SQL("SELECT to_jsonb(t) - 'computed_at' FROM {} t ORDER BY 1")
    return {name: connection.execute(rows.format(sql.Identifier("trackai", name))).fetchall() for name in RESULTS}


@pytest.fixture
def retain(connection: Connection[Any], database_url: str, tmp_path: Path) -> Callable[[], Plan]:
    """Plans and applies what is due today."""

    def retained() -> Plan:
        store = open_store(str(tmp_path / "archive"))
        plan = plan_retention(connection, TABLES, today=TODAY, dry_run=False, clock=_clock)
        return apply_plan(connection, database_url, store, TABLES, plan, clock=_clock)

    return retained


def _clock() -> datetime:
    return midnight(TODAY) + timedelta(hours=3)


def test_nothing_changes_when_hashes_and_clicks_have_left(
    connection: Connection[Any], add_tenant: Callable[..., str], retain: Callable[[], Plan]
) -> None:
    acme = add_tenant("acme", lookback_days=5, email_matching=True)
    at = midnight(SOLD) + timedelta(hours=12)
    clicks = [
        {"id": number, "created_at": at - (5 - number) * DAY, "fbc": f"fb.1.1700000000000.Click{number}",
         "fbp": f"fb.1.1700000000000.77{number % 3}", "utm_campaign": f"c{number}"}
        for number in (1, 2, 3, 4)
    ]  # fmt: skip
    insert_world(
        connection,
        acme,
        clicks=clicks,
        identities=[{"click_id": 2, "email_hash": EMAIL, "created_at": at - 3 * DAY}],
        conversions=[{"id": 1, "occurred_at": at, "fbc": clicks[3]["fbc"], "customer_email_hash": EMAIL}],
        attributions=[{"conversion_id": 1, "click_id": 4}],
    )
    connection.execute("DELETE FROM trackai.match_queue")
    days = [SOLD - back * DAY for back in range(6)]
    list(aggregate_days(connection, days[-1], SOLD, clock=_clock))
    set_policies(
        connection,
        {"table_name": "clicks", "keep": 20 * DAY, "grace": timedelta(0)},
        {"table_name": "conversions", "keep": 20 * DAY, "action": "anonymise"},
    )
    # Before the days are computed, nothing may go.
    assert {(step.table_name, step.state) for step in retain().steps} == {
        ("clicks", "blocked"), ("conversions", "blocked")
    }  # fmt: skip
    list(compute_days(connection, days, clock=_clock))
    before = _results(connection)
    assert [len(before[name]) for name in RESULTS[:2]] == [3, 1]
    for _ in range(2):
        assert retain().of("blocked", "failed") == []
    assert connection.execute("SELECT count(*) FROM trackai.clicks").fetchone() == (0,)
    assert {file.state for file in archives(connection, "clicks")} == {"dropped"}
    assert connection.execute("SELECT count(customer_email_hash) FROM trackai.conversions").fetchone() == (0,)
    list(compute_days(connection, days, clock=lambda: _clock() + DAY))
    assert _results(connection) == before
