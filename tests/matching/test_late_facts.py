"""Clicks and identities that arrive after the sales: what comparing them costs, and that none is missed.

The cost is counted in looks, in rows read and in plans, never in time.
"""

import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matching import brute_force
from matching.facts import SALE, decided, insert_backlog, insert_click, insert_sale
from matching.gates import override
from psycopg import Connection, sql

from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.statements import statement
from trackai_pipelines.matching.drain import FACTS_PER_COMPARISON, drain, looks, work_waiting

AddTenant = Callable[..., str]


def insert_tenants(connection: Connection, count: int) -> list[str]:
    """Insert so many tenants at once; return their ids."""
    return [
        tenant
        for (tenant,) in connection.execute(
            "INSERT INTO trackai.tenants (id, slug, name) "
            "SELECT 'late' || n, 'late' || n, 'Late' FROM generate_series(1, %s) n RETURNING id",
            [count],
        )
    ]


def insert_mixed_clicks(connection: Connection, tenants: list[str], each: int) -> None:
    """Insert `each` clicks of each tenant by one statement, the tenants' rows taking turns."""
    connection.execute(
        "INSERT INTO trackai.clicks (tenant_id, fbclid, created_at) "
        "SELECT tenant, 'click' || n, %s FROM generate_series(1, %s) n, unnest(%s::text[]) tenant",
        [SALE - timedelta(hours=1), each, tenants],
    )


def looks_until_idle(connection: Connection) -> int:
    """Drain; return how many looks found something."""
    return sum(1 for _ in itertools.takewhile(lambda look: not look.idle, looks(connection, run_id="counted")))


def rows_read(connection: Connection, table: str) -> int:
    """How many rows of a table this session and ended ones have read, by index or otherwise."""
    connection.execute("SELECT pg_stat_force_next_flush()")
    row = connection.execute(
        "SELECT coalesce(idx_tup_fetch, 0) + coalesce(seq_tup_read, 0) FROM pg_stat_user_tables "
        "WHERE schemaname = 'trackai' AND relname = %s",
        [table],
    ).fetchone()
    assert row is not None
    return int(row[0])


def claimed(connection: Connection) -> dict[str, set[str]]:
    """How each tenant's noted arrivals would be compared."""
    ways: dict[str, set[str]] = {}
    with connection.transaction(force_rollback=True):
        for tenant, *_, way in connection.execute(
            statement("matching/claim_arrivals"), {"facts": FACTS_PER_COMPARISON}
        ):
            ways.setdefault(tenant, set()).add(way)
    return ways


def test_one_statement_of_many_tenants_takes_few_looks(connection: Connection) -> None:
    tenants = insert_tenants(connection, 200)
    for number, tenant in enumerate(tenants):
        insert_sale(connection, tenant, f"met-{number}", fbclid=f"click{1 + number % 20}")
        insert_sale(connection, tenant, f"alone-{number}", fbclid="elsewhere")
    drain(connection, run_id="before")
    insert_mixed_clicks(connection, tenants, each=20)
    # One comparison, one batch of what it found, and the look that begins again with the first tenant.
    assert looks_until_idle(connection) <= 3
    assert Counter(strategy for strategy, _ in decided(connection).values()) == {"fbc": 200, "unmatched": 200}


def test_nothing_is_read_for_tenants_for_which_nothing_waits(connection: Connection) -> None:
    tenants = insert_tenants(connection, 50)
    # Decided sales wait for nothing once they are matched, nor do those without a key.
    insert_click(connection, tenants[0], SALE - timedelta(hours=2), fbclid="own")
    insert_sale(connection, tenants[0], "matched", fbclid="own")
    insert_sale(connection, tenants[1], "keyless")
    drain(connection, run_id="before")
    insert_mixed_clicks(connection, tenants, each=30)
    read = rows_read(connection, "clicks")
    assert looks_until_idle(connection) == 1
    assert rows_read(connection, "clicks") == read
    assert not work_waiting(connection).arrivals


def test_the_smaller_side_is_compared(connection: Connection) -> None:
    nothing, few, many, waits = insert_tenants(connection, 4)
    insert_sale(connection, few, "few", fbclid="x")
    for number in range(40):
        insert_sale(connection, many, f"many-{number}", fbclid=f"x{number}")
    drain(connection, run_id="before")
    insert_mixed_clicks(connection, [nothing, few, many, waits], each=30)
    connection.execute(
        "INSERT INTO trackai.identities (tenant_id, email_hash, click_external_id) VALUES (%s, %s, 'to come')",
        [waits, "a" * 64],
    )
    assert claimed(connection) == {
        nothing: {"nothing"},
        few: {"waiting"},
        many: {"arrived"},
        waits: {"waiting", "arrived"},
    }
    read = rows_read(connection, "clicks")
    drain(connection, run_id="after")
    # Those of one tenant, and not one row more: the other keys are in no index.
    assert rows_read(connection, "clicks") == read + 30


