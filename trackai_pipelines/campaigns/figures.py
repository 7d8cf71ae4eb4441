"""Figures of campaigns: money, credit, analytics, trend and segments of a tenant's UTC day.

What belongs here: writing a day's figures from its touches, clicks and costs. What does not: touches and their credit
(journeys.py), buyers, which days are due (days.py).
"""

from datetime import date, datetime
from typing import Any

from psycopg import Connection

from trackai_pipelines.campaigns.rates import stage_rates
from trackai_pipelines.campaigns.steps import make
from trackai_pipelines.database.statements import statement


def write_day(connection: Connection[Any], tenant_id: str, day: date, now: datetime, *, final: bool = False) -> None:
    """Write all figures of a tenant's UTC day, replacing what was there; rows that stay keep their id and created_at.

    `final`: the day's touches have left, so only costs are renewed. `pg_temp.buyer_sales` is there
    (`buyers.stage_sales`), and so are the day's touches otherwise. The caller's transaction holds the tenant's lock.
    """
    given = {"tenant_id": tenant_id, "day": day, "now": now, "today": now.date(), "final": final}
    left = connection.execute(statement("campaigns/clicks_left"), given).fetchone() is not None
    stage_rates(connection, tenant_id, day)
    make(connection, "day_sales", "campaigns/stage_day_sales", given)
    make(connection, "day_clicks", "campaigns/stage_day_clicks", {**given, "clicks_left": left or final})
    connection.execute(statement("campaigns/register_clicked_campaigns"), given)
    make(connection, "day_costs", "campaigns/stage_day_costs", given)
    connection.execute(statement("campaigns/register_campaigns_with_costs"), given)
    connection.execute(statement("campaigns/write_daily_money"), given)
    connection.execute(statement("campaigns/write_daily_analytics"), given)
    connection.execute(statement("campaigns/write_daily_trend"), given)
    connection.execute(statement("campaigns/write_weekly_trend"), given)
    if not final:
        make(connection, "sale_segments", "campaigns/stage_sale_segments", given)
        connection.execute(statement("campaigns/write_daily_credit"), given)
        connection.execute(statement("campaigns/write_hourly_trend"), given)
        connection.execute(statement("campaigns/write_daily_segments"), given)


def write_90_days(connection: Connection[Any], tenant_id: str, now: datetime) -> None:
    """Write the segments of the 90 UTC days that end with a tenant's newest computed one, in a transaction."""
    given = {"tenant_id": tenant_id, "now": now, "today": now.date()}
    make(connection, "day_sales", "campaigns/stage_sales_of_90_days", given)
    make(connection, "sale_segments", "campaigns/stage_sale_segments", given)
    connection.execute(statement("campaigns/write_segments_of_90_days"), given)
