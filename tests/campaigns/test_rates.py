"""Exchange rates: the newest day that has one, direct before inverse before cross, and none is none."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from campaigns.reference import vectors
from campaigns.stated import state
from psycopg import Connection

from trackai_pipelines.campaigns.rates import stage_rates

_FX = vectors("fx")


def _rate(connection: Connection[Any], tenant_id: str, **row: object) -> None:
    values = {"stated_at": datetime(2026, 5, 1, tzinfo=UTC), "digest": "0" * 64, **row, "tenant_id": tenant_id}
    connection.execute(
        "INSERT INTO trackai.fx_rates (tenant_id, day, base, quote, digest, rate, first_stated_at, last_stated_at,"
        " ingested_at) VALUES (%(tenant_id)s, %(day)s, %(base)s, %(quote)s, %(digest)s, %(rate)s, %(stated_at)s,"
        " %(stated_at)s, %(stated_at)s)",
        values,
    )


def _converted(
    connection: Connection[Any], tenant_id: str, day: date, amount: str
) -> dict[str, tuple[Any, str | None]]:
    """What the amount becomes in each currency of the day, and by which rate."""
    with connection.transaction():
        stage_rates(connection, tenant_id, day)
        rows = connection.execute(
            "SELECT currency, round(%s * times / per, 4), how FROM pg_temp.day_rates", (Decimal(amount),)
        ).fetchall()
    return {currency: (value, how) for currency, value, how in rows}


@pytest.mark.parametrize(
    "case", _FX["conversions"], ids=lambda case: f"{case['currency']}>{case['into']} {case['day']}"
)
def test_amounts_of_a_day(connection: Connection[Any], add_tenant: Callable[..., str], case: Mapping[str, Any]) -> None:
    tenant = add_tenant("acme", reporting_currency=case["into"])
    for rate in _FX["rates"]:
        _rate(connection, "*", **rate)
    state(connection, tenant, [{"day": case["day"], "currency": case["currency"]}])
    found = _converted(connection, tenant, date.fromisoformat(case["day"]), case["amount"])
    expected = None if case["expected"] is None else Decimal(case["expected"])
    assert found == {case["currency"]: (expected, case["how"])}


def test_a_tenants_own_rate_goes_first_and_is_nobody_elses(
    connection: Connection[Any], add_tenant: Callable[..., str]
) -> None:
    day = date(2026, 5, 1)
    tenants = [add_tenant("acme", reporting_currency="BRL"), add_tenant("globex", reporting_currency="BRL")]
    for tenant in tenants:
        state(connection, tenant, [{"currency": "USD"}])
    pair = {"day": day, "base": "USD", "quote": "BRL"}
    _rate(connection, "*", **pair, rate="5.0", digest="1" * 64)
    _rate(connection, "*", **pair, rate="5.5", digest="2" * 64, stated_at=datetime(2026, 5, 3, tzinfo=UTC))
    _rate(connection, tenants[0], **pair, rate="6.0", stated_at=datetime(2026, 4, 30, tzinfo=UTC))
    assert [_converted(connection, tenant, day, "2")["USD"][0] for tenant in tenants] == [Decimal(12), Decimal(11)]


def test_a_newer_day_goes_before_a_straighter_way(connection: Connection[Any], add_tenant: Callable[..., str]) -> None:
    tenant = add_tenant("acme", reporting_currency="BRL")
    state(connection, tenant, [{"currency": "USD", "day": "2026-05-05"}])
    _rate(connection, "*", day="2026-05-03", base="USD", quote="BRL", rate="5")
    _rate(connection, "*", day="2026-05-04", base="BRL", quote="USD", rate="0.25")
    day = date(2026, 5, 5)
    assert _converted(connection, tenant, day, "2")["USD"] == (Decimal(8), "inverse of 2026-05-04")
    for base, rates in {"GBP": ("8", "1"), "EUR": ("6", "1")}.items():
        _rate(connection, "*", day="2026-05-05", base=base, quote="BRL", rate=rates[0])
        _rate(connection, "*", day="2026-05-05", base=base, quote="USD", rate=rates[1])
    assert _converted(connection, tenant, day, "2")["USD"] == (Decimal(12), "cross EUR of 2026-05-05")


def test_sales_and_costs_of_the_day_are_there_and_nothing_else(
    connection: Connection[Any], add_tenant: Callable[..., str]
) -> None:
    tenant = add_tenant("acme", reporting_currency="BRL")
    for number, (currency, moment) in enumerate(
        {"USD": "2026-05-01T00:00Z", "EUR": "2026-05-01T23:59:59Z", "GBP": "2026-05-02T00:00Z"}.items()
    ):
        connection.execute(
            "INSERT INTO trackai.conversions (tenant_id, gateway, gateway_event_id, value, currency, occurred_at)"
            " VALUES (%s, 'stripe', %s, 1, %s, %s)",
            (tenant, str(number), currency, moment),
        )
    state(connection, tenant, [{"currency": "JPY"}, {"currency": "CHF", "day": "2026-05-02"}])
    day = date(2026, 5, 1)
    assert _converted(connection, tenant, day, "1") == dict.fromkeys(("USD", "EUR", "JPY"), (None, None))
    connection.execute("UPDATE trackai.tenants SET reporting_currency = NULL")
    assert _converted(connection, tenant, day, "1") == dict.fromkeys(("USD", "EUR", "JPY"), (Decimal(1), "as it is"))
