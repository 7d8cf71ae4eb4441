"""Costs from before a campaign was named move to it, and exactly their days are due."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from campaigns.stated import state
from psycopg import Connection

from trackai_pipelines.campaigns.corrections import correct
from trackai_pipelines.campaigns.days import compute_days, due_days
from trackai_pipelines.campaigns.reconcile import compare_spend
from trackai_pipelines.database.statements import statement
from trackai_pipelines.facts.landing import CLICKS
from trackai_pipelines.facts.users_and_campaigns import CAMPAIGNS
from trackai_pipelines.ingest.context import Owner

NOW = datetime(2026, 5, 20, 1, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=12)
TONIGHT = NOW + timedelta(days=1)
RECENT = NOW - timedelta(hours=1)
"""A day that every night computes."""
REASON = ("a campaign named later",)


def april(day: int) -> date:
    return date(2026, 4, day)


def due(connection: Connection[Any], now: datetime = TONIGHT) -> dict[str, tuple[str, ...]]:
    return {f"{item.tenant_id} {item.day:%m-%d}": item.why for item in due_days(connection, now)}


def night(connection: Connection[Any], now: datetime) -> None:
    list(compute_days(connection, [now.date() - timedelta(days=1)], due=True, clock=lambda: now))


def name(connection: Connection[Any], tenant: str, campaign: str, now: datetime = LATER) -> None:
    """Load a click with a campaign's name."""
    click = {"external_id": f"{campaign} {now}", "utm_campaign": campaign, "created_at": RECENT}
    assert correct(connection, CLICKS, Owner(tenant, tenant, None), click, now)


def of_names(connection: Connection[Any], tenant: str, campaign: str, *names: str) -> None:
    for number, called in enumerate(names):
        connection.execute(
            "INSERT INTO trackai.ad_campaign_names VALUES (%s, 'meta', %s, %s, %s)",
            (tenant, campaign, called, datetime(2026, 4, 1 + number, tzinfo=UTC)),
        )


def spend(connection: Connection[Any], tenant: str) -> dict[str, set[int]]:
    """Days of April with spend, by campaign, as the figures have it."""
    rows = connection.execute(
        "SELECT campaign_id, date FROM trackai.campaign_daily_money WHERE tenant_id = %s AND spend IS NOT NULL",
        (tenant,),
    )
    found: dict[str, set[int]] = {}
    for campaign, day in rows:
        found.setdefault(campaign, set()).add(day.day)
    return found


@pytest.fixture
def shop(connection: Connection[Any], add_tenant: Callable[..., str]) -> str:
    """Two tenants with the same costs of April, computed at NOW."""
    for slug in ("acme", "other"):
        tenant = add_tenant(slug, reporting_currency="BRL")
        connection.execute(
            "INSERT INTO trackai.ad_accounts (tenant_id, source, account_id, time_zone)"
            " VALUES (%s, 'meta', '1', 'America/Sao_Paulo')",
            (tenant,),
        )
        of_names(connection, tenant, "77", "Spring", "Spring again")
        state(
            connection,
            tenant,
            [
                {"campaign_id": "77", "day": april(5)},
                {"campaign_id": "77", "day": april(6), "spend": 0, "impressions": 9},
                # 02:00 UTC of the 8th.
                {"campaign_id": "77", "day": april(7), "hour": 23},
                # The links of these say it themselves.
                {"campaign_id": "78", "day": april(6), "source": "google", "utm_campaign": "Spring"},
                {"campaign_id": "77", "day": april(10), "utm_campaign": "Spring"},
                {"campaign_id": "79", "day": april(12)},
            ],
        )
    night(connection, NOW)
    assert due(connection) == {}
    assert spend(connection, "t-acme") == {"77": {5, 6, 8}, "Spring": {6, 10}, "79": {12}}
    return "t-acme"


@pytest.mark.parametrize("loaded", [True, False], ids=["a click that is loaded", "a click by plain SQL"])
def test_a_click_names_a_campaign_first(
    connection: Connection[Any], shop: str, insert_click: Callable[..., int], loaded: bool
) -> None:
    if loaded:
        name(connection, shop, "Spring")
    else:
        insert_click(shop, created_at=RECENT, ingested_at=RECENT, utm_campaign="Spring")
        connection.execute(statement("facts/register_campaigns"), {"tenant_id": shop, "now": LATER})
    assert due(connection) == dict.fromkeys(("t-acme 04-05", "t-acme 04-06", "t-acme 04-08"), REASON)
    judged = compare_spend(connection, april(1), april(30), TONIGHT.date())
    assert not judged.faults
    assert {(one.tenant, one.day) for one in judged.stale} == {("acme", april(day)) for day in (5, 6, 8)}
    night(connection, TONIGHT)
    assert spend(connection, shop) == {"Spring": {5, 6, 8, 10}, "79": {12}}
    assert spend(connection, "t-other") == {"77": {5, 6, 8}, "Spring": {6, 10}, "79": {12}}
    name(connection, shop, "Spring", TONIGHT + timedelta(hours=1))
    assert due(connection, TONIGHT + timedelta(days=1)) == {}


def test_a_click_names_the_earlier_of_two_names(connection: Connection[Any], shop: str) -> None:
    name(connection, shop, "Spring again")
    night(connection, TONIGHT)
    assert spend(connection, shop)["Spring again"] == {5, 6, 8}
    name(connection, shop, "Spring", TONIGHT + timedelta(hours=1))
    night(connection, TONIGHT + timedelta(days=1))
    assert spend(connection, shop) == {"Spring": {5, 6, 8, 10}, "79": {12}}


def test_a_click_has_a_name_that_an_alias_stands_for(connection: Connection[Any], shop: str) -> None:
    connection.execute(
        "INSERT INTO trackai.campaign_aliases (tenant_id, alias, campaign_id, created_at)"
        " VALUES (%s, 'Spring again', 'summer', '2026-01-01')",
        (shop,),
    )
    name(connection, shop, "Spring again")
    assert set(due(connection)) == {"t-acme 04-05", "t-acme 04-06", "t-acme 04-08"}
    night(connection, TONIGHT)
    assert spend(connection, shop) == {"summer": {5, 6, 8}, "Spring": {6, 10}, "79": {12}}


def test_a_file_names_a_campaign_after_its_costs(connection: Connection[Any], shop: str) -> None:
    owner = Owner(shop, "acme", None)
    listed = {"campaign_id": "77", "name": "Spring", "updated_at": RECENT}
    assert correct(connection, CAMPAIGNS, owner, listed, LATER)
    # The id now goes before what the links say; it had the other days' costs before.
    assert due(connection) == {"t-acme 04-10": REASON}
    night(connection, TONIGHT)
    assert spend(connection, shop) == {"77": {5, 6, 8, 10}, "Spring": {6}, "79": {12}}
    renamed = {**listed, "name": "Summer", "updated_at": LATER}
    assert correct(connection, CAMPAIGNS, owner, renamed, TONIGHT + timedelta(hours=1))
    assert due(connection, TONIGHT + timedelta(days=1)) == {}
