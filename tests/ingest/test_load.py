"""Files go into the database: every bad line is kept with its reason, the rest is there once, whoever loads."""

import gzip
import json
import os
import random
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection, sql
from pyarrow import parquet

from trackai_pipelines.database.connection import connect
from trackai_pipelines.ingest import load, writing
from trackai_pipelines.ingest.arrivals import waiting_files
from trackai_pipelines.ingest.landing import LandingFile, landing_file
from trackai_pipelines.ingest.load import FileReport, LoadInterruptedError, Progress, load_paths
from trackai_pipelines.ingest.rows import STAGED
from trackai_pipelines.ingest.streams import Notes
from trackai_pipelines.ingest.tenants import Context, Tenant, tenants_by_name

AddTenant = Callable[..., str]
EMAIL, PHONE = "ana.souza@example.com", "+55 11 91234-5678"
BUSINESS = {
    "clicks": [name for name in STAGED["clicks"] if name != "created_at"],
    "identities": ["tenant_id", "external_id", "email_hash", "phone_hash", "click_external_id"],
    "conversions": list(STAGED["conversions"]),
    "ingest_rejects": ["tenant_id", "source", "line", "payload", "reason", "digest"],
}
EVERYTHING = ("clicks", "identities", "conversions", "match_queue", "ingest_rejects", "ingest_files")


def _sale(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "tenant": "acme",
        "gateway": "stripe",
        "gateway_event_id": f"evt_{number}",
        "value": "10.50",
        "currency": "BRL",
        "occurred_at": "2026-03-01T12:00:00Z",
    } | changes


