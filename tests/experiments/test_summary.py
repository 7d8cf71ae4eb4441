"""The summary of tests counts each user and each conversion once."""

from collections.abc import Callable
from typing import Any

import pytest
from psycopg import Connection


@pytest.fixture
def tenant(add_tenant: Callable[..., str]) -> str:
    """Return the tenant whose tests are summed up."""
    return add_tenant("acme")


def _add_test(connection: Connection[Any], tenant: str, key: str) -> int:
    row = connection.execute(
        "INSERT INTO trackai.ab_tests (tenant_id, test_key, name, control_variant, variant_a, start_date)"
        " VALUES (%s, %s, 'Checkout', 'control', 'a', '2026-03-01') RETURNING id",
        (tenant, key),
    ).fetchone()
    assert row is not None
    return int(row[0])


def _assign(connection: Connection[Any], tenant: str, test: int, *users: str) -> None:
    for user in users:
        connection.execute(
            "INSERT INTO trackai.ab_test_assignments (tenant_id, test_id, user_id, variant_assigned)"
            " VALUES (%s, %s, %s, 'control')",
            (tenant, test, user),
        )


def _add_result(connection: Connection[Any], tenant: str, test: int, variant: str, conversions: int) -> None:
    connection.execute(
        "INSERT INTO trackai.ab_test_results (tenant_id, test_id, variant_name, users_count, conversions, revenue,"
        " converted_users, result_day, population) VALUES (%s, %s, %s, 2, %s, 0, 1, '2026-03-02', 'so_far')",
        (tenant, test, variant, conversions),
    )


def _summary(connection: Connection[Any], tenant: str, test: int) -> tuple[int, int]:
    row = connection.execute(
        "SELECT users_assigned, total_conversions FROM trackai.v_ab_test_summary WHERE tenant_id = %s AND id = %s",
        (tenant, test),
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def test_conversions_are_not_repeated_for_each_user(connection: Connection[Any], tenant: str) -> None:
    test = _add_test(connection, tenant, "checkout")
    _assign(connection, tenant, test, "u1", "u2", "u3")
    _add_result(connection, tenant, test, "control", 10)
    _add_result(connection, tenant, test, "a", 20)
    assert _summary(connection, tenant, test) == (3, 30)


def test_a_test_without_users_or_results_is_there(connection: Connection[Any], tenant: str) -> None:
    nobody, waiting = _add_test(connection, tenant, "nobody"), _add_test(connection, tenant, "waiting")
    _add_result(connection, tenant, nobody, "control", 10)
    _assign(connection, tenant, waiting, "u1")
    assert _summary(connection, tenant, nobody) == (0, 10)
    assert _summary(connection, tenant, waiting) == (1, 0)