def test_an_identity_is_linked_from_either_side(connection: Connection) -> None:
    few, many = insert_tenants(connection, 2)
    for tenant in (few, many):
        override(connection, tenant, "email_matching", "true")
        insert_sale(connection, tenant, f"sale of {tenant}", customer_email_hash="a" * 64)
        connection.execute(
            "INSERT INTO trackai.identities (tenant_id, email_hash, click_external_id) VALUES (%s, %s, 'the one')",
            [tenant, "a" * 64],
        )
    for number in range(40):
        connection.execute(
            "INSERT INTO trackai.identities (tenant_id, email_hash, click_external_id) VALUES (%s, %s, %s)",
            [many, "b" * 64, f"another {number}"],
        )
    drain(connection, run_id="before")
    connection.execute(
        "INSERT INTO trackai.clicks (tenant_id, external_id, created_at) "
        "SELECT tenant, CASE n WHEN 5 THEN 'the one' ELSE 'click ' || n END, %s "
        "FROM generate_series(1, 10) n, unnest(%s::text[]) tenant",
        [SALE - timedelta(hours=1), [few, many]],
    )
    assert claimed(connection) == {few: {"waiting"}, many: {"arrived"}}
    drain(connection, run_id="after")
    assert {strategy for strategy, _ in decided(connection).values()} == {"email"}


def test_only_arrived_clicks_make_a_sale_due_again(connection: Connection) -> None:
    """A longer look-back does not decide old sales by itself: somebody must ask, or a click that fits must arrive."""
    (tenant,) = insert_tenants(connection, 1)
    override(connection, tenant, "lookback_days", "1")
    insert_click(connection, tenant, SALE - timedelta(days=3), fbclid="old")
    insert_sale(connection, tenant, "sale", fbclid="old")
    drain(connection, run_id="before")
    override(connection, tenant, "lookback_days", "7")
    # Ids of another piece: the old click must not lie within the noted range.
    connection.execute("ALTER TABLE trackai.clicks ALTER id RESTART WITH 1000000")
    insert_mixed_clicks(connection, [tenant], each=30)
    assert claimed(connection) == {tenant: {"waiting"}}
    assert drain(connection, run_id="after").late == 0
    assert decided(connection) == {"sale": ("unmatched", None)}


def test_large_inserts_are_noted_in_pieces(connection: Connection) -> None:
    large, small = insert_tenants(connection, 2)
    connection.execute(
        "INSERT INTO trackai.identities (tenant_id, email_hash) "
        "SELECT CASE WHEN n %% 100 = 0 THEN %s ELSE %s END, %s FROM generate_series(1, 55000) n",
        [small, large, "a" * 64],
    )
    notes: dict[str, list[tuple[int, int, int]]] = {}
    for tenant, *note in connection.execute(
        "SELECT tenant_id, first_id, last_id, facts FROM trackai.fact_arrivals ORDER BY tenant_id, first_id"
    ):
        notes.setdefault(tenant, []).append((note[0], note[1], note[2]))
    assert [facts for _, _, facts in notes[small]] == [550]
    assert sum(facts for _, _, facts in notes[large]) == 54_450
    assert len(notes[large]) == 3
    assert all(before[1] < after[0] for before, after in itertools.pairwise(notes[large]))
    # Drains that come together take different pieces.
    with connect(connection.info.dsn) as other, connection.transaction(force_rollback=True):
        portions = [
            {tuple(note[:4]) for note in own.execute(statement("matching/claim_arrivals"), {"facts": 20_000})}
            for own in (connection, other)
        ]
    assert all(portions)
    assert portions[0].isdisjoint(portions[1])


