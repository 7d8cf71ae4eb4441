"""What the checks of costs ask: whether levels agree, spend has clicks, amounts have rates, and accounts go on.

What belongs here: the questions, each answered with a sentence for each tenant that something is wrong with. What does
not: which costs count (v_counted_ad_costs), and when the questions are asked (defs/).
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from psycopg import Connection

from trackai_pipelines.campaigns.rates import stage_rates
from trackai_pipelines.campaigns.unjoined import spend_without_clicks
from trackai_pipelines.database.statements import statement

DAYS = 7
"""How many days are looked at, up to yesterday."""

STILL_ACTIVE = timedelta(days=14)
"""An account that has had no costs for longer has ended."""

_SHOWN = 3


def levels_that_differ(connection: Connection[Any], today: date) -> list[str]:
    """Say whose ad sets or ads add up to something else than what counts, by more than 1 %, in the last week."""
    said = []
    days = _days(today)
    for tenant_id, slug in _tenants(connection, days["from_day"]):
        found = connection.execute(
            statement("campaigns/levels_that_differ"), {"tenant_id": tenant_id, **days}
        ).fetchall()
        if found:
            examples = "; ".join(
                f"{source} campaign {campaign} on {day}: {counted_level} {counted:,.2f}, {level} {spend:,.2f}"
                for day, source, campaign, counted_level, counted, level, spend in found[:_SHOWN]
            )
            said.append(f"{slug}: finer rows differ on {len(found):,} campaigns and days, e.g. {examples}")
    return said


def spend_is_unjoined(connection: Connection[Any], today: date) -> list[str]:
    """Say whose campaigns had spend and not one click in the last week."""
    said = []
    days = _days(today)
    for tenant_id, slug in _tenants(connection, days["from_day"]):
        found = spend_without_clicks(connection, tenant_id, **days)
        if found:
            examples = ", ".join(f"{s.campaign_id} ({s.spend:,.2f} {s.currency})" for s in found[:_SHOWN])
            said.append(
                f"{slug}: {len(found):,} campaigns with spend and no click, e.g. {examples}; "
                f"see `trackai campaigns unjoined {slug}`"
            )
    return said


def rates_that_miss(connection: Connection[Any], today: date) -> list[str]:
    """Say whose amounts of the last week cannot be converted, because there is no rate."""
    days = _days(today)
    return [
        f"{slug}: no rate for {currency} on {len(missing)} days, the last of them {missing[-1]}; load fx_rates*"
        for slug, of_tenant in currencies_without_rate(connection, days["from_day"], days["to_day"]).items()
        for currency, missing in of_tenant.items()
    ]


def currencies_without_rate(
    connection: Connection[Any], from_day: date, to_day: date
) -> dict[str, dict[str, list[date]]]:
    """Return, by tenant's slug and currency, the UTC days with amounts that cannot be converted, in order."""
    found: dict[str, dict[str, list[date]]] = {}
    days = {"from_day": from_day, "to_day": to_day}
    for tenant_id, slug, day in connection.execute(statement("campaigns/days_to_convert"), days).fetchall():
        for currency in _without_rate(connection, tenant_id, day):
            found.setdefault(slug, {}).setdefault(currency, []).append(day)
    return found


def accounts_that_are_silent(connection: Connection[Any], today: date) -> list[str]:
    """Say whose ad accounts had costs in the last two weeks and none yet of yesterday."""
    said = []
    from_day, yesterday = today - STILL_ACTIVE, today - timedelta(days=1)
    for tenant_id, slug in _tenants(connection, from_day):
        asked = {"tenant_id": tenant_id, "from_day": from_day, "expected": yesterday}
        said += [
            f"{slug}: no costs of {source} account {account_id or '(not named)'} since {last_day}"
            for source, account_id, last_day in connection.execute(statement("campaigns/silent_accounts"), asked)
        ]
    return said


def _without_rate(connection: Connection[Any], tenant_id: str, day: date) -> Iterator[str]:
    with connection.transaction():
        stage_rates(connection, tenant_id, day)
        for (currency,) in connection.execute(statement("campaigns/missing_rates")).fetchall():
            yield currency


def _tenants(connection: Connection[Any], from_day: date) -> list[tuple[str, str]]:
    return connection.execute(statement("campaigns/tenants_with_costs"), {"from_day": from_day}).fetchall()


def _days(today: date) -> dict[str, date]:
    return {"from_day": today - timedelta(days=DAYS), "to_day": today - timedelta(days=1)}
