"""What linking reads does not depend on how old the statistics of the tables are."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from psycopg import Connection, sql
from rows_read import keep_statistics, rows_compared, rows_read

from trackai_pipelines.database.statements import statement
from trackai_pipelines.facts.links import refresh

SALES = 400


def insert_facts(connection: Connection[Any], tenant: str) -> None:
    """Insert sales, each with its user and its refund, none linked."""
    given = {"tenant": tenant, "sales": SALES}
    connection.execute(
        "INSERT INTO trackai.users (tenant_id, id, email_hash)"
        " SELECT %(tenant)s, 'user ' || n, encode(sha256(n::text::bytea), 'hex') FROM generate_series(1, %(sales)s) n",
        given,
    )
    connection.execute(
        "INSERT INTO trackai.conversions"
        " (tenant_id, gateway, gateway_event_id, sale_key, value, currency, occurred_at, customer_email_hash)"
        " SELECT %(tenant)s, 'stripe', 'event ' || n, 'sale ' || n, 1, 'BRL', '2026-05-02T00:00Z',"
        " encode(sha256(n::text::bytea), 'hex') FROM generate_series(1, %(sales)s) n",
        given,
    )
    connection.execute(
        "INSERT INTO trackai.refunds (tenant_id, gateway, gateway_event_id, sale_key, value, currency, occurred_at)"
        " SELECT %(tenant)s, 'stripe', 'refund ' || n, 'sale ' || n, 1, 'BRL', '2026-05-03T00:00Z'"
        " FROM generate_series(1, %(sales)s) n",
        given,
    )


def test_rows_of_a_new_tenant_are_looked_up_one_by_one(
    connection: Connection[Any], add_tenant: Callable[..., str]
) -> None:
    now = datetime(2026, 5, 4, tzinfo=UTC)
    keep_statistics(connection, "conversions", "users", "user_conversions", "refunds", "sale_names")
    insert_facts(connection, add_tenant("veteran"))
    refresh(connection, lambda: now)
    connection.execute("ANALYZE")
    insert_facts(connection, add_tenant("newcomer"))
    # The second time, the links are there.
    for _ in range(2):
        read = rows_read(connection, lambda: refresh(connection, lambda: now))
        assert read["users"] >= SALES
        assert {table: rows for table, rows in read.items() if rows > 40 * SALES} == {}


def test_campaigns_that_clicks_name_are_looked_up_one_by_one(
    connection: Connection[Any], add_tenant: Callable[..., str]
) -> None:
    """The table was analysed while it held dead rows only, so every plan takes it for empty."""
    given = {"tenant": add_tenant("acme"), "campaigns": 5 * SALES, "now": datetime(2026, 5, 4, tzinfo=UTC)}
    keep_statistics(connection, "campaigns")
    register = sql.SQL(statement("facts/register_staged_campaigns"))
    connection.execute("CREATE TEMPORARY TABLE staged_clicks (tenant_id text, utm_campaign text)")
    stage = "INSERT INTO staged_clicks SELECT %(tenant)s, %(name)s || n FROM generate_series(1, %(campaigns)s) n"
    connection.execute(stage, given | {"name": "known "})
    connection.execute(register, given)
    connection.execute("DELETE FROM trackai.campaigns")
    connection.execute("ANALYZE trackai.campaigns")
    connection.execute(register, given)
    connection.execute(stage, given | {"name": "new "})
    assert rows_compared(connection, register, given) < 100 * SALES
