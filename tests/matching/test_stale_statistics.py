"""What matching reads does not depend on how old the statistics of the tables are."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from matching.facts import SALE
from psycopg import Connection, sql
from rows_read import keep_statistics, rows_compared, rows_of_plan, rows_read

from trackai_pipelines.database.statements import statement
from trackai_pipelines.matching.drain import drain

SALES = 400


def insert_facts(connection: Connection[Any], tenant: str) -> None:
    """Insert sales that only the e-mail address leads to a click, with clicks and identities that name them."""
    given = {"tenant": tenant, "clicked": SALE - timedelta(hours=1), "sold": SALE, "sales": SALES}
    connection.execute(
        "INSERT INTO trackai.clicks (tenant_id, external_id, created_at)"
        " SELECT %(tenant)s, 'click ' || n, %(clicked)s FROM generate_series(1, %(sales)s) n",
        given,
    )
    connection.execute(
        "INSERT INTO trackai.identities (tenant_id, email_hash, click_external_id)"
        " SELECT %(tenant)s, encode(sha256(n::text::bytea), 'hex'), 'click ' || n FROM generate_series(1, %(sales)s) n",
        given,
    )
    connection.execute(
        "INSERT INTO trackai.conversions"
        " (tenant_id, gateway, gateway_event_id, value, currency, occurred_at, customer_email_hash)"
        " SELECT %(tenant)s, 'hotmart', 'event ' || n, 1, 'BRL', %(sold)s, encode(sha256(n::text::bytea), 'hex')"
        " FROM generate_series(1, %(sales)s) n",
        given,
    )


@pytest.fixture
def tenants(connection: Connection[Any], add_tenant: Callable[..., str]) -> list[str]:
    """Two tenants that match by e-mail."""
    keep_statistics(connection, "clicks", "conversions", "identities", "matched_attributions")
    return [add_tenant(slug, email_matching=True) for slug in ("veteran", "newcomer")]


def test_a_sale_looks_up_its_own_identities(connection: Connection[Any], tenants: list[str]) -> None:
    for tenant in tenants:
        insert_facts(connection, tenant)
    connection.execute("ANALYZE")  # No identity has its click yet.
    read = rows_read(connection, lambda: drain(connection, run_id="all"))
    assert read["identities"] >= 2 * SALES
    assert {table: rows for table, rows in read.items() if rows > 40 * SALES} == {}


def test_identities_are_linked_one_by_one(connection: Connection[Any], tenants: list[str]) -> None:
    veteran, newcomer = tenants
    insert_facts(connection, veteran)
    drain(connection, run_id="veteran")
    connection.execute("ANALYZE")
    insert_facts(connection, newcomer)
    arrived = connection.execute(
        "SELECT tenant_id, 'identity', id, id FROM trackai.identities WHERE click_id IS NULL"
        " UNION ALL SELECT tenant_id, 'click', id, id FROM trackai.clicks WHERE tenant_id = %s",
        [newcomer],
    ).fetchall()
    tenant_ids, facts, first_ids, last_ids = (list(column) for column in zip(*arrived, strict=True))
    given = {"tenant_ids": tenant_ids, "facts": facts, "first_ids": first_ids, "last_ids": last_ids, "awaiting": []}
    with connection.transaction():
        connection.execute(statement("matching/keep_to_indexes"))
        compared = rows_compared(connection, sql.SQL(statement("matching/link_identities")), given)
    linked = connection.execute("SELECT count(*) FROM trackai.identities WHERE click_id IS NOT NULL").fetchone()
    assert linked == (2 * SALES,)
    assert compared <= 40 * SALES


def test_late_matches_meet_their_former_state_by_key(connection: Connection[Any], tenants: list[str]) -> None:
    # The trigger with its settings, except that it explains what it executes.
    row = connection.execute("SELECT pg_get_functiondef('trackai.queue_matched_late'::regproc)").fetchone()
    assert row is not None
    explaining = row[0].replace("BEGIN\n", "DECLARE plan text; BEGIN\n", 1)
    explaining = explaining.replace("EXECUTE '", "EXECUTE 'EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ")
    explaining = explaining.replace(
        "DO NOTHING'", "DO NOTHING' INTO plan; PERFORM set_config('test.plan', plan, false)"
    )
    connection.execute(explaining)
    connection.execute(
        "INSERT INTO trackai.conversions (tenant_id, gateway, gateway_event_id, value, currency, occurred_at)"
        " SELECT %s, 'hotmart', 'event ' || n, 1, 'BRL', now() FROM generate_series(1, %s) n",
        [tenants[0], SALES],
    )
    connection.execute(
        "INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, strategy)"
        " SELECT tenant_id, id, 'unmatched' FROM trackai.conversions"
    )
    connection.execute("UPDATE trackai.tenants SET status = 'active'")
    connection.execute("TRUNCATE trackai.dispatch_queue")
    with connection.transaction():
        connection.execute(statement("matching/keep_to_indexes"))
        connection.execute("UPDATE trackai.matched_attributions SET strategy = 'fbc'")
    queued = connection.execute("SELECT count(*), current_setting('test.plan') FROM trackai.dispatch_queue").fetchone()
    assert queued is not None
    assert queued[0] == SALES
    assert rows_of_plan(json.loads(queued[1])) <= 40 * SALES