def test_what_was_noted_as_wide_ranges_is_worked_off(connection: Connection) -> None:
    tenants = insert_tenants(connection, 20)
    for number, tenant in enumerate(tenants):
        insert_sale(connection, tenant, f"sale-{number}", fbclid="click3")
    drain(connection, run_id="before")
    insert_mixed_clicks(connection, tenants, each=5)
    # As the schema noted them before: the range alone. A note may outlive its facts, and ranges may overlap.
    connection.execute("ALTER TABLE trackai.fact_arrivals DROP COLUMN facts")
    connection.execute("DELETE FROM trackai.fact_arrivals")
    connection.execute(
        "INSERT INTO trackai.fact_arrivals (tenant_id, fact, first_id, last_id) "
        "SELECT tenant_id, 'click', first, last "
        "FROM (SELECT tenant_id, min(id), max(id) FROM trackai.clicks GROUP BY 1) AS noted (tenant_id, low, high), "
        "LATERAL (VALUES (low, high), (low + 1, high), (900000, 900010)) AS range (first, last)"
    )
    connection.execute(statement("migrations/0017_counted_arrivals"))
    notes = connection.execute("SELECT count(*), min(facts), max(facts) FROM trackai.fact_arrivals").fetchone()
    assert notes == (20, 5, 5)
    drain(connection, run_id="after")
    assert Counter(strategy for strategy, _ in decided(connection).values()) == {"fbc": 20}


KEYS = st.sampled_from(("a", "b", "c", None))
sales = st.fixed_dictionaries(
    {"tenant": st.integers(0, 4), "fbclid": KEYS, "fbp": KEYS, "hours": st.sampled_from((0, 1, 30))}
)
clicks = st.fixed_dictionaries(
    {
        "tenant": st.integers(0, 4),
        "fbclid": KEYS,
        "fbp": KEYS,
        "hours": st.sampled_from((-100, -1, 0, 1, 29)),
        # Ids far from each other, so that a tenant's clicks are noted as several blocks.
        "block": st.integers(0, 3),
    }
)


def test_late_clicks_of_many_tenants_agree_with_brute_force(connection: Connection) -> None:
    """Random sales, then random clicks of all tenants by one statement, with ids that interleave and leave gaps."""
    numbers = itertools.count(1)
    ways: Counter[str] = Counter()

    @settings(max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.lists(sales, max_size=25), st.lists(clicks, min_size=1, max_size=40), st.sampled_from((1, 3, 20_000)))
    def agree(sold: list[dict[str, Any]], clicked: list[dict[str, Any]], portion: int) -> None:
        number = next(numbers)
        tenants = [f"w{number}-{place}" for place in range(5)]
        connection.execute(
            "INSERT INTO trackai.tenants (id, slug, name, lookback_days) SELECT t, t, t, 3 FROM unnest(%s::text[]) t",
            [tenants],
        )
        rows = {
            insert_sale(connection, row["tenant_id"], f"{number}-{place}", **_without(row, "tenant_id")): row
            for place, row in enumerate(_facts(tenants, sold, "occurred_at"))
        }
        drain(connection, run_id="before")
        arrived = [
            row | {"id": 1_000_000 * number + 20_000 * drawn["block"] + place}
            for place, (row, drawn) in enumerate(zip(_facts(tenants, clicked, "created_at"), clicked, strict=True))
        ]
        connection.execute(
            "INSERT INTO trackai.clicks (id, tenant_id, fbclid, fbp, created_at) "
            "SELECT id, tenant_id, fbclid, fbp, created_at "
            "FROM jsonb_populate_recordset(NULL::trackai.clicks, %s::jsonb)",
            [json.dumps(arrived, default=str)],
        )
        ways.update(way for found in claimed(connection).values() for way in found)
        for look in looks(connection, run_id="after", batch_size=portion):
            if look.idle:
                break
        found: dict[Any, Any] = dict(
            connection.execute(
                "SELECT conversion_id, (strategy, click_id)::text FROM trackai.matched_attributions "
                "WHERE tenant_id = ANY (%s)",
                [tenants],
            ).fetchall()
        )
        expected = {}
        for sale, row in rows.items():
            tenant = {"id": row["tenant_id"], "lookback_days": 3, "email_matching": False}
            conversion = row | {"fbc": None, "customer_email_hash": None}
            tried = brute_force.attempts(conversion, tenant, [click | {"fbc": None} for click in arrived], [])
            strategy, click = brute_force.attribution(tried)
            expected[sale] = f"({strategy},{click or ''})"
        assert found == expected

    agree()
    assert set(ways) == {"nothing", "waiting", "arrived"}, "every way to compare was taken"


def _facts(tenants: list[str], drawn: list[dict[str, Any]], time_column: str) -> list[dict[str, Any]]:
    return [
        {
            "tenant_id": tenants[one["tenant"]],
            "fbclid": one["fbclid"],
            "fbp": None if one["fbp"] is None else f"fb.1.1700000000000.{ord(one['fbp'])}",
            time_column: SALE + timedelta(hours=one["hours"]),
        }
        for one in drawn
    ]


