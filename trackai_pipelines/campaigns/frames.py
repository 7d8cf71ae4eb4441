"""Campaigns as pandas frames, for notebooks.

    from trackai_pipelines.campaigns import frames
    from trackai_pipelines.database.connection import connect

    with connect(url) as connection:
        frames.daily(connection, "acme", date(2026, 5, 1), date(2026, 5, 31))

What belongs here: tables and views as they are. What does not: figures that no table has. The extra `analysis` installs
pandas. Days are UTC days, both included. Amounts are float64, and what is unknown is NaN, NaT or NA: never 0. A tenant
is a slug or an id; an unknown one raises ExpectedError.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, LiteralString

import pandas as pd
from psycopg import Connection, sql

from trackai_pipelines.campaigns.chosen import ChosenTenant, chosen_tenants
from trackai_pipelines.campaigns.training import UNIT_COLUMNS, paths_of
from trackai_pipelines.database.frames import frame_of
from trackai_pipelines.database.statements import statement


def daily(connection: Connection[Any], tenant: str, from_day: date, to_day: date) -> pd.DataFrame:
    """Return a row for each campaign and day: campaign_analytics_daily."""
    return _frame(connection, "campaigns/frame_daily", tenant, from_day=from_day, to_day=to_day)


def credits(  # noqa: A001 - what it holds
    connection: Connection[Any], tenant: str, from_day: date, to_day: date, *, model: str | None = None
) -> pd.DataFrame:
    """Return a row for each touch of the days' sales and each model, or one: v_conversion_credits."""
    return _frame(connection, "campaigns/frame_credits", tenant, from_day=from_day, to_day=to_day, model=model)


def costs(connection: Connection[Any], tenant: str, from_day: date, to_day: date) -> pd.DataFrame:
    """Return a row for each cost that counts on the days: v_counted_ad_costs."""
    return _frame(connection, "campaigns/frame_costs", tenant, from_day=from_day, to_day=to_day)


def cohorts(connection: Connection[Any], tenant: str) -> pd.DataFrame:
    """Return campaign_cohorts; `payback_days` is the least age with ltv >= spend / buyers, NA where there is none."""
    return _frame(connection, "campaigns/frame_cohorts", tenant)


def paths(
    connection: Connection[Any], tenant: str, from_day: date, to_day: date, *, currency: str | None = None
) -> pd.DataFrame:
    """Return the paths that the data-driven models learn from, as other attribution libraries take them.

    `path` has the units of the tenant's `credit_unit`, joined by ` > `; `conversions` and `nulls` are the journeys with
    and without a sale. `value` is that of the sales in `currency`, or in the only currency that there is; it is NaN for
    a path with sales in another one.
    """
    chosen = _tenant(connection, tenant)
    found = paths_of(connection, chosen.id, chosen.credit_unit, from_day, to_day)
    values = _values(connection, chosen, from_day, to_day)
    currencies = {of for by_currency in values.values() for of in by_currency}
    if currency is None and len(currencies) == 1:
        (currency,) = currencies
    rows = [
        (" > ".join(path), conversions, _in(currency, values.get(path, {})), nulls)
        for path, (conversions, nulls) in sorted(found.items())
    ]
    dtypes = {"path": "str", "conversions": "Int64", "value": "float64", "nulls": "Int64"}
    return pd.DataFrame(rows, columns=list(dtypes)).astype(dtypes)


def _values(
    connection: Connection[Any], tenant: ChosenTenant, from_day: date, to_day: date
) -> Mapping[tuple[str, ...], Mapping[str, Decimal]]:
    query = sql.SQL(statement("campaigns/path_values")).format(unit=sql.Identifier(UNIT_COLUMNS[tenant.credit_unit]))
    values: dict[tuple[str, ...], dict[str, Decimal]] = defaultdict(dict)
    for path, currency, value in connection.execute(
        query, {"tenant_id": tenant.id, "from_day": from_day, "to_day": to_day}
    ):
        values[tuple(path)][currency] = value
    return values


def _in(currency: str | None, values: Mapping[str, Decimal]) -> float:
    if set(values) - {currency}:
        return float("nan")
    return float(sum(values.values(), Decimal(0)))


def _tenant(connection: Connection[Any], tenant: str) -> ChosenTenant:
    (chosen,) = chosen_tenants(connection, tenant)
    return chosen


def _frame(connection: Connection[Any], name: LiteralString, tenant: str, **given: Any) -> pd.DataFrame:
    cursor = connection.execute(statement(name), {"tenant_id": _tenant(connection, tenant).id, **given})
    return frame_of(connection, cursor)
