"""How long the comparisons of a month of ten tests take on one core.

What belongs here: comparing totals that are in memory, as exact numbers. What does not: reading and writing them.
"""

from collections.abc import Iterator
from decimal import Decimal
from statistics import median
from time import process_time

import numpy as np

from benchmarks.database import Database
from benchmarks.experiments_simulated import simulated_design, simulated_totals
from benchmarks.figures import Figure, Scale
from trackai_pipelines.experiments.comparing import Totals, add_decision, compare, needed_users

_TESTS = {"small": 1, "medium": 10, "full": 10}
_DAYS = 30
_COMPARISONS = 14_400
_OF_MONEY = ("capped_revenue", "revenue_squares", "revenue_conversion_products", "pre_revenue", "pre_revenue_squares")


def run(scale: Scale, _database: Database) -> Iterator[Figure]:
    """Yield the CPU seconds of 14,400 comparisons: ten tests, 30 days, both populations, three variants."""
    totals, test = _totals(), simulated_design("conversion_rate", 4, 40_000)
    every = [
        (metric, how)
        for metric in ("conversion_rate", "orders_per_user", "revenue_per_user")
        for how in ("plain", "cuped")
    ]
    # The order value has no cuped: it is compared twice for the number.
    every += [("avg_order_value", "plain")] * 2
    seconds = []
    for _ in range(3):
        began, compared = process_time(), 0
        for _ in range(_TESTS[scale]):
            for metric, estimator in every:
                results = compare(totals, metric, estimator, test.alpha, needed_users(test))
                compared += add_decision(results, 28)["p_value"][..., 1:].size
        seconds.append((process_time() - began) * _COMPARISONS / compared)
    yield Figure("Experiments: comparing", "14,400 comparisons", "CPU s", median(seconds), at_most=2)


def _totals() -> Totals:
    """Return 30 days of totals as they are read: whole numbers and decimals."""
    sums = simulated_totals(np.random.default_rng(1), [0.03, 0.031, 0.029, 0.03], 40_000)

    def exact(name: str, value: float) -> int | Decimal:
        return Decimal(f"{value:.4f}") if name in _OF_MONEY or "revenue" in name else round(value)

    return {
        name: np.array([exact(name, value) for value in values[:_DAYS].ravel()], dtype=object).reshape(
            values[:_DAYS].shape
        )
        for name, values in sums.items()
    }
