"""Computing tests: outcomes, totals and health of their days, then results and decisions, a tenant in a transaction.

What belongs here: the order of steps, what is due, and what is written. What does not: which sales count (outcomes.py),
sums (totals.py), statistics and decisions (results.py), and when it runs (defs/).

`ab_test_daily_health.excluded_users` is an object by reason, each an object with a number of users by variant, of those
assigned by the end of the day: {"excluded_user": {"control": 2, "a": 1}}. Reasons and variants without users are left
out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection, sql
from psycopg.types.json import Jsonb

from trackai_pipelines.database import locks
from trackai_pipelines.database.statements import statement
from trackai_pipelines.experiments.comparing import POPULATIONS, SO_FAR
from trackai_pipelines.experiments.deciding import Decided, Undecided
from trackai_pipelines.experiments.designs import Design, designs_to_compute
from trackai_pipelines.experiments.earlier_days import read_earlier
from trackai_pipelines.experiments.outcomes import MANY, Sales, count_arrived_users, count_users, plans, write_outcomes
from trackai_pipelines.experiments.periods import first_day, last_day
from trackai_pipelines.experiments.results import write_results
from trackai_pipelines.experiments.scans import (
    ScannedTest,
    arrival_tables,
    arrived_since,
    bring_outcomes_up_to_date,
    read_scans,
    sales_of_days,
    write_scans,
)
from trackai_pipelines.experiments.sharing import UserSample, write_shared_users
from trackai_pipelines.experiments.totals import (
    SCALES,
    Totals,
    UserCount,
    accumulated,
    daily_totals,
    excluded_users,
    stored,
)


@dataclass(frozen=True, slots=True)
class ComputedTest:
    """A test that was brought up to date."""

    design: Design
    from_day: date
    """The first UTC day whose figures were written."""
    to_day: date
    """The last one."""
    users: int
    """Analysed users on the last day."""
    conversions: int
    """Counted conversions on the last day."""
    standing: Decided | Undecided


@dataclass(frozen=True, slots=True)
class _Part:
    """What the totals of a test from a UTC day on are made of."""

    design: Design
    from_day: date
    sales: Sales
    counts: Sequence[UserCount]
    before: Mapping[str, NDArray[np.object_]] | None = None
    """The totals of the day before, by population and variant."""


def compute_tests(
    connection: Connection[Any], now: datetime, *, tenant_id: str | None = None, from_start: bool = False
) -> Iterator[ComputedTest]:
    """Bring all started tests that are not archived up to date, to the end of yesterday; yield each that changed.

    A test goes on from what it was, with what arrived since; a new one, one that was changed, and with `from_start`
    each is computed from nothing. The result is the same. Each tenant's tests are computed in a transaction, and a
    second run waits for it. The same facts give the same figures, however often it runs and whenever it was killed:
    what was not finished is done by the next run.
    """
    for tenant, designs in groupby(designs_to_compute(connection, tenant_id), lambda design: design.tenant_id):
        yield from _compute_tenant(connection, tenant, list(designs), now, from_start=from_start)


def _compute_tenant(
    connection: Connection[Any], tenant_id: str, designs: Sequence[Design], now: datetime, *, from_start: bool
) -> Sequence[ComputedTest]:
    today = now.astimezone(UTC).date()
    until = {design.id: last_day(design, today) for design in designs}
    designs = [design for design in designs if first_day(design) <= until[design.id]]
    if not designs:
        return []
    with connection.transaction():
        # A tenant's id is a text; 32 bits of its hash are enough to keep two tenants apart nearly always.
        connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (locks.EXPERIMENTS, tenant_id))
        scans = read_scans(connection, designs, until, now)
        going_on = [design for design in designs if not from_start and scans[design.id].scanned_to is not None]
        anew = [design for design in designs if design not in going_on]
        with plans(connection, MANY):
            parts = _from_nothing(connection, anew, until, now) if anew else []
            changes, sample = _from_changes(connection, going_on, until, scans, now) if going_on else ([], None)
        computed = [_write_test(connection, part, until[part.design.id], now) for part in (*parts, *changes)]
        if computed:
            write_shared_users(connection, designs, until, None if anew else sample)
        write_scans(connection, designs, until, scans)
        return computed


def _from_nothing(
    connection: Connection[Any], designs: Sequence[Design], until: Mapping[int, date], now: datetime
) -> list[_Part]:
    sales = write_outcomes(connection, designs, until, now)
    counts = count_users(connection, designs)
    return [_Part(design, first_day(design), sales[design.id], counts[design.id]) for design in designs]


def _from_changes(
    connection: Connection[Any],
    designs: Sequence[Design],
    until: Mapping[int, date],
    scans: Mapping[int, ScannedTest],
    now: datetime,
) -> tuple[list[_Part], UserSample]:
    with arrival_tables(connection):
        since = arrived_since(designs, scans)
        changed, sample = bring_outcomes_up_to_date(connection, designs, until, scans, now)
        designs = [design for design in designs if design.id in changed]
        if not designs:
            return [], sample
        earlier = {design.id: read_earlier(connection, design, changed[design.id]) for design in designs}
        # Without a day before, users count from the first that was assigned, and the days from the test's first one.
        from_days = {test: changed[test] if known else date.min for test, known in earlier.items()}
        sales = sales_of_days(connection, designs, until, from_days, since)
        counts = count_arrived_users(connection, designs, from_days, since)
    parts = []
    for design in designs:
        first, known = max(from_days[design.id], first_day(design)), earlier[design.id]
        users = [*counts[design.id], *(known.counts if known else ())]
        parts.append(_Part(design, first, sales[design.id], users, known.totals if known else None))
    return parts, sample


def _write_test(connection: Connection[Any], part: _Part, to_day: date, now: datetime) -> ComputedTest:
    design, from_day, counts = part.design, part.from_day, part.counts
    days = [from_day + timedelta(days=day) for day in range((to_day - from_day).days + 1)]
    totals = accumulated(daily_totals(design, days, part.sales, counts), part.before)
    of_days = {"tenant_id": design.tenant_id, "test_id": design.id, "from_day": from_day}
    connection.execute(statement("experiments/delete_totals"), of_days)
    _write_totals(connection, design, days, totals, now)
    connection.execute(statement("experiments/delete_health"), of_days)
    _write_excluded(connection, design, days, counts, now)
    users, conversions = (int(totals[name][-1, SO_FAR].sum()) for name in ("users_count", "conversions"))
    standing = write_results(connection, design, from_day, now)
    return ComputedTest(design, from_day, to_day, users, conversions, standing)


def _write_totals(
    connection: Connection[Any], design: Design, days: Sequence[date], totals: Totals, now: datetime
) -> None:
    names = ("tenant_id", "test_id", "day", "population", "variant_name", *SCALES, "computed_at")
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    copy = sql.SQL("COPY trackai.ab_test_daily_totals ({}) FROM STDIN").format(columns)
    with connection.cursor() as cursor, cursor.copy(copy) as rows:
        for at, day in enumerate(days):
            for which, population in enumerate(POPULATIONS):
                for place, variant in enumerate(design.variants):
                    sums = (stored(name, totals[name][at, which, place]) for name in SCALES)
                    rows.write_row((design.tenant_id, design.id, day, population, variant, *sums, now))


def _write_excluded(
    connection: Connection[Any], design: Design, days: Sequence[date], counts: Sequence[UserCount], now: datetime
) -> None:
    """Write a row of health for each day: users who are not analysed. Their p-values come with the results."""
    connection.execute(
        statement("experiments/write_excluded"),
        {
            "tenant_id": design.tenant_id,
            "test_id": design.id,
            "days": list(days),
            "excluded_users": [Jsonb(excluded_users(counts, day)) for day in days],
            "now": now,
        },
    )
