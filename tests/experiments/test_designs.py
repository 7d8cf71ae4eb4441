"""Tests are read with their variants, weights and guardrails, and a change of what starting froze shows."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from experiments.shop import add_test
from psycopg import Connection, sql

from trackai_pipelines.experiments.designs import (
    Guardrail,
    config_digest,
    design_of,
    designs_to_compute,
    read_design,
)
from trackai_pipelines.experiments.refusals import UnknownTestError


def test_a_test_is_read_by_key_and_by_number(connection: Connection[Any], add_tenant: Callable[..., str]) -> None:
    tenant, other = add_tenant("acme"), add_tenant("other")
    number = add_test(connection, tenant, "checkout", variant_b="b", weights=[0.5, 0.3, 0.2], revenue_cap=100)
    add_test(connection, other, "checkout", hash_seed="another")
    connection.execute(
        "INSERT INTO trackai.ab_test_guardrails VALUES (%s, %s, 'revenue_per_user', 0.05, 'proven'),"
        " (%s, %s, 'orders_per_user', 0, 'not_worse')",
        (tenant, number, tenant, number),
    )
    design = read_design(connection, tenant, "checkout")
    assert design == design_of(connection, tenant, number)
    assert (design.variants, design.weights) == (("control", "a", "b"), (0.5, 0.3, 0.2))
    assert (design.control, design.hash_seed) == ("control", "checkout")
    assert design.guardrails == (
        Guardrail(metric="orders_per_user", margin=0.0, rule="not_worse"),
        Guardrail(metric="revenue_per_user", margin=0.05, rule="proven"),
    )
    assert design.alpha == 0.05
    assert read_design(connection, other, "checkout").weights == (0.5, 0.5)
    with pytest.raises(UnknownTestError, match="There is no test payment"):
        read_design(connection, tenant, "payment")
    with pytest.raises(UnknownTestError):
        design_of(connection, other, number)


def test_tests_that_were_started_and_not_archived_are_computed(
    connection: Connection[Any], add_tenant: Callable[..., str]
) -> None:
    tenant, other = add_tenant("acme"), add_tenant("other")
    for status in ("draft", "running", "paused", "completed", "archived"):
        add_test(connection, tenant, status, status=status)
    add_test(connection, other, "running", status="running")
    assert [(one.tenant_id, one.status) for one in designs_to_compute(connection)] == [
        (tenant, "running"),
        (tenant, "paused"),
        (tenant, "completed"),
        (other, "running"),
    ]
    assert [one.tenant_id for one in designs_to_compute(connection, other)] == [other]


def test_a_change_of_what_was_frozen_shows(connection: Connection[Any], add_tenant: Callable[..., str]) -> None:
    tenant = add_tenant("acme")
    add_test(connection, tenant, "checkout", planned_lift=0.2, revenue_cap=100, started_at=datetime.now(UTC))
    digest = config_digest(read_design(connection, tenant, "checkout"))
    connection.execute("UPDATE trackai.ab_tests SET config_digest = %s", (digest,))
    assert not read_design(connection, tenant, "checkout").configuration_changed
    for change, shows in (
        ("weights = '{0.6,0.4}'", True),
        ("revenue_cap = 100.0001", True),
        ("planned_lift = 0.3", True),
        ("hash_seed = 'other'", True),
        ("hash_seed = 'checkout', weights = '{0.5,0.5}', revenue_cap = 100", False),
        ("name = 'Another', end_date = '2027-01-01'", False),
    ):
        with connection.transaction(force_rollback=True):
            connection.execute(sql.SQL("UPDATE trackai.ab_tests SET {}").format(sql.SQL(change)))
            assert read_design(connection, tenant, "checkout").configuration_changed is shows, change
