"""The tables of campaigns refuse what would break every sum."""

from collections.abc import Callable
from typing import Any, LiteralString

import pytest
from psycopg import Connection, errors, sql


@pytest.mark.parametrize(
    ("table", "columns", "values"),
    [
        ("campaign_analytics_daily", "date", "'2026-05-01'"),
        ("campaign_trend_data", "period", "'2026-05-01'"),
        ("campaign_analytics_segments", "segment_name", "'new_users'"),
    ],
)
def test_a_campaign_with_figures_is_not_deleted(
    connection: Connection[Any],
    add_tenant: Callable[..., str],
    table: LiteralString,
    columns: LiteralString,
    values: LiteralString,
) -> None:
    tenant = add_tenant("acme")
    connection.execute(
        "INSERT INTO trackai.campaigns (tenant_id, campaign_id, name) VALUES (%s, 'spring', 'Spring')", (tenant,)
    )
    connection.execute(
        sql.SQL("INSERT INTO {} (tenant_id, campaign_id, computed_at, {}) VALUES (%s, 'spring', now(), {})").format(
            sql.Identifier("trackai", table), sql.SQL(columns), sql.SQL(values)
        ),
        (tenant,),
    )
    with pytest.raises(errors.ForeignKeyViolation):
        connection.execute("DELETE FROM trackai.campaigns WHERE tenant_id = %s", (tenant,))


def test_a_segment_has_one_row_over_90_days(connection: Connection[Any], add_tenant: Callable[..., str]) -> None:
    tenant = add_tenant("acme")
    connection.execute(
        "INSERT INTO trackai.campaigns (tenant_id, campaign_id, name) VALUES (%s, 'spring', 'Spring')", (tenant,)
    )
    insert = (
        "INSERT INTO trackai.campaign_analytics_segments (tenant_id, campaign_id, segment_name, computed_at)"
        " VALUES (%s, 'spring', 'new_users', now())"
    )
    connection.execute(insert, (tenant,))
    with pytest.raises(errors.UniqueViolation):
        connection.execute(insert, (tenant,))
