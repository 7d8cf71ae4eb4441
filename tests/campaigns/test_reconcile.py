"""Checks stay green on healthy worlds, and each corruption of the figures turns its own check red."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from campaigns.shop import NOW, World, add_sales, insert, random_world
from psycopg import Connection, Rollback

from trackai_pipelines.campaigns.days import compute_days
from trackai_pipelines.campaigns.reconcile import Comparison, compare_parts, compare_spend, compare_totals
from trackai_pipelines.campaigns.reconcile_credit import credit_faults
from trackai_pipelines.match_rates.aggregate import aggregate_days

Compare = Callable[[Connection[Any], date, date, date], Comparison]
CHECKS: dict[str, Compare] = {"totals": compare_totals, "spend": compare_spend, "parts": compare_parts}


def red(connection: Connection[Any], days: list[date]) -> set[str]:
    """The checks that fail over these days."""
    today = NOW.date()
    found = {name for name, compare in CHECKS.items() if compare(connection, days[0], days[-1], today).faults}
    credit = [fault for day in days for fault in credit_faults(connection, day) if fault.sentence() and not fault.stale]
    return found | ({"credit"} if credit else set())


@pytest.fixture
def days(connection: Connection[Any]) -> list[date]:
    """The days of healthy worlds, computed."""
    worlds = [random_world(seed, tenant=f"t-{seed}") for seed in range(200, 206)]
    for world in worlds:
        insert(connection, world)
    found = sorted({day for world in worlds for day in world.days})
    list(compute_days(connection, found, clock=lambda: NOW))
    for _ in aggregate_days(connection, found[0], found[-1], clock=lambda: NOW):
        pass
    return found


# Each with the checks that must see it.
CORRUPTIONS = {
    "a touch deleted": (
        (
            "DELETE FROM trackai.conversion_touchpoints WHERE (tenant_id, conversion_id) = ("
            " SELECT tenant_id, conversion_id FROM trackai.conversion_touchpoints WHERE position = 2 LIMIT 1)"
            " AND position = 1"
        ),
        {"totals", "credit"},
    ),
    "a touch doubled": (
        (
            "INSERT INTO trackai.conversion_touchpoints"
            " SELECT (jsonb_populate_record(t, to_jsonb(t) || '{\"position\": 99}')).* "
            " FROM trackai.conversion_touchpoints t WHERE credit_matched = 1 LIMIT 1"
        ),
        {"totals", "credit"},
    ),
    "two touches' campaigns swapped": (
        (
            "UPDATE trackai.conversion_touchpoints t SET campaign_id = o.campaign_id"
            " FROM (SELECT a.tenant_id, a.conversion_id, a.position, b.campaign_id"
            " FROM trackai.conversion_touchpoints a"
            " JOIN trackai.conversion_touchpoints b USING (tenant_id, conversion_id)"
            " WHERE a.campaign_id <> b.campaign_id AND a.position + b.position = 3 AND tenant_id = 't-202') o"
            " WHERE (t.tenant_id, t.conversion_id, t.position) = (o.tenant_id, o.conversion_id, o.position)"
        ),
        {"credit"},
    ),
    "a credit changed": (
        (
            "UPDATE trackai.conversion_touchpoints t SET credit_linear = credit_linear - 0.000000001"
            " WHERE (tenant_id, conversion_id) = ("
            " SELECT tenant_id, conversion_id FROM trackai.conversion_touchpoints WHERE credit_linear > 0 LIMIT 1)"
            " AND position = 1"
        ),
        {"totals", "credit"},
    ),
    "an amount of money changed": (
        (
            "UPDATE trackai.campaign_daily_money m SET revenue = revenue + 0.0001"
            " WHERE (tenant_id, date, campaign_id) = ("
            " SELECT tenant_id, date, campaign_id FROM trackai.campaign_daily_money WHERE conversions > 0 LIMIT 1)"
        ),
        {"totals"},
    ),
    "an amount of credit changed": (
        (
            "UPDATE trackai.campaign_credit_daily c SET revenue = revenue + 0.0001 WHERE c.ctid = ("
            " SELECT ctid FROM trackai.campaign_credit_daily WHERE model = 'markov' LIMIT 1)"
        ),
        {"totals"},
    ),
    "an amount of analytics changed": (
        (
            "UPDATE trackai.campaign_analytics_daily SET revenue = revenue + 0.0001 WHERE ctid = ("
            " SELECT ctid FROM trackai.campaign_analytics_daily WHERE revenue > 0 LIMIT 1)"
        ),
        {"parts"},
    ),
    "a conversion of money moved to the next day": (
        (
            "UPDATE trackai.campaign_daily_money SET date = date + 20 WHERE ctid = ("
            " SELECT ctid FROM trackai.campaign_daily_money WHERE conversions > 0 AND date = '2026-03-03' LIMIT 1)"
        ),
        {"totals"},
    ),
    "a conversion's journey moved to the next day": (
        (
            "UPDATE trackai.conversion_touchpoints SET day = '2026-03-03' WHERE (tenant_id, conversion_id) = ("
            " SELECT tenant_id, conversion_id FROM trackai.conversion_touchpoints WHERE day = '2026-03-02' LIMIT 1)"
        ),
        {"totals", "credit"},
    ),
    "the row of (none) removed": (
        "DELETE FROM trackai.campaign_daily_money WHERE campaign_id = '(none)' AND conversions > 0",
        {"totals"},
    ),
    "the row of (none) removed from analytics": (
        "DELETE FROM trackai.campaign_analytics_daily WHERE campaign_id = '(none)' AND conversions > 0",
        {"totals", "parts"},
    ),
    "ad rows counted beside campaign rows": (
        (
            "UPDATE trackai.campaign_daily_money SET spend = 2 * spend WHERE ctid = ("
            " SELECT ctid FROM trackai.campaign_daily_money WHERE spend > 0 LIMIT 1)"
        ),
        {"spend"},
    ),
    "a row in another currency": (
        (
            "UPDATE trackai.campaign_daily_money SET currency = 'GBP' WHERE ctid = ("
            " SELECT ctid FROM trackai.campaign_daily_money WHERE conversions > 0 AND spend IS NULL LIMIT 1)"
        ),
        {"totals"},
    ),
    "costs in another currency": (
        (
            "UPDATE trackai.campaign_daily_money SET currency = 'GBP' WHERE ctid = ("
            " SELECT ctid FROM trackai.campaign_daily_money WHERE spend > 0 LIMIT 1)"
        ),
        {"spend"},
    ),
    "an hour lost": (
        "DELETE FROM trackai.campaign_trend_data WHERE granularity = 'hourly' AND conversions > 0",
        {"parts"},
    ),
    "a week changed": (
        "UPDATE trackai.campaign_trend_data SET clicks = clicks + 1 WHERE granularity = 'weekly'",
        {"parts"},
    ),
    "a segment lost": (
        "DELETE FROM trackai.campaign_analytics_segments WHERE segment_name LIKE 'gateway:%' AND date IS NOT NULL",
        {"parts"},
    ),
    "a customer miscounted": (
        "UPDATE trackai.campaign_analytics_daily SET new_customers = new_customers + 1 WHERE conversions > 0",
        {"parts"},
    ),
}


def test_each_corruption_turns_its_check_red(connection: Connection[Any], days: list[date]) -> None:
    assert red(connection, days) == set()
    for name, (corrupt, expected) in CORRUPTIONS.items():
        with connection.transaction():
            assert connection.execute(corrupt).rowcount > 0, name
            assert red(connection, days) >= expected, name
            raise Rollback
    assert red(connection, days) == set()


def test_an_older_statement_shown_is_seen(connection: Connection[Any], days: list[date]) -> None:
    connection.execute(
        "INSERT INTO trackai.ad_cost_statements (tenant_id, source, account_id, campaign_id, day, currency, spend,"
        " digest, first_stated_at, last_stated_at, ingested_at)"
        " SELECT tenant_id, source, account_id, campaign_id, day, currency, spend + 1, repeat('0', 64),"
        " last_stated_at + interval '1 day', last_stated_at + interval '1 day', ingested_at"
        " FROM trackai.ad_cost_statements WHERE hour = -1 LIMIT 1"
    )
    assert red(connection, days) == {"spend"}
    list(compute_days(connection, days, clock=lambda: NOW))
    assert red(connection, days) == set()


def test_a_day_with_a_later_decision_is_stale_not_wrong(connection: Connection[Any], days: list[date]) -> None:
    world: World = random_world(201, tenant="t-201")
    sale = next(sale for sale in world.sales if sale.strategy == "fbc")
    late = type(sale)(**{**sale.__dict__, "id": 999})
    add_sales(connection, world, [late], decided_at=NOW + timedelta(seconds=1))
    for _ in aggregate_days(connection, late.day, late.day, clock=lambda: NOW + timedelta(minutes=1)):
        pass
    totals = compare_totals(connection, days[0], days[-1], NOW.date())
    assert not totals.faults
    assert {difference.day for difference in totals.stale} == {late.day}
    assert totals.overdue
    assert "trackai campaigns aggregate" in (totals.said() or "")
    assert not compare_totals(connection, days[0], days[-1], late.day + timedelta(days=3)).overdue
    list(compute_days(connection, [late.day], clock=lambda: NOW + timedelta(minutes=1)))
    assert not compare_totals(connection, days[0], days[-1], NOW.date()).stale
