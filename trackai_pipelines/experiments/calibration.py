"""Calibration on a tenant's own sales: users split by fresh seeds into two groups that nothing distinguishes.

What belongs here: how often the functions that judge tests find a difference in them, and what that means. What does
not: the split (splitting.py, assigning.py), the functions (comparing.py), and reading users (past.py).

Every p-value should be below 0.05 in a twentieth of the splits. More often, and tests find what is not there; less
often, and they miss what is.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection
from scipy.special import bdtr

from trackai_pipelines.database.statements import statement
from trackai_pipelines.experiments.assigning import variants_by_bucket
from trackai_pipelines.experiments.comparing import compare
from trackai_pipelines.experiments.currencies import LEAST_BUYERS
from trackai_pipelines.experiments.past import Lately, PastUsers, read_past, totals_of_split
from trackai_pipelines.experiments.refusals import ExperimentRefusedError
from trackai_pipelines.experiments.splitting import buckets_of, units_of
from trackai_pipelines.experiments.statistics.arrays import Array
from trackai_pipelines.experiments.statistics.health import fit_p_value

RUNS = 500
ALPHA = 0.05
# What chance leaves of calibrated p-values in one of a thousand calibrations, on both sides together.
_CHANCE = 0.001
# A user with this share of the sum of squares is what the variance is made of.
_DOMINATES = 0.1
_GROUPS = ("control", "a")
_JUDGED = (("conversion_rate", "plain"), ("revenue_per_user", "plain"), ("revenue_per_user", "cuped"))

Split = Callable[[str], NDArray[np.int64]]
"""Given a seed, the group of each user: 0 or 1."""
Verdict = Literal["calibrated", "too often", "too seldom"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibrated:
    """How often one p-value was below 0.05."""

    name: str
    """A metric, with its estimator unless plain; or `split`: of users against half and half."""
    runs: int
    """Splits in which there was a p-value."""
    below: int
    least: int
    most: int
    """As many are expected, except in one of a thousand calibrations."""
    reason: str | None
    """Why it may be too seldom."""

    @property
    def verdict(self) -> Verdict:
        """Return what it says of the p-value."""
        if self.below > self.most:
            return "too often"
        return "too seldom" if self.below < self.least else "calibrated"

    @property
    def share(self) -> float:
        """Return the share of splits below 0.05; 0 without any."""
        return self.below / self.runs if self.runs else 0.0

    @property
    def said(self) -> str:
        """Return the verdict in words."""
        counts = f"{self.below:,} of {self.runs:,} splits where {self.least:,} to {self.most:,} are expected"
        return f"{self.name} is below 0.05 {self.verdict}, in {counts}{f' ({self.reason})' if self.reason else ''}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """What came of a tenant's calibration."""

    lately: Lately
    users: int
    converted: int
    judged: Sequence[Calibrated]

    @property
    def holds(self) -> bool:
        """Return whether no p-value is below 0.05 too often."""
        return all(one.verdict != "too often" for one in self.judged)


def calibrate(
    connection: Connection[Any], tenant_id: str, now: datetime, *, runs: int = RUNS, cap: Decimal | None = None
) -> Calibration:
    """Return how often a tenant's users, split by chance, seem to differ in what they bought in the last 14 UTC days.

    Revenue is in the currency of most sales, and at most `cap`; not given, the cap that a test would have had. Raises
    ExperimentRefusedError without users or sales.
    """
    lately = _terms(connection, tenant_id, now, cap)
    past = read_past(connection, tenant_id, lately)
    if not past.converted:
        raise ExperimentRefusedError(
            f"No user has a sale from {lately.since.date()} on: there is nothing to calibrate with."
        )
    seeds = [f"aa {lately.until.date()} {run}" for run in range(runs)]
    judged = judge_splits(past, split_of(past.users), seeds, lately.currency or "")
    return Calibration(lately=lately, users=len(past.users), converted=past.converted, judged=judged)