def _without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def test_mixed_late_clicks_under_drains_that_are_killed(database_url: str, connection: Connection) -> None:
    """Sales and clicks of ten tenants arrive at once, many tenants a statement, while drains work and are killed."""
    tenants = insert_tenants(connection, 10)
    rounds = 25
    finished = False
    killed = 0

    def sell(number: int) -> None:
        chance = random.Random(number)
        with connect(database_url) as own:
            for place in range(rounds):
                for tenant in tenants:
                    insert_sale(own, tenant, f"{number}-{place}-{tenant}", fbclid=f"key-{number}-{place}")
                time.sleep(chance.random() * 0.01)

    def click(number: int) -> None:
        chance = random.Random(100 + number)
        with connect(database_url) as own:
            for place in range(rounds):
                with own.transaction():
                    own.execute(
                        "INSERT INTO trackai.clicks (tenant_id, fbclid, created_at) "
                        "SELECT tenant, key, %s FROM unnest(ARRAY[%s, 'other', 'another']) key, "
                        "unnest(%s::text[]) tenant ORDER BY random()",
                        [SALE - timedelta(hours=1), f"key-{number}-{place}", tenants],
                    )
                    # Ids of other transactions, which commit first, lie among these.
                    time.sleep(chance.random() * 0.02)

    def stubborn(number: int) -> None:
        nonlocal killed
        while not finished:
            try:
                with connect(database_url, name="victim") as own:
                    while not finished:
                        drain(own, run_id=f"victim-{number}", batch_size=20)
            except psycopg.OperationalError:
                killed += 1

    with ThreadPoolExecutor(6) as pool:
        drains = [pool.submit(stubborn, number) for number in range(2)]
        sources = [pool.submit(work, number) for work in (sell, click) for number in range(2)]
        while not all(source.done() for source in sources):
            time.sleep(0.05)
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'victim' ORDER BY random() LIMIT 1"
            )
        finished = True
        for future in sources + drains:
            future.result()
    assert killed >= 3
    drain(connection, run_id="the rest")
    assert Counter(strategy for strategy, _ in decided(connection).values()) == {"fbc": 2 * rounds * len(tenants)}
    waiting = work_waiting(connection)
    assert (waiting.conversions, waiting.arrivals) == (0, False)


def test_plans_do_not_hang_on_statistics(connection: Connection, add_tenant: AddTenant) -> None:
    """In a database that was never analysed, every table of ours is read by index."""
    for table in ("clicks", "conversions", "identities", "matched_attributions", "match_queue", "fact_arrivals"):
        connection.execute(
            sql.SQL("ALTER TABLE {} SET (autovacuum_enabled = off)").format(sql.Identifier("trackai", table))
        )
    tenants = [add_tenant("a"), add_tenant("b")]
    insert_backlog(connection, tenants, 2_000)
    drain(connection, run_id="before", batch_size=500)
    batch = connection.execute(
        "SELECT array_agg(tenant_id), array_agg(id), array_agg('recheck'::text) FROM "
        "(SELECT tenant_id, id FROM trackai.conversions ORDER BY id LIMIT 1000) c"
    ).fetchone()
    assert batch is not None
    tenant_ids, conversion_ids, causes = batch
    ranges = {"tenant_ids": tenants, "facts": ["click", "click"], "first_ids": [1, 1], "last_ids": [900, 900]}
    parameters: dict[str, dict[str, Any]] = {
        "matching/claim_arrivals": {"facts": FACTS_PER_COMPARISON},
        "matching/claim_batch": {"after": "", "batch_size": 5_000},
        "matching/link_identities": ranges | {"awaiting": tenants},
        "matching/find_late": ranges,
        "matching/find_awaited": ranges,
        "matching/match_batch": {
            "tenant_ids": tenant_ids,
            "conversion_ids": conversion_ids,
            "causes": causes,
            "run_id": "explained",
            "now": None,
        },
    }
    for name, given_ in parameters.items():
        with connection.transaction(force_rollback=True):
            connection.execute(statement("matching/keep_to_indexes"))
            plan = connection.execute("EXPLAIN " + statement(name), given_).fetchall()
        lines = [line for (line,) in plan]
        assert [line for line in lines if "Seq Scan" in line or "Hash Join" in line or "Merge Join" in line] == [], name
