"""Files go into the database: every bad line is kept with its reason, and the rest is there."""

import gzip
import json
import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from ingest.landing_zone import (
    EMAIL,
    EVERYTHING,
    KINDS,
    PHONE,
    business_rows,
    checksum,
    counts,
    load_all,
    sale_record,
    write_jsonl,
)
from psycopg import Connection, sql
from pyarrow import parquet

from trackai_pipelines.ingest import writing
from trackai_pipelines.ingest.arrivals import waiting_files
from trackai_pipelines.ingest.load import Progress, load_paths
from trackai_pipelines.ingest.outcomes import LeftOut

BAD_LINES: list[tuple[dict[str, Any] | bytes, str]] = [
    (b'{"tenant": "acme", "gateway"', "not valid JSON"),
    (b"[1, 2]", "not a JSON object"),
    (b'{"gateway": "caf\xe9"}', "not valid UTF-8"),
    (b'{"a": "\x00"}', "NUL byte"),
    (b'{"a": "' + b"x" * 10_000_000 + b'"}', "10,000,010 bytes long"),
    (sale_record(101, tenant="nobody"), "tenant 'nobody' is not known"),
    (sale_record(102, value=-1), "value is negative"),
    (sale_record(103, value=1e300), "value is above 10^12"),
    (sale_record(104, currency="XXQ"), "currency 'XXQ' is not"),
    (sale_record(105, occurred_at="2199-01-01T00:00:00Z"), "more than 24 hours ahead of the clock"),
    (sale_record(107, order_id="a\0b"), "order_id holds a NUL character"),
    (sale_record(108, value="much", email=EMAIL, phone=PHONE), "value 'much' is not a number"),
    (f"{EMAIL};{PHONE}".encode(), "not valid JSON"),
    (b'{"a": ' + b"[" * 200_000, "nested too deeply"),
    (sale_record(109, order_id="x" * 9_000), "order_id has 9,000 characters"),
]


def test_bad_lines_are_kept_with_their_reasons_and_the_rest_is_loaded(
    database_url: str, connection: Connection, landing: Path
) -> None:
    good = [sale_record(number, email=EMAIL, phone=PHONE) for number in range(len(BAD_LINES))]
    mixed = [line for pair in zip([bad for bad, _ in BAD_LINES], good, strict=True) for line in pair]
    write_jsonl(landing / "conversions.jsonl", *mixed)
    (report,) = load_all(database_url, landing)
    assert counts(report) == (len(good), 0, len(BAD_LINES))
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
    write_jsonl(landing / "acme" / "conversions.jsonl", sale_record(1, **buyer), *bad, cut)
    write_jsonl(landing / "identities.jsonl", {"tenant": "acme", **buyer}, {"tenant": EMAIL, **buyer})
    (landing / "clicks.csv").write_text(f'tenant,fbc,ip\nacme,"open {EMAIL} {PHONE},1\nacme,x,{EMAIL}\n')
    payload = {"event": "x", "data": {"customer": {"email": EMAIL, "phone": "5511912345678", "name": "Ana"}}}
    write_jsonl(landing / "acme" / "webhooks" / "cakto" / "1.jsonl", payload, EMAIL.encode())
    reports = load_all(database_url, landing)
    assert sum(report.rejected for report in reports) == len(bad) + 5
    tables = connection.execute(
        "SELECT c.relname FROM pg_class c WHERE relnamespace = 'trackai'::regnamespace AND relkind IN ('r', 'p')"
    ).fetchall()
    for (table,) in tables:
        query = sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier("trackai", table))
        for (text,) in connection.execute(query):
            for secret in ("souza", "91234", "5678", "912345678"):
                assert secret not in text.lower(), table


def test_loading_again_changes_nothing(database_url: str, connection: Connection, landing: Path) -> None:
    write_jsonl(landing / "clicks.jsonl", {"tenant": "acme", "fbclid": "x"}, {"tenant": "acme", "external_id": 1})
    write_jsonl(landing / "identities.jsonl", {"tenant": "acme", "email": EMAIL, "click_external_id": 1})
    write_jsonl(
        landing / "conversions.jsonl", sale_record(1), sale_record(1), sale_record(2), b"{", sale_record(3, value="x")
    )
    first = load_all(database_url, landing)
    before = {table: checksum(connection, table) for table in EVERYTHING}
    again = load_all(database_url, landing)
    assert [counts(report) for report in first] == [(2, 0, 0), (1, 0, 0), (2, 1, 2)]
    assert [counts(report) for report in again] == [(0, 2, 0), (0, 1, 0), (0, 3, 2)]
    assert {table: checksum(connection, table) for table in EVERYTHING} == before


