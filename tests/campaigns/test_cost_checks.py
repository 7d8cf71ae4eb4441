"""The checks of costs find what is wrong, and nothing where all is well."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from campaigns.stated import state
from psycopg import Connection

from trackai_pipelines.campaigns.defs import cost_checks
from trackai_pipelines.campaigns.reconcile_costs import (
    accounts_that_are_silent,
    levels_that_differ,
    rates_that_miss,
    spend_is_unjoined,
)
from trackai_pipelines.database.defs.resources import EventDatabase

_TODAY = date(2026, 5, 10)


def _day(back: int) -> date:
    return _TODAY - timedelta(days=back)


def _money(connection: Connection[Any], tenant_id: str, day: date, currency: str) -> None:
    connection.execute(
        "INSERT INTO trackai.campaign_daily_money (tenant_id, date, campaign_id, currency, conversions, revenue,"
        " new_customers, returning_customers, unknown_customers, new_customer_revenue, computed_at)"
        " VALUES (%s, %s, 'c1', %s, 0, 0, 0, 0, 0, 0, now())",
        (tenant_id, day, currency),
    )


def test_levels_are_compared_within_one_per_cent(connection: Connection[Any], add_tenant: Callable[..., str]) -> None:
    tenant = add_tenant("acme")
    add_tenant("globex")
    state(
        connection,
        tenant,
        [
            {"day": _day(1), "spend": "100"},
            {"day": _day(1), "adset_id": "s", "spend": "99"},
            *({"day": _day(1), "adset_id": "s", "ad_id": "a", "hour": hour, "spend": "49.6"} for hour in (1, 2)),
            {"day": _day(9), "spend": "100"},
            {"day": _day(9), "adset_id": "s", "spend": "1"},
        ],
    )
    assert levels_that_differ(connection, _TODAY) == []
    state(connection, tenant, [{"day": _day(1), "adset_id": "t", "spend": "2.01"}])
    (said,) = levels_that_differ(connection, _TODAY)
    example = "meta campaign c1 on 2026-05-09: campaign 100.00, ad sets 101.01"
    assert said == f"acme: finer rows differ on 1 campaigns and days, e.g. {example}"


def test_spend_without_a_click_is_found(connection: Connection[Any], add_tenant: Callable[..., str]) -> None:
    tenant = add_tenant("acme")
    state(connection, tenant, [{"day": _day(1), "spend": "100"}, {"day": _day(7), "spend": "1"}])
    connection.execute(
        "INSERT INTO trackai.clicks (tenant_id, external_id, utm_campaign, created_at) VALUES (%s, '1', 'c1', %s)",
        (tenant, datetime(2026, 5, 2, 12, tzinfo=UTC)),
    )
    assert spend_is_unjoined(connection, _TODAY) == [
        "acme: 1 campaigns with spend and no click, e.g. c1 (101.00 BRL); see `trackai campaigns unjoined acme`"
    ]
    connection.execute("UPDATE trackai.clicks SET created_at = created_at + interval '1 day'")
    assert spend_is_unjoined(connection, _TODAY) == []


def test_amounts_without_a_rate_are_found(connection: Connection[Any], add_tenant: Callable[..., str]) -> None:
    tenant = add_tenant("acme", reporting_currency="BRL")
    add_tenant("globex")
    for back in (0, 1, 3):
        state(connection, tenant, [{"day": _day(back), "currency": "USD"}])
        for currency in ("USD", "BRL", "XXX"):
            _money(connection, tenant, _day(back), currency)
    assert rates_that_miss(connection, _TODAY) == [
        "acme: no rate for USD on 2 days, the last of them 2026-05-09; load fx_rates*"
    ]
    connection.execute(
        "INSERT INTO trackai.fx_rates (tenant_id, day, base, quote, digest, rate, first_stated_at, last_stated_at,"
        " ingested_at) VALUES ('*', %s, 'USD', 'BRL', repeat('0', 64), 5, now(), now(), now())",
        (_day(3),),
    )
    assert rates_that_miss(connection, _TODAY) == []


@pytest.mark.parametrize(("back", "silent"), [(0, False), (1, False), (2, True), (14, True), (15, False)])
def test_a_silent_account_is_found_until_it_has_ended(
    connection: Connection[Any], add_tenant: Callable[..., str], back: int, silent: bool
) -> None:
    tenant = add_tenant("acme")
    state(connection, tenant, [{"day": _day(back)}, {"day": _day(1), "account_id": "2"}, {"day": _day(30)}])
    said = [f"acme: no costs of meta account 1 since {_day(back)}"] if silent else []
    assert accounts_that_are_silent(connection, _TODAY) == said


@pytest.mark.parametrize(
    "check",
    [
        cost_checks.costs_agree_across_levels,
        cost_checks.unjoined_spend,
        cost_checks.rates_are_known,
        cost_checks.costs_are_fresh,
    ],
    ids=lambda check: check.check_key.name,
)
def test_the_checks_warn(
    check: dg.AssetChecksDefinition, database_url: str, connection: Connection[Any], add_tenant: Callable[..., str]
) -> None:
    database = EventDatabase(url=database_url)
    result = check(database=database)
    assert isinstance(result, dg.AssetCheckResult)
    assert result.passed
    assert result.severity == dg.AssetCheckSeverity.WARN
    tenant = add_tenant("acme", reporting_currency="BRL")
    day = datetime.now(UTC).date() - timedelta(days=3)
    state(
        connection, tenant, [{"day": day, "currency": "USD"}, {"day": day, "currency": "USD", "ad_id": "a", "spend": 9}]
    )
    _money(connection, tenant, day, "USD")
    result = check(database=database)
    assert isinstance(result, dg.AssetCheckResult)
    assert not result.passed
    assert result.description
    assert result.description.startswith("acme: ")
