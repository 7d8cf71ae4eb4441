"""Comparisons find nothing in a healthy world, and each corruption is found by its own."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from experiments import accounted
from experiments.accounted import COMPUTED_AT, DAY, NOW, START
from lifecycle.old_rows import insert
from psycopg import Connection, sql
from psycopg.types.json import Jsonb

from trackai_pipelines.database.connection import connect
from trackai_pipelines.experiments.reconcile import (
    Reconciled,
    changed_configurations,
    changed_decisions,
    outcomes_of_sales,
    totals_of_outcomes,
    uncomputed_tests,
    uneven_linkage,
    uneven_splits,
)

OUTCOMES, TOTALS, FROZEN, DECISIONS, COMPUTED = "outcomes", "totals", "frozen", "decisions", "computed"


def compared(connection: Connection[Any]) -> dict[str, Reconciled]:
    """What every comparison finds."""
    return {
        OUTCOMES: outcomes_of_sales(connection, NOW),
        TOTALS: totals_of_outcomes(connection),
        FROZEN: changed_configurations(connection),
        DECISIONS: changed_decisions(connection),
        COMPUTED: uncomputed_tests(connection, NOW),
    }


def faults(connection: Connection[Any]) -> dict[str, list[str]]:
    """The faults by comparison, where there are any."""
    return {name: [*found.faults] for name, found in compared(connection).items() if found.faults}


@pytest.fixture(scope="module")
def world(shared_database_url: str) -> Iterator[Connection[Any]]:
    """Two tenants with the same keys, users and sales."""
    with connect(shared_database_url, name="test") as connection:
        for slug in ("acme", "globex"):
            insert(connection, "tenants", {"id": f"t-{slug}", "slug": slug, "name": slug})
            accounted.build(connection, f"t-{slug}")
        yield connection


@pytest.fixture
def connection(world: Connection[Any]) -> Iterator[Connection[Any]]:
    """That world, which is as before when the test has ended."""
    with world.transaction(force_rollback=True):
        yield world


# What is changed, the comparison that finds it, and what it says.
CORRUPTIONS = {
    "an outcome is deleted": (
        "DELETE FROM trackai.ab_test_outcomes WHERE conversion_id = 10 AND tenant_id = 't-acme'",
        OUTCOMES, "acme: checkout on 2026-03-06: sales 1 without an outcome (e.g. conversion 10)"),
    "an outcome is doubled": (
        """
        ALTER TABLE trackai.ab_test_outcomes DROP CONSTRAINT ab_test_outcomes_pkey;
        INSERT INTO trackai.ab_test_outcomes SELECT * FROM trackai.ab_test_outcomes WHERE conversion_id = 10
        """,
        OUTCOMES, "sales 1 that are no user's sale, or another's (e.g. conversion 10)"),
    "an outcome has another value than its sale": (
        "UPDATE trackai.ab_test_outcomes SET value = 11 WHERE conversion_id = 10",
        OUTCOMES, "sales 1 without an outcome, outcomes 1 that are no user's sale, or another's"),
    "a day is skipped": (
        "DELETE FROM trackai.ab_test_outcomes WHERE day = '2026-03-03'", OUTCOMES, "sales 3 without an outcome"),
    "a late file is not worked in": (
        """
        INSERT INTO trackai.conversions (tenant_id, id, gateway, gateway_event_id, value, currency, occurred_at)
        VALUES ('t-acme', 99, 'stripe', 'late', 1, 'BRL', '2026-03-08 10:00Z');
        INSERT INTO trackai.user_conversions (tenant_id, conversion_id, user_id, linked_by, linked_at)
        SELECT 't-acme', 99, 'u4', 'email', min(d.computed_at) - interval '1 day' FROM trackai.ab_test_daily_totals d
        """,
        OUTCOMES, "acme: banner on 2026-03-08: sales 1 without an outcome (e.g. conversion 99)"),
    "a sale is linked to two users": (
        """
        ALTER TABLE trackai.user_conversions DROP CONSTRAINT user_conversions_pkey;
        INSERT INTO trackai.user_conversions (tenant_id, conversion_id, user_id, linked_by, linked_at)
        SELECT 't-acme', 2, 'u2', 'email', min(d.computed_at) - interval '1 day' FROM trackai.ab_test_daily_totals d;
        ALTER TABLE trackai.ab_test_outcomes DROP CONSTRAINT ab_test_outcomes_pkey;
        INSERT INTO trackai.ab_test_outcomes
        SELECT o.test_id, o.conversion_id, o.occurred_at, o.computed_at, o.day, o.tenant_id, 'u2', o.class,
               o.currency, o.value
        FROM trackai.ab_test_outcomes o WHERE o.conversion_id = 2 AND o.tenant_id = 't-acme'
        """,
        OUTCOMES, "acme: checkout: 6 conversions count, and only 5 are distinct"),
    "a sale is linked to a second user, and counts for the first": (
        """
        ALTER TABLE trackai.user_conversions DROP CONSTRAINT user_conversions_pkey;
        INSERT INTO trackai.user_conversions (tenant_id, conversion_id, user_id, linked_by, linked_at)
        SELECT 't-acme', 2, 'u2', 'email', min(d.computed_at) - interval '1 day' FROM trackai.ab_test_daily_totals d
        """,
        OUTCOMES, "acme: checkout on 2026-03-02: sales 1 without an outcome (e.g. conversion 2)"),
    "an attribution is lost": (
        "DELETE FROM trackai.matched_attributions WHERE conversion_id = 3",
        OUTCOMES, "acme: checkout: 5 conversions count, and 4 are attributed or wait for it"),
    "an event counts as sent twice": (
        """
        INSERT INTO trackai.dispatch_attempts
            (tenant_id, event_id, conversion_id, attempt, status, created_at, completed_at)
        VALUES ('t-acme', 'another', 2, 2, 'success', '2026-03-03', '2026-03-03')
        """,
        OUTCOMES, "acme: checkout: 5 conversions count, and their events are in 6 places"),
    "an assignment's variant is changed": (
        "UPDATE trackai.ab_test_assignments SET variant_assigned = 'a' WHERE user_id = 'u1' AND tenant_id = 't-acme'",
        TOTALS, "acme: banner on 2026-03-01: users of a, so_far: 1, not 2"),
    "the variant of a user who bought nothing is changed": (
        "UPDATE trackai.ab_test_assignments SET variant_assigned = 'control' WHERE user_id = 'u5'",
        TOTALS, "acme: banner on 2026-03-02: users of a, so_far: 2, not 1"),
    "a total is edited": (
        """
        UPDATE trackai.ab_test_daily_totals SET conversions = conversions + 1
        WHERE day = '2026-03-10' AND variant_name = 'a' AND population = 'so_far'
        """,
        TOTALS, "acme: banner on 2026-03-10: conversions of a, so_far: 3, not 2"),
    "a total of whole windows is edited": (
        """
        UPDATE trackai.ab_test_daily_totals SET converted_users = 2
        WHERE population = 'mature' AND day = '2026-03-17'
        """,
        TOTALS, "acme: banner on 2026-03-17: converted users of a, mature: 2, not 1"),
    "totals of a day are gone": (
        "DELETE FROM trackai.ab_test_daily_totals WHERE day = '2026-03-10'",
        TOTALS, "acme: banner on 2026-03-20: rows of days: 76, not 80"),
    "a result is left over": (
        """
        INSERT INTO trackai.ab_test_results
            (tenant_id, test_id, variant_name, users_count, conversions, revenue, converted_users, result_day,
             population)
        SELECT r.tenant_id, r.test_id, 'b', 9, 9, 9, 9, r.result_day, r.population
        FROM trackai.ab_test_results r WHERE r.variant_name = 'a'
        """,
        TOTALS, "acme: the result of banner, b: conversions is 9, not there"),
    "a result is of an earlier day": (
        "UPDATE trackai.ab_test_results SET result_day = '2026-03-19'",
        TOTALS, "acme: the result of banner, a: day is 2026-03-19, not 2026-03-20"),
    "a result is not its day's totals": (
        "UPDATE trackai.ab_test_results SET conversions = conversions + 1",
        TOTALS, "acme: the result of banner, a: conversions is 3, not 2"),
    "a value in another currency is added in": (
        """
        UPDATE trackai.ab_test_daily_totals SET revenue = revenue + 40
        WHERE variant_name = 'a' AND day = '2026-03-20'
        """,
        TOTALS, "acme: banner on 2026-03-20: revenue of a, mature: 240, not 200"),
    "a winner is set by hand": (
        """
        UPDATE trackai.ab_test_results r SET winner = true
        FROM trackai.ab_tests t
        WHERE t.tenant_id = r.tenant_id AND t.id = r.test_id AND t.test_key = 'checkout' AND r.variant_name = 'a'
        """,
        TOTALS, "acme: the result of checkout, a: winner is true, not false"),
    "the winner is another variant": (
        """
        UPDATE trackai.ab_test_results SET winner = false;
        UPDATE trackai.ab_test_results SET winner = true WHERE population = 'mature' AND variant_name = 'control'
        """,
        TOTALS, "acme: the result of banner, control: winner is true, not false"),
    "it is safe to act on a test that waits": (
        "UPDATE trackai.ab_test_results SET safe_to_act = true",
        TOTALS, "acme: the result of checkout, a: safe to act is true, not false"),
    "a window is changed": (
        "UPDATE trackai.ab_tests SET window_days = 7 WHERE test_key = 'checkout'",
        FROZEN, "acme: what starting froze of checkout was changed"),
    "a guardrail is added": (
        """
        INSERT INTO trackai.ab_test_guardrails (tenant_id, test_id, metric)
        SELECT t.tenant_id, t.id, 'orders_per_user' FROM trackai.ab_tests t WHERE t.test_key = 'banner'
        """,
        FROZEN, "acme: what starting froze of banner was changed"),
    "late data changed a decision": (
        """
        INSERT INTO trackai.ab_test_decisions
            (tenant_id, test_id, decided_at, decision_day, kind, outcome, reason, inputs)
        SELECT d.tenant_id, d.test_id, d.decided_at + interval '1 day', d.decision_day, d.kind, 'not_significant',
               'One sale came late.', '{}'
        FROM trackai.ab_test_decisions d
        """,
        DECISIONS,
        "acme: banner was winner a for 2026-03-20, and is not_significant since 2026-03-22: One sale came late."),
    "a night was left out": (
        "DELETE FROM trackai.ab_test_daily_totals WHERE day = '2026-03-20'",
        COMPUTED, "acme: checkout was computed up to 2026-03-19"),
    "a test was never computed": (
        "DELETE FROM trackai.ab_test_daily_totals",
        COMPUTED, "acme: checkout was never computed"),
}  # fmt: skip


def test_a_healthy_world_has_no_faults(connection: Connection[Any]) -> None:
    assert faults(connection) == {}
    assert [found.waiting for found in compared(connection).values()] == [0] * 5


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_a_corruption_is_found(connection: Connection[Any], corruption: str) -> None:
    change, name, sentence = CORRUPTIONS[corruption]
    connection.execute(change)
    found = faults(connection).get(name, [])
    assert any(sentence in fault for fault in found), found


def test_what_arrives_after_a_computation_waits_for_the_next(connection: Connection[Any]) -> None:
    at = COMPUTED_AT - timedelta(minutes=4)
    connection.execute(
        """
        INSERT INTO trackai.conversions (tenant_id, id, gateway, gateway_event_id, value, currency, occurred_at)
        VALUES ('t-acme', 99, 'stripe', 'late', 1, 'BRL', '2026-03-08 10:00Z')
        """
    )
    accounted.link(connection, "t-acme", 99, "u4", linked_at=at)
    # Sale 2 is u2's from now on, and sale 5 nobody's.
    connection.execute(
        "UPDATE trackai.user_conversions SET user_id = 'u2', linked_at = %s WHERE conversion_id = 2", [at]
    )
    connection.execute("DELETE FROM trackai.user_conversions WHERE conversion_id = 5")
    connection.execute("UPDATE trackai.users SET changed_at = %s WHERE id = 'u2'", [at])
    late = {"user_id": "u9", "variant_assigned": "a", "assigned_at": START + DAY, "created_at": COMPUTED_AT + DAY / 24}
    for test in connection.execute("SELECT id FROM trackai.ab_tests WHERE tenant_id = 't-acme'").fetchall():
        insert(connection, "ab_test_assignments", {"tenant_id": "t-acme", "test_id": test[0], **late})
    assert faults(connection) == {}
    assert outcomes_of_sales(connection, NOW).waiting > 0
    # Two nights later it should be there.
    assert outcomes_of_sales(connection, NOW + 2 * DAY).faults


def test_an_erasure_waits_for_the_next_computation(connection: Connection[Any]) -> None:
    for table in ("ab_test_assignments", "ab_test_outcomes", "users"):
        column = "id" if table == "users" else "user_id"
        query = sql.SQL("DELETE FROM {} WHERE {} = 'u1'").format(
            sql.Identifier("trackai", table), sql.Identifier(column)
        )
        connection.execute(query)
    insert(connection, "erasures", {"tenant_id": "t-acme", "erased_at": NOW, "changed": Jsonb({})})
    insert(connection, "erasures", {"tenant_id": "t-globex", "erased_at": NOW, "changed": Jsonb({})})
    assert faults(connection) == {}
    assert totals_of_outcomes(connection).waiting > 0


def test_archived_tests_keep_what_they_have(connection: Connection[Any]) -> None:
    connection.execute("UPDATE trackai.ab_tests SET status = 'archived' WHERE test_key = 'banner'")
    connection.execute("DELETE FROM trackai.ab_test_outcomes o USING trackai.ab_tests t WHERE t.id = o.test_id"
                       " AND t.test_key = 'banner'")  # fmt: skip
    assert faults(connection) == {}
    connection.execute("UPDATE trackai.ab_test_results SET revenue = 1")
    assert any("result of banner, a: revenue is 1.0000, not 200" in fault for fault in faults(connection)[TOTALS])


def test_sales_whose_hashes_are_gone_are_not_compared(connection: Connection[Any]) -> None:
    connection.execute("UPDATE trackai.conversions SET anonymised_at = %s WHERE id IN (1, 2)", [NOW])
    connection.execute("DELETE FROM trackai.user_conversions WHERE conversion_id IN (1, 2)")
    assert faults(connection) == {}


def health(connection: Connection[Any], **columns: Any) -> None:
    """What is known of acme's checkout on its newest day."""
    (test,) = connection.execute(
        "SELECT id FROM trackai.ab_tests WHERE tenant_id = 't-acme' AND test_key = 'checkout'"
    ).fetchone() or (0,)
    row = {"tenant_id": "t-acme", "test_id": test, "day": accounted.LAST, "computed_at": COMPUTED_AT, **columns}
    insert(connection, "ab_test_daily_health", row)


