"""How many users a test needs: reference values, and that what is detectable is the inverse."""

from math import ceil
from typing import Any

import numpy as np
import pytest
from experiments.reference import VECTORS

from trackai_pipelines.experiments.statistics.sample_size import (
    control_users_for_means,
    control_users_for_rates,
    detectable_difference,
    detectable_rate,
)


@pytest.mark.parametrize("row", VECTORS["plan_conversion_rate"]["rows"])
def test_reference_values_of_a_plan_for_rates(row: dict[str, Any]) -> None:
    p, weights = row["baseline"], np.array(row["weights"])
    k = weights[1:] / weights[0]
    users = control_users_for_rates(p, p * (1 + row["lift"]), k, row["alpha_per_comparison"], row["power"])
    assert ceil(users.max()) == row["control_users"]
    assert ceil(users.max() / weights[0]) == row["sample_size"]


def test_a_plan_of_one_comparison_without_early_stops() -> None:
    assert float(control_users_for_rates(0.03, 0.036, 1, 0.05, 0.8)) == pytest.approx(13_913.58, abs=0.005)


@pytest.mark.parametrize("row", VECTORS["plan_mean"])
def test_reference_values_of_a_plan_for_means(row: dict[str, Any]) -> None:
    users = control_users_for_means(row["sd"] ** 2, row["difference"], 1, row["alpha"], row["power"])
    # The reference is by the t distribution, which needs a user or two more.
    assert 0 <= row["users_per_group"] - float(users) < 2.5


def test_what_is_detectable_is_the_inverse_of_the_plan() -> None:
    random = np.random.default_rng(5)
    p, k, lift = 10 ** random.uniform(-4, -0.4, 200), 2 ** random.uniform(-2, 2, 200), random.uniform(0.01, 1, 200)
    users = control_users_for_rates(p, p * (1 + lift), k, 0.045, 0.8)
    np.testing.assert_allclose(detectable_rate(p, users, k, 0.045, 0.8), p * (1 + lift), rtol=1e-9)
    users = control_users_for_means(130.0, lift, k, 0.045, 0.9)
    np.testing.assert_allclose(detectable_difference(130.0, users, k, 0.045, 0.9), lift, rtol=1e-12)


def test_too_few_users_detect_no_rate_at_all() -> None:
    found = detectable_rate([0.5, 0.5, 0.0], [3, 1_000, 0], 1, 0.05, 0.8)
    assert np.isnan(found).tolist() == [True, False, True]
