"""Tests, users and their sales, as the tests of this folder put them into the database."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from psycopg import Connection, sql

START = datetime(2026, 3, 1, tzinfo=UTC)


def insert(connection: Connection[Any], table: str, **columns: object) -> Any:
    """Insert a row; return its id, if the table has one."""
    statement = sql.SQL("INSERT INTO trackai.{} ({}) VALUES ({}) RETURNING *").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(map(sql.Placeholder, columns)),
    )
    cursor = connection.execute(statement, columns)
    row = cursor.fetchone()
    assert row is not None
    assert cursor.description is not None
    return dict(zip((column.name for column in cursor.description), row, strict=True)).get("id")


def add_test(connection: Connection[Any], tenant: str, key: str, **columns: object) -> int:
    """Insert a test of a control and a variant, as plain SQL does; return its number."""
    row = {"tenant_id": tenant, "test_key": key, "name": key, "start_date": START, "control_variant": "control"}
    return int(insert(connection, "ab_tests", **row | {"variant_a": "a"} | columns))


def add_buyers(
    connection: Connection[Any], tenant: str, values: Iterable[Decimal], at: datetime, *, prefix: str = "buyer"
) -> None:
    """Insert a user with a linked sale in BRL for each value."""
    rows = [(f"{prefix}{place}", value) for place, value in enumerate(values)]
    given = {"tenant": tenant, "ids": [user for user, _ in rows], "values": [value for _, value in rows], "at": at}
    connection.execute(
        "INSERT INTO trackai.users (tenant_id, id, created_at, updated_at)"
        " SELECT %(tenant)s, u, %(at)s, %(at)s FROM unnest(%(ids)s::text[]) u",
        given,
    )
    connection.execute(
        "WITH sold AS (INSERT INTO trackai.conversions (tenant_id, gateway, gateway_event_id, value, currency,"
        " occurred_at) SELECT %(tenant)s, 'stripe', u, v, 'BRL', %(at)s"
        " FROM unnest(%(ids)s::text[], %(values)s::numeric[]) x (u, v) RETURNING id, gateway_event_id)"
        " INSERT INTO trackai.user_conversions (tenant_id, user_id, conversion_id, linked_by, linked_at)"
        " SELECT %(tenant)s, gateway_event_id, id, 'email', %(at)s FROM sold",
        given,
    )
