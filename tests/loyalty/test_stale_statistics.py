"""What posting reads does not depend on what the statistics know of a tenant."""

from collections.abc import Callable
from datetime import date
from typing import Any

from loyalty.sources import NOW, found_program
from psycopg import Connection, sql
from rows_read import keep_statistics, rows_compared

from trackai_pipelines.database.statements import statement
from trackai_pipelines.loyalty.posting import hash_joins

CREATORS = 1_000
TABLES = ("sales_reports", "creator_aliases", "loyalty_members", "sales_ledger", "users")


def _creators(connection: Connection[Any], tenant: str) -> None:
    found_program(connection, tenant, valid_from=date(2026, 1, 1))
    about = {"tenant": tenant, "creators": CREATORS}
    for insert in (
        "users (tenant_id, id) SELECT %(tenant)s, 'c' || n",
        "loyalty_members (tenant_id, user_id, enrolled_on) SELECT %(tenant)s, 'c' || n, '2026-01-01'",
        (
            "creator_aliases (tenant_id, kind, alias, valid_from, user_id) "
            "SELECT %(tenant)s, 'tiktok', 'h' || n, '2026-01-01', 'c' || n"
        ),
        (
            "sales_reports (tenant_id, source, item, handle, report_day, post_date, as_of, amount, units, currency) "
            "SELECT %(tenant)s, 'cruva', 'v' || n, 'h' || n, '2026-01-02', '2026-01-01', '2026-01-03', n, 1, 'USD'"
        ),
    ):
        insert_many = sql.SQL("INSERT INTO trackai.{} FROM generate_series(1, %(creators)s) n").format(sql.SQL(insert))
        connection.execute(insert_many, about)


def test_a_tenant_that_the_statistics_do_not_know_is_joined_by_hashes(
    connection: Connection[Any], add_tenant: Callable[..., str]
) -> None:
    keep_statistics(connection, *TABLES)
    _creators(connection, add_tenant("known"))
    for table in TABLES:
        connection.execute(sql.SQL("ANALYZE trackai.{}").format(sql.Identifier(table)))
    tenant = add_tenant("new")
    _creators(connection, tenant)
    about = {"tenant_id": tenant, "now": NOW}
    with connection.transaction(), hash_joins(connection):
        connection.execute(statement("loyalty/make_differences"))
        for name in ("assign_reports", "differences_of_reports", "add_to_days", "add_to_members"):
            query = sql.SQL(statement(f"loyalty/{name}"))
            assert CREATORS <= rows_compared(connection, query, about) <= 30 * CREATORS, name