def _jsonl(path: Path, *records: dict[str, Any] | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [record if isinstance(record, bytes) else json.dumps(record).encode() for record in records]
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def _load(url: str, landing: Path, *paths: Path) -> list[FileReport]:
    return load_paths(url, paths or [landing], landing_dir=landing)


def _counts(report: FileReport) -> tuple[int, int, int]:
    return report.accepted, report.duplicates, report.rejected


def _business(connection: Connection, table: str) -> list[str]:
    """A table's rows without what differs from one load to the next, in an order of their own."""
    columns = sql.SQL(", ").join(map(sql.Identifier, BUSINESS[table]))
    query = sql.SQL("SELECT row({})::text FROM {}").format(columns, sql.Identifier("trackai", table))
    return sorted(line for (line,) in connection.execute(query))


def _checksum(connection: Connection, table: str) -> str:
    query = sql.SQL("SELECT coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {} t").format(
        sql.Identifier("trackai", table)
    )
    row = connection.execute(query).fetchone()
    assert row is not None
    return str(row[0])


@pytest.fixture
def landing(tmp_path: Path, add_tenant: AddTenant) -> Path:
    """A landing folder, with the tenants acme and globex there."""
    add_tenant("acme", default_country="BR")
    add_tenant("globex", status="suspended")
    folder = tmp_path / "landing"
    folder.mkdir()
    return folder


BAD_LINES: list[tuple[dict[str, Any] | bytes, str]] = [
    (b'{"tenant": "acme", "gateway"', "not valid JSON"),
    (b"[1, 2]", "not a JSON object"),
    (b'{"gateway": "caf\xe9"}', "not valid UTF-8"),
    (b'{"a": "\x00"}', "NUL byte"),
    (b'{"a": "' + b"x" * 10_000_000 + b'"}', "10,000,010 bytes long"),
    (_sale(101, tenant="nobody"), "tenant 'nobody' is not known"),
    (_sale(102, value=-1), "value is negative"),
    (_sale(103, value=1e300), "value is above 10^12"),
    (_sale(104, currency="XXQ"), "currency 'XXQ' is not"),
    (_sale(105, occurred_at="2199-01-01T00:00:00Z"), "more than 24 hours ahead of the clock"),
    (_sale(106, customer_email_hash="12ab"), "customer_email_hash is not a SHA-256"),
    (_sale(107, order_id="a\0b"), "order_id holds a NUL character"),
    (_sale(108, value="1.23456", email=EMAIL, phone=PHONE), "more than four decimals"),
    (f"{EMAIL};{PHONE}".encode(), "not valid JSON"),
    (b'{"a": ' + b"[" * 200_000, "nested too deeply"),
    (_sale(109, event_source_url="x" * 9_000), "event_source_url has 9,000 characters"),
]


def test_bad_lines_are_kept_with_their_reasons_and_the_rest_is_loaded(
    database_url: str, connection: Connection, landing: Path
) -> None:
    good = [_sale(number, email=EMAIL, phone=PHONE) for number in range(len(BAD_LINES))]
    mixed = [line for pair in zip([bad for bad, _ in BAD_LINES], good, strict=True) for line in pair]
    _jsonl(landing / "conversions.jsonl", *mixed)
    (report,) = _load(database_url, landing)
    assert _counts(report) == (len(good), 0, len(BAD_LINES))
    kept = connection.execute(
        "SELECT line, reason, tenant_id, source FROM trackai.ingest_rejects ORDER BY line"
    ).fetchall()
    for number, (line, reason, tenant, source) in enumerate(kept):
        bad, expected = BAD_LINES[number]
        assert line == 2 * number + 1
        assert expected in reason
        assert source == "conversions.jsonl"
        assert tenant == ("t-acme" if isinstance(bad, dict) and bad["tenant"] == "acme" else None)
    events = connection.execute("SELECT gateway_event_id FROM trackai.conversions").fetchall()
    assert sorted(events) == sorted((sale["gateway_event_id"],) for sale in good)


def test_no_address_or_number_of_a_buyer_reaches_any_column(
    database_url: str, connection: Connection, landing: Path
) -> None:
    buyer = {"email": EMAIL, "phone": PHONE}
    bad = [bad if isinstance(bad, bytes) else bad | buyer for bad, _ in BAD_LINES if bad != BAD_LINES[4][0]]
    cut = b'{"pad": "' + b"x" * 11_970 + b'", "email": "' + EMAIL.encode() + b"y" * 1_000_000
    _jsonl(landing / "acme" / "conversions.jsonl", _sale(1, **buyer), *bad, cut)
    _jsonl(landing / "identities.jsonl", {"tenant": "acme", **buyer}, {"tenant": EMAIL, **buyer})
    (landing / "clicks.csv").write_text(f'tenant,fbc,ip\nacme,"open {EMAIL} {PHONE},1\nacme,x,{EMAIL}\n')
    payload = {"event": "x", "data": {"customer": {"email": EMAIL, "phone": "5511912345678", "name": "Ana"}}}
    _jsonl(landing / "acme" / "webhooks" / "cakto" / "1.jsonl", payload, EMAIL.encode())
    reports = _load(database_url, landing)
    assert sum(report.rejected for report in reports) == len(bad) + 6
    tables = connection.execute(
        "SELECT c.relname FROM pg_class c WHERE relnamespace = 'trackai'::regnamespace AND relkind IN ('r', 'p')"
    ).fetchall()
    for (table,) in tables:
        query = sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier("trackai", table))
        for (text,) in connection.execute(query):
            for secret in ("souza", "91234", "5678", "912345678"):
                assert secret not in text.lower(), table


def test_loading_again_changes_nothing(database_url: str, connection: Connection, landing: Path) -> None:
    _jsonl(landing / "clicks.jsonl", {"tenant": "acme", "fbclid": "x"}, {"tenant": "acme", "external_id": 1})
    _jsonl(landing / "identities.jsonl", {"tenant": "acme", "email": EMAIL, "click_external_id": 1})
    _jsonl(landing / "conversions.jsonl", _sale(1), _sale(1), _sale(2), b"{", _sale(3, value="x"))
    first = _load(database_url, landing)
    before = {table: _checksum(connection, table) for table in EVERYTHING}
    again = _load(database_url, landing)
    assert [_counts(report) for report in first] == [(2, 0, 0), (1, 0, 0), (2, 1, 2)]
    assert [_counts(report) for report in again] == [(0, 2, 0), (0, 1, 0), (0, 3, 2)]
    assert {table: _checksum(connection, table) for table in EVERYTHING} == before


_LOADER = """
import sys
from pathlib import Path
from trackai_pipelines.ingest import load
load.CHUNK_ROWS = 300
url, landing, *paths = sys.argv[1:]
# One call takes a file once, hence a call for each.
for path in paths:
    load.load_paths(url, [Path(path)], landing_dir=Path(landing))
"""


