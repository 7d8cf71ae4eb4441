"""Chi-square tests and novelty: reference values, a reader of rows, and how often chance alone shows an effect."""

from math import erfc, sqrt
from typing import Any

import numpy as np
import pytest
from experiments.reference import VECTORS

from trackai_pipelines.experiments.statistics.health import fit_p_value, independence_p_value, novelty


@pytest.mark.parametrize("row", VECTORS["srm"])
def test_reference_values_of_the_split(row: dict[str, Any]) -> None:
    assert float(fit_p_value(row["users"], row["weights"])) == pytest.approx(row["p_value"], rel=1e-9)


def test_nobody_has_no_split() -> None:
    assert np.isnan(fit_p_value([[0, 0], [5, 5]], [0.5, 0.5])).tolist() == [True, False]


def test_a_table_of_two_by_two_is_the_difference_of_proportions() -> None:
    # With two groups, chi-square is the square of z of the pooled test: 20/100 against 35/100.
    z = 0.15 / sqrt(0.275 * 0.725 * 2 / 100)
    assert float(independence_p_value([[20, 35], [80, 65]])) == pytest.approx(erfc(z / sqrt(2)))


@pytest.mark.parametrize("table", [[[0, 0], [80, 65]], [[20, 0], [80, 0]], [[0, 0], [0, 0]]])
def test_one_row_or_column_depends_on_nothing(table: list[list[int]]) -> None:
    assert np.isnan(independence_p_value(table))


def test_empty_columns_are_left_out() -> None:
    assert float(independence_p_value([[20, 0, 35], [80, 0, 65]])) == float(independence_p_value([[20, 35], [80, 65]]))


def _halves(random: np.random.Generator, lift_early: float, lift_late: float) -> list[np.ndarray]:
    """Return n, means and centred sums of orders of a control and a variant, 400 times."""
    early, late = (
        random.poisson(np.array([0.3, 0.3 * (1 + lift)])[:, None], (400, 2, 2_000)) for lift in (lift_early, lift_late)
    )
    # A user who bought early buys more often late.
    late = late + random.binomial(early, 0.3)
    early_centred, late_centred = (half - half.mean(axis=-1, keepdims=True) for half in (early, late))
    products = [(early_centred**2), (late_centred**2), (early_centred * late_centred)]
    return [np.full((400, 2), 2_000.0), early.mean(-1), late.mean(-1), *(product.sum(-1) for product in products)]


def test_a_constant_lift_does_not_fade_and_one_that_ends_does() -> None:
    random = np.random.default_rng(11)
    _, constant = novelty(*_halves(random, 0.2, 0.2))
    change, ended = novelty(*_halves(random, 0.4, 0.0))
    # Twenty of 400 are expected to be below 0.05; 37 or more happen once in ten thousand times.
    assert 6 <= (constant < 0.05).sum() <= 36
    assert (ended < 0.05).mean() > 0.5
    assert change.mean() < -0.1


def test_no_orders_in_a_half_say_nothing() -> None:
    n, orders, zero = np.full(2, 100.0), np.array([0.1, 0.2]), np.array([0.1, 0.0])
    _, p = novelty(n, orders, zero, 9 * orders, 9 * zero, 0 * orders)
    assert np.isnan(p).all()
