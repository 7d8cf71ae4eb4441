"""Users and outcomes leave 400 days after their test was archived, come back, and forget a person wherever they are."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from declared import LEAVING, TABLES
from experiments.shop import add_test, insert
from lifecycle.old_rows import midnight
from psycopg import Connection, sql

from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.experiments.designs import read_design
from trackai_pipelines.experiments.domain import EXPERIMENTS
from trackai_pipelines.experiments.recomputing import refuse_what_has_left
from trackai_pipelines.experiments.refusals import ExperimentRefusedError
from trackai_pipelines.lifecycle.archive.manifest import archives
from trackai_pipelines.lifecycle.archive.parquet_files import batches_of_file
from trackai_pipelines.lifecycle.archive.restore import restore_day
from trackai_pipelines.lifecycle.archive.store import Store, open_store
from trackai_pipelines.lifecycle.personal_data.erase import erase, find
from trackai_pipelines.lifecycle.retention.apply import apply_plan
from trackai_pipelines.lifecycle.retention.plan import Plan, plan_retention

DAY = timedelta(days=1)
TODAY = date(2026, 11, 20)
BEFORE = TODAY - 400 * DAY
FIRST, SECOND, THIRD = BEFORE - 40 * DAY, BEFORE - 39 * DAY, BEFORE - 38 * DAY
NAMES = ("ab_test_assignments", "ab_test_reassignments", "ab_test_outcomes")
ANN = sha256(b"ann@example.com").hexdigest()
USERS = ("u-ann-2008", "u-bob-2008")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return a folder for the archive."""
    return open_store(str(tmp_path / "archive"))


@pytest.fixture
def tenant(connection: Connection[Any], add_tenant: Callable[..., str]) -> str:
    """Ann and Bob are in three tests: one was archived long ago, one 400 days ago, and one runs.

    On the first day only the first test has rows, on the second day the second test too, on the third only the last.
    """
    acme, globex = add_tenant("acme"), add_tenant("globex")
    insert(connection, "users", tenant_id=acme, id=USERS[0], email_hash=ANN)
    insert(connection, "users", tenant_id=acme, id=USERS[1])
    tests = {
        key: add_test(connection, acme, key, status=status, start_date=midnight(FIRST))
        for key, status in (("old", "archived"), ("recent", "archived"), ("runs", "running"))
    }
    for key, at in (("old", midnight(BEFORE) - timedelta(seconds=1)), ("recent", midnight(BEFORE))):
        event = {"tenant_id": acme, "test_id": tests[key], "at": at, "action": "archive", "to_status": "archived"}
        insert(connection, "ab_test_events", **event)
    for key, days in (("old", (FIRST, SECOND)), ("recent", (SECOND,)), ("runs", (THIRD,))):
        for day in days:
            _add_rows(connection, acme, tests[key], day, users=[f"{user}-{day}" for user in USERS[1:]])
    for key, day in (("old", FIRST), ("runs", THIRD)):
        _add_rows(connection, acme, tests[key], day, users=USERS)
    same = add_test(connection, globex, "old", status="archived")
    insert(
        connection, "ab_test_assignments", tenant_id=globex, test_id=same, user_id=USERS[0], variant_assigned="a",
        assigned_at=midnight(THIRD), created_at=midnight(THIRD),
    )  # fmt: skip
    return acme


def _add_rows(connection: Connection[Any], tenant: str, test: int, day: date, users: Any) -> None:
    for user in users:
        own = {"tenant_id": tenant, "test_id": test, "user_id": user}
        assigned = {"variant_assigned": "a", "assigned_at": midnight(day), "created_at": midnight(day)}
        insert(connection, "ab_test_assignments", **own, **assigned, source="acme/a\tb.jsonl")
        insert(connection, "ab_test_reassignments", **own, **assigned | {"variant_assigned": "control"})
        sale = {"conversion_id": abs(hash((test, user, day))), "occurred_at": midnight(day) + DAY / 2, "day": day}
        money = {"class": "counted", "value": "12.3456", "currency": "BRL", "computed_at": midnight(day)}
        insert(connection, "ab_test_outcomes", **own, **sale, **money)


def _retain(connection: Connection[Any], url: str, store: Store, today: date) -> set[tuple[str, str, date, int]]:
    def clock() -> datetime:
        return midnight(today) + timedelta(hours=3)

    plan = plan_retention(connection, TABLES, today=today, dry_run=False, clock=clock)
    done: Plan = apply_plan(connection, url, store, TABLES, plan, clock=clock)
    assert done.of("failed", "blocked") == []
    return {(step.action, step.table_name, step.day, step.rows_done or 0) for step in done.steps}


