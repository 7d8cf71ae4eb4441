"""A fact that arrives later makes exactly the days it touches due, and the next night computes them."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from campaigns.shop import contact
from matching.gates import override
from psycopg import Connection

from trackai_pipelines.campaigns.days import compute_days, due_days

Insert = Callable[..., int]
NOW = datetime(2026, 5, 20, 1, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=23)
"""When the changes of a test arrive."""
TONIGHT = NOW + timedelta(days=1)
STATED = datetime(2026, 4, 30, 12, tzinfo=UTC)
BROWSER = "fb.1.1700000000000.7"


def at(day: int, hour: int = 12) -> datetime:
    """An hour of a day of April or (above 100) May."""
    return datetime(2026, 5 if day > 100 else 4, day % 100, hour, tzinfo=UTC)


def due(connection: Connection[Any], now: datetime = TONIGHT) -> dict[str, tuple[str, ...]]:
    """Reasons by tenant and day."""
    return {f"{item.tenant_id} {item.day:%m-%d}": item.why for item in due_days(connection, now)}


def night(connection: Connection[Any], now: datetime) -> None:
    list(
        compute_days(connection, [now.date() - timedelta(days=back) for back in (3, 2, 1)], due=True, clock=lambda: now)
    )


@pytest.fixture
def sell(connection: Connection[Any], insert_sale: Insert) -> Callable[..., int]:
    """Insert a decided sale: `sell(tenant, at, click)`."""

    def add(tenant: str, when: datetime, click: int | None, *, decided: datetime | None = None, **columns: Any) -> int:
        sale = insert_sale(tenant, when, created_at=when, **columns)
        connection.execute(
            "INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, click_id, strategy, matched_at)"
            " VALUES (%s, %s, %s, %s, %s)",
            (tenant, sale, click, "unmatched" if click is None else "fbc", decided or when),
        )
        return sale

    return add


@pytest.fixture
def click(insert_click: Insert) -> Callable[..., int]:
    """Insert a click that arrived when it happened."""

    def add(tenant: str, when: datetime, **columns: Any) -> int:
        return insert_click(tenant, **{"created_at": when, "ingested_at": when, **columns})

    return add


@pytest.fixture
def cost(connection: Connection[Any]) -> Callable[..., None]:
    """State a cost."""

    def add(tenant: str, day: date, *, hour: int = -1, spend: int = 5, stated: datetime = STATED, **other: Any) -> None:
        campaign, currency = other.get("campaign", "paid"), other.get("currency", "BRL")
        connection.execute(
            "INSERT INTO trackai.ad_cost_statements (tenant_id, source, account_id, campaign_id, day, hour, currency,"
            " spend, digest, first_stated_at, last_stated_at, ingested_at)"
            " VALUES (%s, 'meta', 'a1', %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (tenant, campaign, day, hour, currency, spend, contact(f"{hour}{spend}"), stated, stated, stated),
        )

    return add


@pytest.fixture
def shop(connection: Connection[Any], add_tenant: Callable[..., str], sell: Any, click: Any, cost: Any) -> str:
    """Two tenants with the same facts in April and May, computed at NOW."""
    for slug in ("acme", "other"):
        tenant = add_tenant(slug, lookback_days=10, reporting_currency="BRL")
        connection.execute(
            "INSERT INTO trackai.ad_accounts (tenant_id, source, account_id, time_zone)"
            " VALUES (%s, 'meta', 'a1', 'America/Sao_Paulo')",
            (tenant,),
        )
        first = click(tenant, at(1), utm_campaign="spring", fbp=BROWSER)
        click(tenant, at(20), utm_campaign="old")
        sell(tenant, at(3), first, customer_email_hash="a" * 64)
        sell(tenant, at(9), None)
        sell(tenant, at(25), click(tenant, at(25, 1), utm_campaign="spring"), currency="USD")
        cost(tenant, at(5).date())
        cost(tenant, at(106).date(), hour=22, campaign="hourly")
    night(connection, NOW)
    assert due(connection) == {}
    return "t-acme"


def test_the_first_night_computes_all_of_history(connection: Connection[Any], shop: str) -> None:
    days = {
        f"{day:%m-%d}"
        for (day,) in connection.execute(
            "SELECT DISTINCT date FROM trackai.campaign_analytics_daily WHERE tenant_id = 't-acme'"
        )
    }
    assert days == {"04-01", "04-03", "04-05", "04-20", "04-25", "05-07"}
    assert connection.execute("SELECT DISTINCT scanned_to FROM trackai.campaign_scans").fetchall() == [(NOW,)]


def test_a_late_sale(connection: Connection[Any], shop: str, sell: Any) -> None:
    sell(shop, at(7), None, decided=LATER)
    assert due(connection) == {"t-acme 04-07": ("a late sale or match",)}
    night(connection, TONIGHT)
    assert due(connection, TONIGHT + timedelta(days=1)) == {}


def test_a_late_match(connection: Connection[Any], shop: str) -> None:
    connection.execute(
        "UPDATE trackai.matched_attributions a SET strategy = 'fbp', matched_at = %s,"
        " click_id = (SELECT min(id) FROM trackai.clicks k WHERE k.tenant_id = a.tenant_id)"
        " WHERE tenant_id = %s AND strategy = 'unmatched'",
        (LATER, shop),
    )
    assert due(connection) == {"t-acme 04-09": ("a late sale or match",)}
    night(connection, TONIGHT)
    assert connection.execute(
        "SELECT tenant_id, campaign_id, conversions FROM trackai.campaign_daily_money WHERE date = '2026-04-09'"
    ).fetchall() == [(shop, "spring", 1)]


def test_a_late_sale_of_a_known_buyer(connection: Connection[Any], shop: str, sell: Any) -> None:
    sell(shop, at(2), None, decided=LATER, customer_email_hash="a" * 64)
    assert due(connection) == {"t-acme 04-02": ("a late sale or match",), "t-acme 04-03": ("another sale of a buyer",)}
    night(connection, TONIGHT)
    assert connection.execute(
        "SELECT new_customers, returning_customers FROM trackai.campaign_daily_money"
        " WHERE tenant_id = %s AND date = '2026-04-03'",
        (shop,),
    ).fetchall() == [(0, 1)]


def test_a_buyer_who_came_back(connection: Connection[Any], shop: str, sell: Any) -> None:
    retention = (
        "SELECT retention_rate FROM trackai.campaign_analytics_segments"
        " WHERE tenant_id = %s AND date = '2026-04-03' AND segment_name = 'new_users'"
    )
    assert connection.execute(retention, (shop,)).fetchall() == [(0,)]
    sell(shop, at(28), None, decided=LATER, customer_email_hash="a" * 64)
    assert due(connection) == {"t-acme 04-03": ("another sale of a buyer",), "t-acme 04-28": ("a late sale or match",)}
    night(connection, TONIGHT)
    assert connection.execute(retention, (shop,)).fetchall() == [(1,)]


def test_thirty_days_have_passed(connection: Connection[Any], shop: str) -> None:
    # The sale of 25 April: its 30 days have passed with 25 May.
    assert due(connection, datetime(2026, 5, 25, 1, tzinfo=UTC)) == {}
    passed = dict.fromkeys(("t-acme 04-25", "t-other 04-25"), ("30 days have passed",))
    assert due(connection, datetime(2026, 5, 26, 1, tzinfo=UTC)) == passed


def test_a_late_click(connection: Connection[Any], shop: str, click: Any) -> None:
    click(shop, at(15), ingested_at=LATER)
    assert due(connection) == {"t-acme 04-15": ("a late click",)}


def test_a_late_click_of_a_journey(connection: Connection[Any], shop: str, click: Any) -> None:
    click(shop, at(2), ingested_at=LATER, fbp=BROWSER, utm_campaign="autumn")
    assert due(connection) == {"t-acme 04-02": ("a late click",), "t-acme 04-03": ("a late click of a journey",)}
    night(connection, TONIGHT)
    assert connection.execute(
        "SELECT touches FROM trackai.conversion_journeys WHERE tenant_id = %s AND day = '2026-04-03'", (shop,)
    ).fetchall() == [(2,)]


def test_a_late_click_reaches_as_far_as_its_sale_looked_back(
    connection: Connection[Any], shop: str, click: Any
) -> None:
    override(connection, shop, "lookback_days", "30", at(2))
    override(connection, shop, "lookback_days", "10", at(4))
    for tenant in (shop, "t-other"):
        click(tenant, at(3) - timedelta(days=20), ingested_at=LATER, fbp=BROWSER, utm_campaign="autumn")
    found = due(connection)
    assert found["t-acme 04-03"] == ("a late click of a journey",)
    assert "t-other 04-03" not in found
    night(connection, TONIGHT)
    assert connection.execute(
        "SELECT tenant_id, touches FROM trackai.conversion_journeys WHERE day = '2026-04-03' ORDER BY 1"
    ).fetchall() == [(shop, 2), ("t-other", 1)]


def test_a_restated_cost(connection: Connection[Any], shop: str, cost: Any) -> None:
    cost(shop, at(5).date(), spend=6, stated=LATER)
    assert due(connection) == {"t-acme 04-05": ("a cost stated later",)}
    night(connection, TONIGHT)
    assert connection.execute(
        "SELECT tenant_id, spend FROM trackai.campaign_daily_money WHERE date = '2026-04-05' ORDER BY 1"
    ).fetchall() == [(shop, 6), ("t-other", 5)]


def test_an_hour_belongs_to_another_day(connection: Connection[Any], shop: str, cost: Any) -> None:
    cost(shop, at(112).date(), hour=23, stated=LATER)
    assert due(connection) == {"t-acme 05-13": ("a cost stated later",)}


def test_a_late_rate(connection: Connection[Any], shop: str) -> None:
    def state(tenant: str, day: datetime, base: str, quote: str) -> None:
        connection.execute(
            "INSERT INTO trackai.fx_rates (tenant_id, day, base, quote, digest, rate, first_stated_at, last_stated_at,"
            " ingested_at) VALUES (%s, %s, %s, %s, %s, 5, %s, %s, %s)",
            (tenant, day.date(), base, quote, contact(f"{day}{base}{quote}"), LATER, LATER, LATER),
        )

    state("t-acme", at(10), "USD", "BRL")
    state("t-acme", at(26), "USD", "BRL")
    state("t-acme", at(25), "GBP", "BRL")
    state("t-acme", at(25), "EUR", "USD")
    assert due(connection) == {}
    state("t-acme", at(24), "EUR", "BRL")
    assert due(connection) == {}
    state("t-acme", at(25), "EUR", "BRL")
    assert due(connection) == {"t-acme 04-25": ("a rate stated later",)}
    state("*", at(18), "BRL", "USD")
    assert set(due(connection)) == {"t-acme 04-25", "t-other 04-25"}
    night(connection, TONIGHT)
    assert connection.execute(
        "SELECT tenant_id, revenue FROM trackai.campaign_analytics_daily WHERE date = '2026-04-25' ORDER BY 1"
    ).fetchall() == [(shop, 10), ("t-other", 2)]


def test_a_new_alias(connection: Connection[Any], shop: str) -> None:
    alias = "INSERT INTO trackai.campaign_aliases (tenant_id, alias, campaign_id, created_at) VALUES (%s, %s, %s, %s)"
    connection.execute(alias, (shop, "old", "autumn", LATER))
    assert due(connection) == {"t-acme 04-20": ("an alias made later",)}
    connection.execute(alias, (shop, "paid", "autumn", LATER))
    connection.execute(alias, (shop, "spring", "summer", LATER))
    reason = ("an alias made later",)
    days = ("04-01", "04-03", "04-05", "04-20", "04-25")
    assert due(connection) == {f"t-acme {day}": reason for day in days}
    night(connection, TONIGHT)
    names = "SELECT DISTINCT campaign_id FROM trackai.campaign_analytics_daily WHERE tenant_id = %s ORDER BY 1"
    assert connection.execute(names, (shop,)).fetchall() == [("autumn",), ("hourly",), ("summer",)]
    assert connection.execute(names, ("t-other",)).fetchall() == [("hourly",), ("old",), ("paid",), ("spring",)]


def test_a_corrected_time_zone(connection: Connection[Any], shop: str) -> None:
    # 22:00 of 6 May was 01:00 UTC of the 7th in São Paulo.
    connection.execute(
        "UPDATE trackai.ad_accounts SET time_zone = 'UTC', time_zone_changed_at = %s WHERE tenant_id = %s",
        (LATER, shop),
    )
    reason = ("an account's time zone",)
    assert due(connection) == {"t-acme 05-06": reason, "t-acme 05-07": reason}
    night(connection, TONIGHT)
    days = "SELECT date FROM trackai.campaign_daily_money WHERE tenant_id = %s AND campaign_id = 'hourly'"
    assert connection.execute(days, (shop,)).fetchall() == [(date(2026, 5, 6),)]


def test_what_a_run_did_not_finish_is_still_due(connection: Connection[Any], shop: str, sell: Any, cost: Any) -> None:
    sell(shop, at(7), None, decided=LATER)
    cost(shop, at(5).date(), spend=6, stated=LATER)
    running = compute_days(connection, [], due=True, clock=lambda: TONIGHT)
    assert next(running).day == at(5).date()
    del running
    assert due(connection) == {"t-acme 04-07": ("a late sale or match",)}
    night(connection, TONIGHT)
    assert due(connection, TONIGHT + timedelta(minutes=1)) == {}


def test_what_arrives_while_a_day_is_computed_is_found(connection: Connection[Any], shop: str, cost: Any) -> None:
    # A load that began a minute before the night, and ends after it.
    night(connection, TONIGHT)
    cost(shop, at(5).date(), spend=Decimal(7), stated=TONIGHT - timedelta(minutes=1))
    assert due(connection, TONIGHT + timedelta(days=1)) == {"t-acme 04-05": ("a cost stated later",)}


def test_recent_days_are_not_listed(connection: Connection[Any], shop: str, sell: Any) -> None:
    sell(shop, datetime(2026, 5, 18, 1, tzinfo=UTC), None, decided=LATER)
    assert due(connection) == {}
