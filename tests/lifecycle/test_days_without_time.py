"""Tables whose rows belong to a date, not to a moment: they leave, come back and lose a person like any other."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from lifecycle.old_rows import insert, midnight, set_policies
from psycopg import Connection, sql

from trackai_pipelines.database.partitions import attach_partition, create_detached, detached_days, partition_days
from trackai_pipelines.domain import Domain, Need, Personal, Remains, Table, tables_of
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.lifecycle.archive.manifest import archives
from trackai_pipelines.lifecycle.archive.reader import archive_reader, readable
from trackai_pipelines.lifecycle.archive.restore import restore_day
from trackai_pipelines.lifecycle.archive.store import Store, open_store
from trackai_pipelines.lifecycle.personal_data.erase import erase
from trackai_pipelines.lifecycle.retention.apply import apply_plan
from trackai_pipelines.lifecycle.retention.plan import Plan, plan_retention

TODAY = date(2026, 3, 20)
OLD, YOUNG = TODAY - timedelta(days=40), TODAY - timedelta(days=30)
DAY = timedelta(days=1)
ANN, BOB = (sha256(text.encode()).hexdigest() for text in ("ann@example.com", "bob@example.com"))

_PERSONAL = Personal(email_hash="email_hash", clear=("email_hash",), by_age={"email_hash": Remains.NOTHING})
SHARES = Table(name="shares", key=("tenant_id", "id", "day"), time="day", leaves="partition", personal=_PERSONAL)
TOTALS = Table(name="totals", key=("tenant_id", "place", "moment"), time="day", leaves="delete", personal=_PERSONAL)
TOY = Domain(name="toy", says="Only here.", tables=(SHARES, TOTALS))
TABLES = tables_of((*DOMAINS, TOY))
BOTH = pytest.mark.parametrize("table", [SHARES, TOTALS], ids=lambda table: table.name)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "archive"))


@pytest.fixture
def tenant(connection: Connection[Any], add_tenant: Any) -> str:
    """The toy's tables, with rows of two old days, the first days that are kept, and rows of no day."""
    columns = "tenant_id text NOT NULL, id bigint NOT NULL, share numeric(10, 9), email_hash text,"
    connection.execute(
        "CREATE TABLE trackai.shares ("
        + columns
        + " day date NOT NULL, anonymised_at timestamptz, PRIMARY KEY (tenant_id, id, day)) PARTITION BY RANGE (day);"
        "CREATE TABLE trackai.totals ("
        + columns
        + " day date, place smallint NOT NULL, moment timestamptz NOT NULL, anonymised_at timestamptz,"
        " PRIMARY KEY (tenant_id, place, moment))"
    )
    acme = str(add_tenant("acme"))
    for number, day in enumerate([OLD, OLD, OLD + DAY, YOUNG, YOUNG, TODAY, None]):
        share = {"tenant_id": acme, "id": number, "share": Decimal("0.000000001") * number, "day": day}
        share["email_hash"] = BOB if number % 2 else ANN
        if day and day not in partition_days(connection, "shares"):
            create_detached(connection, "shares", day)
            attach_partition(connection, "shares", day)
        if day:
            insert(connection, "shares", share)
        insert(connection, "totals", {**share, "place": number, "moment": midnight(TODAY) + timedelta(microseconds=1)})
    return acme


def keep(connection: Connection[Any], table: Table, days: int = 30, **policy: Any) -> None:
    set_policies(connection, {"table_name": table.name, "keep": days * DAY, "grace": timedelta(0), **policy})


def retain(connection: Connection[Any], url: str, store: Store, today: date = TODAY) -> Plan:
    def clock() -> datetime:
        return midnight(today) + timedelta(hours=3)

    plan = plan_retention(connection, TABLES, today=today, dry_run=False, clock=clock)
    return apply_plan(connection, url, store, TABLES, plan, clock=clock)


def outline(plan: Plan) -> list[tuple[str, date, int, str]]:
    return [(step.action, step.day, step.rows if step.rows_done is None else step.rows_done, step.state)
            for step in plan.steps]  # fmt: skip


def rows(connection: Connection[Any], table: Table) -> list[dict[str, Any]]:
    query = sql.SQL("SELECT to_jsonb(t) FROM {} t ORDER BY id").format(sql.Identifier("trackai", table.name))
    return [row for (row,) in connection.execute(query)]


def ids(connection: Connection[Any], table: Table) -> list[int]:
    return [row["id"] for row in rows(connection, table)]


