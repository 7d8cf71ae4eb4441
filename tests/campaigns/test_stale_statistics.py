"""What is read of clicks does not depend on how old the table's statistics are."""

from collections.abc import Callable
from typing import Any, LiteralString

import pytest
from psycopg import Connection

from trackai_pipelines.database.statements import statement

CLICKS = 3000


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
        connection.execute(statement(name), {"tenant_id": tenant, **more})
        read = connection.execute(
            "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'clicks'"
        ).fetchone()
    assert read is not None
    assert CLICKS <= read[0] <= 3 * CLICKS
