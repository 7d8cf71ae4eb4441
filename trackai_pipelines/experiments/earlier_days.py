"""What is stored of a test's days before the one that totals are computed from.

What belongs here: reading it as the computation of totals takes it. What does not: the computation (totals.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection, sql

from trackai_pipelines.database.statements import statement
from trackai_pipelines.experiments.comparing import POPULATIONS, SO_FAR
from trackai_pipelines.experiments.designs import Design
from trackai_pipelines.experiments.periods import first_day
from trackai_pipelines.experiments.totals import SCALES, UserCount, whole


@dataclass(frozen=True, slots=True)
class EarlierDays:
    """The days before."""

    totals: Mapping[str, NDArray[np.object_]]
    """Those of the day before, by population and variant."""
    counts: tuple[UserCount, ...]
    """Users of days before whose window ends on a later one, and all who are not analysed, as of the day before."""


def read_earlier(connection: Connection[Any], design: Design, from_day: date) -> EarlierDays | None:
    """Return what the totals of the UTC days from `from_day` on go on from; None where there is nothing, or not all.

    Users whose window ends on a day are those who were assigned `window_days` before: totals know how many.
    """
    last = from_day - timedelta(days=1)
    first = max(first_day(design), from_day - timedelta(days=design.window_days + 1))
    days = (last - first).days + 1
    given = {
        "tenant_id": design.tenant_id,
        "test_id": design.id,
        "first": first,
        "last": last,
        "variants": list(design.variants),
    }
    columns = sql.SQL(", ").join(sql.Identifier("t", name) for name in SCALES)
    query = sql.SQL(statement("experiments/earlier_totals")).format(columns=columns)
    rows = connection.execute(query, given).fetchall()
    if days < 1 or len(rows) != days * len(POPULATIONS) * len(design.variants):
        return None
    sums = np.zeros((days, len(POPULATIONS), len(design.variants), len(SCALES)), dtype=object)
    for day, population, variant, _, *values in rows:
        sums[(day - first).days, POPULATIONS.index(population), design.variants.index(variant)] = values
    totals = {
        name: np.asarray(np.frompyfunc(partial(whole, name), 1, 1)(sums[-1, ..., place]), dtype=object)
        for place, name in enumerate(SCALES)
    }
    excluded = next(row[3] for row in rows if row[0] == last)
    counts = [
        UserCount(variant, last, reason, users, 0) for reason, of in excluded.items() for variant, users in of.items()
    ]
    places = [list(SCALES).index(name) for name in ("users_count", "unlinked_users")]
    added = [np.diff(sums[:, SO_FAR, :, place], axis=0, prepend=0) for place in places]
    # The first row that is read may have users of days before it, whose window is over.
    for back in range(0 if first == first_day(design) else 1, days):
        for variant, users, unlinked in zip(design.variants, *(values[back].tolist() for values in added), strict=True):
            counts.append(UserCount(variant, first + timedelta(days=back), None, users, unlinked))
    return EarlierDays(totals, tuple(counts))
