"""What is compared does not depend on how old the statistics of the tables are."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from psycopg import Connection, sql
from rows_read import keep_statistics, rows_compared

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.statements import statement

SALES = 1000


def insert_tried(connection: Connection[Any], tenant: str, ago: timedelta = timedelta(minutes=1)) -> None:
    """Insert sales that were attributed, and sent."""
    given = {"tenant": tenant, "sales": SALES, "sold": utc_now() - ago}
    connection.execute(
        "INSERT INTO trackai.conversions (tenant_id, gateway, gateway_event_id, value, currency, occurred_at)"
        " SELECT %(tenant)s, 'stripe', 'event ' || n, 1, 'BRL', %(sold)s"
        " FROM generate_series(1, %(sales)s) n",
        given,
    )
    connection.execute(
        "INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, strategy)"
        " SELECT tenant_id, id, 'unmatched' FROM trackai.conversions WHERE tenant_id = %(tenant)s",
        given,
    )
    connection.execute(
        "INSERT INTO trackai.dispatch_attempts"
        " (tenant_id, conversion_id, event_id, attempt, status, created_at, completed_at)"
        " SELECT tenant_id, id, 'e' || id, 1, 'success', %(sold)s, now()"
        " FROM trackai.conversions WHERE tenant_id = %(tenant)s",
        given,
    )


@pytest.mark.parametrize("analysed", ["never", "before the days"])
def test_each_sale_meets_its_own_attempts(
    connection: Connection[Any], add_tenant: Callable[..., str], analysed: str
) -> None:
    keep_statistics(connection, "conversions", "matched_attributions", "dispatch_attempts", "dispatch_queue")
    insert_tried(connection, add_tenant("veteran"), timedelta(days=10))
    if analysed == "before the days":
        connection.execute("ANALYZE")
    insert_tried(connection, add_tenant("newcomer"))
    now = utc_now()
    given = {
        "since": now - timedelta(days=7),
        "before": None,
        "until": now,
        "arrives_at": now,
        "transient": ["timeout"],
    }
    for tenant in (None, "newcomer"):
        query = sql.SQL(statement("delivery/account_for"))
        assert SALES < rows_compared(connection, query, {**given, "tenant": tenant}) <= 60 * SALES
