"""Random small worlds, matched by the database and by an independent brute-force matcher: they agree on every
attribution and every log row, through late facts, changes of settings, also backdated ones, requested re-matches and
re-activated tenants; and once more from scratch, in any order and by several drains."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from matching.gates import SALE, History, forget_gates
from matching.worlds import World, worlds
from psycopg import Connection

from trackai_pipelines.database.connection import connect
from trackai_pipelines.matching.drain import drain
from trackai_pipelines.matching.rematch import enqueue_rematch

pytestmark = pytest.mark.slow

WORLDS = 1_024
SHARDS = 8
# Worlds that are in the database together, and drained together: they must not see each other.
TOGETHER = 4

batch_sizes = st.sampled_from((1, 7, 5_000))


@pytest.mark.parametrize("shard", range(SHARDS))
def test_worlds_agree_with_brute_force(connection: Connection, shard: int) -> None:
    agreed = 0

    @seed(shard)
    @settings(
        max_examples=WORLDS // SHARDS // TOGETHER,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(worlds, min_size=TOGETHER, max_size=TOGETHER), batch_sizes, st.integers(1, 2), batch_sizes)
    def agree(drawn: list[dict[str, Any]], batch_size: int, drains: int, other_size: int) -> None:
        nonlocal agreed
        history = History()
        together = [World(connection, history, one) for one in drawn]

        def step(*, asked: bool = False) -> None:
            drain(connection, run_id="worlds", batch_size=batch_size)
            for world in together:
                world.expect(asked=asked)
                world.assert_agreement()

        for world, one in zip(together, drawn, strict=True):
            world.change(one["changed"])
        for world, one in zip(together, drawn, strict=True):
            world.add(one["first"])
        step()
        for world, one in zip(together, drawn, strict=True):
            world.change(one["changed_later"])
        rematch_all(connection)
        step(asked=True)
        for world, one in zip(together, drawn, strict=True):
            world.add(one["later"])
        step()
        rematch_all(connection)
        step(asked=True)
        # No facts were lost while the tenant was away.
        for world in together:
            world.set_status("active")
        step()
        # The same facts and the same history, from the beginning.
        connection.execute("TRUNCATE trackai.matched_attributions, trackai.match_log, trackai.match_queue")
        for remainder in (1, 0):
            queue_some(connection, remainder)
            drain_together(connection, drains, other_size)
        for world in together:
            world.expect_from_scratch()
            world.assert_agreement()
        forget_gates(connection)
        connection.execute(
            "TRUNCATE trackai.tenants, trackai.conversions, trackai.match_log, trackai.match_queue, "
            "trackai.fact_arrivals CASCADE"
        )
        agreed += len(together)

    agree()
    assert agreed >= WORLDS // SHARDS


def rematch_all(connection: Connection) -> None:
    enqueue_rematch(connection, SALE.date(), (SALE + timedelta(days=20)).date())


def queue_some(connection: Connection, remainder: int) -> None:
    """Queue every second conversion."""
    connection.execute(
        "INSERT INTO trackai.match_queue (tenant_id, conversion_id) "
        "SELECT tenant_id, id FROM trackai.conversions WHERE id %% 2 = %s",
        [remainder],
    )


def drain_together(connection: Connection, drains: int, batch_size: int) -> None:
    def one(number: int) -> None:
        with connect(connection.info.dsn) as own:
            drain(own, run_id=f"again {number}", batch_size=batch_size)

    with ThreadPoolExecutor(drains) as pool:
        list(pool.map(one, range(drains)))
