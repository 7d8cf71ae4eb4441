"""Rows of long ago for the tests of retention, by plain SQL.

What belongs here: putting rows, policies and manifest entries in. What does not: anything that decides what is
expected.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from psycopg import Connection, sql

from trackai_pipelines.database.partitions import attach_partition, create_detached, partition_name

FILLED = ("match_log", "dispatch_attempts", "clicks", "ingest_rejects")
"""Tables that rows of this module go to, in the order in which their days leave."""

_numbers = count(1)


def midnight(day: date) -> datetime:
    """The first moment of a UTC day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def set_policies(connection: Connection[Any], *policies: dict[str, Any]) -> None:
    """These policies and no others; unless said otherwise, rows are archived, with a grace of 7 days."""
    connection.execute("DELETE FROM trackai.retention_policies")
    for policy in policies:
        insert(connection, "retention_policies", {"action": "archive_then_drop", "grace": timedelta(days=7), **policy})


def insert(connection: Connection[Any], table: str, row: dict[str, Any]) -> None:
    """One row."""
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier("trackai", table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(map(sql.Placeholder, row)),
    )
    connection.execute(statement, row)


def insert_clicks(connection: Connection[Any], tenant: str, times: Iterable[datetime], **columns: Any) -> None:
    """A click for each time."""
    for at in times:
        row = {"tenant_id": tenant, "fbclid": f"c{next(_numbers)}", "ip": "203.0.113.77", "user_agent": "Mozilla/5.0"}
        insert(connection, "clicks", {**row, "created_at": at, "ingested_at": at, **columns})


def insert_sales(connection: Connection[Any], tenant: str, times: Iterable[datetime], **columns: Any) -> list[int]:
    """A conversion for each time, none of which waits to be matched, of known buyers; gives their ids."""
    ids = []
    for at in times:
        number = 1_000_000 + next(_numbers)
        row = {"gateway": "stripe", "gateway_event_id": f"e{number}", "value": 1, "currency": "BRL"}
        own = {"tenant_id": tenant, "id": number, "occurred_at": at, "created_at": at}
        insert(connection, "conversions", {**row, **own, **columns})
        insert(connection, "conversion_buyers", {"tenant_id": tenant, "conversion_id": number, "day": at.date()})
        ids.append(number)
    connection.execute("DELETE FROM trackai.match_queue")
    return ids


def insert_attempts(
    connection: Connection[Any], tenant: str, sale: int, times: Iterable[datetime], *, status: str = "success"
) -> None:
    """A dispatch attempt of a sale for each time."""
    for at in times:
        row = {"tenant_id": tenant, "event_id": f"v{sale}", "conversion_id": sale, "attempt": next(_numbers)}
        ended = None if status == "pending" else at
        insert(connection, "dispatch_attempts", {**row, "status": status, "created_at": at, "completed_at": ended})


def insert_rejects(connection: Connection[Any], times: Iterable[datetime]) -> None:
    """A refused line for each time."""
    for at in times:
        number = next(_numbers)
        row = {"source": "clicks.jsonl", "line": number, "reason": "no tenant", "digest": str(number)}
        insert(connection, "ingest_rejects", {**row, "created_at": at})


def insert_log(connection: Connection[Any], day: date, times: Sequence[datetime], *, attached: bool = True) -> None:
    """The day's partition of match_log with a row for each time."""
    create_detached(connection, "match_log", day)
    for at in times:
        row = {"tenant_id": "t", "conversion_id": next(_numbers), "attempt": 1, "strategy": "fbc", "outcome": "no_key"}
        insert(connection, partition_name("match_log", day), {**row, "processing_ms": 1, "created_at": at})
    if attached:
        attach_partition(connection, "match_log", day)


def insert_archive(
    connection: Connection[Any], table: str, day: date, rows: int, *, keep_until: datetime, **columns: Any
) -> None:
    """A manifest entry, verified unless said otherwise, whose file is nowhere."""
    row = {
        "table_name": table, "day": day, "part": 1, "state": "verified", "path": f"{table}/{day}.{next(_numbers)}",
        "rows": rows, "bytes": 100 * rows, "sha256": "0" * 64, "checksum": "1", "first_row_at": midnight(day),
        "last_row_at": midnight(day), "verified_at": midnight(day), "keep_until": keep_until,
    }  # fmt: skip
    insert(connection, "archives", {**row, **columns})


def count_rows(connection: Connection[Any], table: str) -> int:
    """Rows of a table of schema trackai."""
    row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("trackai", table))).fetchone()
    assert row is not None
    return int(row[0])
