"""Landing files to write and tables to compare, for the tests of loading."""

import json
from pathlib import Path
from typing import Any

from psycopg import Connection, sql

from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.facts.landing import CLICKS, CONVERSIONS
from trackai_pipelines.ingest.kinds import kinds_of
from trackai_pipelines.ingest.load import FileReport, load_paths

KINDS = kinds_of(DOMAINS)
EMAIL, PHONE = "ana.souza@example.com", "+55 11 91234-5678"
BUSINESS = {
    "clicks": list(CLICKS.columns),
    "identities": ["tenant_id", "external_id", "email_hash", "phone_hash", "click_external_id"],
    "conversions": list(CONVERSIONS.columns),
    "ingest_rejects": ["tenant_id", "source", "line", "payload", "reason", "digest"],
}
EVERYTHING = ("clicks", "identities", "conversions", "match_queue", "ingest_rejects", "ingest_files")


def sale_record(number: int, **changes: Any) -> dict[str, Any]:
    """A conversion of acme as an app writes it, with changes."""
    return {
        "tenant": "acme",
        "gateway": "stripe",
        "gateway_event_id": f"evt_{number}",
        "value": "10.50",
        "currency": "BRL",
        "occurred_at": "2026-03-01T12:00:00Z",
    } | changes


def write(path: Path, content: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def write_jsonl(path: Path, *records: dict[str, Any] | bytes) -> Path:
    lines = [record if isinstance(record, bytes) else json.dumps(record).encode() for record in records]
    return write(path, b"".join(line + b"\n" for line in lines))


def load_all(url: str, landing: Path, *paths: Path) -> list[FileReport]:
    return load_paths(url, paths or [landing], landing_dir=landing, kinds=KINDS)


def counts(report: FileReport) -> tuple[int, int, int]:
    return report.accepted, report.duplicates, report.rejected


def business_rows(connection: Connection, table: str) -> list[str]:
    """A table's rows without what differs from one load to the next, in an order of their own."""
    columns = sql.SQL(", ").join(map(sql.Identifier, BUSINESS[table]))
    query = sql.SQL("SELECT row({})::text FROM {}").format(columns, sql.Identifier("trackai", table))
    return sorted(line for (line,) in connection.execute(query))


def checksum(connection: Connection, table: str) -> str:
    query = sql.SQL("SELECT coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {} t").format(
        sql.Identifier("trackai", table)
    )
    row = connection.execute(query).fetchone()
    assert row is not None
    return str(row[0])
