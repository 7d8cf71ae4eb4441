"""The dry run: exactly what would be sent, and nothing is sent or changed."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from delivery.refuser import refuser
from delivery.scenes import TOKEN, Moment, Tokens, insert_sales, send_due
from psycopg import Connection, sql

from trackai_pipelines.capi_sandbox.server import sandbox
from trackai_pipelines.delivery.dry_run import dry_run
from trackai_pipelines.delivery.replay import enqueue_days
from trackai_pipelines.settings import CapiSettings

AddTenant = Callable[..., str]


def _everything(connection: Connection) -> list[object]:
    rows = sql.SQL("SELECT t::text FROM {} t ORDER BY 1")
    return [
        connection.execute(rows.format(sql.Identifier("trackai", table))).fetchall()
        for table in ("dispatch_queue", "dispatch_attempts", "dedupe_registry", "dispatch_circuits")
    ]


def _diff(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "diff.jsonl").read_text().splitlines()]


def test_it_writes_what_is_sent_afterwards_to_the_byte(
    database_url: str, connection: Connection, add_tenant: AddTenant, tmp_path: Path
) -> None:
    acme, other = add_tenant("acme", pixel_id="1001"), add_tenant("other", pixel_id="1002", test_event_code="TEST7")
    insert_sales(connection, acme, 1100, value="1234.50")
    insert_sales(connection, other, 3)
    before = _everything(connection)
    bodies: dict[str, list[bytes]] = {}
    with sandbox() as box:
        found = dry_run(connection, tmp_path / "dry", tokens=Tokens(), settings=CapiSettings(capi_url=box.base_url))
        assert box.pixels() == {}
        assert _everything(connection) == before
        assert (found.requests, found.new, found.held_back) == (3, {"acme": 1100, "other": 3}, {})
        send_due(database_url, box.base_url)
        sent = {(event.pixel, event.event_id, event.sha256) for event in box.events()}
        sizes = {request.bytes for request in box.requests()}
    for path in sorted((tmp_path / "dry").glob("*/*.json")):
        text = path.read_bytes()
        request = json.loads(text)
        assert request["method"] == "POST"
        assert request["url"] == f"{box.base_url}/v26.0/{'1001' if path.parent.name == 'acme' else '1002'}/events"
        assert TOKEN.encode() not in text
        assert "Authorization" not in request["headers"]
        bodies.setdefault(path.parent.name, []).append(text.split(b'"body": ', 1)[1][:-2])
    assert {len(body) for of in bodies.values() for body in of} == sizes
    assert [len(json.loads(body)["data"]) for body in bodies["acme"]] == [1000, 100]
    assert json.loads(bodies["other"][0])["test_event_code"] == "TEST7"
    pixels = {"acme": "1001", "other": "1002"}
    assert {(pixels[str(line["tenant"])], line["event_id"], line["sha256"]) for line in _diff(tmp_path / "dry")} == sent


def test_the_difference_tells_new_from_same_and_changed_and_refused(
    database_url: str, connection: Connection, add_tenant: AddTenant, tmp_path: Path
) -> None:
    tenant = add_tenant("acme", pixel_id="1001")
    (resent,) = insert_sales(connection, tenant, 1, order_id="resent", ago=timedelta(hours=9))
    with sandbox() as box:
        send_due(database_url, box.base_url)
        connection.execute("UPDATE trackai.tenants SET sent_event_id = 'order'")
        today = datetime.now(UTC).date()
        enqueue_days(connection, today - timedelta(days=1), today, resend_already_sent=True)
    (retried,) = insert_sales(connection, tenant, 1, order_id="retried", ago=timedelta(hours=8))
    connection.execute("UPDATE trackai.dispatch_queue SET at_most = 1")
    with refuser({"retried", "resent"}, code=424242) as server:
        connection.execute("UPDATE trackai.dispatch_queue SET queued_at = now() WHERE conversion_id = %s", (retried,))
        connection.execute("CREATE TABLE public.aside AS SELECT * FROM trackai.dispatch_queue WHERE resend")
        connection.execute("DELETE FROM trackai.dispatch_queue WHERE resend")
        send_due(database_url, server.base_url, clock=Moment())
        connection.execute("INSERT INTO trackai.dispatch_queue SELECT * FROM public.aside")
    (new,) = insert_sales(connection, tenant, 1)
    (doubled,) = insert_sales(connection, tenant, 1, order_id="retried")
    (bad,) = insert_sales(connection, tenant, 1, currency="XXQ")
    found = dry_run(connection, tmp_path, tokens=Tokens(), settings=CapiSettings(), clock=lambda: _soon())
    changes = {line["conversion_id"]: line["change"] for line in _diff(tmp_path)}
    assert changes == {resent: "changed", retried: "same", new: "new", doubled: "refused", bad: "refused"}
    reasons = Counter(line.get("failure") for line in _diff(tmp_path) if line["change"] == "refused")
    assert reasons == {"duplicate_event": 1, "bad_currency": 1}
    assert (found.new, found.same, found.changed, found.refused) == ({"acme": 1}, {"acme": 1}, {"acme": 1}, {"acme": 2})


def _soon() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=5)


def test_tenants_that_would_not_be_served_are_told_with_the_reason(
    connection: Connection, add_tenant: AddTenant, tmp_path: Path
) -> None:
    for slug, pixel in (("no-token", "1001"), ("no-pixel", None), ("suspended", "1003"), ("open", "1004")):
        insert_sales(connection, add_tenant(slug, pixel_id=pixel), 1)
    connection.execute("UPDATE trackai.tenants SET status = 'suspended' WHERE slug = 'suspended'")
    connection.execute(
        "INSERT INTO trackai.dispatch_circuits (tenant_id, state, retry_at, reason)"
        " VALUES ('t-open', 'open', now() + interval '1 h', 'the token was revoked')"
    )
    found = dry_run(connection, tmp_path, tokens=Tokens({"no-token": None}), settings=CapiSettings())
    assert set(found.held_back) == {"no-token", "no-pixel", "suspended", "open"}
    for slug, part in {
        "no-token": "TRACKAI_CAPI_TOKEN_NO_TOKEN",
        "no-pixel": "has no pixel",
        "suspended": "suspended",
        "open": "the token was revoked",
    }.items():
        assert part in found.held_back[slug]
    assert sorted(path.parent.name for path in tmp_path.glob("*/*.json")) == ["no-token", "open"]


def test_a_folder_that_holds_something_is_not_written_into(connection: Connection, tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    with pytest.raises(FileExistsError, match="not empty"):
        dry_run(connection, tmp_path, tokens=Tokens(), settings=CapiSettings())
