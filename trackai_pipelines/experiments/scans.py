"""Scans: what arrived since tests were computed, brought into their outcomes, and the first day whose totals change.

What belongs here: which tests can be computed from what they were, and from which day on. What does not: how sales are
classified (outcomes.py), and what is written of the days (computing.py).

An arrival is a row with a time of its own: a link or an attribution of a sale, an assignment, an exclusion, other
hashes of a user. The scan of a test notes up to when they are worked in. What has no such time, an erased person or a
test that was changed, is answered by computing from nothing.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from psycopg import Connection, sql
from psycopg.types.json import Jsonb

from trackai_pipelines.database.statements import statement
from trackai_pipelines.experiments.designs import Design
from trackai_pipelines.experiments.outcomes import Sales, classified, composed, parameters, stored_outcomes
from trackai_pipelines.experiments.periods import MARGIN, first_day, midnight_after
from trackai_pipelines.experiments.sharing import UserSample, read_sample, share_of_users
from trackai_pipelines.experiments.user_bits import read_user_bits


@dataclass(frozen=True, slots=True)
class ScannedTest:
    """Up to where a test was computed, and whether the next computation can go on from there."""

    design: Mapping[str, Any]
    """What its totals and results depend on now, as plain data."""
    scanned_to: datetime | None
    """What arrived before this is worked in; None: the test is computed from nothing."""
    scans_to: datetime
    """What arrived before this will be worked in."""
    computed_to: date
    """The last UTC day with totals."""


def read_scans(
    connection: Connection[Any], designs: Sequence[Design], until: Mapping[int, date], now: datetime
) -> Mapping[int, ScannedTest]:
    """Return the scan of each of a tenant's tests, which are computed now up to the end of a UTC day each.

    Rows of transactions that are under way will be looked at by the next computation.
    """
    given = {"tenant_id": designs[0].tenant_id, "test_ids": [design.id for design in designs]}
    rows = {test_id: row for test_id, *row in connection.execute(statement("experiments/scans"), given)}
    scans = {}
    for design in designs:
        period, scanned_to, computed_to, stored, erased, begun = rows[design.id]
        described = json.loads(json.dumps({**asdict(design), "period": period}, default=str))
        goes_on = scanned_to is not None and not erased and stored == described and computed_to <= until[design.id]
        scans[design.id] = ScannedTest(
            design=described,
            scanned_to=scanned_to if goes_on else None,
            scans_to=min(now, begun or now) - MARGIN,
            computed_to=computed_to or date.min,
        )
    return scans


def write_scans(
    connection: Connection[Any], designs: Sequence[Design], until: Mapping[int, date], scans: Mapping[int, ScannedTest]
) -> None:
    """Note that a tenant's tests were computed up to the end of a UTC day each."""
    given = {
        "tenant_id": designs[0].tenant_id,
        "test_ids": [design.id for design in designs],
        "computed_to": [until[design.id] for design in designs],
        "designs": [Jsonb(scans[design.id].design) for design in designs],
        "scanned_to": [scans[design.id].scans_to for design in designs],
    }
    connection.execute(statement("experiments/write_scans"), given)


@contextmanager
def arrival_tables(connection: Connection[Any]) -> Iterator[None]:
    """Within the block, the tables of what arrived, which the functions below fill and read. Needs a transaction."""
    connection.execute(statement("experiments/stage_arrived_sales"))
    connection.execute(statement("experiments/stage_arrived_users"))
    connection.execute(statement("experiments/stage_touched_users"))
    yield
    connection.execute(statement("experiments/drop_arrivals"))


def arrived_since(designs: Sequence[Design], scans: Mapping[int, ScannedTest]) -> datetime:
    """Return from when on arrivals are looked at, for tests that go on."""
    return min(at for design in designs if (at := scans[design.id].scanned_to) is not None)


def bring_outcomes_up_to_date(
    connection: Connection[Any],
    designs: Sequence[Design],
    until: Mapping[int, date],
    scans: Mapping[int, ScannedTest],
    now: datetime,
) -> tuple[Mapping[int, date], UserSample]:
    """Write the outcomes of a tenant's tests that may be others since their scans.

    Returns of each test whose totals change the first UTC day on which they do, and a sample of users of all tests.
    """
    new = [day + timedelta(days=1) for design in designs if (day := scans[design.id].computed_to) < until[design.id]]
    new_until = midnight_after(max(until[design.id] for design in designs))
    one_in = share_of_users(connection, designs, [scans[design.id].computed_to for design in designs])
    given = {
        **parameters(designs, until),
        "since": arrived_since(designs, scans),
        "new_from": datetime.combine(min(new), time(tzinfo=UTC)) if new else new_until,
        "new_until": new_until,
        "computed_until": [midnight_after(scans[design.id].computed_to) for design in designs],
        "one_in": one_in,
        "now": now,
    }
    connection.execute(statement("experiments/add_arrived_sales"), given)
    connection.execute(statement("experiments/find_touched_users"), given)
    connection.execute(statement("experiments/analyse_touched_users"))
    given |= read_user_bits(connection, "experiments/pack_touched_users")
    sample = read_sample(connection, designs, "experiments/find_arrived_users", given)
    connection.execute(statement("experiments/add_other_sales"), given)
    connection.execute(statement("experiments/analyse_arrived_sales"))
    connection.execute(statement("experiments/analyse_arrived_users"))
    sales, users = sql.SQL(statement("experiments/arrived_sales")), sql.SQL("pg_temp.arrived_users")
    arrived = classified(sales, users, sql.SQL("(s.arrived OR u.arrived)"))
    days = connection.execute(statement("experiments/delete_arrived_outcomes"), given).fetchall()
    days += connection.execute(composed("experiments/add_arrived_outcomes", arrived), given).fetchall()
    first = {design.id: scans[design.id].computed_to + timedelta(days=1) for design in designs}
    for test, day in days:
        first[test] = min(first[test], day)
    changed = {
        design.id: max(first[design.id], first_day(design))
        for design in designs
        if first[design.id] <= until[design.id]
    }
    return changed, sample


def sales_of_days(
    connection: Connection[Any],
    designs: Sequence[Design],
    until: Mapping[int, date],
    from_days: Mapping[int, date],
    since: datetime,
) -> Mapping[int, Sales]:
    """Return what adds to the totals of tests from a UTC day on, once what arrived since a time is in their outcomes.

    That is all that users bought who bought or were assigned then, or whose window ended. From then on these are among
    the users who arrived.
    """
    first = {design.id: max(from_days[design.id], first_day(design)) for design in designs}
    window = {design.id: timedelta(days=design.window_days) for design in designs}
    given = {
        **parameters(designs, until),
        "since": since,
        "from_days": [from_days[design.id] for design in designs],
        "first_day": min(from_days.values()),
        "mature_from": min(first[test] - days for test, days in window.items()),
        "mature_until": max(
            midnight_after(until[design.id]) - timedelta(days=design.window_days) for design in designs
        ),
    }
    connection.execute(statement("experiments/add_users_of_days"), given)
    connection.execute(statement("experiments/clear_touched_users"))
    others = connection.execute(statement("experiments/find_other_buyers"), given).fetchone()
    if others != (0,):
        connection.execute(statement("experiments/analyse_touched_users"))
        connection.execute(statement("experiments/add_other_buyers"), given)
    connection.execute(statement("experiments/analyse_arrived_users"))
    # What explains them is at most `pre_days` older than the assignment, that a window; both are counted in hours.
    earliest = min(first[one.id] - timedelta(days=one.window_days + one.pre_days + 1) for one in designs)
    return stored_outcomes(connection, designs, until, earliest)