@pytest.mark.parametrize(
    ("columns", "sentences"),
    [
        ({"srm_p_value": 0.001, "srm_p_value_before_exclusions": 0.5, "linkage_p_value": 1.0}, []),
        (
            {"srm_p_value": 0.0009},
            ["acme: checkout is not split as its weights say: 3 control, 2 a (p 0.0009)"],
        ),
        (
            {"srm_p_value_before_exclusions": 2e-9},
            ["acme: checkout is not split as its weights say before exclusions (p 2e-09)"],
        ),
        (
            {"excluded_users": Jsonb({"conflicting_variants": {"a": 1}, "excluded_user": {"a": 1}})},
            ["acme: checkout has 1 of 7 users who saw several variants"],
        ),
        ({"excluded_users": Jsonb({"excluded_user": {"a": 3}})}, []),
        (
            {"shared_users": Jsonb([{"test": "banner", "users": 2000, "p_value": 1e-5},
                                    {"test": "other", "users": 2000, "p_value": 0.2}])},
            ["acme: checkout has variants that go together with those of banner (p 1e-05)"],
        ),
        (
            {"linkage_p_value": 0.0001, "tracking_p_value": 0.00001},
            ["acme: checkout attributes the sales of its variants differently (p 1e-05)",
             "acme: checkout links the users of its variants differently with their sales (p 0.0001)"],
        ),
    ],
)  # fmt: skip
def test_variants_that_are_not_alike_are_found(
    connection: Connection[Any], columns: dict[str, Any], sentences: list[str]
) -> None:
    health(connection, **columns)
    assert [*uneven_splits(connection).faults, *uneven_linkage(connection).faults] == sentences
