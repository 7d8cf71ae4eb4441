"""Carrying plans out: with a real archive, in order, and as the dry run said."""

import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from declared import LEAVING, MATCH_LOG
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lifecycle.old_rows import (
    FILLED,
    count_rows,
    insert_attempts,
    insert_clicks,
    insert_log,
    insert_rejects,
    insert_sales,
    midnight,
    set_policies,
)
from lifecycle.plans import TODAY, Live, day, living, told
from psycopg import Connection, sql

from trackai_pipelines.database.partitions import attach_partition, detach_partition, detached_days, partition_days
from trackai_pipelines.lifecycle.archive.manifest import archives
from trackai_pipelines.lifecycle.archive.restore import restore_day
from trackai_pipelines.lifecycle.archive.store import Store, open_store
from trackai_pipelines.lifecycle.retention.plan import latest_plan

DAY = timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "archive"))


@pytest.fixture
def live(connection: Connection[Any], database_url: str, store: Store) -> Live:
    return living(connection, database_url, store)


@pytest.fixture
def tenant(add_tenant: Callable[..., str]) -> str:
    return add_tenant("acme", lookback_days=0)


def test_a_month_from_rows_to_files(connection: Connection[Any], live: Live, tenant: str, store: Store) -> None:
    """Every table of the shipped policies, with shorter times; grace runs from the day it was archived."""
    ten = timedelta(days=10)
    set_policies(
        connection,
        {"table_name": "match_log", "keep": ten, "grace": 2 * DAY},
        {"table_name": "dispatch_attempts", "keep": ten, "grace": timedelta(0)},
        {"table_name": "clicks", "keep": ten, "grace": DAY, "anonymise_after": 5 * DAY},
        {"table_name": "ingest_rejects", "keep": ten, "action": "drop"},
        {"table_name": "conversions", "keep": ten, "action": "anonymise"},
    )
    old = midnight(day(20))
    (sale,) = insert_sales(connection, tenant, [midnight(TODAY)], customer_email_hash="a" * 64)
    insert_log(connection, day(20), [old] * 3)
    insert_attempts(connection, tenant, sale, [old] * 4)
    insert_clicks(connection, tenant, [old] * 5 + [midnight(day(7))] * 2)
    insert_rejects(connection, [old] * 6)

    first = live()
    assert told(first) == [
        ("anonymise", "clicks", day(5), 7, "done"),
        ("archive", "match_log", day(20), 3, "done"),
        ("archive", "dispatch_attempts", day(20), 4, "done"),
        ("archive", "clicks", day(20), 5, "done"),
        ("delete", "ingest_rejects", day(20), 6, "done"),
    ]
    assert [archive.table_name for archive in archives(connection)] == ["clicks", "dispatch_attempts", "match_log"]
    assert all(store.exists(archive.path) for archive in archives(connection))
    assert first.steps[1].outcome is not None
    assert archives(connection, "match_log")[0].path in first.steps[1].outcome
    # Archived rows are still there, the log's beside their table; refused lines are gone.
    assert [count_rows(connection, table) for table in FILLED] == [0, 4, 7, 0]
    assert detached_days(connection, "match_log") == [day(20)]
    assert latest_plan(connection) == first
    assert first.finished_at == midnight(TODAY) + timedelta(hours=3)

    assert told(live()) == [("drop", "dispatch_attempts", day(20), 4, "done")]
    assert told(live()) == []
    assert told(live(TODAY + DAY)) == [("drop", "clicks", day(20), 5, "done")]
    assert told(live(TODAY + 2 * DAY)) == [("drop", "match_log", day(20), 3, "done")]
    assert [count_rows(connection, table) for table in FILLED] == [0, 0, 2, 0]
    assert detached_days(connection, "match_log") == []
    assert {archive.state for archive in archives(connection)} == {"dropped"}
    # The sale is old in its turn.
    assert told(live(TODAY + 12 * DAY)) == [
        ("anonymise", "conversions", TODAY + 2 * DAY, 1, "done"),
        ("archive", "clicks", day(7), 2, "done"),
    ]


