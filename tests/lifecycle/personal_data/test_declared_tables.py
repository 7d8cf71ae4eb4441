"""Tables that only this test declares live the whole life of a table, and no mechanism knows them."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from lifecycle.old_rows import insert, midnight, set_policies
from psycopg import Connection, sql

from trackai_pipelines.database.partitions import (
    attach_partition,
    create_detached,
    create_partitions_ahead,
    detached_days,
    partition_days,
)
from trackai_pipelines.domain import Domain, NotNowError, Personal, Remains, Table, tables_of
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.lifecycle.archive.manifest import archives
from trackai_pipelines.lifecycle.archive.restore import restore_day
from trackai_pipelines.lifecycle.archive.store import Store, open_store
from trackai_pipelines.lifecycle.leaving import leaving
from trackai_pipelines.lifecycle.personal_data import erase as erasing
from trackai_pipelines.lifecycle.personal_data.erase import ErasureUnfinishedError, erase, find
from trackai_pipelines.lifecycle.retention.apply import apply_plan
from trackai_pipelines.lifecycle.retention.plan import Plan, plan_retention

TODAY = datetime.now(UTC).date()
DAY = timedelta(days=1)
ANN, ANNS_PHONE, BOB = (sha256(text.encode()).hexdigest() for text in ("ann@example.com", "551199", "bob@example.com"))


def _kept(connection: Connection[Any], days: Any, today: date) -> Iterator[tuple[date, str]]:
    """Keeps a day while it has a row of somebody called `keep`."""
    for day in days:
        found = connection.execute(
            "SELECT count(*) FROM trackai.visits WHERE user_id = 'keep' AND happened_at::date = %s", [day]
        ).fetchone()
        if found != (0,):
            yield day, "the visit is still needed"


def _unready(connection: Connection[Any], before: date) -> str | None:
    found = connection.execute("SELECT count(*) FROM trackai.visits WHERE user_id = 'unready'").fetchone()
    return None if found == (0,) else "the visits are not linked yet"


VISITS = Table(
    name="visits",
    key=("tenant_id", "id"),
    time="happened_at",
    leaves="partition",
    blocks=(_kept,),
    anonymise_blocks=(_unready,),
    personal=Personal(
        email_hash="email_hash",
        user_id="user_id",
        clear=("email_hash", "user_id", "ip", "user_agent"),
        quotes={"note": "erased"},
        by_age={"email_hash": Remains.NOTHING, "ip": Remains.NETWORK, "user_agent": Remains.FAMILY,
                "page": Remains.PAGE},
    ),
)  # fmt: skip
SIGN_UPS = Table(
    name="sign_ups",
    key=("tenant_id", "id"),
    time="happened_at",
    leaves="delete",
    personal=Personal(email_hash="email_hash", delete=True),
)
REFUNDS = Table(
    name="paybacks", key=("tenant_id", "id"), personal=Personal(conversion="conversion_id", clear=("payer_name",))
)
TOY = Domain(name="toy", says="Only here.", tables=(VISITS, SIGN_UPS, REFUNDS))
TABLES = tables_of((*DOMAINS, TOY))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "archive"))


@pytest.fixture
def tenant(connection: Connection[Any], add_tenant: Any) -> str:
    """A tenant with a user, and the toy's tables."""
    connection.execute(
        """
        CREATE TABLE trackai.visits (
            tenant_id text NOT NULL, id bigint NOT NULL, email_hash text, user_id text, ip inet, user_agent text,
            page text, note text, happened_at timestamptz NOT NULL, anonymised_at timestamptz
        ) PARTITION BY RANGE (happened_at);
        CREATE TABLE trackai.sign_ups (
            tenant_id text NOT NULL, id bigint NOT NULL, email_hash text NOT NULL, happened_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, id)
        );
        CREATE TABLE trackai.paybacks (
            tenant_id text NOT NULL, id bigint NOT NULL, conversion_id bigint NOT NULL, payer_name text,
            PRIMARY KEY (tenant_id, id)
        )
        """
    )
    acme = str(add_tenant("acme", lookback_days=0))
    insert(connection, "users", {"tenant_id": acme, "id": "u-ann", "email_hash": ANN, "phone_hash": ANNS_PHONE})
    insert(connection, "users", {"tenant_id": acme, "id": "u-bob", "email_hash": BOB})
    return acme