@BOTH
def test_days_leave_and_come_back_as_they_were(
    connection: Connection[Any], database_url: str, store: Store, tenant: str, table: Table
) -> None:
    keep(connection, table)
    before = rows(connection, table)
    assert outline(retain(connection, database_url, store)) == [
        ("archive", OLD, 2, "done"), ("archive", OLD + DAY, 1, "done")
    ]  # fmt: skip
    file = archives(connection, table.name)[0]
    assert (file.first_row_at, file.last_row_at) == (midnight(OLD), midnight(OLD))
    assert outline(retain(connection, database_url, store, TODAY)) == [
        ("drop", OLD, 2, "done"), ("drop", OLD + DAY, 1, "done")
    ]  # fmt: skip
    # The day that is just 30 days old, today, and rows of no day.
    assert ids(connection, table) == [row["id"] for row in before if row["day"] not in (str(OLD), str(OLD + DAY))]
    assert detached_days(connection, table.name) == []
    with archive_reader(store) as duck:
        found = duck.execute("SELECT day, share FROM read_parquet($paths) ORDER BY id",
                             {"paths": readable(store, [file])}).fetchall()  # fmt: skip
    assert found == [(OLD, Decimal(0)), (OLD, Decimal("0.000000001"))]
    for day in (OLD, OLD + DAY):
        restore_day(connection, database_url, store, table, day, keep=DAY)
    assert rows(connection, table) == before


@BOTH
def test_a_late_row_is_archived_in_its_turn(
    connection: Connection[Any], database_url: str, store: Store, tenant: str, table: Table
) -> None:
    keep(connection, table)
    retain(connection, database_url, store)
    retain(connection, database_url, store)
    late = {"tenant_id": tenant, "id": 10, "share": 0, "day": OLD}
    if table is SHARES:
        create_detached(connection, "shares", OLD)
        attach_partition(connection, "shares", OLD)
    insert(connection, table.name, late if table is SHARES else {**late, "place": 10, "moment": midnight(TODAY)})
    assert outline(retain(connection, database_url, store)) == [("archive", OLD, 1, "done")]
    assert [(file.day, file.part, file.rows) for file in archives(connection, table.name)] == [
        (OLD, 1, 2), (OLD, 2, 1), (OLD + DAY, 1, 1)
    ]  # fmt: skip


@BOTH
def test_days_are_deleted_without_an_archive(
    connection: Connection[Any], database_url: str, store: Store, tenant: str, table: Table
) -> None:
    keep(connection, table, action="drop")
    assert outline(retain(connection, database_url, store)) == [
        ("delete", OLD, 2, "done"), ("delete", OLD + DAY, 1, "done")
    ]  # fmt: skip
    assert not {0, 1, 2}.intersection(ids(connection, table))
    assert archives(connection) == []


@BOTH
def test_rows_lose_personal_fields_by_their_day(
    connection: Connection[Any], database_url: str, store: Store, tenant: str, table: Table
) -> None:
    keep(connection, table, 1000, anonymise_after=30 * DAY)
    assert outline(retain(connection, database_url, store)) == [("anonymise", YOUNG, 3, "done")]
    kept = {row["id"]: row["email_hash"] for row in rows(connection, table)}
    assert [kept[number] for number in (0, 1, 2)] == [None] * 3
    assert None not in [kept[number] for number in (3, 4, 5)]


@BOTH
def test_a_person_is_erased_from_tables_and_archives(
    connection: Connection[Any], database_url: str, store: Store, tenant: str, table: Table
) -> None:
    keep(connection, table)
    retain(connection, database_url, store)
    retain(connection, database_url, store)
    erase(connection, store, (*DOMAINS, TOY), tenant, email_hash=ANN)
    found = [row for path in Path(store.root).rglob("*.parquet") for row in pq.read_table(path).to_pylist()]
    everywhere = json.dumps([found, rows(connection, table)], default=str)
    assert ANN not in everywhere
    assert BOB in everywhere
    restore_day(connection, database_url, store, table, OLD, keep=DAY)
    assert {row["id"]: row["email_hash"] for row in rows(connection, table) if row["day"] == str(OLD)} == {
        0: None, 1: BOB
    }  # fmt: skip


def test_another_room_may_keep_personal_fields_for_a_while(
    connection: Connection[Any], database_url: str, store: Store, tenant: str
) -> None:
    def unready(_: Connection[Any], before: date) -> str | None:
        return f"the totals before {before} are still needed"

    other = Domain(name="other", says="Only here.", needs=(Need(table="totals", anonymise_blocks=(unready,)),))
    keep(connection, TOTALS, 1000, anonymise_after=30 * DAY)
    tables = tables_of((*DOMAINS, TOY, other))
    plan = plan_retention(connection, tables, today=TODAY, dry_run=True, clock=lambda: datetime.now(UTC))
    assert [(step.action, step.blocked_by) for step in plan.steps] == [
        ("anonymise", f"the totals before {YOUNG} are still needed")
    ]
