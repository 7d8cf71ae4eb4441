"""Every table of campaigns that leaves: its days are archived, dropped and restored, as its policy says."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from declared import LEAVING, TABLES
from lifecycle.old_rows import insert, midnight
from psycopg import Connection, sql
from psycopg.types.json import Jsonb

from trackai_pipelines.campaigns.days import compute_days
from trackai_pipelines.campaigns.domain import CAMPAIGNS
from trackai_pipelines.database.partitions import attach_partition, create_detached
from trackai_pipelines.lifecycle.archive.manifest import archives
from trackai_pipelines.lifecycle.archive.restore import restore_day
from trackai_pipelines.lifecycle.archive.store import Store, open_store
from trackai_pipelines.lifecycle.retention.apply import apply_plan
from trackai_pipelines.lifecycle.retention.plan import Plan, plan_retention

TODAY = date(2026, 11, 20)
DAY = timedelta(days=1)
NOW = midnight(TODAY)
MODELS = ("matched", "last_touch", "first_touch", "linear", "position_based", "time_decay", "last_non_direct", "markov",
          "shapley")  # fmt: skip
CENT = Decimal("0.000000001")
MONEY = {"conversions": 1, "revenue": Decimal("12.3456"), "currency": "BRL", "computed_at": NOW}
STATED = {"digest": "a" * 64, "first_stated_at": NOW, "last_stated_at": NOW, "ingested_at": NOW}
SPRING = {"campaign_id": "spring"}

# A row of each table but for its tenant and its time, with the values that are hardest to carry.
ROWS: dict[str, dict[str, Any]] = {
    "ad_cost_statements": {**SPRING, **STATED, "source": "meta", "account_id": "1", "campaign_name": "a\tb\\N\n",
                           "currency": "BRL", "spend": Decimal("0.000001"), "platform_conversions": Decimal("1.50")},
    "fx_rates": {**STATED, "base": "USD", "quote": "BRL", "rate": Decimal("5.123456789012345678901234567890")},
    "conversion_touchpoints": {**SPRING, "conversion_id": 7, "position": 1, "channel": "direct", "via": "matched",
                               **{f"credit_{model}": 1 - CENT for model in MODELS}, "credit_linear": CENT},
    "conversion_journeys": {"conversion_id": 7, "touches": 1, "shared_keys": 0, "truncated": False, "training_id": 3,
                            "computed_at": NOW},
    "conversion_buyers": {"conversion_id": 7, "buyer_id": 3, "sale_number": 2},
    "campaign_credit_daily": {**SPRING, **MONEY, "channel": "direct", "model": "linear", "touches": 2,
                              "conversions": CENT},
    "campaign_daily_money": {**SPRING, **MONEY, "new_customers": 1, "returning_customers": 0, "unknown_customers": 0,
                             "new_customer_revenue": Decimal("12.3456")},
    "campaign_cohorts": {**SPRING, "currency": "BRL", "age_days": 30, "buyers": 1, "orders": 1, "revenue": 1,
                         "computed_at": NOW},
    "campaign_analytics_daily": {**SPRING, **MONEY, "roi": Decimal("-100.00"), "conversion_rate": 1 / 3},
    "campaign_analytics_segments": {**SPRING, **MONEY, "segment_name": "new_users", "retention_rate": 2 / 3},
    "campaign_trend_data": {**SPRING, **MONEY, "granularity": "weekly", "conversion_rate": Decimal("0.3333")},
    "campaign_optimizations": {**SPRING, "recommendation_type": "offer", "recommendation_text": "Do it.",
                               "implementation_effort": "low", "priority": 1, "updated_at": NOW, "source": "rule",
                               "rule": "offer.order_value", "subject": "", "window_from": TODAY, "window_to": TODAY},
    "attribution_trainings": {"from_day": date(2020, 1, 1), "unit": "campaign", "journeys": 2, "conversions": 1,
                              "conversion_probability": Decimal("0.5")},
}  # fmt: skip
DELETED = ("campaign_optimizations", "attribution_trainings")
# Days before this one leave today.
BEFORE = dict.fromkeys(("conversion_touchpoints", "conversion_journeys", "conversion_buyers"), TODAY - 400 * DAY)
BEFORE |= dict.fromkeys(DELETED, date(2024, 11, 20))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "archive"))


@pytest.fixture
def tenant(connection: Connection[Any], add_tenant: Callable[..., str]) -> str:
    """A tenant with a row of each table on the last day that leaves, and one on the next day."""
    acme = add_tenant("acme")
    insert(connection, "campaigns", {"tenant_id": acme, "campaign_id": "spring", "name": "Spring"})
    for name, row in ROWS.items():
        table = LEAVING[name]
        for day in (_last(name), _last(name) + DAY):
            time: date | datetime = midnight(day) if table.time in ("period", "created_at") else day
            if name == "campaign_cohorts":
                time = day.replace(day=1) if day == _last(name) else TODAY.replace(day=1)
            if table.partitioned:
                create_detached(connection, name, day)
                attach_partition(connection, name, day)
            more: dict[str, Any] = {"trained_at": NOW} if name == "attribution_trainings" else {}
            if name == "campaign_optimizations":
                _recommend(connection, {**row, "tenant_id": acme, "subject": str(day), "created_at": time})
                continue
            if "conversion_id" in row:
                more["conversion_id"] = 7 if day == _last(name) else 8
            insert(connection, name, {"tenant_id": acme, **row, table.time_column: time, **more})
    return acme


def _last(name: str) -> date:
    return BEFORE.get(name, date(2021, 11, 20)) - DAY


def _recommend(connection: Connection[Any], row: dict[str, Any]) -> None:
    insert(connection, "campaign_optimizations", {**row, "evidence": Jsonb({"x": 1.10})})


def _retain(connection: Connection[Any], url: str, store: Store, today: date = TODAY) -> Plan:
    def clock() -> datetime:
        return midnight(today) + timedelta(hours=3)

    plan = plan_retention(connection, TABLES, today=today, dry_run=False, clock=clock)
    return apply_plan(connection, url, store, TABLES, plan, clock=clock)


def _done(plan: Plan) -> set[tuple[str, str, date, int]]:
    assert plan.of("failed", "blocked") == []
    return {(step.action, step.table_name, step.day, step.rows_done or 0) for step in plan.steps}


def _rows(connection: Connection[Any], name: str) -> set[str]:
    query = sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier("trackai", name))
    return {text for (text,) in connection.execute(query)}


def test_each_table_has_a_row_here() -> None:
    assert set(ROWS) == {table.name for table in CAMPAIGNS.tables if table.leaves != "never"}


def test_days_leave_as_their_policy_says_and_come_back_as_they_were(
    connection: Connection[Any], database_url: str, store: Store, tenant: str
) -> None:
    connection.execute(
        "INSERT INTO trackai.attribution_units (tenant_id, training_id, unit, removal_effect, journeys)"
        " SELECT tenant_id, id, 'spring', 1, 1 FROM trackai.attribution_trainings"
    )
    before = {name: _rows(connection, name) for name in ROWS}
    assert {len(rows) for rows in before.values()} == {2}
    archived = {name: _last(name) for name in ROWS if name not in DELETED}
    archived["campaign_cohorts"] = archived["campaign_cohorts"].replace(day=1)
    assert _done(_retain(connection, database_url, store)) == {
        *(("archive", name, day, 1) for name, day in archived.items()),
        *(("delete", name, _last(name), 1) for name in DELETED),
    }
    # What a training found leaves with it.
    assert connection.execute("SELECT count(*) FROM trackai.attribution_units").fetchone() == (1,)
    dropped = {step for step in _done(_retain(connection, database_url, store, TODAY + 7 * DAY)) if step[0] == "drop"}
    assert dropped == {("drop", name, day, 1) for name, day in archived.items()}
    for name, day in archived.items():
        assert day not in _days(connection, name)
        restore_day(connection, database_url, store, LEAVING[name], day, keep=DAY)
        # The next day has followed meanwhile.
        for later in archives(connection, name, states=["verified"]):
            restore_day(connection, database_url, store, LEAVING[name], later.day, keep=DAY)
        assert _rows(connection, name) == before[name]


def _days(connection: Connection[Any], name: str) -> set[date]:
    query = sql.SQL("SELECT {}::date FROM {}").format(
        sql.Identifier(LEAVING[name].time_column), sql.Identifier("trackai", name)
    )
    return {day for (day,) in connection.execute(query)}


def test_segments_over_90_days_stay(connection: Connection[Any], database_url: str, store: Store, tenant: str) -> None:
    row = {**ROWS["campaign_analytics_segments"], "tenant_id": tenant}
    insert(connection, "campaign_analytics_segments", {**row, "date": None})
    _retain(connection, database_url, store, TODAY + 3000 * DAY)
    _retain(connection, database_url, store, TODAY + 3010 * DAY)
    assert connection.execute("SELECT date FROM trackai.campaign_analytics_segments").fetchall() == [(None,)]


def test_hours_leave_after_400_days(connection: Connection[Any], tenant: str) -> None:
    before = midnight(TODAY - 400 * DAY)
    for period in (before - timedelta(hours=1), before):
        for granularity in ("hourly", "daily"):
            row = {**ROWS["campaign_trend_data"], "tenant_id": tenant, "granularity": granularity, "period": period}
            insert(connection, "campaign_trend_data", row)
    kept = _rows(connection, "campaign_trend_data")
    list(compute_days(connection, [], due=True, clock=lambda: NOW))
    gone = kept - _rows(connection, "campaign_trend_data")
    assert len(gone) == 1
    assert "hourly" in gone.pop()
