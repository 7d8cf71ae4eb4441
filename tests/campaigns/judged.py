"""Clicks, sales and daily figures of campaigns that are judged, for tests of recommendations."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from psycopg import Connection, sql

NOW = datetime(2026, 6, 1, 2, tzinfo=UTC)
TODAY = date(2026, 6, 1)
FIRST, LAST = date(2026, 5, 2), date(2026, 5, 29)
DAY = timedelta(days=1)

AddClicks = Callable[..., None]
_CLICKS = """
    WITH added AS (
        INSERT INTO trackai.clicks
            (tenant_id, fbclid, utm_source, utm_medium, utm_campaign, utm_content, utm_term, created_at)
        SELECT %(tenant)s, 'IwAR' || %(mark)s || lpad(n::text, 6, '0'), 'facebook', 'cpc', %(campaign)s, %(content)s,
               %(term)s, %(at)s
        FROM generate_series(1, %(number)s) n
        RETURNING id, fbclid
    ),
    sold AS (
        INSERT INTO trackai.conversions
            (tenant_id, gateway, gateway_event_id, value, currency, occurred_at, created_at, fbclid)
        SELECT %(tenant)s, 'stripe', a.fbclid, %(value)s, %(currency)s, %(sold_at)s, %(sold_at)s, a.fbclid
        FROM added a
        ORDER BY a.fbclid
        LIMIT %(sold)s
        RETURNING id, fbclid
    )
    INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, click_id, strategy)
    SELECT %(tenant)s, s.id, a.id, 'fbc' FROM sold s JOIN added a USING (fbclid)
"""


def clicks_adder(connection: Connection[Any]) -> AddClicks:
    """A function that inserts clicks, of which the first ones led to a sale the hour after."""
    marks = iter(range(100, 10_000))

    def add(tenant: str, campaign: str, number: int, sold: int, **given: Any) -> None:
        at = given.pop("at", datetime(2026, 5, 10, 15, tzinfo=UTC))
        register(connection, tenant, campaign)
        row = {"content": None, "term": None, "value": 100, "currency": "BRL", "sold_at": at + timedelta(hours=1)}
        row |= {"tenant": tenant, "campaign": campaign, "number": number, "sold": sold, "at": at, "mark": next(marks)}
        connection.execute(_CLICKS, row | given)

    return add


def register(connection: Connection[Any], tenant: str, campaign: str) -> None:
    connection.execute(
        "INSERT INTO trackai.campaigns (tenant_id, campaign_id, name) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (tenant, campaign, campaign),
    )


def add_day(
    connection: Connection[Any], tenant: str, campaign: str, day: date = date(2026, 5, 20), **figures: Any
) -> None:
    """Insert the daily figures of a campaign."""
    register(connection, tenant, campaign)
    money: dict[str, Any] = {
        "conversions": 0,
        "revenue": 0,
        "spend": None,
        "new_customers": 0,
        "returning_customers": 0,
        "unknown_customers": 0,
        "new_customer_revenue": 0,
        "currency": "BRL",
    }
    money |= {name: value for name, value in figures.items() if name in money}
    money["unknown_customers"] = money["conversions"] - money["new_customers"] - money["returning_customers"]
    analytics: dict[str, Any] = {"clicks": 0, "unique_clicks": 0, "ad_clicks": None}
    analytics |= {name: value for name, value in figures.items() if name in analytics}
    key = {"tenant_id": tenant, "campaign_id": campaign, "date": day, "computed_at": NOW}
    insert(connection, "campaign_daily_money", key | money)
    insert(connection, "campaign_analytics_daily", key | analytics)


def insert(connection: Connection[Any], table: str, row: dict[str, Any]) -> None:
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT DO NOTHING").format(
        sql.Identifier("trackai", table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(map(sql.Placeholder, row)),
    )
    connection.execute(statement, row)