def visit(connection: Connection[Any], tenant: str, number: int, day: date, **columns: Any) -> None:
    if day not in partition_days(connection, "visits"):
        create_detached(connection, "visits", day)
        attach_partition(connection, "visits", day)
    row = {"tenant_id": tenant, "id": number, "ip": "203.0.113.7", "page": "https://x.example/a?name=Ann",
           "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:124.0) Gecko/20100101 Firefox/124.0",
           "happened_at": midnight(day) + timedelta(hours=9), **columns}  # fmt: skip
    insert(connection, "visits", row)


def visits(connection: Connection[Any], relation: str = "visits") -> dict[int, dict[str, Any]]:
    rows = sql.SQL("SELECT t.id, to_jsonb(t) FROM {} t ORDER BY t.id")
    found = connection.execute(rows.format(sql.Identifier("trackai", relation)))
    return dict(found.fetchall())


def retain(connection: Connection[Any], url: str, store: Store, today: date = TODAY) -> Plan:
    def clock() -> datetime:
        return midnight(today) + timedelta(hours=3)

    plan = plan_retention(connection, TABLES, today=today, dry_run=False, clock=clock)
    return apply_plan(connection, url, store, TABLES, plan, clock=clock)


def outline(plan: Plan) -> list[tuple[str, str, int, str]]:
    return [(step.action, step.table_name, step.rows, step.state) for step in plan.steps]


def files(store: Store) -> str:
    """All rows of all archives, as text."""
    found = []
    for path in sorted(Path(store.root).rglob("*.parquet")):
        found += pq.read_table(path).to_pylist()
    return json.dumps(found, default=str)


def test_it_leaves_first_and_has_partitions_ahead(connection: Connection[Any], tenant: str) -> None:
    order = ["visits", "match_log", "sign_ups", "dispatch_attempts", "clicks", "ingest_rejects"]
    assert [name for name in leaving(TABLES) if name in order] == order
    create_partitions_ahead(connection, TABLES, today=TODAY)
    assert partition_days(connection, "visits") == [TODAY + ahead * DAY for ahead in range(-1, 29)]
    visit(connection, tenant, 1, TODAY + 28 * DAY)


def test_a_day_is_anonymised_archived_dropped_and_restored(
    connection: Connection[Any], database_url: str, tenant: str, store: Store
) -> None:
    policy = {"keep": 30 * DAY, "anonymise_after": 10 * DAY, "grace": timedelta(0)}
    set_policies(connection, {"table_name": "visits", **policy})
    old, young = TODAY - 40 * DAY, TODAY - 5 * DAY
    visit(connection, tenant, 1, old, email_hash=ANN, user_id="u-ann")
    visit(connection, tenant, 2, old, user_id="keep")
    visit(connection, tenant, 3, young, email_hash=BOB)
    visit(connection, tenant, 4, young, user_id="unready")
    before = visits(connection)
    plan = plan_retention(connection, TABLES, today=TODAY, dry_run=True)
    assert [step.blocked_by for step in plan.steps] == ["the visits are not linked yet", "the visit is still needed"]
    connection.execute("UPDATE trackai.visits SET user_id = NULL WHERE user_id IN ('keep', 'unready')")
    assert outline(retain(connection, database_url, store)) == [
        ("anonymise", "visits", 2, "done"),
        ("archive", "visits", 2, "done"),
    ]
    assert detached_days(connection, "visits") == [old]
    kept = visits(connection, f"visits_{old:%Y%m%d}")
    assert {name: value for name, value in kept[1].items() if before[1][name] != value and name != "anonymised_at"} == {
        "email_hash": None,
        "ip": "203.0.113.0/24",
        "user_agent": "Firefox",
        "page": "https://x.example/a",
    }
    assert kept[1]["anonymised_at"] is not None
    assert visits(connection)[3] == before[3], "the young stay as they are"
    assert outline(retain(connection, database_url, store, TODAY + DAY)) == [("drop", "visits", 2, "done")]
    assert detached_days(connection, "visits") == []
    assert restore_day(connection, database_url, store, VISITS, old, keep=30 * DAY) == 2
    assert {number: row for number, row in visits(connection).items() if number < 3} == kept