def test_a_restored_day_leaves_again(connection: Connection[Any], database_url: str, live: Live, store: Store) -> None:
    set_policies(connection, {"table_name": "match_log", "keep": 10 * DAY, "grace": DAY})
    insert_log(connection, day(20), [midnight(day(20))] * 3)
    live()
    live(TODAY + DAY)
    assert (
        restore_day(
            connection, database_url, store, MATCH_LOG, day(20), keep=5 * DAY, clock=lambda: midnight(TODAY + 2 * DAY)
        )
        == 3
    )
    (step,) = live(TODAY + 3 * DAY).steps
    assert step.state == "blocked"
    assert step.blocked_by == f"restored, and kept until {TODAY + 7 * DAY} 00:00:00 UTC"
    assert count_rows(connection, "match_log") == 3
    assert told(live(TODAY + 7 * DAY)) == [("archive", "match_log", day(20), 3, "done")]
    assert told(live(TODAY + 8 * DAY)) == [("drop", "match_log", day(20), 3, "done")]
    (archive,) = archives(connection)
    assert (archive.state, archive.rows) == ("dropped", 3)


def test_a_day_whose_taking_back_was_broken_off_is_archived_anew(
    connection: Connection[Any], live: Live, store: Store
) -> None:
    """The partition is part of the log again, and the manifest still has its file: it may have got rows since."""
    set_policies(connection, {"table_name": "match_log", "keep": 10 * DAY, "grace": timedelta(0)})
    insert_log(connection, day(20), [midnight(day(20))] * 3)
    live()
    attach_partition(connection, "match_log", day(20))
    insert_log(connection, day(20), [midnight(day(20))])
    assert told(live()) == [("archive", "match_log", day(20), 4, "done")]
    (archive,) = archives(connection)
    assert (archive.rows, archive.state) == (4, "verified")
    assert told(live()) == [("drop", "match_log", day(20), 4, "done")]


@pytest.mark.parametrize("table", ["match_log", "clicks"])
def test_a_restored_day_that_is_deleted_can_be_restored_again(
    connection: Connection[Any], database_url: str, live: Live, tenant: str, store: Store, table: str
) -> None:
    set_policies(connection, {"table_name": table, "keep": 10 * DAY, "grace": timedelta(0)})
    insert_log(connection, day(20), [midnight(day(20))] * 3)
    insert_clicks(connection, tenant, [midnight(day(20))] * 3)
    live()
    live()

    def restore(at: date) -> int:
        return restore_day(
            connection, database_url, store, LEAVING[table], day(20), keep=DAY, clock=lambda: midnight(at)
        )

    assert restore(TODAY) == 3
    connection.execute("UPDATE trackai.retention_policies SET action = 'drop'")
    assert [step.state for step in live().steps] == ["blocked"]
    assert told(live(TODAY + DAY)) == [("delete", table, day(20), 3, "done")]
    assert restore(TODAY + DAY) == 3
    assert count_rows(connection, table) == 3


def test_an_empty_partition_goes_without_a_file(connection: Connection[Any], live: Live, store: Store) -> None:
    set_policies(connection, {"table_name": "match_log", "keep": 10 * DAY})
    for back in (20, 19):
        insert_log(connection, day(back), [])
    # As a run leaves it that is killed after detaching.
    detach_partition(connection, "match_log", day(20))
    done = live()
    assert told(done) == [("archive", "match_log", day(back), 0, "done") for back in (20, 19)]
    assert done.steps[0].outcome == "dropped the empty partition"
    assert archives(connection) == []
    assert min(partition_days(connection, "match_log")) > TODAY
    assert detached_days(connection, "match_log") == []
    assert told(live()) == []


def test_deleting_without_an_archive(connection: Connection[Any], live: Live, tenant: str) -> None:
    set_policies(connection, *({"table_name": table, "keep": 10 * DAY, "action": "drop"} for table in FILLED))
    (sale,) = insert_sales(connection, tenant, [midnight(TODAY)])
    edge = midnight(TODAY) - 10 * DAY
    times = [edge - timedelta(microseconds=1), edge - DAY, edge]
    insert_log(connection, day(11), times[:2])
    insert_attempts(connection, tenant, sale, times)
    insert_clicks(connection, tenant, times)
    # More than a batch.
    insert_rejects(connection, times)
    connection.execute(
        "INSERT INTO trackai.ingest_rejects (source, line, reason, digest, created_at)"
        " SELECT 'more', n, 'r', n, %s FROM generate_series(1, 12000) n",
        [edge - DAY],
    )
    assert told(live()) == [
        ("delete", "match_log", day(11), 2, "done"),
        ("delete", "dispatch_attempts", day(11), 2, "done"),
        ("delete", "clicks", day(11), 2, "done"),
        ("delete", "ingest_rejects", day(11), 12_002, "done"),
    ]
    assert [count_rows(connection, table) for table in FILLED] == [0, 1, 1, 1]
    assert archives(connection) == []
    # Whether it was delivered outlives the attempts.
    assert count_rows(connection, "past_deliveries") == 1
    assert told(live()) == []


