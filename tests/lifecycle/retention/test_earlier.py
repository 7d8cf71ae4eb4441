"""The gate anonymise_after_days: earlier for one tenant, never later, and without effect while it cannot be read."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from declared import TABLES
from gates import kill_gate, set_gate, unreadable_flags
from lifecycle.old_rows import insert_clicks, insert_sales, midnight, set_policies
from lifecycle.plans import NOW, TODAY, day
from psycopg import Connection, sql

from trackai_pipelines.flag_values.client import Flags, open_flags
from trackai_pipelines.lifecycle.archive.store import open_store
from trackai_pipelines.lifecycle.retention.apply import apply_plan
from trackai_pipelines.lifecycle.retention.plan import Plan, latest_plan, plan_retention

GATE = "anonymise_after_days"
POLICY = 90
AGES = (10, 29, 30, 31, 60, 89, 90, 91, 400)

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def tenants(connection: Connection[Any], add_tenant: Callable[..., str]) -> list[str]:
    """Three tenants with a click and a sale of each age; a day is over when it is as many days ago."""
    set_policies(
        connection,
        {"table_name": "clicks", "keep": timedelta(days=9_000), "anonymise_after": timedelta(days=POLICY)},
        {"table_name": "conversions", "keep": timedelta(days=POLICY), "action": "anonymise"},
    )
    added = [add_tenant(slug) for slug in ("acme", "globex", "initech")]
    for tenant in added:
        times = [midnight(day(age)) + timedelta(hours=12) for age in AGES]
        insert_clicks(connection, tenant, times)
        insert_sales(connection, tenant, times)
    return added


def _plan(connection: Connection[Any], flags: Flags | None) -> Plan:
    return plan_retention(connection, TABLES, today=TODAY, dry_run=False, flags=flags, clock=lambda: NOW)


def _applied(connection: Connection[Any], url: str, tmp_path: Any, plan: Plan) -> Plan:
    done = apply_plan(connection, url, open_store(str(tmp_path / "archive")), TABLES, plan, clock=lambda: NOW)
    assert {step.state for step in done.steps} <= {"done"}
    assert [(step.rows, step.rows_done) for step in done.steps] == [(step.rows, step.rows) for step in done.steps]
    return done


def _anonymised(connection: Connection[Any], table: str, time: str) -> dict[str, set[int]]:
    """Ages in days of the anonymised rows, by tenant."""
    rows = sql.SQL("SELECT tenant_id, {} FROM {} WHERE anonymised_at IS NOT NULL").format(
        sql.Identifier(time), sql.Identifier("trackai", table)
    )
    found: dict[str, set[int]] = {}
    at: datetime
    for tenant, at in connection.execute(rows):
        found.setdefault(tenant, set()).add((TODAY - at.date()).days)
    return found


def _expected(**days: int) -> dict[str, set[int]]:
    """What is due at each tenant: a day is, when it ended at least so many days before today."""
    return {f"t-{slug}": {age for age in AGES if age > least} for slug, least in days.items()}


def test_one_tenant_is_anonymised_earlier_and_none_later(
    database_url: str, connection: Connection[Any], tenants: list[str], tmp_path: Any
) -> None:
    acme, globex, _ = tenants
    version = set_gate(connection, GATE, acme, "30")
    set_gate(connection, GATE, globex, "365")
    with open_flags(database_url) as flags:
        plan = _plan(connection, flags)
    of_policy = "older than 90 days"
    of_gate = f"older than 30 days at acme (flag anonymise_after_days, version {version})"
    assert [(s.table_name, s.day, s.rows, s.reason.partition(" (")[0], s.tenant_ids) for s in plan.steps] == [
        ("clicks", day(POLICY), 6, of_policy, None),
        ("clicks", day(30), 4, of_gate.partition(" (")[0], [acme]),
        ("conversions", day(POLICY), 6, of_policy, None),
        ("conversions", day(30), 4, of_gate.partition(" (")[0], [acme]),
    ]
    assert {step.reason for step in plan.steps if step.tenant_ids} == {of_gate}
    assert plan.steps[1].title == f"anonymise clicks before {day(30)} of 1 tenant"

    _applied(connection, database_url, tmp_path, plan)
    expected = _expected(acme=30, globex=POLICY, initech=POLICY)
    assert _anonymised(connection, "clicks", "created_at") == expected
    assert _anonymised(connection, "conversions", "occurred_at") == expected
    stored = latest_plan(connection)
    assert stored is not None
    assert [step.tenant_ids for step in stored.steps] == [None, [acme], None, [acme]]
    with open_flags(database_url) as flags:
        assert _plan(connection, flags).steps == (), "nothing is left to do"


def test_a_version_for_everyone_is_one_step(
    database_url: str, connection: Connection[Any], tenants: list[str], tmp_path: Any
) -> None:
    connection.execute("SELECT trackai.ensure_gate(%s)", (GATE,))
    connection.execute("UPDATE trackai.feature_flags SET enabled = true, on_value = '60' WHERE key = %s", (GATE,))
    set_gate(connection, GATE, tenants[2], "30")
    with open_flags(database_url) as flags:
        plan = _plan(connection, flags)
    clicks = [(step.day, step.rows, step.tenant_ids) for step in plan.steps if step.table_name == "clicks"]
    assert clicks == [(day(POLICY), 6, None), (day(60), 4, tenants[:2]), (day(30), 4, tenants[2:])]
    _applied(connection, database_url, tmp_path, plan)
    assert _anonymised(connection, "clicks", "created_at") == _expected(acme=60, globex=60, initech=30)


@pytest.mark.parametrize("value", ["0", "90", "36500"])
def test_zero_and_later_are_the_policy(
    database_url: str, connection: Connection[Any], tenants: list[str], value: str
) -> None:
    set_gate(connection, GATE, tenants[0], value)
    with open_flags(database_url) as flags:
        steps = _plan(connection, flags).steps
    assert [(step.day, step.tenant_ids) for step in steps] == [(day(POLICY), None)] * 2


def test_a_kill_brings_the_policy_back(database_url: str, connection: Connection[Any], tenants: list[str]) -> None:
    set_gate(connection, GATE, tenants[0], "30")
    kill_gate(connection, GATE)
    with open_flags(database_url) as flags:
        assert [step.tenant_ids for step in _plan(connection, flags).steps] == [None, None]


def test_without_a_policy_that_anonymises_the_gate_does_nothing(
    database_url: str, connection: Connection[Any], tenants: list[str]
) -> None:
    set_gate(connection, GATE, tenants[0], "30")
    connection.execute("UPDATE trackai.retention_policies SET enabled = false")
    with open_flags(database_url) as flags:
        assert _plan(connection, flags).steps == ()


def test_while_flags_cannot_be_read_the_policy_holds(
    database_url: str, connection: Connection[Any], tenants: list[str]
) -> None:
    """Also where a process that could read them kept what it knew."""
    set_gate(connection, GATE, tenants[0], "30")
    with open_flags(database_url) as flags:
        assert len(_plan(connection, flags).steps) == 4
    with unreadable_flags(connection), open_flags(database_url) as flags:
        assert flags.snapshot is not None
        assert [step.tenant_ids for step in _plan(connection, flags).steps] == [None, None]


def test_what_blocks_the_day_blocks_it_for_the_tenant(
    database_url: str, connection: Connection[Any], tenants: list[str]
) -> None:
    """A sale whose journey is not there yet, and which only the gate reaches."""
    set_gate(connection, GATE, tenants[0], "30")
    at = midnight(day(60)) + timedelta(hours=13)
    sales = insert_sales(connection, tenants[0], [at], customer_email_hash="a" * 64)
    connection.execute("DELETE FROM trackai.conversion_buyers WHERE conversion_id = ANY (%s)", (sales,))
    with open_flags(database_url) as flags:
        plan = _plan(connection, flags)
    assert [(step.table_name, step.state) for step in plan.steps if step.tenant_ids] == [
        ("clicks", "planned"), ("conversions", "blocked")
    ]  # fmt: skip


def test_the_look_is_counted_as_a_check_of_the_pipeline(
    database_url: str, connection: Connection[Any], tenants: list[str]
) -> None:
    set_gate(connection, GATE, tenants[0], "30")
    with open_flags(database_url) as flags:
        _plan(connection, flags)
    rows = connection.execute(
        "SELECT tenant_id, app_type, value_used, checks FROM trackai.feature_flag_usage ORDER BY tenant_id"
    ).fetchall()
    assert rows == [(tenant, "pipeline", tenant == tenants[0], 1) for tenant in tenants]
