"""The plan of retention: against an independent oracle on random worlds, at its edges, and what blocks each step."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
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
from psycopg import Connection, Rollback

from trackai_pipelines.lifecycle.partitions import detach_partition
from trackai_pipelines.lifecycle.plan import Plan, Step, latest_plan, plan_retention
from trackai_pipelines.lifecycle.tables import LEAVING
from trackai_pipelines.match_rates.aggregate import aggregate_days

TODAY = date(2026, 3, 20)
NOW = midnight(TODAY) + timedelta(hours=3)
DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)
# What a sentence of `blocked_by` is about, by words of it.
KINDS = {
    "do not count": "rates",
    "looks back": "lookback",
    "not known yet": "open",
    "restored, and kept": "restored",
    "not older": "young",
    "no enabled policy": "no policy",
    "no table trackai": "no table",
    "kept for ever": "for ever",
    "do not leave": "stays",
    "fields of a person": "no fields",
}
Outline = tuple[str, str, date, int, frozenset[str]]


def day(back: int) -> date:
    return TODAY - timedelta(days=back)


def plan(connection: Connection[Any], today: date = TODAY, *, dry_run: bool = False) -> Plan:
    return plan_retention(connection, today=today, dry_run=dry_run, clock=lambda: NOW)


def outline(found: Plan) -> list[Outline]:
    return [(step.action, step.table_name, step.day, step.rows, kinds_of(step)) for step in found.steps]


def kinds_of(step: Step) -> frozenset[str]:
    assert (step.blocked_by is None) == (step.state == "planned")
    kinds = frozenset(kind for words, kind in KINDS.items() if words in (step.blocked_by or ""))
    assert bool(kinds) == (step.state == "blocked")
    return kinds


# Random worlds -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Policy:
    table: str
    keep: timedelta
    action: str
    enabled: bool
    anonymise_after: timedelta | None


@dataclass(frozen=True)
class Days:
    """A table's rows of a UTC day, and what the manifest says of the day: at most one file."""

    table: str
    back: int
    times: tuple[timedelta, ...]
    """Since midnight."""
    alone: bool
    """Its partition is detached."""
    state: str | None
    archived: int
    kept: bool
    """The file's rows are to stay for a while longer."""


@dataclass(frozen=True)
class World:
    policies: tuple[Policy, ...]
    days: tuple[Days, ...]
    sales: tuple[tuple[int, timedelta], ...]
    aggregated: frozenset[int]
    open_attempts: frozenset[int]
    lookback: int
    retired_lookback: int


keeps = st.integers(0, 8).flatmap(
    lambda days: st.sampled_from([timedelta(hours=h) for h in (1, 12)] + [MICROSECOND, timedelta(0), -MICROSECOND]).map(
        lambda more: max(timedelta(days=days) + more, MICROSECOND)
    )
)
policies = st.builds(
    Policy,
    table=st.sampled_from((*LEAVING, *LEAVING, "conversions", "daily_match_rates", "identities", "no_such_table")),
    keep=keeps,
    action=st.sampled_from(("archive_then_drop", "archive_then_drop", "drop", "anonymise")),
    enabled=st.sampled_from((True, True, True, False)),
    anonymise_after=st.none() | keeps,
)
moments = st.sampled_from((timedelta(0), MICROSECOND, timedelta(hours=13), DAY - MICROSECOND))
days = st.builds(
    Days,
    table=st.sampled_from((*LEAVING, "conversions")),
    back=st.integers(0, 10),
    times=st.lists(moments, max_size=4).map(tuple),
    alone=st.booleans(),
    state=st.sampled_from((None, None, "verified", "restored", "dropped")),
    archived=st.integers(1, 5),
    kept=st.booleans(),
)
worlds = st.builds(
    World,
    policies=st.lists(policies, max_size=6, unique_by=lambda policy: policy.table).map(tuple),
    days=st.lists(days, max_size=12, unique_by=lambda of: (of.table, of.back)).map(tuple),
    sales=st.lists(st.tuples(st.integers(0, 10), moments), max_size=4).map(tuple),
    aggregated=st.frozensets(st.integers(0, 10)),
    open_attempts=st.frozensets(st.integers(0, 10), max_size=3),
    lookback=st.integers(0, 9),
    retired_lookback=st.integers(0, 20),
)


def build(connection: Connection[Any], world: World) -> None:
    connection.execute(
        "INSERT INTO trackai.tenants (id, slug, name, status, lookback_days)"
        " VALUES ('a', 'a', 'A', 'suspended', %s), ('b', 'b', 'B', 'retired', %s)",
        [world.lookback, world.retired_lookback],
    )
    set_policies(
        connection,
        *(
            {
                "table_name": policy.table, "keep": policy.keep, "action": policy.action, "enabled": policy.enabled,
                "anonymise_after": policy.anonymise_after,
            }
            for policy in world.policies
        ),
    )  # fmt: skip
    for back, moment in world.sales:
        insert_sales(connection, "a", [midnight(day(back)) + moment])
    # Aggregated too early: what comes afterwards is not counted.
    for back in world.aggregated:
        list(aggregate_days(connection, day(back), day(back), clock=lambda: NOW))
    (bought,) = insert_sales(connection, "a", [midnight(TODAY + DAY)])
    for of in world.days:
        times = [midnight(day(of.back)) + moment for moment in of.times]
        if of.table == "match_log":
            insert_log(connection, day(of.back), times, attached=not of.alone)
        elif of.table == "clicks":
            insert_clicks(connection, "a", times)
        elif of.table == "dispatch_attempts":
            insert_attempts(connection, "a", bought, times)
            if of.back in world.open_attempts:
                insert_attempts(connection, "a", bought, [midnight(day(of.back))], status="pending")
        elif of.table == "ingest_rejects":
            insert_rejects(connection, times)
        else:
            insert_sales(connection, "a", times)
        if of.state and of.table != "conversions":
            until = NOW + MICROSECOND if of.kept else NOW
            dropped = NOW if of.state == "dropped" else None
            insert_archive(
                connection, of.table, day(of.back), of.archived, keep_until=until, state=of.state, dropped_at=dropped
            )