def _rows(connection: Connection[Any], name: str) -> set[str]:
    query = sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier("trackai", name))
    return {text for (text,) in connection.execute(query)}


def test_days_leave_when_their_tests_are_old_and_come_back(
    connection: Connection[Any], database_url: str, store: Store, tenant: str
) -> None:
    assert set(NAMES) == {table.name for table in EXPERIMENTS.tables if table.leaves != "never"}
    before = {name: _rows(connection, name) for name in NAMES}
    first = {(name, FIRST, 3) for name in NAMES}
    assert _retain(connection, database_url, store, TODAY) == {("archive", *step) for step in first}
    # The other test was archived a day later.
    second = {(name, SECOND, 2) for name in NAMES}
    assert _retain(connection, database_url, store, TODAY + DAY) == {("archive", *step) for step in second}
    assert {step for step in _retain(connection, database_url, store, TODAY + 8 * DAY) if step[0] == "drop"} == {
        ("drop", *step) for step in first | second
    }
    assert {len(_rows(connection, name)) for name in NAMES[1:]} == {3}
    old = read_design(connection, tenant, "old")
    for name in NAMES:
        restore_day(connection, database_url, store, LEAVING[name], FIRST, keep=DAY)
    # With a day of two, the test can be computed again up to that day.
    refuse_what_has_left(connection, old, FIRST)
    missing = "; ".join(f"{name} of {SECOND}" for name in sorted(NAMES))
    with pytest.raises(ExperimentRefusedError, match=f"up to {SECOND}: rows have left for the archive, {missing}\\."):
        refuse_what_has_left(connection, old, SECOND)
    for name in NAMES:
        restore_day(connection, database_url, store, LEAVING[name], SECOND, keep=DAY)
        assert _rows(connection, name) == before[name]
    refuse_what_has_left(connection, old, SECOND)
    # A test that goes on with the same users keeps the day.
    connection.execute("UPDATE trackai.ab_tests SET status = 'running' WHERE test_key = 'old'")
    later = _retain(connection, database_url, store, TODAY + 3_000 * DAY)
    assert {step[2] for step in later if step[1] in NAMES} & {FIRST, SECOND} == set()


def test_of_an_erased_person_nothing_is_left(
    connection: Connection[Any], database_url: str, store: Store, tenant: str, tmp_path: Path
) -> None:
    for days in (0, 7):
        _retain(connection, database_url, store, TODAY + days * DAY)
    insert(connection, "excluded_users", tenant_id=tenant, user_id=USERS[0], reason="other")
    insert(connection, "excluded_users", tenant_id="t-globex", user_id=USERS[0], reason="other")
    for line, user in enumerate(USERS, start=1):
        refused = {
            "source": "ab_assignments.jsonl",
            "line": line,
            "digest": str(line),
            "reason": "no or impossible time",
        }
        insert(connection, "ingest_rejects", tenant_id=tenant, payload=f'{{"user_id": "{user}"}}', **refused)
    found = find(connection, store, DOMAINS, tenant, email_hash=ANN)
    done = erase(connection, store, DOMAINS, tenant, email_hash=ANN)
    expected = dict.fromkeys(NAMES, 2) | {"excluded_users": 1}
    assert {name: count for name, count in found.tables.items() if name in expected} == expected
    assert {name: count for name, count in done.tables.items() if name in expected} == expected

    tables = (*NAMES, "excluded_users", "ingest_rejects")
    left = [row for name in tables for row in _rows(connection, name) if USERS[0] in row]
    assert [row for row in left if "globex" not in row] == []
    for file in (file for name in NAMES for file in archives(connection, name)):
        users = {user for batch in batches_of_file(store, file.path) for user in batch.column("user_id").to_pylist()}
        assert users == ({USERS[1], f"{USERS[1]}-{FIRST}"} if file.day == FIRST else {f"{USERS[1]}-{SECOND}"})
    # Others are where they were: Bob, and the other tenant's user of the same id.
    assert [len(_rows(connection, name)) for name in NAMES] == [5, 4, 4]
    assert len(_rows(connection, "excluded_users")) == 1
    assert sum(USERS[1] in row for row in _rows(connection, "ingest_rejects")) == 1
    assert find(connection, store, DOMAINS, tenant, email_hash=ANN).nothing
