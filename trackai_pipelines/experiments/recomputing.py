"""A test computed again and not written: as it was known at a moment, or as it would be with another design.

What belongs here: from sales and counts of users to all days of a test. What does not: which sales count (outcomes.py),
sums (totals.py), and what is computed every night (computing.py).
"""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any

import numpy as np
from psycopg import Connection

from trackai_pipelines.database.statements import statement
from trackai_pipelines.experiments.deciding import Course
from trackai_pipelines.experiments.designs import Design
from trackai_pipelines.experiments.diagnosing import health_of_days
from trackai_pipelines.experiments.outcomes import Sales
from trackai_pipelines.experiments.periods import first_day
from trackai_pipelines.experiments.refusals import ExperimentRefusedError
from trackai_pipelines.experiments.totals import UserCount, accumulated, daily_totals, stored


def refuse_what_has_left(connection: Connection[Any], design: Design) -> None:
    """Raise ExperimentRefusedError for a test whose assignments have left for the archive."""
    given = {"tenant_id": design.tenant_id, "test_id": design.id}
    row = connection.execute(statement("experiments/has_left"), given).fetchone()
    if row is not None and row[0]:
        raise ExperimentRefusedError(
            f"Assignments of {design.test_key} have left for the archive, so it cannot be computed again. "
            "`trackai restore ab_test_assignments DAY` brings a day back."
        )


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
