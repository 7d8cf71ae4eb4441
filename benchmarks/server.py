"""What the settings of the server are worth: drains on a tuned one, on one as PostgreSQL comes, and setting by setting.

The same database, on a server of its own that is started anew with each set of settings. What does not belong here: how
fast the tuned server is (throughput).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchmarks.costs import Cost, as_it_is, cost_of, drains, queue_all
from benchmarks.database import Database, settle, throw_away_database
from benchmarks.figures import Figure, Scale, row, short
from benchmarks.world import add_sales, have_world
from trackai_pipelines.database import embedded
from trackai_pipelines.database.connection import connect

CHARTED = ("rows/s",)

AS_IT_COMES = {
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "5min",
    "wal_compression": "off",
    "random_page_cost": "4",
}
"""What doctor looks at, as PostgreSQL 15 to 18 come."""

_TENANTS = 100
_WORKERS = 2


@dataclass(frozen=True)
class _Sizes:
    clicks: int
    conversions: int
    repeats: int
    unvacuumed: int
    """Drains of the queue that is not vacuumed; the last is measured."""
    alone: tuple[str, ...] = tuple(AS_IT_COMES)
    """Settings that are measured by themselves."""


SIZES = {
    "small": _Sizes(2_000, 1_000, repeats=1, unvacuumed=2, alone=("wal_compression",)),
    "medium": _Sizes(1_000_000, 150_000, repeats=1, unvacuumed=5),
    "full": _Sizes(1_000_000, 1_000_000, repeats=3, unvacuumed=5),
}


def run(scale: Scale, database: Database) -> Iterator[Figure]:
    """Rate, CPU time and log of a conversion with each set of settings; shares of the tuned server's rate."""
    del database  # Its server may be somebody's, who would not like it to be started anew.
    sizes = SIZES[scale]
    title = f"Server: {short(sizes.conversions)} conversions, {short(sizes.clicks)} clicks, {_WORKERS} workers"
    with throw_away_database(None) as own:
        have_world(own, clicks=sizes.clicks, tenants=_TENANTS)
        with connect(own.url, name="benchmark") as connection:
            add_sales(connection, 1, sizes.conversions)
        tuned = _drained(own, {}, sizes.repeats)
        yield from _figures(title, "tuned", tuned, tuned)
        yield from _figures(title, "as it comes", _drained(own, AS_IT_COMES, sizes.repeats), tuned)
        for name in sizes.alone:
            cost = _drained(own, {name: AS_IT_COMES[name]}, sizes.repeats)
            yield from _figures(title, f"tuned, but {name} {AS_IT_COMES[name]}", cost, tuned)
        _start_anew(own, {})
        yield from _figures(title, "tuned, but the queue is not vacuumed", _unvacuumed(own, sizes.unvacuumed), tuned)


def _drained(own: Database, settings: Mapping[str, str], repeats: int) -> Cost:
    _start_anew(own, settings)
    # The first drain finds cold caches.
    cost_of(own, drains(_WORKERS))
    return cost_of(own, drains(_WORKERS), repeats=repeats)


def _start_anew(own: Database, settings: Mapping[str, str]) -> None:
    """Start the server with its own settings but for these."""
    embedded.stop(own.home, though_used=True)
    embedded.start(own.home, settings=settings)


def _unvacuumed(own: Database, times: int) -> Cost:
    """The last of several drains of a queue from which nothing takes the dead rows away."""
    with connect(own.url, name="benchmark") as connection:
        connection.execute("ALTER TABLE trackai.match_queue SET (autovacuum_enabled = off)")
        settle(connection)
    for _ in range(times):
        with connect(own.url, name="benchmark") as connection:
            queue_all(connection, keep_its_pages=True)
            connection.execute("CHECKPOINT")
        cost = as_it_is(own, drains(_WORKERS))
    return cost


def _figures(title: str, case: str, cost: Cost, tuned: Cost) -> Iterator[Figure]:
    yield from row(
        title,
        case,
        {
            "rows/s": cost.rate,
            "CPU µs a row": cost.cpu_micros,
            "WAL bytes a row": cost.wal_bytes / cost.conversions,
            "share of the tuned rate": cost.rate / tuned.rate,
        },
    )
