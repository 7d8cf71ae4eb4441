"""Loading holds little in memory, and whatever is written is found or refused."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ingest.landing_zone import (
    EMAIL,
    KINDS,
    counts,
    sale_record,
    write_jsonl,
)
from memory import peak_memory
from psycopg import Connection

from trackai_pipelines.ingest import load
from trackai_pipelines.ingest.context import Context, Owner, owners_by_name
from trackai_pipelines.ingest.files import LandingFile, landing_file
from trackai_pipelines.ingest.load import load_paths
from trackai_pipelines.ingest.streams import Notes


def _context() -> Context:
    tenants = owners_by_name([Owner("t-acme", "acme", "BR")])
    return Context(tenants, "landing", datetime(2030, 1, 1, tzinfo=UTC))


def test_chunks_are_bounded_in_rows_and_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "CHUNK_ROWS", 100)
    monkeypatch.setattr(load, "CHUNK_BYTES", 60_000)
    small = [sale_record(n) for n in range(250)]
    large = [sale_record(n, client_user_agent="x" * 6_000) for n in range(25)]
    bad = [sale_record(n, currency="?", client_user_agent="x" * 1_800) for n in range(60)]
    file = landing_file(
        write_jsonl(tmp_path / "conversions.jsonl", *small, *large, *bad), landing_dir=tmp_path, kinds=KINDS
    )
    assert isinstance(file, LandingFile)
    chunks = [chunk for _, chunk in load.chunks_of(file, _context(), Notes())]
    assert sum(len(chunk.rows) for chunk in chunks) == 275
    assert sum(len(chunk.rejects) for chunk in chunks) == 60
    assert len(chunks) >= 7
    for chunk in chunks:
        assert len(chunk.rows) + len(chunk.rejects) <= 100
        held = sum(map(len, chunk.rows)) + sum(len(reject.payload or "") for reject in chunk.rejects)
        assert held <= 60_000 + 6_200


def _read(path: Path) -> None:
    """Read the file in chunks of a few rows; for a process of its own, where what is set here stays."""
    load.CHUNK_ROWS = 500
    file = landing_file(path, landing_dir=path.parent, kinds=KINDS)
    assert isinstance(file, LandingFile)
    for _ in load.chunks_of(file, _context(), Notes()):
        pass


@pytest.mark.processes
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        sales = (sale_record(n, email=EMAIL) for n in range(rows))
        return peak_memory(_read, write_jsonl(tmp_path / "conversions.jsonl", *sales))

    assert peak(12_000) < 1.2 * peak(3_000)


_texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
_sales = st.fixed_dictionaries(
    {
        "gateway_event_id": st.integers(0, 30) | st.integers(0, 30).map(lambda n: f" {n} "),
        "value": st.decimals(-10, 10**12, places=4).map(str) | st.integers(-5, 1000) | st.sampled_from(["x", ""]),
        "currency": st.sampled_from(["BRL", "usd", " EUR ", "ZZZ"]),
        "occurred_at": st.datetimes(datetime(1998, 1, 1), datetime(2027, 6, 1)).map(datetime.isoformat),  # noqa: DTZ001
    },
    optional={
        "order_id": _texts,
        "fbclid": _texts | st.integers(1, 9),
        "fbp": _texts,
        "client_user_agent": _texts,
        "email": st.sampled_from(["a@b.com", " A@B.com", "nobody", ""]),
        "tenant": st.sampled_from(["acme", "t-globex", "nobody", ""]),
    },
)
_NOW = datetime(2026, 11, 1, tzinfo=UTC)
_AS_THEY_CAME = ("fbclid", "fbp", "client_user_agent")


def _expected(sales: list[dict[str, Any]]) -> tuple[dict[tuple[str, str], tuple[Any, ...]], int]:
    """The rows that should be there by their key, and the number of refusals."""
    rows: dict[tuple[str, str], tuple[Any, ...]] = {}
    refused = 0
    tenants = {"acme": "t-acme", "t-globex": "t-globex", "": "t-acme"}
    for sale in sales:
        tenant = tenants.get(sale.get("tenant", ""))
        if "tenant" in sale and sale["tenant"] == "t-globex":
            tenant = None  # The folder says acme.
        occurred = datetime.fromisoformat(sale["occurred_at"]).replace(tzinfo=UTC)
        value = Decimal(sale["value"]) if sale["value"] not in {"x", ""} else Decimal(-1)
        currency = sale["currency"].strip().upper()
        late_or_early = occurred > _NOW + timedelta(days=1) or occurred.year < 2000
        if tenant is None or value < 0 or currency == "ZZZ" or late_or_early:
            refused += 1
            continue
        email = sha256(b"a@b.com").hexdigest() if "@" in sale.get("email", "") else None
        # White space around an identifier is never part of it.
        order = str(sale.get("order_id", "")).strip()
        texts = [text or None for text in (order, *(str(sale.get(name, "")) for name in _AS_THEY_CAME))]
        key = (tenant, str(sale["gateway_event_id"]).strip())
        rows[key] = (*key, value, currency, occurred, *texts, email)
    return rows, refused


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(sales=st.lists(_sales, max_size=25))
def test_whatever_is_written_is_found_or_refused(
    database_url: str, connection: Connection, landing: Path, sales: list[dict[str, Any]]
) -> None:
    # Each event once: which of two different rows with one key is taken is not promised.
    connection.execute("TRUNCATE trackai.conversions, trackai.match_queue CASCADE")
    seen: set[str] = set()
    distinct = []
    for sale in sales:
        event = str(sale["gateway_event_id"]).strip()
        if event not in seen:
            distinct.append(sale)
        seen.add(event)
    path = landing / "acme" / "conversions.jsonl"
    write_jsonl(path, *(sale | {"gateway": "stripe"} for sale in distinct))
    (report,) = load_paths(database_url, [path], landing_dir=landing, kinds=KINDS, clock=lambda: _NOW)
    rows, refused = _expected(distinct)
    assert counts(report) == (len(rows), 0, refused)
    found = connection.execute(
        "SELECT tenant_id, gateway_event_id, value, currency, occurred_at, order_id, fbclid, fbp, "
        "client_user_agent, customer_email_hash FROM trackai.conversions"
    ).fetchall()
    assert sorted(found, key=lambda row: row[:2]) == [rows[key] for key in sorted(rows)]