# The dry run -------------------------------------------------------------------------------------------------------

backs = st.lists(st.integers(0, 6), max_size=5)
lifes = st.fixed_dictionaries(
    {
        "keeps": st.tuples(*[st.integers(1, 4)] * 5),
        "graces": st.tuples(*[st.integers(0, 2)] * 3),
        "deleted": st.sets(st.sampled_from(list(FILLED)), max_size=2),
        "log": st.dictionaries(st.integers(0, 6), st.integers(0, 3), max_size=4),
        "attempts": backs,
        "clicks": backs,
        "rejects": backs,
        "sales": backs,
        "restored": st.integers(0, 6),
    }
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(life=lifes)
def test_a_run_does_what_the_dry_run_said(
    connection: Connection[Any], database_url: str, live: Live, tenant: str, store: Store, life: dict[str, Any]
) -> None:
    """Over days of random worlds, with late rows and days that are brought back in between."""
    clear(connection, store)
    sale = live_into(connection, tenant, life)
    for offset in range(4):
        today = TODAY + offset * DAY
        said = live(today, dry_run=True)
        assert [*map(done_of, live(today, dry_run=True).steps)] == [*map(done_of, said.steps)]
        done = live(today)
        assert [*map(done_of, done.steps)] == [*map(done_of, said.steps)]
        told(done)
        assert done.of("failed") == []
        if offset == 1:
            insert_clicks(connection, tenant, [midnight(day(back)) for back in life["attempts"]])
            insert_attempts(connection, tenant, sale, [midnight(day(back)) for back in life["clicks"]])
        elif offset == 2:
            back = day(life["restored"])
            for table in {archive.table_name for archive in archives(connection, day=back)}:
                restore_day(
                    connection,
                    database_url,
                    store,
                    LEAVING[table],
                    back,
                    keep=DAY,
                    clock=lambda now=today: midnight(now),  # type: ignore[misc]
                )


def done_of(step: Any) -> Any:
    return step.place, step.action, step.table_name, step.day, step.rows, step.blocked_by


def live_into(connection: Connection[Any], tenant: str, life: dict[str, Any]) -> int:
    set_policies(
        connection,
        *(
            {
                "table_name": table,
                "keep": keep * DAY,
                "grace": grace * DAY,
                "action": "drop" if table in life["deleted"] or table == "ingest_rejects" else "archive_then_drop",
            }
            for table, keep, grace in zip(FILLED, life["keeps"][:4], (*life["graces"], 0), strict=True)
        ),
        {"table_name": "conversions", "keep": life["keeps"][4] * DAY, "action": "anonymise"},
    )
    (sale,) = insert_sales(connection, tenant, [midnight(TODAY + 30 * DAY)])
    for back, rows in life["log"].items():
        insert_log(connection, day(back), [midnight(day(back)) + timedelta(hours=1)] * rows)
    insert_attempts(connection, tenant, sale, [midnight(day(back)) for back in life["attempts"]])
    insert_clicks(connection, tenant, [midnight(day(back)) for back in life["clicks"]])
    insert_rejects(connection, [midnight(day(back)) for back in life["rejects"]])
    insert_sales(connection, tenant, [midnight(day(back)) for back in life["sales"]])
    return sale


def clear(connection: Connection[Any], store: Store) -> None:
    for back in range(-4, 8):
        partition = sql.Identifier("trackai", f"match_log_{day(back):%Y%m%d}")
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(partition))
    connection.execute(
        "TRUNCATE trackai.clicks, trackai.dispatch_attempts, trackai.ingest_rejects, trackai.conversions,"
        " trackai.conversion_buyers, trackai.archives, trackai.retention_plans, trackai.deleted_clicks CASCADE"
    )
    shutil.rmtree(store.root, ignore_errors=True)
