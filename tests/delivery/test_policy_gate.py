"""The gate dispatch_policy: what is queued at one tenant and not at others, and that a setting is never guessed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from delivery.scenes import insert_sales, queued
from gates import set_gate
from psycopg import Connection, errors
from typer.testing import Result

from trackai_pipelines.clock import utc_now
from trackai_pipelines.flags.plans import apply_due
from trackai_pipelines.matching.drain import drain

AddTenant = Callable[..., str]
Run = Callable[..., Result]


@pytest.fixture
def tenants(add_tenant: AddTenant) -> tuple[str, str]:
    return add_tenant("acme"), add_tenant("globex")


def _sell(connection: Connection[Any], tenant: str) -> tuple[int, int]:
    """An unmatched and a matched sale, attributed in this moment."""
    (unmatched,), (matched,) = insert_sales(connection, tenant, 1), insert_sales(connection, tenant, 1, strategy="fbc")
    return unmatched, matched


def _override(trackai: Run, *options: str) -> None:
    result = trackai("flags", "override", "dispatch_policy", "acme", *options, "--reason", "tried out", "--by", "ana")
    assert result.exit_code == 0, result.output


def test_an_override_changes_what_is_queued_at_its_tenant_alone(
    trackai: Run, connection: Connection[Any], tenants: tuple[str, str]
) -> None:
    acme, globex = tenants
    _override(trackai, "--value", "matched")
    (late, hit), others = _sell(connection, acme), _sell(connection, globex)
    assert queued(connection) == [hit, *others]

    _override(trackai, "--inherit")
    assert sorted(queued(connection)) == sorted([late, hit, *others]), "what is still in time becomes due"
    newest = _sell(connection, acme)
    assert set(newest) < set(queued(connection))


def test_an_override_by_plain_sql_and_a_planned_one_reach_the_queueing(
    connection: Connection[Any], tenants: tuple[str, str]
) -> None:
    """At the latest with the job that runs every five minutes."""
    acme, globex = tenants
    set_gate(connection, "dispatch_policy", acme, "matched")
    apply_due(connection, utc_now)
    (_, hit), others = _sell(connection, acme), _sell(connection, globex)
    assert queued(connection) == [hit, *others]


def test_a_setting_that_cannot_be_read_fails_the_transaction_which_is_repeated(
    connection: Connection[Any], tenants: tuple[str, str]
) -> None:
    acme, globex = tenants
    set_gate(connection, "dispatch_policy", acme, "matched")
    apply_due(connection, utc_now)
    for tenant in tenants:
        connection.execute(
            "INSERT INTO trackai.conversions (tenant_id, gateway, gateway_event_id, value, currency, occurred_at)"
            " VALUES (%s, 'stripe', %s, 1, 'BRL', %s)",
            (tenant, f"evt-{tenant}", datetime.now(UTC) - timedelta(hours=1)),
        )
    connection.execute("ALTER TABLE trackai.tenants RENAME COLUMN dispatch_policy TO policy_that_is_away")
    with pytest.raises(errors.UndefinedColumn):
        drain(connection, run_id="in the dark")
    waiting = connection.execute("SELECT tenant_id FROM trackai.match_queue ORDER BY tenant_id").fetchall()
    assert waiting == [(acme,), (globex,)], "the batch is back on the queue"
    assert connection.execute("SELECT count(*) FROM trackai.matched_attributions").fetchone() == (0,)
    assert queued(connection) == []

    connection.execute("ALTER TABLE trackai.tenants RENAME COLUMN policy_that_is_away TO dispatch_policy")
    assert drain(connection, run_id="again").by_strategy == {"unmatched": 2}
    due = connection.execute("SELECT tenant_id FROM trackai.dispatch_queue").fetchall()
    assert due == [(globex,)], "unmatched sales are due where all are wanted"
