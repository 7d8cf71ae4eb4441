"""Days of rows to archive, and ways to look at all of them, wherever they are.

What belongs here: what the archive's tests share. What does not: assertions.
"""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from declared import TABLES
from psycopg import Connection, sql

from trackai_pipelines.database.partitions import create_partitions_ahead
from trackai_pipelines.lifecycle.archive.manifest import OWNER, Archive, archives
from trackai_pipelines.lifecycle.archive.store import Store

DAY = date(2026, 1, 5)
NOW = datetime(2026, 4, 20, 3, tzinfo=UTC)
GRACE = timedelta(days=7)
LATER = NOW + GRACE
KEEP = timedelta(days=30)
Make = Callable[..., Archive]
Restore = Callable[..., int]


def at(moment: datetime) -> Callable[[], datetime]:
    """A clock that stands still."""
    return lambda: moment


def fill_log(connection: Connection[Any], rows: int, *, day: date = DAY, tenant: str = "t-shop") -> None:
    """Rows of match_log from the first to the last microsecond of a day, whose partition is made."""
    create_partitions_ahead(connection, TABLES, today=day, days=0)
    connection.execute(
        "INSERT INTO trackai.match_log"
        " (tenant_id, conversion_id, attempt, strategy, outcome, click_id, processing_ms, run_id, created_at)"
        " SELECT %(tenant)s, n, 1 + n %% 3, 'fbc', CASE WHEN n %% 4 > 0 THEN 'hit' ELSE 'no_candidate' END,"
        " CASE WHEN n %% 4 > 0 THEN n * 7 END, n / 7.0::float8, CASE WHEN n %% 5 > 0 THEN 'run-' || n %% 9 END,"
        " CASE n WHEN 1 THEN %(day)s::timestamptz WHEN 2 THEN %(day)s::timestamptz + interval '23:59:59.999999'"
        " ELSE %(day)s::timestamptz + (n - 0.5) * interval '86399.000123 s' / %(rows)s END"
        " FROM generate_series(1, %(rows)s) n",
        {"tenant": tenant, "day": day, "rows": rows},
    )


def fill_clicks(connection: Connection[Any], tenant: str, rows: int, *, day: date = DAY, first: int = 1) -> None:
    """Clicks of a day with ids from `first`."""
    connection.execute(
        "INSERT INTO trackai.clicks (tenant_id, id, external_id, fbclid, fbp, ip, user_agent, created_at, ingested_at)"
        " SELECT %(tenant)s, n, 'click-' || n, 'IwAR' || n, CASE WHEN n %% 3 > 0 THEN 'fb.1.1767571200000.' || n END,"
        " ('2001:db8::' || to_hex(n %% 65536))::inet, CASE WHEN n %% 2 > 0 THEN 'Mozilla/5.0 (' || n || ')' END,"
        " %(day)s::timestamptz + (n - %(first)s) * interval '86399.000123 s' / %(rows)s,"
        " %(day)s::timestamptz + interval '1 day'"
        " FROM generate_series(%(first)s::bigint, %(first)s::bigint + %(rows)s - 1) n",
        {"tenant": tenant, "day": day, "rows": rows, "first": first},
    )


def rows_in(connection: Connection[Any], relation: str) -> Counter[str]:
    """All rows of a table of schema trackai, each as PostgreSQL's text."""
    found = connection.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier("trackai", relation)))
    return Counter(text for (text,) in found)


def file_rows(store: Store, archive: Archive) -> list[dict[str, Any]]:
    """The rows of an archive's file, by column."""
    with store.open(archive.path) as file:
        found: list[dict[str, Any]] = pq.read_table(file).to_pylist()
    return found


def keys_anywhere(connection: Connection[Any], store: Store, table: str, key: tuple[str, ...]) -> set[tuple[Any, ...]]:
    """The keys of all rows that are in a table, in its days that stand alone, or in files that the manifest names."""
    relations = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'trackai'::regnamespace AND relkind IN ('r', 'p')"
        " AND (relname = %s OR relname ~ ('^' || %s || '_[0-9]{8}$'))",
        (table, table),
    ).fetchall()
    names = sql.SQL(", ").join(map(sql.Identifier, key))
    found: set[tuple[Any, ...]] = set()
    for (relation,) in relations:
        found.update(
            connection.execute(sql.SQL("SELECT {} FROM {}").format(names, sql.Identifier("trackai", relation)))
        )
    for archive in archives(connection, table):
        found.update(tuple(row[name] for name in key) for row in file_rows(store, archive))
    return found


def files(store: Store) -> list[str]:
    """All but the one that says whose archive it is."""
    found = (path for path in Path(store.root).rglob("*") if path.is_file() and path.name != OWNER)
    return sorted(str(path.relative_to(store.root)) for path in found)


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def fill_all(connection: Connection[Any], tenant: str) -> None:
    fill_log(connection, 50)
    fill_clicks(connection, tenant, 50)
    connection.execute(
        "INSERT INTO trackai.conversions (tenant_id, id, gateway, gateway_event_id, value, currency, occurred_at)"
        " SELECT %s, n, 'stripe', n::text, n, 'BRL', %s FROM generate_series(1, 50) n",
        (tenant, DAY),
    )
    connection.execute(
        "INSERT INTO trackai.dispatch_attempts"
        " (tenant_id, id, event_id, conversion_id, attempt, status, http_status, created_at, completed_at)"
        " SELECT %s, n, 'e' || n, n, 1, 'success', 200, %s, %s FROM generate_series(1, 50) n",
        (tenant, DAY, NOW),
    )
    connection.execute(
        "INSERT INTO trackai.ingest_rejects (tenant_id, source, line, payload, reason, digest, created_at)"
        " SELECT %s, 'clicks.jsonl', n, jsonb_build_object('n', n), 'bad', md5(n::text), %s"
        " FROM generate_series(1, 50) n",
        (tenant, DAY),
    )