def _facts(landing: Path, chance: random.Random) -> list[Path]:
    sales = [_sale(number, tenant=chance.choice(["acme", "globex"]), email=EMAIL) for number in range(3_000)]
    clicks = [{"tenant": "acme", "fbclid": str(n % 700), "created_at": "2026-03-01"} for n in range(1_500)]
    people = [{"tenant": "acme", "email": f"{n}@x.com", "click_external_id": n} for n in range(600)]
    paths = []
    for name, rows in (("conversions", sales), ("clicks", clicks), ("identities", people)):
        for part in range(3):
            # Overlapping parts, each in an order of its own.
            chosen = [*chance.sample(rows, len(rows) * 2 // 3), {"tenant": "nobody", "part": part}]
            paths.append(_jsonl(landing / f"{name}-{part}.jsonl", *chosen))
    return paths


def test_two_processes_that_load_everything_three_times_leave_what_one_load_leaves(
    database_url: str, connection: Connection, landing: Path
) -> None:
    chance = random.Random(7)
    paths = [str(path) for path in _facts(landing, chance)]
    _load(database_url, landing)
    expected = {table: _business(connection, table) for table in BUSINESS}
    assert len(expected["ingest_rejects"]) == 9
    for table in ("conversions", "identities", "clicks", "ingest_rejects", "ingest_files"):
        connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(sql.Identifier("trackai", table)))
    environment = os.environ | {"PYTHONPATH": str(Path(load.__file__).parents[2])}
    loaders = []
    for _ in range(2):
        orders = [path for _ in range(3) for path in chance.sample(paths, len(paths))]
        loaders.append(
            subprocess.Popen(
                [sys.executable, "-c", _LOADER, database_url, str(landing), *orders],
                env=environment,
                stderr=subprocess.PIPE,
            )
        )
    for loader in loaders:
        _, errors = loader.communicate(timeout=120)
        assert loader.returncode == 0, errors.decode()
    assert {table: _business(connection, table) for table in BUSINESS} == expected


def test_a_load_that_is_killed_midway_is_completed_by_the_next(
    database_url: str, connection: Connection, landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "CHUNK_ROWS", 100)
    path = _jsonl(landing / "conversions.jsonl", *(_sale(number) for number in range(2_000)), b"{")

    def kill(progress: Progress) -> None:
        if progress.line == 500:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'trackai ingest' AND datname = current_database()"
            )

    with pytest.raises(LoadInterruptedError) as interrupted:
        load_paths(database_url, [path], landing_dir=landing, on_progress=kill)
    told = str(interrupted.value)
    assert "conversions.jsonl" in told
    assert "Load the file again" in told
    (there,) = connection.execute("SELECT count(*) FROM trackai.conversions").fetchone() or (0,)
    assert 500 <= there < 2_000
    assert there % 100 == 0
    assert connection.execute("SELECT count(*) FROM trackai.ingest_files").fetchone() == (0,)
    (report,) = _load(database_url, landing)
    assert _counts(report) == (2_000 - there, there, 1)
    assert connection.execute(
        "SELECT count(*), count(DISTINCT gateway_event_id) FROM trackai.conversions"
    ).fetchone() == (2_000, 2_000)
    assert connection.execute("SELECT count(*) FROM trackai.match_queue").fetchone() == (2_000,)


def test_a_row_that_only_the_database_refuses_is_set_aside_alone(
    database_url: str, connection: Connection, landing: Path
) -> None:
    connection.execute("ALTER TABLE trackai.conversions ADD CHECK (order_id <> 'bad')")
    sales = [_sale(number, order_id="bad" if number in {17, 400} else "good") for number in range(500)]
    _jsonl(landing / "conversions.jsonl", *sales, b"{")
    (report,) = _load(database_url, landing)
    assert _counts(report) == (498, 0, 3)
    kept = connection.execute("SELECT line, reason FROM trackai.ingest_rejects ORDER BY line").fetchall()
    assert [line for line, _ in kept] == [18, 401, 501]
    assert kept[0][1].startswith("the database refused the row: new row for relation")
    assert _counts(_load(database_url, landing)[0]) == (0, 498, 3)
    assert connection.execute("SELECT count(*) FROM trackai.ingest_rejects").fetchone() == (3,)


