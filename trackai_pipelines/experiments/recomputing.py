"""A test computed again and not written: as it was known at a moment, or as it would be with another design.

What belongs here: from sales and counts of users to all days of a test. What does not: which sales count (outcomes.py),
sums (totals.py), and what is computed every night (computing.py).
"""

from collections.abc import Sequence
from datetime import UTC, date, timedelta
from functools import partial
from typing import Any

import numpy as np
from psycopg import Connection

from trackai_pipelines.database.statements import statement
from trackai_pipelines.experiments.deciding import Course
from trackai_pipelines.experiments.designs import Design
from trackai_pipelines.experiments.diagnosing import health_of_days
from trackai_pipelines.experiments.outcomes import Sales
from trackai_pipelines.experiments.periods import first_day, outcomes_from
from trackai_pipelines.experiments.refusals import ExperimentRefusedError
from trackai_pipelines.experiments.totals import UserCount, accumulated, daily_totals, stored

_MOST_NAMED = 3


def refuse_what_has_left(connection: Connection[Any], design: Design, to_day: date) -> None:
    """Raise ExperimentRefusedError where rows that a test needs up to a UTC day have left for the archive."""
    given = {
        "tenant_id": design.tenant_id,
        "test_id": design.id,
        "from_day": outcomes_from(design).astimezone(UTC).date(),
        "to_day": to_day,
    }
    days: dict[str, list[str]] = {}
    for table, day in connection.execute(statement("experiments/left_days"), given):
        days.setdefault(table, []).append(str(day))
    if days:
        missing = "; ".join(f"{table} of {_few(of_table)}" for table, of_table in days.items())
        table, (day, *_) = next(iter(days.items()))
        raise ExperimentRefusedError(
            f"{design.test_key} cannot be computed again up to {to_day}: rows have left for the archive, {missing}. "
            f"`trackai restore {table} {day}` brings a day back."
        )


def _few(days: Sequence[str]) -> str:
    more = len(days) - _MOST_NAMED
    return ", ".join(days[:_MOST_NAMED]) + (f" and {more} more days" if more > 0 else "")


def course_of(design: Design, to_day: date, sales: Sales, counts: Sequence[UserCount]) -> Course:
    """Return a test from its first UTC day to `to_day`, from its sales and its users by day."""
    first = first_day(design)
    days = [first + timedelta(days=day) for day in range((to_day - first).days + 1)]
    sums = accumulated(daily_totals(design, days, sales, counts))
    totals = {
        name: np.asarray(np.frompyfunc(partial(stored, name), 1, 1)(values), dtype=object)
        for name, values in sums.items()
    }
    excluded = np.zeros((len(days), len(design.variants)))
    for count in counts:
        if count.exclusion is not None and count.variant_name in design.variants:
            since = max((count.day - first).days, 0)
            excluded[since:, design.variants.index(count.variant_name)] += count.users
    return Course(design, days, totals, health_of_days(design, totals, excluded))