def calibrate_tenants(connection: Connection[Any], now: datetime) -> dict[str, Calibration]:
    """Return the calibration of every tenant with a test that is not archived, by slug, if it has sales."""
    found = {}
    for slug, tenant_id in connection.execute(statement("experiments/tenants_that_test")).fetchall():
        with suppress(ExperimentRefusedError):
            found[slug] = calibrate(connection, tenant_id, now)
    return found


def split_of(users: Sequence[str]) -> Split:
    """Return the split of users into halves that a test makes of them."""
    by_bucket = variants_by_bucket(_GROUPS, (0.5, 0.5), 100.0)
    group = np.array([_GROUPS.index(variant) for variant in by_bucket if variant is not None])
    units = units_of(users)
    return lambda seed: group[buckets_of(seed, units)]


def judge_splits(past: PastUsers, split: Split, seeds: Sequence[str], currency: str) -> list[Calibrated]:
    """Return how often each p-value is below 0.05 in the splits by these seeds."""
    splits = [totals_of_split(past, split(seed), len(_GROUPS)) for seed in seeds]
    totals = {name: np.stack([sums[name] for sums in splits]) for name in splits[0]}
    found = [_calibrated("split", fit_p_value(totals["users_count"], [0.5, 0.5]), None)]
    for metric, estimator in _JUDGED:
        p = compare(totals, metric, estimator, ALPHA, None)["p_value"][:, 1]
        name = metric if estimator == "plain" else f"{metric}, {estimator}"
        found.append(_calibrated(name, p, _why_seldom(past, metric, currency)))
    return found


def _calibrated(name: str, p_values: Array, reason: str | None) -> Calibrated:
    runs = int(np.isfinite(p_values).sum())
    below = int((p_values < ALPHA).sum())
    chance = bdtr(np.arange(runs + 1), runs, ALPHA)
    # Rounded outwards: 10 to 42 of 500.
    least = max(int(np.searchsorted(chance, _CHANCE / 2)) - 1, 0)
    most = int(np.searchsorted(chance, 1 - _CHANCE / 2))
    found = Calibrated(name=name, runs=runs, below=below, least=least, most=most, reason=reason)
    return found if found.verdict == "too seldom" else replace(found, reason=None)


def _why_seldom(past: PastUsers, metric: str, currency: str) -> str:
    """Return why p-values may be below 0.05 too seldom, in words."""
    if metric == "conversion_rate":
        return f"{past.converted:,} users bought: so few that p-values come in steps"
    most, squares = past.revenue.max(initial=0), np.square(past.revenue).sum()
    if most * most > _DOMINATES * squares:
        buyers = past.revenue[past.revenue > 0]
        # An amount that somebody did spend, as starting a test proposes it; of few buyers, one that is not the largest.
        cap = np.quantile(buyers, 0.999 if len(buyers) >= LEAST_BUYERS else 0.99, method="inverted_cdf")
        return f"one user bought {most:,.0f} {currency}: set a cap, e.g. --cap {cap:.0f}"
    return "few users spend most of the money: a lower cap helps"


def _terms(connection: Connection[Any], tenant_id: str, now: datetime, cap: Decimal | None) -> Lately:
    """Return which sales count: those of the 14 days before today, in the currency of most of them."""
    lately = Lately(until=datetime.combine(now.astimezone(UTC).date(), time(), UTC))
    given = {
        "tenant_id": tenant_id,
        "since": lately.since,
        "until": lately.until,
        "outcome_event": lately.outcome_event,
        "outcome_scope": lately.outcome_scope,
    }
    (currency,) = connection.execute(statement("experiments/main_currency"), given).fetchone() or (None,)
    if cap is None and currency is not None:
        before = {**given, "currency": currency, "since": lately.since - (lately.until - lately.since)}
        before["until"] = lately.since
        buyers, found = connection.execute(statement("experiments/revenue_of_buyers"), before).fetchone() or (0, None)
        cap = found if buyers >= LEAST_BUYERS else None
    return replace(lately, currency=currency, revenue_cap=cap)