def test_funnels_and_clicks_that_are_not_known_cost_no_row(
    database_url: str, connection: Connection, landing: Path
) -> None:
    connection.execute("INSERT INTO trackai.funnels (tenant_id, id, name) VALUES ('t-acme', 'f1', 'F')")
    row = connection.execute("INSERT INTO trackai.clicks (tenant_id) VALUES ('t-acme') RETURNING id").fetchone()
    assert row is not None
    write_jsonl(
        landing / "clicks.jsonl",
        {"tenant": "acme", "external_id": "a", "funnel_id": "f1"},
        {"tenant": "acme", "external_id": "b", "funnel_id": "f2", "fbclid": "x", "ip": "none"},
        {"tenant": "globex", "external_id": "c", "funnel_id": "f1"},
        {"tenant": "acme", "external_id": "d", "funnel_id": "f" * 513},
    )
    people = [
        {"tenant": "acme", "email": EMAIL, "external_id": number, "click_id": click}
        for number, click in enumerate((row[0], 10**9, "k-1"))
    ]
    write_jsonl(landing / "identities.jsonl", *people)
    clicks, identities = load_all(database_url, landing)
    assert (counts(clicks), counts(identities)) == ((4, 0, 0), (3, 0, 0))
    assert clicks.left_out == {
        LeftOut("funnel_id", "not known for this tenant"): 2,
        LeftOut("funnel_id", "too long, or without all its digits"): 1,
        LeftOut("ip", "not a public IP address"): 1,
    }
    assert identities.left_out == {
        LeftOut("click_id", "not known for this tenant"): 1,
        LeftOut("click_id", "not a click's number; a producer's own id goes into click_external_id"): 1,
    }
    assert connection.execute(
        "SELECT tenant_id, external_id, funnel_id, fbclid FROM trackai.clicks WHERE external_id <> '' ORDER BY 2"
    ).fetchall() == [
        ("t-acme", "a", "f1", None),
        ("t-acme", "b", None, "x"),
        ("t-globex", "c", None, None),
        ("t-acme", "d", None, None),
    ]
    assert connection.execute("SELECT click_id FROM trackai.identities ORDER BY external_id").fetchall() == [
        (row[0],),
        (None,),
        (None,),
    ]
    again = load_all(database_url, landing)
    assert [counts(report) for report in again] == [(0, 4, 0), (0, 3, 0)]
    assert [report.left_out for report in again] == [clicks.left_out, identities.left_out]


def test_every_format_gives_the_same_rows(database_url: str, connection: Connection, landing: Path) -> None:
    sales = [sale_record(n, fbc='quoted "x", y\nz', client_ip="1.2.3.4", order_id=str(n)) for n in range(50)]
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
    write_jsonl(landing / "conversions.jsonl", *sales)
    (landing / "conversions.jsonl.gz").write_bytes(gzip.compress((landing / "conversions.jsonl").read_bytes()))
    parquet.write_table(typed, landing / "conversions.parquet")
    contents = []
    for path in sorted(landing.iterdir()):
        (report,) = load_all(database_url, landing, path)
        assert counts(report) == (50, 0, 0)
        contents.append(business_rows(connection, "conversions"))
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
    write_jsonl(folder / "1.json", paid)
    write_jsonl(folder / "2.json", json.dumps([paid, waiting, broken, "text"]).encode())
    write_jsonl(landing / "nobody" / "webhooks" / "cakto" / "3.json", paid)
    reports = load_all(database_url, landing)
    assert [(report.kind, *counts(report)) for report in reports] == [
        ("webhooks", 1, 0, 0),
        ("webhooks", 0, 1, 3),
        ("webhooks", 0, 0, 1),
    ]
    assert connection.execute(
        "SELECT tenant_id, gateway, order_id, value, customer_email_hash FROM trackai.conversions"
    ).fetchall() == [("t-acme", "cakto", "ord-1", Decimal("97.9000"), sha256(EMAIL.encode()).hexdigest())]
    reasons = connection.execute("SELECT line, tenant_id, reason FROM trackai.ingest_rejects ORDER BY id").fetchall()
    assert [row[:2] for row in reasons] == [(2, "t-acme"), (3, "t-acme"), (4, "t-acme"), (1, None)]
    assert reasons[0][2].startswith("not paid yet: cakto event pix_gerado")
    assert "amount" in reasons[1][2]
    assert "not a JSON object" in reasons[2][2]
    assert "no tenant" in reasons[3][2]


