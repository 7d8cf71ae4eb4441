"""What is read does not depend on how old the statistics of the tables are."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, LiteralString

import pytest
from psycopg import Connection, sql

from trackai_pipelines.campaigns.days import compute_day
from trackai_pipelines.campaigns.figures import write_90_days
from trackai_pipelines.database.statements import statement

CLICKS = 3000


def read_of(connection: Connection[Any], table: str) -> int:
    """How many rows of the table, or partition, the session has read since its figures were last collected."""
    row = connection.execute(
        "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = %s", (table,)
    ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("campaigns/stage_day_clicks", {"day": "2026-05-02", "clicks_left": False}),
        (
            "campaigns/stage_window_clicks",
            {"from_day": "2026-05-02", "to_day": "2026-05-02", "sold_before": "2026-05-03"},
        ),
    ],
)
def test_clicks_are_read_once_or_twice(
    connection: Connection[Any], add_tenant: Callable[..., str], name: LiteralString, more: dict[str, object]
) -> None:
    tenant, other = add_tenant("acme"), add_tenant("other")
    connection.execute("ALTER TABLE trackai.clicks SET (autovacuum_enabled = false)")
    insert = (
        "INSERT INTO trackai.clicks (tenant_id, fbp, utm_campaign, created_at)"
        " SELECT %s, 'fb.1.1700000000000.' || n, 'spring', %s::timestamptz + n * interval '10 seconds'"
        " FROM generate_series(1, %s) n"
    )
    connection.execute(insert, (other, "2026-04-01T00:00Z", 20_000))
    connection.execute("ANALYZE trackai.clicks")
    connection.execute(insert, (tenant, "2026-05-02T00:00Z", CLICKS))
    with connection.transaction():
        before = read_of(connection, "clicks")
        connection.execute(statement(name), {"tenant_id": tenant, **more})
        assert CLICKS <= read_of(connection, "clicks") - before <= 3 * CLICKS


def test_the_sales_of_90_days_are_joined_by_their_ids(
    connection: Connection[Any], add_tenant: Callable[..., str]
) -> None:
    sales = 2000
    tenant = add_tenant("acme")
    for table in (
        "clicks",
        "conversions",
        "matched_attributions",
        "buyers",
        "conversion_buyers",
        "conversion_journeys",
    ):
        connection.execute(
            sql.SQL("ALTER TABLE trackai.{} SET (autovacuum_enabled = false)").format(sql.Identifier(table))
        )
    connection.execute(
        "INSERT INTO trackai.clicks (id, tenant_id, fbp, utm_campaign, created_at)"
        " SELECT n, %s, 'fb.1.1700000000000.' || n, 'spring', '2026-05-02T01:00Z' FROM generate_series(1, %s) n",
        (tenant, sales),
    )
    connection.execute(
        "INSERT INTO trackai.conversions"
        " (id, tenant_id, gateway, gateway_event_id, value, currency, occurred_at, created_at, customer_email_hash)"
        " SELECT n, %s, 'stripe', 'evt_' || n, 1, 'BRL', '2026-05-02T02:00Z', '2026-05-02T02:00Z',"
        " encode(sha256(n::text::bytea), 'hex') FROM generate_series(1, %s) n",
        (tenant, sales),
    )
    connection.execute(
        "INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, click_id, strategy)"
        " SELECT %s, n, n, 'fbp' FROM generate_series(1, %s) n",
        (tenant, sales),
    )
    now = datetime(2026, 5, 3, 1, tzinfo=UTC)
    compute_day(connection, tenant, date(2026, 5, 2), now)
    joined = ("clicks", "conversions", "conversion_buyers", "conversion_touchpoints_20260502")
    with connection.transaction():
        before = {table: read_of(connection, table) for table in joined}
        write_90_days(connection, tenant, now)
        for table in joined:
            assert sales <= read_of(connection, table) - before[table] <= 3 * sales, table