def test_a_deadlock_is_tried_again(database_url: str, connection: Connection, landing: Path) -> None:
    connection.execute(
        sql.SQL("ALTER DATABASE {} SET deadlock_timeout = '300ms'").format(sql.Identifier(connection.info.dbname))
    )
    _jsonl(landing / "conversions.jsonl", _sale(1), _sale(2))
    insert = (
        "INSERT INTO trackai.conversions (tenant_id, gateway, gateway_event_id, value, currency, occurred_at) "
        "VALUES ('t-acme', 'stripe', %s, 1, 'BRL', now())"
    )
    reports: list[FileReport] = []
    with connect(database_url, name="other") as other, other.transaction():
        # Ours never gives way: its own look at the locks comes too late.
        other.execute("SET LOCAL deadlock_timeout = '1h'")
        other.execute(insert, ["evt_2"])
        loader = threading.Thread(target=lambda: reports.extend(_load(database_url, landing)))
        loader.start()
        while not connection.execute(
            "SELECT 1 FROM pg_stat_activity WHERE application_name = 'trackai ingest' AND wait_event_type = 'Lock' "
            "AND datname = current_database()"
        ).fetchone():
            time.sleep(0.01)
        other.execute(insert, ["evt_1"])
    loader.join(timeout=30)
    assert [_counts(report) for report in reports] == [(0, 2, 0)]


def test_funnels_and_clicks_that_are_named_must_exist(database_url: str, connection: Connection, landing: Path) -> None:
    connection.execute("INSERT INTO trackai.funnels (tenant_id, id, name) VALUES ('t-acme', 'f1', 'F')")
    row = connection.execute("INSERT INTO trackai.clicks (tenant_id) VALUES ('t-acme') RETURNING id").fetchone()
    assert row is not None
    _jsonl(
        landing / "clicks.jsonl",
        {"tenant": "acme", "funnel_id": "f1"},
        {"tenant": "acme", "funnel_id": "f2"},
        {"tenant": "globex", "funnel_id": "f1"},
    )
    people = [{"tenant": "acme", "email": EMAIL, "click_id": number} for number in (row[0], 10**9)]
    _jsonl(landing / "identities.jsonl", *people)
    assert [_counts(report) for report in _load(database_url, landing)] == [(1, 0, 2), (1, 0, 1)]
    assert connection.execute(
        "SELECT source, line, reason, tenant_id FROM trackai.ingest_rejects ORDER BY source, line"
    ).fetchall() == [
        ("clicks.jsonl", 2, "funnel_id is not known for this tenant", "t-acme"),
        ("clicks.jsonl", 3, "funnel_id is not known for this tenant", "t-globex"),
        ("identities.jsonl", 2, "click_id is not known for this tenant", "t-acme"),
    ]
    assert connection.execute("SELECT click_id FROM trackai.identities").fetchall() == [(row[0],)]


def test_every_format_gives_the_same_rows(database_url: str, connection: Connection, landing: Path) -> None:
    sales = [_sale(n, fbc='quoted "x", y\nz', client_ip="1.2.3.4", order_id=str(n)) for n in range(50)]
    names = list(sales[0])
    rows = [[str(sale[name]).replace('"', '""') for name in names] for sale in sales]
    text = "\n".join([",".join(names), *(",".join(f'"{cell}"' for cell in row) for row in rows)])
    typed = pa.table(
        {name: [sale[name] for sale in sales] for name in names}
        | {
            "value": pa.array([Decimal(sale["value"]) for sale in sales]),
            "occurred_at": pa.array([datetime(2026, 3, 1, 12, tzinfo=UTC)] * 50, pa.timestamp("ns", "UTC")),
        }
    )
    (landing / "conversions.csv").write_text(text, newline="")
    _jsonl(landing / "conversions.jsonl", *sales)
    (landing / "conversions.jsonl.gz").write_bytes(gzip.compress((landing / "conversions.jsonl").read_bytes()))
    parquet.write_table(typed, landing / "conversions.parquet")
    contents = []
    for path in sorted(landing.iterdir()):
        (report,) = _load(database_url, landing, path)
        assert _counts(report) == (50, 0, 0)
        contents.append(_business(connection, "conversions"))
        connection.execute("TRUNCATE trackai.conversions CASCADE")
    assert len(contents) == 4
    assert all(content == contents[0] for content in contents)


