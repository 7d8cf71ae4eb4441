"""The throw-away PostgreSQL that benchmarks work on, and what is read off it.

What belongs here: where the database is, emptying it, costs of the server. What does not: the facts in it (world).
"""

import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import urlsplit

import psutil
from psycopg import Connection, sql

from benchmarks.declared import TABLES
from trackai_pipelines.database import embedded
from trackai_pipelines.database.cluster import existing_cluster
from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.migrate import migrate
from trackai_pipelines.database.partitions import create_partitions_ahead
from trackai_pipelines.database.server import checked_url, dagster_database_url, event_database_url
from trackai_pipelines.settings import Settings

_SQL = Path(__file__).with_name("sql")
# Facts stay when results are cleared; so does what the migrations put in.
_FACTS = ["tenants", "matching_settings", "funnels", "clicks", "identities", "conversions"]
# The history of flags refuses to be emptied.
_CONFIGURATION = [
    "retention_policies",
    "archive_owner",
    "feature_flags",
    "feature_flag_versions",
    "feature_flag_audit_log",
]


@dataclass(frozen=True)
class Database:
    """A migrated event database of the benchmarks' own, Dagster's database, and a TRACKAI_HOME."""

    url: str
    dagster_url: str
    home: Path


@contextmanager
def throw_away_database(server_url: str | None) -> Iterator[Database]:
    """Within the block, databases on a server made for it and tuned as the project tunes its own.

    `server_url` names a superuser's database on another server of this machine; a database is made there.
    """
    home = Path(tempfile.mkdtemp(prefix="trackai-benchmark-"))
    # The account that runs PostgreSQL for root must get in.
    home.chmod(0o711)
    settings = Settings(TRACKAI_HOME=home, TRACKAI_DATABASE_URL=None, DAGSTER_POSTGRES_URL=None)  # type: ignore[call-arg]
    try:
        with _event_database(settings, server_url) as url:
            migrate(url)
            with connect(url) as connection:
                create_partitions_ahead(connection, TABLES, today=datetime.now(UTC).date())
            yield Database(url, dagster_database_url(settings), home)
    finally:
        embedded.stop(home, though_used=True)
        cluster = existing_cluster(home)
        if cluster:
            shutil.rmtree(cluster.folder)
        shutil.rmtree(home)


@contextmanager
def _event_database(settings: Settings, server_url: str | None) -> Iterator[str]:
    if server_url is None:
        yield event_database_url(settings)
        return
    server = checked_url("--database-url", server_url)
    name = f"trackai_benchmark_{uuid.uuid4().hex[:8]}"
    with connect(server) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    try:
        # A URL again: that is what TRACKAI_DATABASE_URL takes.
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        with connect(server) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@cache
def benchmark_sql(name: str) -> LiteralString:
    """The SQL text of `benchmarks/sql/<name>.sql`; a file of ours is as trustworthy as a literal."""
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")


def count(connection: Connection[Any], query: LiteralString) -> int:
    """Return the one number that a query answers with."""
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def clear(connection: Connection[Any], *, facts: bool = False, kept: Sequence[str] = ()) -> None:
    """Empty all tables of results but the `kept`, and with `facts` those of facts."""
    left = [*_CONFIGURATION, *kept] if facts else [*_CONFIGURATION, *_FACTS, *kept]
    rows = connection.execute(
        "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'trackai'::regnamespace "
        "AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> ALL (%s)",
        [left],
    ).fetchall()
    names = sql.SQL(", ").join(sql.Identifier("trackai", name) for (name,) in rows)
    with connection.transaction():
        # Tables of history refuse to be emptied.
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY").format(names))


@contextmanager
def never_analysed(connection: Connection[Any]) -> Iterator[None]:
    """Within the block, the server knows nothing of the tables that matching reads and writes, and does not look."""
    tables = [
        sql.Identifier("trackai", name)
        for name in ("clicks", "conversions", "identities", "fact_arrivals", "match_queue", "matched_attributions")
    ]
    for table in tables:
        connection.execute(sql.SQL("ALTER TABLE {} SET (autovacuum_enabled = off)").format(table))
    connection.execute(
        "DELETE FROM pg_statistic s USING pg_class c "
        "WHERE c.oid = s.starelid AND c.relnamespace = 'trackai'::regnamespace"
    )
    yield
    for table in tables:
        connection.execute(sql.SQL("ALTER TABLE {} RESET (autovacuum_enabled)").format(table))


def settle(connection: Connection[Any]) -> None:
    """Leave nothing for the server to do in the background: statistics fresh, dead rows gone, all pages on disk."""
    connection.execute("VACUUM (ANALYZE) trackai.match_queue, trackai.matched_attributions, trackai.match_log")
    connection.execute("CHECKPOINT")


def wal_position(connection: Connection[Any]) -> int:
    """Bytes of write-ahead log that the server has written so far."""
    return count(connection, "SELECT pg_current_wal_insert_lsn() - '0/0'")


def backend_cpu_seconds(connection: Connection[Any]) -> float | None:
    """Seconds of CPU time that the server's process of this connection has used; None when it cannot be seen."""
    try:
        times = psutil.Process(connection.info.backend_pid).cpu_times()
    except psutil.Error:
        return None
    return float(times.user + times.system)
