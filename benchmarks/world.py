"""The facts that benchmarks work on: tenants, clicks and sales, made by the server from their numbers.

What belongs here: loading facts fast, and taking up again what is there. What does not: results and measuring.
"""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from psycopg import Connection, sql

from benchmarks.database import Database, benchmark_sql, clear, count
from benchmarks.figures import short
from trackai_pipelines.database.connection import connect
from trackai_pipelines.terminal.output import remark

# Measured: a click takes 0.65 kB with its indexes, and the log written meanwhile and sorting some more.
BYTES_PER_CLICK = 700
# Rows of an inserting statement; two statements at once, each on a core.
_CHUNK = 250_000
_LOADERS = 2
_TRIGGER_MODES = {"O": "ENABLE", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA", "D": "DISABLE"}


def have_world(database: Database, *, clicks: int, tenants: int) -> None:
    """See that the database holds this many clicks of this many tenants and no sales; loads them if it does not."""
    with connect(database.url, name="benchmark") as connection:
        connection.execute(benchmark_sql("world"))
        found = connection.execute("SELECT clicks, tenants FROM benchmark.world").fetchone()
        if found == (clicks, tenants):
            clear(connection)
            connection.execute("TRUNCATE trackai.conversions RESTART IDENTITY CASCADE")
            return
        _require_room(database.home, clicks)
        if clicks >= _CHUNK:
            remark(f"Loading {short(clicks)} clicks of {tenants:,} tenants")
        clear(connection, facts=True)
        connection.execute("TRUNCATE benchmark.world")
        connection.execute("INSERT INTO benchmark.world VALUES (%s, %s, now())", [clicks, tenants])
        connection.execute(
            "INSERT INTO trackai.tenants (id, slug, name, pixel_id, default_country) "
            "SELECT benchmark.tenant_id(n), 'shop-' || n, 'Shop ' || n, (1000000000000000 + n)::text, 'BR' "
            "FROM generate_series(1, %s) AS n",
            [tenants],
        )
        if clicks:
            _load_clicks(connection, database.url, clicks)


def add_sales(connection: Connection[Any], first: int, last: int, day: date | None = None) -> None:
    """Insert the world's sales of these numbers, by default queued as any insert is; with `day`, as that UTC day's."""
    connection.execute(benchmark_sql("insert_sales"), {"first": first, "last": last, "day": day})


def add_clicks(connection: Connection[Any], clicks: int, *, a_statement: int) -> None:
    """Insert the clicks of a world that was made without any as an app does: with indexes and triggers."""
    connection.execute("UPDATE benchmark.world SET clicks = %s", [clicks])
    for first in range(1, clicks + 1, a_statement):
        bounds = {"first": first, "last": min(clicks, first + a_statement - 1)}
        connection.execute(benchmark_sql("insert_clicks"), bounds)
    connection.execute("SELECT setval(pg_get_serial_sequence('trackai.clicks', 'id'), %s)", [clicks])


@contextmanager
def triggers_off(connection: Connection[Any], table: str) -> Iterator[None]:
    """Within the block no trigger of `trackai.<table>` fires, foreign keys excepted."""
    target = sql.Identifier("trackai", table)
    triggers = connection.execute(
        "SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal",
        [f"trackai.{table}"],
    ).fetchall()
    connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(target))
    yield
    for name, mode in triggers:
        switch = sql.SQL("ALTER TABLE {} " + _TRIGGER_MODES[mode] + " TRIGGER {}")
        connection.execute(switch.format(target, sql.Identifier(name)))


def _load_clicks(connection: Connection[Any], url: str, clicks: int) -> None:
    """Insert without secondary indexes and triggers, make the indexes afterwards: several times as fast."""
    indexes = connection.execute(
        "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i "
        "WHERE i.indrelid = 'trackai.clicks'::regclass "
        "AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid)"
    ).fetchall()
    for name, _ in indexes:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.SQL(name)))
    with triggers_off(connection, "clicks"):
        bounds = list(pairwise([*range(0, clicks, _CHUNK), clicks]))
        with ThreadPoolExecutor(_LOADERS) as loaders:
            for loaded in loaders.map(lambda bound: _load_chunk(url, bound[0] + 1, bound[1]), bounds):
                if loaded % 5_000_000 == 0:
                    remark(f"  {short(loaded)} of {short(clicks)}")
    connection.execute("SET maintenance_work_mem = '2GB'")
    for _, definition in indexes:
        connection.execute(sql.SQL(definition))
    connection.execute("RESET maintenance_work_mem")
    connection.execute("SELECT setval(pg_get_serial_sequence('trackai.clicks', 'id'), %s)", [clicks])
    connection.execute("VACUUM (ANALYZE) trackai.clicks, trackai.tenants")
    assert count(connection, "SELECT count(*) FROM trackai.clicks") == clicks


def _load_chunk(url: str, first: int, last: int) -> int:
    with connect(url, name="benchmark load") as connection:
        # Their tenants are there: foreign keys need not be checked row by row.
        connection.execute("SET session_replication_role = replica")
        connection.execute(benchmark_sql("insert_clicks"), {"first": first, "last": last})
    return last


def _require_room(home: Path, clicks: int) -> None:
    needed, free = clicks * BYTES_PER_CLICK + 10_000_000_000 * (clicks > _CHUNK), shutil.disk_usage(home).free
    if free < needed:
        raise SystemExit(
            f"{short(clicks)} clicks need about {needed / 1e9:.0f} GB on the disk of {home}, and {free / 1e9:.0f} GB "
            "are free. Free some, or set TMPDIR to a folder on a larger disk."
        )