def test_webhooks_become_conversions_and_what_is_no_sale_is_kept_with_the_reason(
    database_url: str, connection: Connection, landing: Path
) -> None:
    data = {
        "id": "ord-1",
        "status": "paid",
        "amount": 97.9,
        "paidAt": "2026-03-01T12:00:00Z",
        "customer": {"email": EMAIL, "phone": "5511912345678"},
    }
    paid = {"event": "purchase_approved", "data": data}
    waiting = {"event": "pix_gerado", "data": data | {"status": "waiting_payment"}}
    broken = {"event": "purchase_approved", "data": data | {"amount": "much"}}
    folder = landing / "acme" / "webhooks" / "cakto"
    _jsonl(folder / "1.json", paid)
    _jsonl(folder / "2.json", json.dumps([paid, waiting, broken, "text"]).encode())
    _jsonl(landing / "nobody" / "webhooks" / "cakto" / "3.json", paid)
    reports = _load(database_url, landing)
    assert [(report.kind, *_counts(report)) for report in reports] == [
        ("webhooks", 1, 0, 0),
        ("webhooks", 0, 1, 3),
        ("webhooks", 0, 0, 1),
    ]
    assert connection.execute(
        "SELECT tenant_id, gateway, order_id, value, customer_email_hash FROM trackai.conversions"
    ).fetchall() == [("t-acme", "cakto", "ord-1", Decimal("97.9000"), sha256(EMAIL.encode()).hexdigest())]
    reasons = connection.execute("SELECT line, tenant_id, reason FROM trackai.ingest_rejects ORDER BY id").fetchall()
    assert [row[:2] for row in reasons] == [(2, "t-acme"), (3, "t-acme"), (4, "t-acme"), (1, None)]
    assert reasons[0][2].startswith("not a paid sale: cakto event")
    assert "amount" in reasons[1][2]
    assert "not a JSON object" in reasons[2][2]
    assert "no tenant" in reasons[3][2]


