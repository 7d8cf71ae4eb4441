"""Days whose facts have left stay as they are but for their costs; views sum up what there is."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, LiteralString

import pytest
from campaigns.shop import contact
from psycopg import Connection, sql
from psycopg.rows import dict_row

from trackai_pipelines.campaigns.days import compute_days
from trackai_pipelines.match_rates.aggregate import aggregate_days

Insert = Callable[..., int]
DAY = date(2026, 4, 1)
NOON = datetime(2026, 4, 1, 12, tzinfo=UTC)
NOW = datetime(2026, 4, 20, 1, tzinfo=UTC)


def all_of(table: str) -> sql.Composed:
    return sql.SQL("SELECT * FROM {}").format(sql.Identifier("trackai", table))


def rows(connection: Connection[Any], query: LiteralString | sql.Composed, *values: Any) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, values).fetchall()


@pytest.fixture
def state_cost(connection: Connection[Any]) -> Callable[..., None]:
    """State what the campaign `spring` cost on the day."""

    def add(tenant: str, spend: int, stated: datetime) -> None:
        connection.execute(
            "INSERT INTO trackai.ad_cost_statements (tenant_id, source, account_id, campaign_id, day, currency, spend,"
            " impressions, clicks, platform_conversions, digest, first_stated_at, last_stated_at, ingested_at)"
            " VALUES (%s, 'meta', 'a', 'spring', %s, 'BRL', %s, 100, 10, 4, %s, %s, %s, %s)",
            (tenant, DAY, spend, contact(str(spend)), stated, stated, stated),
        )

    return add


@pytest.fixture
def shop(
    connection: Connection[Any], add_tenant: Any, insert_click: Insert, insert_sale: Insert, state_cost: Any
) -> str:
    """A tenant with a computed day: two clicks, a matched and an unmatched sale, and a cost."""
    tenant: str = add_tenant("acme")
    click = insert_click(tenant, utm_campaign="spring", fbclid="K1", created_at=NOON)
    insert_click(tenant, utm_campaign="spring", fbclid="K1", created_at=NOON)
    for matched, value in ((click, 40), (None, 60)):
        sale = insert_sale(tenant, NOON + timedelta(hours=1), value=value, customer_email_hash=contact(str(value)))
        connection.execute(
            "INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, click_id, strategy, matched_at)"
            " VALUES (%s, %s, %s, %s, %s)",
            (tenant, sale, matched, "fbc" if matched else "unmatched", NOON),
        )
    state_cost(tenant, 10, NOON)
    list(compute_days(connection, [DAY], clock=lambda: NOW))
    return tenant


def dropped(connection: Connection[Any], *tables: str) -> None:
    """Say that a day of these tables is in the archive only."""
    for table in tables:
        connection.execute(
            "INSERT INTO trackai.archives (table_name, day, part, state, path, rows, bytes, sha256, checksum,"
            " first_row_at, last_row_at, verified_at, keep_until, dropped_at)"
            " VALUES (%s, %s, 1, 'dropped', %s, 1, 1, %s, '1', %s, %s, %s, %s, %s)",
            (table, DAY, table, "0" * 64, NOON, NOON, NOW, NOW, NOW),
        )


FIGURES = "SELECT * FROM trackai.campaign_analytics_daily WHERE date = %s"


def test_of_a_final_day_only_costs_are_renewed(connection: Connection[Any], shop: str, state_cost: Any) -> None:
    (before,) = rows(connection, FIGURES, DAY)
    tables = ("campaign_credit_daily", "campaign_analytics_segments", "conversion_buyers")
    kept = {table: rows(connection, all_of(table)) for table in tables}
    assert (before["clicks"], before["unique_clicks"], before["conversions"], before["roas"]) == (2, 1, 1, 4)
    dropped(connection, "conversion_touchpoints", "clicks")
    connection.execute("DELETE FROM trackai.conversion_touchpoints")
    connection.execute("DELETE FROM trackai.conversion_journeys")
    connection.execute("DELETE FROM trackai.clicks")
    state_cost(shop, 20, NOW)
    (computed,) = compute_days(connection, [DAY], clock=lambda: NOW + timedelta(days=1))
    assert computed.final
    (after,) = rows(connection, FIGURES, DAY)
    changed = {"spend": 20, "roas": 2, "roi": 100, "computed_at": NOW + timedelta(days=1)}
    assert after == before | changed
    (money,) = rows(connection, "SELECT * FROM trackai.campaign_daily_money")
    assert (money["conversions"], money["revenue"], money["spend"], money["new_customers"]) == (1, 40, 20, 1)
    trend = connection.execute(
        "SELECT granularity, clicks, conversions, spend FROM trackai.campaign_trend_data ORDER BY 1, 2"
    )
    assert trend.fetchall() == [
        ("daily", 2, 1, 20),
        ("hourly", 0, 1, None),
        ("hourly", 2, 0, None),
        ("weekly", 2, 1, 20),
    ]
    for table, stored in kept.items():
        of_days = [row for row in stored if row.get("date", DAY)]
        found = [row for row in rows(connection, all_of(table)) if row.get("date", DAY)]
        assert found == of_days, table


def test_a_day_whose_clicks_have_left_keeps_their_counts(connection: Connection[Any], shop: str) -> None:
    (before,) = rows(connection, FIGURES, DAY)
    dropped(connection, "clicks")
    connection.execute("DELETE FROM trackai.clicks")
    (computed,) = compute_days(connection, [DAY], clock=lambda: NOW)
    assert not computed.final
    assert rows(connection, FIGURES, DAY) == [before]


def test_after_anonymisation_figures_are_the_same(connection: Connection[Any], shop: str) -> None:
    before = rows(connection, FIGURES, DAY)
    connection.execute(
        "UPDATE trackai.conversions SET customer_email_hash = NULL, fbc = NULL, fbp = NULL, anonymised_at = %s", (NOW,)
    )
    list(compute_days(connection, [DAY], clock=lambda: NOW))
    assert rows(connection, FIGURES, DAY) == before


def test_claims_stand_next_to_what_was_matched_and_sent(connection: Connection[Any], shop: str) -> None:
    claims = "SELECT claimed, matched, sent FROM trackai.v_platform_claims WHERE tenant_id = %s AND date = %s"
    assert rows(connection, claims, shop, DAY) == [{"claimed": 4, "matched": 1, "sent": 0}]
    connection.execute(
        "INSERT INTO trackai.past_deliveries (tenant_id, conversion_id, delivered_at)"
        " SELECT tenant_id, id, %s FROM trackai.conversions",
        (NOW,),
    )
    assert rows(connection, claims, shop, DAY) == [{"claimed": 4, "matched": 1, "sent": 1}]


def test_efficiency_counts_what_was_not_matched_too(connection: Connection[Any], shop: str) -> None:
    list(aggregate_days(connection, DAY, DAY, clock=lambda: NOW))
    assert rows(connection, "SELECT revenue, spend, new_customers, mer, ncac FROM trackai.v_tenant_efficiency") == [
        {"revenue": 100, "spend": 10, "new_customers": 2, "mer": 10, "ncac": 5}
    ]


def test_the_summary_covers_90_days_and_knows_no_ratio_of_nothing(connection: Connection[Any], add_tenant: Any) -> None:
    tenant = add_tenant("acme")
    connection.execute(
        "INSERT INTO trackai.campaigns (tenant_id, campaign_id, name) VALUES (%s, 'spring', 'x'), (%s, 'idle', 'x')",
        (tenant, tenant),
    )
    today = datetime.now(UTC).date()
    add = (
        "INSERT INTO trackai.campaign_analytics_daily (tenant_id, campaign_id, date, impressions, clicks, conversions,"
        " revenue, spend, roi, currency, cost_basis, computed_at)"
        " VALUES (%s, %s, %s, 10, 3, 1, %s, %s, %s, %s, %s, %s)"
    )
    # Midnight may pass at any moment: no day is at the edge.
    for campaign, back, revenue, spend, roi, currency, basis in (
        ("spring", 2, 100, 50, 100, "BRL", "account_day"),
        ("spring", 80, 20, 100, -80, "BRL", "account_day"),
        ("spring", 40, 0, None, None, None, "none"),
        ("spring", 95, 999, 1, 1, "BRL", "account_day"),
        ("idle", 2, 0, None, None, None, "none"),
    ):
        connection.execute(
            add, (tenant, campaign, today - timedelta(days=back), revenue, spend, roi, currency, basis, NOW)
        )
    idle, spring = rows(connection, "SELECT * FROM trackai.v_campaign_performance_summary ORDER BY campaign_id")
    assert (spring["total_conversions"], spring["total_revenue"], spring["total_spend"]) == (3, 120, 150)
    assert (spring["roi"], spring["avg_roi"], spring["currency"]) == (-20, 10, "BRL")
    assert (idle["roi"], idle["roas"], idle["total_spend"]) == (None, None, None)
