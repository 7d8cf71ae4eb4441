"""The journeys of a busy day: against matching the same sales, as clicks grow, and with a browser id that many share.

All sales are of one UTC day, and 65 in 100 clicks have an earlier one by the same browser. CPU time of the server's
process is compared, because a shared machine's clock says little. What does not belong here: daily figures.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import Connection, sql

from benchmarks.costs import Worked, queue_all, timed
from benchmarks.database import Database, benchmark_sql, count, settle
from benchmarks.figures import Figure, Scale, row, short
from benchmarks.processes import in_processes
from benchmarks.world import add_sales, have_world, triggers_off
from trackai_pipelines.campaigns.journeys import compute_journeys, prepare_day
from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.partitions import partition_name
from trackai_pipelines.matching.drain import drain

_TITLE = "Campaigns: journeys of a day"
_TENANTS = 20


@dataclass(frozen=True)
class _Sizes:
    clicks: tuple[int, ...]
    """Ascending, without the earlier ones."""
    conversions: int


SIZES = {
    "small": _Sizes(clicks=(2_000,), conversions=1_000),
    "medium": _Sizes(clicks=(200_000, 1_000_000), conversions=50_000),
    "full": _Sizes(clicks=(1_000_000, 10_000_000), conversions=200_000),
}


def run(scale: Scale, database: Database) -> Iterator[Figure]:
    """Yield the journeys' time and what it is compared with, and the bytes that a touch takes."""
    sizes = SIZES[scale]
    smallest = None
    for clicks in sizes.clicks:
        _make_world(database, clicks, sizes.conversions)
        matched, journeys, touches = _cost(database)
        smallest = smallest or journeys
        case = f"{short(clicks)} clicks, {short(sizes.conversions)} sales"
        yield from row(
            _TITLE,
            case,
            {"CPU µs a journey": _micros(journeys), "touches a journey": touches / journeys.conversions},
        )
        yield Figure(_TITLE, case, "times matching", _seconds(journeys) / _seconds(matched), at_most=3)
        yield Figure(_TITLE, case, "times the smallest", _micros(journeys) / _micros(smallest), at_most=1.5)
        yield Figure(_TITLE, case, "bytes a touch", _stored_bytes(database) / touches, at_most=220)
    _share_a_browser(database)
    _, shared, _ = _cost(database)
    case = f"{short(sizes.clicks[-1])} clicks, 5 % of them with one browser id"
    yield Figure(_TITLE, case, "CPU µs a journey", _micros(shared))
    yield Figure(_TITLE, case, "times without it", _micros(shared) / _micros(journeys), at_most=1.2)
    with connect(database.url, name="benchmark") as connection:
        # Another benchmark must not take it for the plain world.
        connection.execute("TRUNCATE benchmark.world")


def _make_world(database: Database, clicks: int, conversions: int) -> None:
    have_world(database, clicks=clicks, tenants=_TENANTS)
    with connect(database.url, name="benchmark") as connection:
        with triggers_off(connection, "clicks"):
            connection.execute(benchmark_sql("insert_earlier_clicks"))
        add_sales(connection, 1, conversions, _day())
        connection.execute("VACUUM (ANALYZE) trackai.clicks, trackai.conversions")


def _share_a_browser(database: Database) -> None:
    with connect(database.url, name="benchmark") as connection:
        connection.execute(benchmark_sql("share_browser"))
        with triggers_off(connection, "conversions"):
            connection.execute(benchmark_sql("share_browser_with_sales"))
        connection.execute("VACUUM (ANALYZE) trackai.clicks, trackai.conversions")


def _cost(database: Database) -> tuple[Worked, Worked, int]:
    """Match all sales, then compute their journeys; each twice, because the first finds cold caches."""
    for _ in range(2):
        with connect(database.url, name="benchmark") as connection:
            queue_all(connection)
            settle(connection)
        (matched,) = in_processes(_match, [(database.url,)])
        with connect(database.url, name="benchmark") as connection:
            settle(connection)
        (journeys,) = in_processes(_compute, [(database.url,)])
    with connect(database.url, name="benchmark") as connection:
        sold = count(connection, "SELECT count(*) FROM trackai.matched_attributions WHERE strategy <> 'unmatched'")
        if sold != journeys.conversions:
            raise RuntimeError(
                f"{journeys.conversions:,} of {sold:,} matched sales have a journey: journeys are broken"
            )
        return matched, journeys, count(connection, "SELECT count(*) FROM trackai.conversion_touchpoints")


def _match(url: str) -> Worked:
    with connect(url, name="benchmark") as connection:
        return timed(connection, lambda: drain(connection, run_id="benchmark").conversions)


def _compute(url: str) -> Worked:
    with connect(url, name="benchmark") as connection:
        tenants = [tenant for (tenant,) in connection.execute("SELECT id FROM trackai.tenants ORDER BY id")]
        prepare_day(connection, _day())
        # CPU time of parallel workers is not the process's.
        connection.execute("SET max_parallel_workers_per_gather = 0")
        return timed(connection, lambda: sum(_journeys(connection, tenant) for tenant in tenants))


def _journeys(connection: Connection[Any], tenant: str) -> int:
    with connection.transaction():
        return compute_journeys(connection, tenant, _day(), utc_now()).journeys


def _seconds(worked: Worked) -> float:
    """Seconds of the server's process, or of the clock where the process cannot be seen."""
    return worked.cpu_seconds or worked.seconds


def _micros(journeys: Worked) -> float:
    return 1e6 * _seconds(journeys) / journeys.conversions


def _stored_bytes(database: Database) -> int:
    with connect(database.url, name="benchmark") as connection:
        partition = sql.Literal(f"trackai.{partition_name('conversion_touchpoints', _day())}")
        row = connection.execute(sql.SQL("SELECT pg_total_relation_size({})").format(partition)).fetchone()
    assert row is not None
    return int(row[0])


def _day() -> Any:
    return datetime.now(UTC).date() - timedelta(days=1)