def expected(world: World) -> list[Outline]:
    """What is to be done, counted in Python."""
    enabled = {policy.table: policy for policy in world.policies if policy.enabled}
    found: list[Outline] = []
    for policy in enabled.values():
        afters = [policy.anonymise_after] if policy.anonymise_after else []
        afters += [policy.keep] if policy.action == "anonymise" else []
        if afters:
            cutoff = (midnight(TODAY) - min(afters)).date()
            if policy.table in ("clicks", "conversions"):
                due = [at for at in times_of(world, policy.table) if at < midnight(cutoff)]
                if due:
                    found.append(("anonymise", policy.table, cutoff, len(due), frozenset()))
            else:
                found.append(("anonymise", policy.table, cutoff, 0, frozenset({"no fields"})))
        if policy.action != "anonymise" and policy.table not in LEAVING:
            kind = {"daily_match_rates": "for ever", "no_such_table": "no table"}.get(policy.table, "stays")
            action = "delete" if policy.action == "drop" else "archive"
            found.append((action, policy.table, (midnight(TODAY) - policy.keep).date(), 0, frozenset({kind})))
    for of in world.days:
        found += steps_of_day(world, of, enabled.get(of.table))
    order = [*LEAVING, "conversions", "daily_match_rates", "identities", "no_such_table"]
    actions = ["anonymise", "archive", "drop", "delete"]
    return sorted(found, key=lambda step: (actions.index(step[0]), order.index(step[1]), step[2]))


def steps_of_day(world: World, of: Days, policy: Policy | None) -> list[Outline]:
    if of.table == "conversions":
        return []
    its_day = day(of.back)
    verified_due = of.state == "verified" and not of.kept
    if policy is None or policy.action == "anonymise":
        blocked = frozenset({"no policy"})
        return [("drop", of.table, its_day, of.archived, blocked)] if verified_due else []
    old = midnight(its_day) + DAY <= midnight(TODAY) - policy.keep
    rows = len(of.times)
    log = of.table == "match_log"
    if of.table == "dispatch_attempts" and of.back in world.open_attempts:
        rows += 1
    kinds = set()
    if of.table in ("match_log", "clicks") and uncounted(world, of.back):
        kinds.add("rates")
    if of.table == "clicks" and of.back - 1 < world.lookback:
        kinds.add("lookback")
    if of.table == "dispatch_attempts" and of.back in world.open_attempts and old:
        kinds.add("open")
    remove = "delete" if policy.action == "drop" else "archive"
    steps: list[Outline] = []
    again = log and old and not of.alone and remove == "archive"
    if verified_due and not again:
        there = min(of.archived, rows) if old else of.archived
        steps.append(("drop", of.table, its_day, there, frozenset(kinds | (set() if old else {"young"}))))
    if old and (log or rows):
        rest = rows
        if of.state == "verified" and not again:
            rest = 0 if log or remove == "delete" else max(0, rows - of.archived)
        if of.state == "restored" and of.kept:
            kinds.add("restored")
        if rest or of.state != "verified" or again:
            steps.append((remove, of.table, its_day, rest, frozenset(kinds)))
    return steps


def times_of(world: World, table: str) -> list[datetime]:
    times = [midnight(day(of.back)) + moment for of in world.days if of.table == table for moment in of.times]
    if table == "conversions":
        times += [midnight(day(back)) + moment for back, moment in world.sales]
    return times


def uncounted(world: World, back: int) -> bool:
    """Whether the day has sales that its match rates do not count."""
    early = [sale for sale, _ in world.sales if sale == back]
    late = [moment for of in world.days if of.table == "conversions" and of.back == back for moment in of.times]
    return bool(late) or (bool(early) and back not in world.aggregated)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=worlds)
def test_the_plan_is_what_python_expects(connection: Connection[Any], world: World) -> None:
    with connection.transaction():
        build(connection, world)
        found = plan(connection)
        assert outline(found) == expected(world)
        assert [step.place for step in found.steps] == [*range(1, len(found.steps) + 1)]
        # What is stored is what was given, and planning changes nothing that is planned.
        assert latest_plan(connection) == found
        assert outline(plan(connection, dry_run=True)) == outline(found)
        raise Rollback


# Edges -------------------------------------------------------------------------------------------------------------


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
    assert (rejects.rows, rejects.bytes) == (30, pytest.approx(sizes[2] * 0.3, abs=1))


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
    add_tenant("careful", lookback_days=31)
    (step,) = plan(connection).steps
    assert step.blocked_by == "a sale can still reach these clicks: a tenant looks back 31 days"
    # The last click of the day is older than any sale of today can reach.
    connection.execute("UPDATE trackai.tenants SET lookback_days = 30 WHERE slug = 'careful'")
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
    assert "kept for ever" in str(said["daily_match_rates"])
    assert "only those of match_log, dispatch_attempts, clicks, ingest_rejects do" in str(said["identities"])
    assert "only those of clicks and conversions" in str(said["tenants"])


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
    found = plan_retention(connection, today=datetime.now(UTC).date(), dry_run=True)
    assert found.steps == ()
    assert found.dry_run
    assert latest_plan(connection) is None
