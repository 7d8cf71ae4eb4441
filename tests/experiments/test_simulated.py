"""Simulated tests, looked at every day through the functions that decide real ones. All figures: `make bench`."""

from math import sqrt

import pytest

from benchmarks.experiments_simulated import planned_users, simulate


@pytest.mark.parametrize(
    ("runs", "metric", "variants"),
    [(100, "conversion_rate", 2), (250, "revenue_per_user", 4)],
)
def test_looking_every_day_decides_hardly_any_test_without_an_effect(runs: int, metric: str, variants: int) -> None:
    found = simulate(runs, metric, [0.03] * variants, 10_000 * variants, seed=variants)
    assert found.rejected <= 0.05 + 3 * sqrt(0.05 * 0.95 / runs)
    # The plain p-value would.
    assert found.ever_below_alpha > 0.2


def test_the_planned_effect_is_found() -> None:
    found = simulate(60, "conversion_rate", [0.03, 0.036], planned_users(2), seed=1)
    assert found.rejected == found.winners
    # 78 %, less three standard errors.
    assert found.winners > 0.78 - 3 * sqrt(0.78 * 0.22 / 60)
    # Some tests end before the 43rd day, on which the last ones do.
    assert 0.1 < found.early < 0.5
    assert 35 < found.mean_day < 42
