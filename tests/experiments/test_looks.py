"""P-values for many looks and several variants: reference values."""

import numpy as np
import pytest
from experiments.reference import VECTORS

from trackai_pipelines.experiments.statistics.looks import always_valid_half_width, always_valid_p_value, holm


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.1])
def test_reference_values_of_the_always_valid_p_value(alpha: float) -> None:
    rows = np.array([row for row in VECTORS["always_valid"]["rows"] if row[2] == alpha]).reshape(-1, 6)
    z, n, _, planned, p, width = rows.T
    np.testing.assert_allclose(always_valid_p_value(z, n, planned, alpha), p, rtol=1e-9)
    np.testing.assert_allclose(always_valid_half_width(n, planned, alpha), width, rtol=1e-9)


def test_the_always_valid_p_value_is_below_alpha_where_its_interval_leaves_out_no_effect() -> None:
    z, n = np.linspace(0, 6, 601)[:, None], np.array([50, 1_000, 30_000, 10**6])
    p, width = always_valid_p_value(z, n, 20_000, 0.05), always_valid_half_width(n, 20_000, 0.05)
    assert ((p < 0.05) == (z > width)).all()
    assert np.isnan(always_valid_p_value(np.nan, 100, 20_000, 0.05))


@pytest.mark.parametrize("row", VECTORS["holm"])
def test_reference_values_of_holm(row: dict[str, list[float]]) -> None:
    np.testing.assert_allclose(holm(row["p"]), row["adjusted"], rtol=1e-12)


def test_holm_counts_a_variant_without_a_p_value_and_works_on_many_rows() -> None:
    found = holm([[0.01, np.nan, 0.03], [np.nan, np.nan, np.nan], [0.5, 0.01, 0.02]])
    np.testing.assert_allclose(found, [[0.03, np.nan, 0.06], [np.nan] * 3, [0.5, 0.03, 0.04]])