def test_notes_say_what_is_wrong_with_a_file_as_a_whole(
    database_url: str, connection: Connection, landing: Path
) -> None:
    whole = gzip.compress(
        "\n".join(json.dumps(sale_record(n, fbclid=os.urandom(9).hex())) for n in range(900)).encode()
    )
    (landing / "conversions-cut.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    (landing / "conversions-empty.jsonl").write_bytes(b"")
    (landing / "conversions-foot.parquet").write_bytes(b"PAR1....")
    (landing / "notes.txt").write_bytes(b"")
    cut, empty, foot, ignored = load_all(database_url, landing)
    assert cut.note == "the gzip file is cut off; what could be unpacked was read"
    assert cut.accepted > 300
    assert cut.rejected == 1
    assert (empty.note, counts(empty)) == ("the file is empty", (0, 0, 0))
    assert "no readable footer" in (foot.note or "")
    assert (ignored.kind, ignored.source) == ("ignored", "notes.txt")
    rows = connection.execute("SELECT source, accepted, rejected, note FROM trackai.ingest_files ORDER BY 1").fetchall()
    assert rows == [(r.source, r.accepted, r.rejected, r.note) for r in (cut, empty, foot)]


def test_a_file_that_cannot_be_opened_is_reported_and_waits(
    database_url: str, connection: Connection, landing: Path
) -> None:
    path = write_jsonl(landing / "conversions.jsonl", sale_record(1))
    seen: list[Progress] = []

    def vanish(progress: Progress) -> None:
        seen.append(progress)
        second.unlink()

    second = write_jsonl(landing / "conversions2.jsonl", sale_record(2))
    reports = load_paths(database_url, [path, second], landing_dir=landing, kinds=KINDS, on_progress=vanish)
    assert [progress.source for progress in seen] == ["conversions.jsonl"]
    assert counts(reports[1]) == (0, 0, 0)
    assert reports[1].note == "the file could not be read to its end: No such file or directory"
    assert connection.execute("SELECT source FROM trackai.ingest_files").fetchall() == [("conversions.jsonl",)]


def test_files_wait_until_they_are_settled_and_wait_again_when_they_change(
    database_url: str, connection: Connection, landing: Path
) -> None:
    def waiting(settle_seconds: float = 0) -> list[str]:
        now = datetime.now(UTC) + timedelta(seconds=1)
        found = waiting_files(connection, landing, kinds=KINDS, settle_seconds=settle_seconds, clock=lambda: now)
        return [entry.file.source for entry in found]

    assert waiting_files(connection, landing / "nowhere", kinds=KINDS) == []
    sales = write_jsonl(landing / "conversions.jsonl", sale_record(1))
    write_jsonl(landing / "clicks.jsonl", {"tenant": "acme"})
    assert waiting() == ["clicks.jsonl", "conversions.jsonl"]
    assert waiting(settle_seconds=60) == []
    load_all(database_url, landing)
    assert waiting() == []
    write_jsonl(sales, sale_record(1), sale_record(2))
    assert waiting() == ["conversions.jsonl"]
    (report,) = load_all(database_url, landing, sales)
    assert counts(report) == (1, 1, 0)
    assert waiting() == []


def test_a_database_that_is_not_there_is_an_error_of_its_own(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "clicks.jsonl", {"tenant": "acme"})
    with pytest.raises(psycopg.OperationalError):
        load_paths(f"postgresql://nobody@/x?host={tmp_path}", [tmp_path], landing_dir=tmp_path, kinds=KINDS)
    assert writing.Counts(1, 2, 3) + writing.Counts(1, 1, 1) == writing.Counts(2, 3, 4)