def _everywhere(connection: Connection[Any], url: str, tenant: str, store: Store) -> tuple[date, date, date]:
    """Ann and Bob in the table, in a detached partition, and in an archive; Ann by hash and by user id."""
    dropped, detached, here = TODAY - 60 * DAY, TODAY - 40 * DAY, TODAY
    number = 0
    for day in (dropped, detached, here):
        for columns in ({"email_hash": ANN}, {"user_id": "u-ann", "note": f"call [e-mail {ANN[:12]}]"},
                        {"email_hash": BOB, "user_id": "u-bob", "note": "call"}):  # fmt: skip
            number += 1
            visit(connection, tenant, number, day, **columns)
            who = columns.get("email_hash", ANN)
            row = {"tenant_id": tenant, "id": number, "email_hash": who, "happened_at": midnight(day)}
            insert(connection, "sign_ups", row)
    only_hers = TODAY - 61 * DAY
    insert(connection, "sign_ups", {"tenant_id": tenant, "id": 99, "email_hash": ANN,
                                    "happened_at": midnight(only_hers)})  # fmt: skip
    for keep, grace in ((50, 0), (30, 30)):
        policy = {"keep": keep * DAY, "grace": grace * DAY}
        set_policies(connection, {"table_name": "visits", **policy}, {"table_name": "sign_ups", **policy})
        assert retain(connection, url, store, TODAY - DAY).of("failed", "blocked") == []
        if not grace:
            assert retain(connection, url, store).of("failed", "blocked") == []
    states = {(file.table_name, file.day): file.state for file in archives(connection)}
    assert states == {
        ("visits", dropped): "dropped", ("visits", detached): "verified", ("sign_ups", only_hers): "dropped",
        ("sign_ups", dropped): "dropped", ("sign_ups", detached): "verified",
    }  # fmt: skip
    return dropped, detached, here


def test_a_person_is_erased_from_table_detached_partition_and_archive(
    connection: Connection[Any], database_url: str, tenant: str, store: Store
) -> None:
    dropped, detached, _ = _everywhere(connection, database_url, tenant, store)
    relation = f"visits_{detached:%Y%m%d}"
    bobs = {number: row for number, row in (visits(connection) | visits(connection, relation)).items()
            if row["email_hash"] == BOB}  # fmt: skip
    there = find(connection, store, (*DOMAINS, TOY), tenant, email_hash=ANN)
    # The detached day is in the database and in its file; so are its sign-ups.
    assert dict(there.tables) == {"users": 1, "visits": 8, "sign_ups": 9}
    assert there.archives == 5
    done = erase(connection, store, (*DOMAINS, TOY), tenant, email_hash=ANN)
    assert done == there
    rows = visits(connection) | visits(connection, relation)
    assert {number: row for number, row in rows.items() if row["email_hash"] == BOB} == bobs
    for number, row in rows.items():
        if number not in bobs:
            assert [row[name] for name in VISITS.personal.clear] == [None] * 4  # type: ignore[union-attr]
            assert row["note"] in (None, "erased")
            assert row["anonymised_at"] is not None
    everything = (
        files(store)
        + json.dumps([*rows.values()])
        + str(
            connection.execute(
                "SELECT email_hash FROM trackai.sign_ups UNION SELECT email_hash FROM trackai.users"
            ).fetchall()
        )
    )
    assert ANN not in everything
    assert "u-ann" not in everything
    assert ANN[:12] not in everything
    assert BOB in files(store)
    assert connection.execute("SELECT id FROM trackai.sign_ups ORDER BY id").fetchall() == [(6,), (9,)]
    # A file without a row is gone; the manifest knows the others as they are.
    assert {(file.table_name, file.day, file.rows) for file in archives(connection)} == {
        ("visits", dropped, 3), ("visits", detached, 3), ("sign_ups", dropped, 1), ("sign_ups", detached, 1)
    }  # fmt: skip
    assert len([*Path(store.root).rglob("*.parquet")]) == 4
    # The archives still hold together: what is due is dropped, and days come back.
    later = retain(connection, database_url, store, TODAY + 60 * DAY)
    assert later.of("failed") == []
    for table in (VISITS, SIGN_UPS):
        restore_day(connection, database_url, store, table, dropped, keep=DAY)
    assert find(connection, store, (*DOMAINS, TOY), tenant, email_hash=ANN).nothing