def test_notes_say_what_is_wrong_with_a_file_as_a_whole(
    database_url: str, connection: Connection, landing: Path
) -> None:
    whole = gzip.compress("\n".join(json.dumps(_sale(n, fbclid=os.urandom(9).hex())) for n in range(900)).encode())
    (landing / "conversions-cut.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    (landing / "conversions-empty.jsonl").write_bytes(b"")
    (landing / "conversions-foot.parquet").write_bytes(b"PAR1....")
    (landing / "notes.txt").write_bytes(b"")
    cut, empty, foot, ignored = _load(database_url, landing)
    assert cut.note == "the gzip file is cut off; what could be unpacked was read"
    assert cut.accepted > 300
    assert cut.rejected == 1
    assert (empty.note, _counts(empty)) == ("the file is empty", (0, 0, 0))
    assert "no readable footer" in (foot.note or "")
    assert (ignored.kind, ignored.source) == ("ignored", "notes.txt")
    rows = connection.execute("SELECT source, accepted, rejected, note FROM trackai.ingest_files ORDER BY 1").fetchall()
    assert rows == [(r.source, r.accepted, r.rejected, r.note) for r in (cut, empty, foot)]


def test_a_file_that_cannot_be_opened_is_reported_and_waits(
    database_url: str, connection: Connection, landing: Path
) -> None:
    path = _jsonl(landing / "conversions.jsonl", _sale(1))
    seen: list[Progress] = []

    def vanish(progress: Progress) -> None:
        seen.append(progress)
        second.unlink()

    second = _jsonl(landing / "conversions2.jsonl", _sale(2))
    reports = load_paths(database_url, [path, second], landing_dir=landing, on_progress=vanish)
    assert [progress.source for progress in seen] == ["conversions.jsonl"]
    assert _counts(reports[1]) == (0, 0, 0)
    assert reports[1].note == "the file could not be read to its end: No such file or directory"
    assert connection.execute("SELECT source FROM trackai.ingest_files").fetchall() == [("conversions.jsonl",)]


def test_files_wait_until_they_are_settled_and_wait_again_when_they_change(
    database_url: str, connection: Connection, landing: Path
) -> None:
    def waiting(settle_seconds: float = 0) -> list[str]:
        now = datetime.now(UTC) + timedelta(seconds=1)
        found = waiting_files(connection, landing, settle_seconds=settle_seconds, clock=lambda: now)
        return [entry.file.source for entry in found]

    assert waiting_files(connection, landing / "nowhere") == []
    sales = _jsonl(landing / "conversions.jsonl", _sale(1))
    _jsonl(landing / "clicks.jsonl", {"tenant": "acme"})
    assert waiting() == ["clicks.jsonl", "conversions.jsonl"]
    assert waiting(settle_seconds=60) == []
    _load(database_url, landing)
    assert waiting() == []
    _jsonl(sales, _sale(1), _sale(2))
    assert waiting() == ["conversions.jsonl"]
    (report,) = _load(database_url, landing, sales)
    assert _counts(report) == (1, 1, 0)
    assert waiting() == []


def _context() -> Context:
    tenants = tenants_by_name([Tenant("t-acme", "acme", "BR")])
    return Context(tenants, "landing", datetime(2030, 1, 1, tzinfo=UTC))


def test_chunks_are_bounded_in_rows_and_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "CHUNK_ROWS", 100)
    monkeypatch.setattr(load, "CHUNK_BYTES", 60_000)
    small = [_sale(n) for n in range(250)]
    large = [_sale(n, client_user_agent="x" * 6_000) for n in range(25)]
    bad = [_sale(n, currency="?", client_user_agent="x" * 1_800) for n in range(60)]
    file = landing_file(_jsonl(tmp_path / "conversions.jsonl", *small, *large, *bad), landing_dir=tmp_path)
    assert isinstance(file, LandingFile)
    chunks = [chunk for _, chunk in load._chunks(file, _context(), Notes())]
    assert sum(len(chunk.rows) for chunk in chunks) == 275
    assert sum(len(chunk.rejects) for chunk in chunks) == 60
    assert len(chunks) >= 7
    for chunk in chunks:
        assert len(chunk.rows) + len(chunk.rejects) <= 100
        held = sum(map(len, chunk.rows)) + sum(len(reject.payload or "") for reject in chunk.rejects)
        assert held <= 60_000 + 6_200


def test_memory_does_not_grow_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "CHUNK_ROWS", 500)

    def peak(rows: int) -> int:
        path = _jsonl(tmp_path / "conversions.jsonl", *(_sale(n, email=EMAIL) for n in range(rows)))
        file = landing_file(path, landing_dir=tmp_path)
        assert isinstance(file, LandingFile)
        tracemalloc.start()
        for _ in load._chunks(file, _context(), Notes()):
            pass
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(1_000)
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
        texts = [str(sale.get(name, "")) or None for name in ("order_id", "fbclid", "fbp", "client_user_agent")]
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
    _jsonl(path, *(sale | {"gateway": "stripe"} for sale in distinct))
    (report,) = load_paths(database_url, [path], landing_dir=landing, clock=lambda: _NOW)
    rows, refused = _expected(distinct)
    assert _counts(report) == (len(rows), 0, refused)
    found = connection.execute(
        "SELECT tenant_id, gateway_event_id, value, currency, occurred_at, order_id, fbclid, fbp, "
        "client_user_agent, customer_email_hash FROM trackai.conversions"
    ).fetchall()
    assert sorted(found, key=lambda row: row[:2]) == [rows[key] for key in sorted(rows)]


def test_a_database_that_is_not_there_is_an_error_of_its_own(tmp_path: Path) -> None:
    _jsonl(tmp_path / "clicks.jsonl", {"tenant": "acme"})
    with pytest.raises(psycopg.OperationalError):
        load_paths(f"postgresql://nobody@/x?host={tmp_path}", [tmp_path], landing_dir=tmp_path)
    assert writing.Counts(1, 2, 3) + writing.Counts(1, 1, 1) == writing.Counts(2, 3, 4)
