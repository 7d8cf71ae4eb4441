"""A test computed again and not written: as it was known at a moment, or as it would be with another design.

What belongs here: from sales and counts of users to all days of a test. What does not: which sales count (outcomes.py),
sums (totals.py), and what is computed every night (computing.py).
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
from psycopg import Connection

from trackai_pipelines.experiments.deciding import Course
from trackai_pipelines.experiments.designs import Design
from trackai_pipelines.experiments.diagnosing import health_of_days
from trackai_pipelines.experiments.outcomes import EVER, MANY, count_users, plans, read_outcomes
from trackai_pipelines.experiments.periods import first_day
from trackai_pipelines.experiments.totals import UserCount, accumulated, daily_totals, stored


def recomputed(
    connection: Connection[Any], design: Design, to_day: date, known_at: datetime | str = EVER
) -> tuple[Course, Sequence[UserCount]]:
    """Return a test from its first UTC day to `to_day`, from what had arrived by a moment, and its users by day.

    Needs a transaction. Writes nothing.
    """
    with plans(connection, MANY):
        sales = read_outcomes(connection, [design], {design.id: to_day}, known_at)[design.id]
        counts = count_users(connection, [design], known_at)[design.id]
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
    return Course(design, days, totals, health_of_days(design, totals, excluded)), counts
