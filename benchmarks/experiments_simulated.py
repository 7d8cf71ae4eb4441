"""How often the rule is wrong, and how often it finds what was planned: simulated tests, looked at every day.

What belongs here: users who are split by chance, what they buy, and the decisions of the functions that decide real
tests. What does not: speed. Nothing is read from or written to a database.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.database import Database
from benchmarks.figures import Figure, Scale, row
from trackai_pipelines.experiments.comparing import SO_FAR, Totals
from trackai_pipelines.experiments.deciding import Course, Decided, decide, primary_results
from trackai_pipelines.experiments.designs import Design
from trackai_pipelines.experiments.diagnosing import health_of_days
from trackai_pipelines.experiments.planning import Baseline, sample_size

_TITLE = "Experiments: simulated tests, looked at every day"
_RUNS = {"small": 5, "medium": 2_000, "full": 2_000}
_START = datetime(2026, 3, 1, tzinfo=UTC)
# So long it takes until the users that a test needs are there, on average; they come for some days more.
_PLANNED_DAYS = 28
_MORE_DAYS = 5
_WINDOW_DAYS = 14
# What no simulated user has: nobody is unlinked, has a click, or bought before.
_NOTHING = (
    *("unlinked_users", "attributed_users", "pre_converted_users", "both_converted_users", "pre_conversions"),
    *("pre_conversion_squares", "conversion_products", "pre_revenue", "pre_revenue_squares", "revenue_products"),
)
_REJECTED = ("winner", "control_better", "mixed")


@dataclass(frozen=True)
class Simulated:
    """What came out of many tests, each a share of them."""

    runs: int
    rejected: float
    """With a winner, or with a variant that is worse."""
    winners: float
    early: float
    ever_below_alpha: float
    """Whose plain p-value was below alpha on any day: what looking every day does without the rule."""
    mean_day: float
    """On which they were decided, counted from 1."""

    @property
    def standard_error(self) -> float:
        """Return that of `rejected`."""
        return sqrt(self.rejected * (1 - self.rejected) / self.runs)


def run(scale: Scale, _database: Database) -> Iterator[Figure]:
    """Yield how often tests without and with an effect were decided."""
    runs = _RUNS[scale]
    # At most alpha, give or take chance.
    most = 0.05 + 3 * sqrt(0.05 * 0.95 / runs)
    for variants in (2, 4):
        for metric in ("conversion_rate", "revenue_per_user"):
            found = simulate(runs, metric, [0.03] * variants, 10_000 * variants, seed=variants)
            yield from _figures(f"no effect, {variants} variants, {metric}", found, at_most=most)
    for variants, lift in ((2, 0.2), (2, 0.4), (4, 0.2)):
        rates = [0.03] * (variants - 1) + [0.03 * (1 + lift)]
        users = planned_users(variants)
        found = simulate(runs, "conversion_rate", rates, users, seed=variants)
        case = f"{100 * lift:.0f} % where 20 % was planned, {variants} variants, conversion_rate"
        yield from _figures(case, found, at_least=0.78 if scale != "small" else None)


def _figures(
    case: str, found: Simulated, *, at_least: float | None = None, at_most: float | None = None
) -> Iterator[Figure]:
    yield Figure(_TITLE, case, "decided %", 100 * found.rejected, *(b and 100 * b for b in (at_least, at_most)))
    width = 1.96 * found.standard_error
    yield from row(
        _TITLE,
        case,
        {
            "from %": 100 * (found.rejected - width),
            "to %": 100 * (found.rejected + width),
            "winner %": 100 * found.winners,
            "early %": 100 * found.early,
            "day": found.mean_day,
            "plain p below 5 % on any day %": 100 * found.ever_below_alpha,
        },
    )


def planned_users(variants: int) -> int:
    """Return the users that a lift of 20 % of a rate of 3 % needs at a power of 80 %."""
    baseline = Baseline(mean=0.03, variance=None)
    return sample_size(baseline, 0.2, [1 / variants] * variants, confidence_level=95, power=80)


def simulate(runs: int, metric: str, rates: Sequence[float], users: int, seed: int) -> Simulated:
    """Return what comes of tests that need so many users, whose variants convert with these rates."""
    random = np.random.default_rng(seed)
    test = simulated_design(metric, len(rates), users)
    decisions, below = [], 0
    for _ in range(runs):
        sums = simulated_totals(random, rates, users)
        days = len(sums["users_count"])
        health = health_of_days(test, sums, np.zeros((days, len(rates))))
        course = Course(test, [_START.date() + timedelta(days=back) for back in range(days)], sums, health)
        decided = decide(course)
        assert isinstance(decided, Decided), decided.reason
        decisions.append(decided)
        below += bool((primary_results(course, None)["p_value"][:, SO_FAR] < test.alpha).any())
    passed = [(one.decision_day - _START.date()).days + 1 for one in decisions]
    return Simulated(
        runs=runs,
        rejected=sum(one.outcome in _REJECTED for one in decisions) / runs,
        winners=sum(one.outcome == "winner" for one in decisions) / runs,
        early=sum(one.kind == "early" for one in decisions) / runs,
        ever_below_alpha=below / runs,
        mean_day=sum(passed) / runs,
    )


def simulated_totals(random: np.random.Generator, rates: Sequence[float], users: int) -> Totals:
    """Return the totals, of shape (days, populations, variants), of users who come evenly and are split by chance.

    A user who converts orders first after two days on average, perhaps again, for amounts that are log-normal.
    """
    variants = len(rates)
    of_a_day = ceil(users / _PLANNED_DAYS)
    came = random.multinomial(of_a_day, [1 / variants] * variants, size=_PLANNED_DAYS + _MORE_DAYS)
    days = len(came) + _WINDOW_DAYS
    converted = random.binomial(came, rates)
    users_so_far = np.zeros((days, 2, variants))
    users_so_far[:, 0] = np.cumsum(came, axis=0)[np.minimum(np.arange(days), len(came) - 1)]
    users_so_far[_WINDOW_DAYS:, 1] = users_so_far[:-_WINDOW_DAYS, 0]
    of_variants = [_orders(random, converted[:, place], days) for place in range(variants)]
    sums = {name: np.stack([of[name] for of in of_variants], axis=-1) for name in of_variants[0]}
    return sums | {"users_count": users_so_far} | dict.fromkeys(_NOTHING, np.zeros_like(users_so_far))


def _orders(random: np.random.Generator, converted: NDArray[np.int64], days: int) -> dict[str, NDArray[np.float64]]:
    """Return the sums of a variant of whose users so many convert, by the day on which they came."""
    assigned = np.repeat(np.arange(len(converted)), converted)
    orders = 1 + random.poisson(0.3, len(assigned))
    buyer = np.repeat(np.arange(len(assigned)), orders)
    delay = random.exponential(2, len(buyer))
    counted = delay < _WINDOW_DAYS
    buyer, delay = buyer[counted], delay[counted]
    day = np.minimum(np.floor(assigned[buyer] + random.random(len(assigned))[buyer] + delay).astype(int), days - 1)
    numbers, amounts = (np.zeros((len(assigned), days)) for _ in range(2))
    np.add.at(numbers, (buyer, day), 1)
    np.add.at(amounts, (buyer, day), random.lognormal(3, 1, len(buyer)))
    numbers, amounts = np.cumsum(numbers, axis=1), np.cumsum(amounts, axis=1)
    # Who is mature on a day, with the whole window.
    mature = assigned[:, None] <= np.arange(days) - _WINDOW_DAYS
    both = [(numbers, amounts), (numbers[:, -1:] * mature, amounts[:, -1:] * mature)]
    of_users: dict[str, list[NDArray[Any]]] = {
        "converted_users": [k > 0 for k, _ in both],
        "conversions": [k for k, _ in both],
        "conversion_squares": [k**2 for k, _ in both],
        "capped_revenue": [r for _, r in both],
        "revenue_squares": [r**2 for _, r in both],
        "revenue_conversions": [k for k, _ in both],
        "revenue_conversion_squares": [k**2 for k, _ in both],
        "revenue_conversion_products": [k * r for k, r in both],
    }
    return {
        name: np.stack([values.sum(axis=0) for values in pair], axis=1).astype(float) for name, pair in of_users.items()
    }


def simulated_design(metric: str, variants: int, users: int) -> Design:
    """Return a test that needs so many users, split equally."""
    return Design(
        tenant_id="simulated",
        id=1,
        test_key="simulated",
        name="simulated",
        status="running",
        assigned_by="trackai",
        traffic_percent=100.0,
        hash_seed="simulated",
        variants=("control", "a", "b", "c")[:variants],
        weights=(1 / variants,) * variants,
        sample_size=users,
        confidence_level=95.0,
        min_statistical_power=80.0,
        window_days=_WINDOW_DAYS,
        pre_days=0,
        primary_metric=metric,
        estimator="plain",
        outcome_event="Purchase",
        outcome_scope="all",
        currency="BRL",
        revenue_cap=None,
        planned_lift=None,
        planned_baseline=None,
        start_date=_START,
        end_date=None,
        started_at=None,
        completed_at=None,
        guardrails=(),
        config_digest=None,
    )
