"""The plan of retention against an independent oracle in Python, on random policies, rows, archives and tenants."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from declared import LEAVING
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lifecycle.old_rows import (
    FILLED,
    insert_archive,
    insert_attempts,
    insert_clicks,
    insert_log,
    insert_rejects,
    insert_sales,
    midnight,
    set_policies,
)
from lifecycle.plans import NOW, TODAY, Outline, day, outline, plan
from psycopg import Connection, Rollback

from trackai_pipelines.lifecycle.retention.plan import latest_plan
from trackai_pipelines.match_rates.aggregate import aggregate_days

pytestmark = pytest.mark.slow

DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)


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
    table=st.sampled_from((*FILLED, *FILLED, "conversions", "daily_match_rates", "identities", "no_such_table")),
    keep=keeps,
    action=st.sampled_from(("archive_then_drop", "archive_then_drop", "drop", "anonymise")),
    enabled=st.sampled_from((True, True, True, False)),
    anonymise_after=st.none() | keeps,
)
moments = st.sampled_from((timedelta(0), MICROSECOND, timedelta(hours=13), DAY - MICROSECOND))
days = st.builds(
    Days,
    table=st.sampled_from((*FILLED, "conversions")),
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
            kind = "no table" if policy.table == "no_such_table" else "stays"
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
    if of.table == "dispatch_attempts" and of.back in world.open_attempts:
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
