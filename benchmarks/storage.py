"""What Dagster's own tables gain in steady work: rows and bytes an hour, by what they hold.

Sales come in, are matched, and are delivered to a local Conversions API. Measured after the first minutes, in which
everything is new. Ticks, runs and events are counted as they come in: what pruning takes away again is not taken off.
What does not belong here: the event database.
"""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import Connection, sql

from benchmarks.database import Database
from benchmarks.figures import Figure, Scale, row
from benchmarks.system import FIRST_SALE, conversions_api, delivering_to, insert_steadily, trackai_up
from benchmarks.world import have_world
from trackai_pipelines.terminal.output import remark

CHARTED = ("kB an hour",)

_TITLE = "Storage: growth of Dagster's own tables"
_TENANTS = 100
_DRAINS = 2
_LATENCY_MS = 50
_KINDS = {"job_ticks": "ticks", "runs": "runs", "run_tags": "runs", "event_logs": "events"}


@dataclass(frozen=True)
class _Sizes:
    clicks: int
    a_minute: int
    warm_seconds: int
    seconds: int
    life_seconds: int


SIZES = {
    "small": _Sizes(clicks=1_000, a_minute=600, warm_seconds=2, seconds=20, life_seconds=3_600),
    "medium": _Sizes(clicks=200_000, a_minute=10_000, warm_seconds=60, seconds=300, life_seconds=3_600),
    # Two of the stock lives begin within it.
    "full": _Sizes(clicks=1_000_000, a_minute=10_000, warm_seconds=180, seconds=3_900, life_seconds=3_600),
}


def run(scale: Scale, database: Database) -> Iterator[Figure]:
    """Rows and kilobytes an hour of ticks, runs, events and others, and megabytes a day of all."""
    sizes = SIZES[scale]
    have_world(database, clicks=sizes.clicks, tenants=_TENANTS)
    with (
        conversions_api(latency_ms=_LATENCY_MS) as box,
        trackai_up(
            database,
            drains=_DRAINS,
            life_seconds=sizes.life_seconds,
            more=delivering_to(box, tenants=_TENANTS),
        ),
    ):
        remark(f"{sizes.a_minute:,} a minute, {sizes.warm_seconds + sizes.seconds} s")
        warm = insert_steadily(database, first=FIRST_SALE, a_minute=sizes.a_minute, seconds=sizes.warm_seconds)
        begun, before = time.monotonic(), contents(database)
        insert_steadily(database, first=FIRST_SALE + len(warm), a_minute=sizes.a_minute, seconds=sizes.seconds)
        hours, after = (time.monotonic() - begun) / 3600, contents(database)
        if not box.pixels():
            raise RuntimeError("nothing was delivered: delivery is broken")
    gained = {kind: (after[kind] - before[kind]) / hours for kind in after}
    for kind in ("ticks", "runs", "events", "other"):
        values = {"rows an hour": gained[kind, "rows"], "kB an hour": gained[kind, "bytes"] / 1024}
        yield from row(_TITLE, kind, values)
    a_day = 24 * sum(number for (_, what), number in gained.items() if what == "bytes")
    yield Figure(_TITLE, "all", "MB a day", a_day / 1024**2, at_most=20)


def contents(database: Database) -> Counter[tuple[str, str]]:
    """Rows and bytes, by kind, of the tables in Dagster's database."""
    found: Counter[tuple[str, str]] = Counter()
    with psycopg.connect(database.dagster_url, autocommit=True) as dagster:
        dagster.execute("VACUUM")
        names = dagster.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").fetchall()
        for (name,) in names:
            kind = _KINDS.get(name, "events" if name.startswith("asset") else "other")
            rows, size = _rows_and_bytes(dagster, name)
            found[kind, "rows"] += rows
            found[kind, "bytes"] += size
    return found


def _rows_and_bytes(dagster: Connection[Any], table: str) -> tuple[int, int]:
    query = sql.SQL("SELECT count(*), pg_total_relation_size({}) FROM {}")
    row = dagster.execute(query.format(sql.Literal(table), sql.Identifier(table))).fetchone()
    assert row is not None
    return row[0], row[1]