def test_the_phone_next_to_an_address_leads_to_the_user_id(
    connection: Connection[Any], database_url: str, tenant: str, store: Store
) -> None:
    visit(connection, tenant, 1, TODAY, user_id="u-ann")
    visit(connection, tenant, 2, TODAY, user_id="u-bob")
    assert erase(connection, store, (*DOMAINS, TOY), tenant, phone_hash=ANNS_PHONE).tables == {"users": 1, "visits": 1}
    assert [row["user_id"] for row in visits(connection).values()] == [None, "u-bob"]


def test_nobodys_hash_next_to_an_address_leads_to_nobody(
    connection: Connection[Any], database_url: str, tenant: str, store: Store
) -> None:
    cleo, dan, nothing = (sha256(text).hexdigest() for text in (b"cleo@example.com", b"dan@example.com", b""))
    for user, address in (("u-cleo", cleo), ("u-dan", dan)):
        insert(connection, "users", {"tenant_id": tenant, "id": user, "email_hash": address, "phone_hash": nothing})
    assert erase(connection, store, (*DOMAINS, TOY), tenant, email_hash=cleo).tables == {"users": 1}


def test_rows_of_a_sale_go_with_it(
    connection: Connection[Any], database_url: str, tenant: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, digest in ((1, ANN), (2, BOB)):
        insert(connection, "conversions", {"tenant_id": tenant, "id": number, "gateway": "stripe", "value": 1,
               "gateway_event_id": f"e{number}", "currency": "BRL", "occurred_at": midnight(TODAY - DAY),
               "customer_email_hash": digest})  # fmt: skip
        insert(connection, "paybacks", {"tenant_id": tenant, "id": number, "conversion_id": number, "payer_name": "x"})
    asked: list[tuple[str, tuple[int, ...]]] = []

    def closes(connection: Connection[Any], tenant_id: str, conversion_ids: Any, now: datetime) -> int:
        """Not at the first time."""
        asked.append((tenant_id, tuple(conversion_ids)))
        if len(asked) == 1:
            raise NotNowError("a refund is on its way")
        return 1

    toy = Domain(name="toy", says="Only here.", tables=TOY.tables, erased_with_sales=closes)
    done = erase(connection, store, (*DOMAINS, toy), tenant, email_hash=ANN)
    assert (done.conversions, done.events) == (1, 1)
    assert asked == [(tenant, (1,))] * 2
    names = connection.execute("SELECT payer_name FROM trackai.paybacks ORDER BY id").fetchall()
    assert names == [(None,), ("x",)]

    monkeypatch.setattr(erasing, "_PATIENCE_SECONDS", 0.2)

    def never(*_: Any) -> int:
        raise NotNowError("a refund is on its way")

    toy = Domain(name="toy", says="Only here.", tables=TOY.tables, erased_with_sales=never)
    with pytest.raises(ErasureUnfinishedError, match="a refund is on its way"):
        erase(connection, store, (*DOMAINS, toy), tenant, email_hash=BOB)
    assert connection.execute("SELECT payer_name FROM trackai.paybacks WHERE id = 2").fetchone() == ("x",)
