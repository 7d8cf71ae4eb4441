"""What a tenant's users bought lately, without any test: what plans start from and calibration splits.

What belongs here: users with their sums, and totals of any split of them. What does not: plans and verdicts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from trackai_pipelines.database.statements import statement
from trackai_pipelines.experiments.comparing import Totals, moments_of
from trackai_pipelines.experiments.planning import Baseline
from trackai_pipelines.experiments.statistics.arrays import Array
from trackai_pipelines.experiments.statistics.means import Moments

MOST_USERS = 200_000
"""Of more, a share is read: their figures are within one per cent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lately:
    """Which sales count, as a test has it, and up to when."""

    until: datetime
    window_days: int = 14
    pre_days: int = 28
    outcome_event: str = "Purchase"
    outcome_scope: str = "all"
    currency: str | None = None
    revenue_cap: Decimal | None = None

    @property
    def since(self) -> datetime:
        """Return when the window begins."""
        return self.until - timedelta(days=self.window_days)


@dataclass(frozen=True, kw_only=True, slots=True)
class PastUsers:
    """Users, and what those who bought anything bought in the window and in the days before it."""

    new: int
    """Of all users of the tenant, those who were created in the window."""
    users: Sequence[str]
    buyers: NDArray[np.int64]
    """The places of those who bought, among the users."""
    orders: Array
    revenue: Array
    """Of each of these, at most the cap."""
    paid: Array
    """Orders in the currency."""
    pre_orders: Array
    pre_revenue: Array

    @property
    def converted(self) -> int:
        """Return how many bought in the window."""
        return int((self.orders > 0).sum())


def read_past(connection: Connection[Any], tenant_id: str, lately: Lately, *, most: int = MOST_USERS) -> PastUsers:
    """Return the users of a tenant, without those who are excluded."""
    of_window = {"tenant_id": tenant_id, "since": lately.since, "until": lately.until}
    number, new = connection.execute(statement("experiments/count_tenant_users"), of_window).fetchone() or (0, 0)
    given = {
        **of_window,
        "one_in": max(ceil(number / most), 1),
        "pre_since": lately.since - timedelta(days=lately.pre_days),
        "outcome_event": lately.outcome_event,
        "outcome_scope": lately.outcome_scope,
        "currency": lately.currency,
        "cap": lately.revenue_cap,
    }
    users: list[str] = []
    buyers: list[int] = []
    sums: list[tuple[float, ...]] = []
    with connection.cursor() as cursor:
        for user, *values in cursor.stream(statement("experiments/past_users"), given):
            if values[0] is not None:
                buyers.append(len(users))
                sums.append(tuple(map(float, values)))
            users.append(user)
    columns = np.array(sums, dtype=np.float64).reshape(-1, 5).T
    return PastUsers(
        new=new,
        users=users,
        buyers=np.array(buyers, dtype=np.int64),
        orders=columns[0],
        revenue=columns[1],
        paid=columns[2],
        pre_orders=columns[3],
        pre_revenue=columns[4],
    )


def totals_of_split(past: PastUsers, variant: NDArray[np.int64], variants: int) -> dict[str, Array]:
    """Return the totals, of shape (variants), of users of whom each has the number of a variant."""
    k, r, paid, x, before = past.orders, past.revenue, past.paid, past.pre_orders, past.pre_revenue
    converted, converted_before = (k > 0).astype(float), (x > 0).astype(float)
    columns = {
        "converted_users": converted,
        "conversions": k,
        "conversion_squares": k * k,
        "capped_revenue": r,
        "revenue_squares": r * r,
        "revenue_conversions": paid,
        "revenue_conversion_squares": paid * paid,
        "revenue_conversion_products": r * paid,
        "pre_converted_users": converted_before,
        "both_converted_users": converted * converted_before,
        "pre_conversions": x,
        "pre_conversion_squares": x * x,
        "conversion_products": k * x,
        "pre_revenue": before,
        "pre_revenue_squares": before * before,
        "revenue_products": r * before,
    }
    of_buyers = variant[past.buyers]
    sums = {name: np.bincount(of_buyers, values, variants) for name, values in columns.items()}
    return sums | {"users_count": np.bincount(variant, minlength=variants).astype(float)}


def baseline_of(past: PastUsers, metric: str, estimator: str) -> Baseline:
    """Return what a user brings, as plans take it. With `cuped`, the variance is what the days before leave of it."""
    moments = _moments(past, metric, estimator)
    rate = (metric, estimator) == ("conversion_rate", "plain")
    mean, variance = (float(np.nan_to_num(values[0])) for values in (moments.mean, moments.variance))
    return Baseline(mean=mean, variance=None if rate else variance)


def explained_before(past: PastUsers, metric: str) -> float:
    """Return the share of a metric's variance that the days before explain: what cuped saves."""
    plain, adjusted = (float(_moments(past, metric, estimator).variance[0]) for estimator in ("plain", "cuped"))
    return 1 - adjusted / plain if plain > 0 else 0.0


def _moments(past: PastUsers, metric: str, estimator: str) -> Moments:
    everybody: Totals = totals_of_split(past, np.zeros(len(past.users), dtype=np.int64), 1)
    return moments_of(everybody, everybody, metric, estimator)[0]
