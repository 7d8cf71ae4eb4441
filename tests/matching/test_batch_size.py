"""The gate drain_batch_size: it changes the size of micro-batches, and nothing else."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

import pytest
from gates import eventually, kill_gate, last_version, unreadable_flags
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matching.facts import decided, insert_backlog
from psycopg import Connection

from trackai_pipelines.flag_values.bucketing import bucket
from trackai_pipelines.flag_values.client import Flags, open_flags
from trackai_pipelines.matching.batch_size import BATCH_SIZE, FLAG, BatchSize, sizes_of_run
from trackai_pipelines.matching.defs.metadata import sizes_metadata
from trackai_pipelines.matching.defs.resident import figures_of
from trackai_pipelines.matching.drain import DrainReport, drain

AddTenant = Callable[..., str]

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def flags(database_url: str) -> Iterator[Flags]:
    with open_flags(database_url) as opened:
        yield opened


def _variants(connection: Connection[Any], weights: dict[str, int]) -> None:
    """Divide runs among sizes; the weights are percents."""
    flag = connection.execute("SELECT trackai.ensure_gate(%s)", (FLAG,)).fetchone()
    assert flag is not None
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO trackai.feature_flag_rollouts (flag_id, variant_key, variant_value, percentage)"
            " VALUES (%s, %s, %s, %s)",
            [(flag[0], f"size-{value}", value, weight) for value, weight in weights.items()],
        )
        cursor.execute("UPDATE trackai.feature_flags SET enabled = true WHERE key = %s", (FLAG,))


def _known(flags: Flags, connection: Connection[Any]) -> bool:
    return flags.snapshot is not None and flags.snapshot.mark.version == last_version(connection)


def test_runs_are_divided_among_sizes(connection: Connection[Any], flags: Flags) -> None:
    assert sizes_of_run(flags, "any")() == BatchSize(BATCH_SIZE, 0)
    _variants(connection, {"1000": 30, "20000": 70})
    eventually(lambda: _known(flags, connection))
    runs = [f"run-{number}" for number in range(50)]
    found = {run: sizes_of_run(flags, run)() for run in runs}
    assert found == {
        run: BatchSize(1_000 if bucket(FLAG, run) < 3_000 else 20_000, last_version(connection)) for run in runs
    }
    assert {size.size for size in found.values()} == {1_000, 20_000}


@pytest.mark.parametrize(("value", "size"), [("500", 500), ("499", 500), ("-1", 500), ("50001", 50_000)])
def test_a_size_out_of_range_is_brought_into_it(
    connection: Connection[Any], flags: Flags, value: str, size: int
) -> None:
    """Plain SQL can write any integer."""
    _variants(connection, {value: 100})
    eventually(lambda: _known(flags, connection))
    assert sizes_of_run(flags, "run")().size == size


def test_a_change_counts_from_the_next_micro_batch_on(
    connection: Connection[Any], add_tenant: AddTenant, flags: Flags
) -> None:
    insert_backlog(connection, [add_tenant("acme"), add_tenant("globex")], 2_600)
    _variants(connection, {"1000": 100})
    first = last_version(connection)
    eventually(lambda: _known(flags, connection))
    sizes: list[int] = []

    def change(report: DrainReport) -> None:
        sizes.append(report.conversions)
        if len(sizes) == 1:
            connection.execute("UPDATE trackai.feature_flag_rollouts SET variant_value = '700'")
            eventually(lambda: _known(flags, connection))

    report = drain(connection, run_id="run", batch_size=sizes_of_run(flags, "run"), on_batch=change)
    assert sizes[:3] == [1_000, 1_700, 2_400]
    second = last_version(connection)
    assert report.sizes == {BatchSize(1_000, first): 1, BatchSize(700, second): 3}
    assert sum(sum(latencies.values()) for latencies in report.latencies_by_size.values()) == 2_600


def test_a_kill_brings_the_built_in_size_back(connection: Connection[Any], flags: Flags) -> None:
    _variants(connection, {"1000": 100})
    version = kill_gate(connection, FLAG)
    eventually(lambda: _known(flags, connection))
    assert sizes_of_run(flags, "run")() == BatchSize(BATCH_SIZE, version)


def test_the_last_known_size_holds_while_flags_cannot_be_read(
    database_url: str, connection: Connection[Any], flags: Flags
) -> None:
    assert flags.snapshot is not None
    _variants(connection, {"1000": 100})
    eventually(lambda: _known(flags, connection))
    with unreadable_flags(connection):
        assert sizes_of_run(flags, "run")().size == 1_000
        with open_flags(database_url) as later:
            assert sizes_of_run(later, "run")().size == 1_000, "what the process before it knew"


def test_without_any_known_size_batches_have_the_built_in_one(
    database_url: str, connection: Connection[Any], add_tenant: AddTenant
) -> None:
    insert_backlog(connection, [add_tenant("acme")], 20)
    with unreadable_flags(connection), open_flags(database_url) as flags:
        assert flags.snapshot is None
        report = drain(connection, run_id="run", batch_size=sizes_of_run(flags, "run"))
    assert (report.conversions, report.sizes) == (20, {BatchSize(BATCH_SIZE, 0): 1})


def test_what_is_shown_of_a_window() -> None:
    report = DrainReport(sizes=Counter({BatchSize(700, 4): 3, BatchSize(5_000): 1}))
    report.latencies_by_size = {BatchSize(700, 4): Counter({40: 95, 80: 5}), BatchSize(5_000): Counter()}
    assert sizes_metadata(report.sizes, report.latencies_by_size) == {
        "micro-batch size": "700 (version 4): 3 micro-batches, p95 0.035 seconds to match; "
        "5,000 (built in): 1 micro-batches"
    }
    figures = figures_of(report)
    assert figures["size 700 4"] == {"40": 95, "80": 5, "batches": 3}
    assert figures["size 5000 0"] == {"batches": 1}


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(sizes=st.lists(st.integers(1, 60), min_size=1, max_size=6))
def test_results_are_the_same_under_every_batch_size(
    connection: Connection[Any], world: dict[str, tuple[str, int | None]], sizes: list[int]
) -> None:
    """Sizes that change with each micro-batch, against one batch for all."""
    connection.execute("TRUNCATE trackai.matched_attributions, trackai.match_log, trackai.match_queue")
    connection.execute(
        "INSERT INTO trackai.match_queue (tenant_id, conversion_id) SELECT tenant_id, id FROM trackai.conversions"
    )
    drawn = cycle(sizes)
    drain(connection, run_id="sizes", batch_size=lambda: BatchSize(next(drawn)))
    assert decided(connection) == world


@pytest.fixture
def world(connection: Connection[Any], add_tenant: AddTenant) -> dict[str, tuple[str, int | None]]:
    """Sales of three tenants with keys that collide, and their attributions by one batch that takes all."""
    insert_backlog(connection, [add_tenant(slug, email_matching=True) for slug in ("acme", "globex", "initech")], 180)
    drain(connection, run_id="reference", batch_size=100_000)
    return decided(connection)
