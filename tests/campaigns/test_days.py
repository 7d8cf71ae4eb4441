"""A day's figures against an independent reckoning, on random worlds around midnights, weeks and time zones."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest
from campaigns.expected import Expected
from campaigns.shop import NOW, World, insert, random_world
from psycopg import Connection, sql
from psycopg.rows import dict_row

from trackai_pipelines.campaigns.days import compute_days
from trackai_pipelines.match_rates.aggregate import aggregate_days


def rows_of(connection: Connection[Any], world: World, table: str, *key: str) -> dict[Any, dict[str, Any]]:
    """A tenant's rows by some columns."""
    with connection.cursor(row_factory=dict_row) as cursor:
        query = sql.SQL("SELECT * FROM {} WHERE tenant_id = %s").format(sql.Identifier("trackai", table))
        rows = cursor.execute(query, (world.tenant,)).fetchall()
    return {tuple(row[name] for name in key) if len(key) > 1 else row[key[0]]: row for row in rows}


def same(found: dict[Any, Any], expected: dict[Any, Any], world: World) -> None:
    """Compare the columns that are expected; floats nearly."""
    assert set(found) == set(expected), world
    for key, row in expected.items():
        assert {name: found[key][name] for name in row} == {
            name: pytest.approx(value) if isinstance(value, float) else value for name, value in row.items()
        }, (world.tenant, key)


def test_random_worlds(connection: Connection[Any]) -> None:
    worlds = [random_world(seed, tenant=f"t-{seed}") for seed in range(14)]
    for world in worlds:
        insert(connection, world)
    days = sorted({day for world in worlds for day in world.days})
    list(compute_days(connection, days, clock=lambda: NOW))
    for world in worlds:
        compare_figures(connection, world)
        compare_buyers(connection, world)
    compare_with_match_rates(connection, days)


def compare_figures(connection: Connection[Any], world: World) -> None:
    expected = Expected(world)
    money = rows_of(connection, world, "campaign_daily_money", "date", "campaign_id", "currency")
    same(money, expected.money(), world)
    analytics = rows_of(connection, world, "campaign_analytics_daily", "campaign_id", "date")
    same(analytics, expected.analytics(), world)
    trend = rows_of(connection, world, "campaign_trend_data", "campaign_id", "granularity", "period")
    same(trend, expected.trend(), world)
    segments = rows_of(connection, world, "campaign_analytics_segments", "campaign_id", "segment_name", "date")
    of_days = {key: row for key, row in segments.items() if not key[1].startswith("channel:") and key[2]}
    same(of_days, expected.segments(), world)
    of_90_days = {key[:2]: row for key, row in segments.items() if not key[1].startswith("channel:") and not key[2]}
    same(of_90_days, expected.segments_of_90_days(max(date for _, date in analytics)), world)


def compare_buyers(connection: Connection[Any], world: World) -> None:
    expected = Expected(world)
    buyers = rows_of(connection, world, "buyers", "buyer_id")
    stored = rows_of(connection, world, "conversion_buyers", "conversion_id")
    assert {
        sale: (row["buyer_id"] and buyers[row["buyer_id"]]["first_conversion_id"], row["sale_number"])
        for sale, row in stored.items()
    } == expected.conversion_buyers()
    found = {row["first_conversion_id"]: {**row, "remembered": bool(row["buyer_key"])} for row in buyers.values()}
    same(found, expected.buyers_rows(), world)


MODELS = (
    "matched", "last_touch", "first_touch", "linear", "position_based", "time_decay", "last_non_direct", "markov",
    "shapley",
)  # fmt: skip


def totals(rows: Iterable[tuple[Any, ...]]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    return {row[:3]: row[3:] for row in rows}


def compare_with_match_rates(connection: Connection[Any], days: list[date]) -> None:
    """Every model sums to the matched sales, per tenant, day and currency."""
    for _ in aggregate_days(connection, days[0], days[-1], clock=lambda: NOW):
        pass
    matched = totals(
        connection.execute(
            "SELECT tenant_id, day, currency, sum(fbc + fbp + email), sum(value_matched)"
            " FROM trackai.daily_match_rates WHERE fbc + fbp + email > 0 GROUP BY 1, 2, 3"
        )
    )
    assert len(matched) > 50
    for model in MODELS:
        credited = totals(
            connection.execute(
                "SELECT tenant_id, date, currency, sum(conversions), sum(revenue)"
                " FROM trackai.campaign_credit_daily WHERE model = %s GROUP BY 1, 2, 3",
                (model,),
            )
        )
        assert credited == matched, model
    money = connection.execute(
        "SELECT tenant_id, date, currency, sum(conversions), sum(revenue)"
        " FROM trackai.campaign_daily_money WHERE conversions > 0 GROUP BY 1, 2, 3"
    )
    assert totals(money) == matched
