"""The plan of retention: its edges, what the archive holds already, and what blocks each step."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from declared import LEAVING, TABLES
from lifecycle.old_rows import (
    insert_archive,
    insert_attempts,
    insert_clicks,
    insert_log,
    insert_rejects,
    insert_sales,
    midnight,
    set_policies,
)
from lifecycle.plans import NOW, TODAY, day, outline, plan
from matching.gates import override
from psycopg import Connection

from trackai_pipelines.database.partitions import detach_partition
from trackai_pipelines.lifecycle.retention.plan import latest_plan, plan_retention
from trackai_pipelines.match_rates.aggregate import aggregate_days

DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)


@pytest.fixture
def tenant(add_tenant: Callable[..., str]) -> str:
    return add_tenant("acme", lookback_days=0)


def test_a_day_is_due_when_its_last_moment_is_old_enough(connection: Connection[Any], tenant: str) -> None:
    set_policies(connection, {"table_name": "clicks", "keep": timedelta(days=90)})
    edge = midnight(TODAY) - timedelta(days=90)
    insert_clicks(
        connection, tenant, [edge - MICROSECOND, edge, edge + MICROSECOND, edge - DAY, edge - DAY - MICROSECOND]
    )
    assert outline(plan(connection)) == [
        ("archive", "clicks", date(2025, 12, 18), 1, frozenset()),
        ("archive", "clicks", date(2025, 12, 19), 2, frozenset()),
    ]
    assert outline(plan(connection, TODAY + DAY))[-1] == ("archive", "clicks", date(2025, 12, 20), 2, frozenset())
    # A session in another zone plans the same.
    connection.execute("SET timezone = 'America/Sao_Paulo'")
    assert len(plan(connection).steps) == 2


@pytest.mark.parametrize(
    ("keep", "last"),
    [
        ("90 days", date(2025, 12, 19)),
        ("89 days 23:59:59", date(2025, 12, 19)),
        ("90 days 00:00:01", date(2025, 12, 18)),
        ("1 month", date(2026, 2, 19)),
        ("1 microsecond", date(2026, 3, 18)),
    ],
)
def test_any_interval_ends_at_a_whole_day(connection: Connection[Any], tenant: str, keep: str, last: date) -> None:
    set_policies(connection, {"table_name": "ingest_rejects", "keep": keep, "action": "drop"})
    insert_rejects(connection, [midnight(last), midnight(last + DAY) - MICROSECOND, midnight(last + DAY)])
    (step,) = plan(connection).steps
    assert (step.action, step.day, step.rows) == ("delete", last, 2)
    assert step.reason.startswith("older than ")


@pytest.mark.parametrize("keep", ["170000 years", "178000000 years"])
def test_keeping_nearly_for_ever_is_no_error(connection: Connection[Any], tenant: str, keep: str) -> None:
    set_policies(
        connection,
        *({"table_name": name, "keep": keep, "grace": keep, "anonymise_after": keep} for name in ("clicks",)),
    )
    insert_clicks(connection, tenant, [midnight(day(500))])
    assert plan(connection).steps == ()


def test_rows_before_any_calendar_hold_nothing_up(connection: Connection[Any], tenant: str) -> None:
    set_policies(connection, {"table_name": "clicks", "keep": timedelta(days=90)})
    insert_clicks(connection, tenant, [midnight(day(100))])
    for at in ("-infinity", "0044-03-15 12:00:00+00 BC"):
        connection.execute(
            "INSERT INTO trackai.clicks (tenant_id, created_at) VALUES (%s, %s::timestamptz)", [tenant, at]
        )
    assert outline(plan(connection)) == [("archive", "clicks", day(100), 1, frozenset())]


def test_the_order_is_by_action_then_table_then_day(connection: Connection[Any], tenant: str) -> None:
    ninety = timedelta(days=90)
    set_policies(
        connection,
        {"table_name": "match_log", "keep": ninety},
        {"table_name": "dispatch_attempts", "keep": ninety},
        {"table_name": "clicks", "keep": ninety, "anonymise_after": timedelta(days=30)},
        {"table_name": "ingest_rejects", "keep": ninety, "action": "drop"},
        {"table_name": "conversions", "keep": ninety, "action": "anonymise"},
    )
    (sale,) = insert_sales(connection, tenant, [midnight(TODAY)])
    insert_sales(connection, tenant, [midnight(day(200))])
    for back in (101, 100):
        at = midnight(day(back))
        insert_rejects(connection, [at])
        insert_clicks(connection, tenant, [at])
        insert_attempts(connection, tenant, sale, [at])
        insert_log(connection, day(back), [at])
        for table in ("clicks", "match_log", "dispatch_attempts"):
            insert_archive(connection, table, day(back - 20), 1, keep_until=NOW)
    steps = plan(connection).steps
    assert [(step.action, step.table_name) for step in steps if step.day in (day(101), day(81), day(90), day(30))] == [
        ("anonymise", "clicks"),
        ("anonymise", "conversions"),
        ("archive", "match_log"),
        ("archive", "dispatch_attempts"),
        ("archive", "clicks"),
        ("drop", "match_log"),
        ("drop", "dispatch_attempts"),
        ("drop", "clicks"),
        ("delete", "ingest_rejects"),
    ]
    assert [step.day for step in steps if step.table_name == "match_log"] == [day(101), day(100), day(81), day(80)]


def test_rows_and_bytes(connection: Connection[Any], tenant: str) -> None:
    set_policies(
        connection,
        {"table_name": "match_log", "keep": timedelta(days=1)},
        {"table_name": "ingest_rejects", "keep": timedelta(days=1), "action": "drop"},
    )
    insert_log(connection, day(10), [midnight(day(10))] * 50)
    insert_log(connection, day(9), [])
    insert_rejects(connection, [midnight(day(10))] * 30 + [midnight(TODAY)] * 70)
    assert [step.bytes for step in plan(connection).steps if step.action == "delete"] == [None]
    connection.execute("ANALYZE trackai.ingest_rejects")
    full, empty, rejects = sorted(plan(connection).steps, key=lambda step: -step.rows)[:1] + [
        step for step in plan(connection).steps if step.rows < 50
    ]
    sizes = connection.execute(
        "SELECT pg_total_relation_size('trackai.match_log_20260310'),"
        " pg_total_relation_size('trackai.match_log_20260311'), pg_total_relation_size('trackai.ingest_rejects')"
    ).fetchone()
    assert sizes is not None
    assert (full.rows, full.bytes, empty.rows, empty.bytes) == (50, sizes[0], 0, sizes[1])
    assert rejects.rows == 30
    assert rejects.bytes == pytest.approx(sizes[2] * 0.3, abs=1)


# What is in the archive already ------------------------------------------------------------------------------------


def test_late_rows_and_several_files_of_a_day(connection: Connection[Any], tenant: str) -> None:
    set_policies(connection, {"table_name": "clicks", "keep": timedelta(days=10)})
    its_day = day(20)
    insert_clicks(connection, tenant, [midnight(its_day)] * 9)
    insert_archive(connection, "clicks", its_day, 5, keep_until=NOW)
    insert_archive(connection, "clicks", its_day, 2, part=2, keep_until=NOW + DAY)
    late, drop = plan(connection).steps
    assert (late.action, late.rows, drop.action, drop.rows) == ("archive", 2, "drop", 5)
    assert "not all of it is in the archive" in late.reason
    # Broken off while the first file's rows were being deleted.
    connection.execute("DELETE FROM trackai.clicks WHERE id IN (SELECT id FROM trackai.clicks LIMIT 6)")
    (drop,) = plan(connection).steps
    assert (drop.action, drop.rows) == ("drop", 1)
    connection.execute("UPDATE trackai.archives SET keep_until = %s", [NOW])
    (drop,) = plan(connection).steps
    assert (drop.action, drop.rows) == ("drop", 3)
    # Killed when nothing was left to do but saying so.
    connection.execute("DELETE FROM trackai.clicks")
    (drop,) = plan(connection).steps
    assert (drop.action, drop.rows, drop.blocked_by) == ("drop", 0, None)


def test_a_detach_that_was_broken_off_is_archived(connection: Connection[Any], tenant: str) -> None:
    set_policies(connection, {"table_name": "match_log", "keep": timedelta(days=10)})
    for back in (30, 29):
        insert_log(connection, day(back), [midnight(day(back))] * 3)
    detach_partition(connection, "match_log", day(30))
    connection.execute(
        "UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = 'trackai.match_log_20260219'::regclass"
    )
    assert outline(plan(connection)) == [
        ("archive", "match_log", day(30), 3, frozenset()),
        ("archive", "match_log", day(29), 3, frozenset()),
    ]


# What blocks a step ------------------------------------------------------------------------------------------------


def test_a_day_waits_for_its_match_rates(connection: Connection[Any], tenant: str) -> None:
    set_policies(connection, {"table_name": "match_log", "keep": timedelta(days=10)})
    insert_log(connection, day(20), [midnight(day(20))])
    insert_sales(connection, tenant, [midnight(day(20)), midnight(day(20) + DAY) - MICROSECOND])
    (step,) = plan(connection).steps
    assert step.blocked_by == (
        f"the match rates of {day(20)} do not count 2 conversions: run aggregate_match_rates for that day, or `trackai "
        f"aggregate --from {day(20)} --to {day(20)}`"
    )
    list(aggregate_days(connection, day(20), day(20)))
    assert plan(connection).steps[0].blocked_by is None
    insert_sales(connection, tenant, [midnight(day(20))])
    assert "do not count 1 conversions" in str(plan(connection).steps[0].blocked_by)


def test_clicks_wait_while_a_sale_can_reach_them(
    connection: Connection[Any], add_tenant: Callable[..., str], tenant: str
) -> None:
    set_policies(connection, {"table_name": "clicks", "keep": timedelta(days=10)})
    insert_clicks(connection, tenant, [midnight(day(31)) + DAY - MICROSECOND])
    add_tenant("gone", lookback_days=400, status="retired")
    careful = add_tenant("careful", lookback_days=31)
    (step,) = plan(connection).steps
    assert step.blocked_by == "a sale can still reach these clicks: a tenant looks back 31 days"
    # Sales of before keep their window; they may still arrive.
    connection.execute("UPDATE trackai.tenants SET lookback_days = 30 WHERE slug = 'careful'")
    assert plan(connection).steps == (step,)
    # The last click of the day is older than any sale can reach.
    override(connection, careful, "lookback_days", "30")
    assert plan(connection).steps[0].blocked_by is None
    connection.execute("UPDATE trackai.tenants SET status = 'retired'")
    assert plan(connection).steps[0].blocked_by is None


def test_attempts_wait_for_their_outcome(connection: Connection[Any], tenant: str) -> None:
    set_policies(connection, {"table_name": "dispatch_attempts", "keep": timedelta(days=10)})
    (sale,) = insert_sales(connection, tenant, [midnight(TODAY)])
    insert_attempts(connection, tenant, sale, [midnight(day(20)), midnight(day(19))])
    insert_attempts(connection, tenant, sale, [midnight(day(20))], status="pending")
    blocked, free = plan(connection).steps
    assert blocked.blocked_by == "the outcome of 1 attempts is not known yet: run `trackai dispatch`"
    assert (blocked.rows, free.blocked_by) == (2, None)


def test_a_restored_day_stays_as_long_as_was_asked(connection: Connection[Any], tenant: str) -> None:
    set_policies(connection, {"table_name": "match_log", "keep": timedelta(days=10)})
    insert_log(connection, day(20), [midnight(day(20))])
    insert_archive(connection, "match_log", day(20), 1, state="restored", keep_until=NOW + timedelta(minutes=1))
    (step,) = plan(connection).steps
    assert step.blocked_by == "restored, and kept until 2026-03-20 03:01:00 UTC"
    connection.execute("UPDATE trackai.archives SET keep_until = %s", [NOW])
    (step,) = plan(connection).steps
    assert (step.action, step.blocked_by) == ("archive", None)


def test_policies_that_nothing_can_be_done_for(connection: Connection[Any], tenant: str) -> None:
    year = timedelta(days=365)
    set_policies(
        connection,
        {"table_name": "clickz", "keep": year},
        {"table_name": "'; DROP TABLE trackai.clicks; --", "keep": year},
        {"table_name": "daily_match_rates", "keep": year, "action": "drop"},
        {"table_name": "identities", "keep": year},
        {"table_name": "tenants", "keep": year, "action": "anonymise"},
    )
    list(aggregate_days(connection, day(400), day(400)))
    said = {step.table_name: step.blocked_by for step in plan(connection).steps}
    assert len(said) == 5
    assert said["clickz"] == "there is no table trackai.clickz: correct or delete the table's row of retention_policies"
    for kept in ("daily_match_rates", "identities"):
        assert f"rows of {kept} are kept forever" in str(said[kept])
        assert f"only those of {', '.join(LEAVING)} leave" in str(said[kept])
    assert "only of clicks and conversions" in str(said["tenants"])


def test_archived_rows_stay_when_the_policy_changes(connection: Connection[Any], tenant: str) -> None:
    insert_clicks(connection, tenant, [midnight(day(20))])
    insert_archive(connection, "clicks", day(20), 1, keep_until=NOW)
    set_policies(connection, {"table_name": "clicks", "keep": timedelta(days=30)})
    (step,) = plan(connection).steps
    assert (step.action, step.rows, step.blocked_by) == ("drop", 1, "not older than 30 days on 2026-03-20")
    connection.execute("UPDATE trackai.retention_policies SET enabled = false")
    (step,) = plan(connection).steps
    assert str(step.blocked_by).startswith("no enabled policy lets rows of clicks leave any more")
    assert f"`trackai restore clicks {day(20)}`" in str(step.blocked_by)


def test_the_shipped_policies_want_nothing_of_an_empty_database(connection: Connection[Any]) -> None:
    found = plan_retention(connection, TABLES, today=datetime.now(UTC).date(), dry_run=True)
    assert found.steps == ()
    assert found.dry_run
    assert latest_plan(connection) is None
