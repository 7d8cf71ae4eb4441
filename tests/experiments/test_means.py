"""Means, ratios and CUPED: reference values of the sums of two real tests, and edges."""

from typing import Any

import numpy as np
import pytest
from experiments.reference import VECTORS, cookie_cats, hillstrom

from trackai_pipelines.experiments.statistics.looks import always_valid_half_width, always_valid_p_value
from trackai_pipelines.experiments.statistics.means import (
    Effect,
    Moments,
    Paired,
    adjusted_moments,
    compare_means,
    moments,
    ratio_moments,
)

GROUPS = hillstrom()
MEANS = VECTORS["means"]


def _paired(group: str, y: str, yy: str, xy: str) -> Paired:
    sums = GROUPS[group]
    n = sums["n"]

    def centred(product: str, a: str, b: str) -> Any:
        return np.array(float(sums[product] - sums[a] * sums[b] / n))

    mean_y, mean_x = (np.array(float(sums[name] / n)) for name in (y, "x"))
    return Paired(np.array(float(n)), mean_y, mean_x, centred(yy, y, y), centred("xx", "x", "x"), centred(xy, y, "x"))


def _plain(one: Paired) -> Moments:
    return moments(one.n, one.y, one.yy)


def _compared(group: str, metric: str) -> tuple[Moments, Moments, Effect]:
    """Return control, variant and comparison, by the names that the reference values have."""
    name, *how = metric.split()
    if name == "aov":
        pair = [_order_value(one) for one in ("control", group)]
    else:
        y, yy, xy = {"rpu": ("s", "ss", "sx"), "conv": ("conv", "conv", "cx"), "visit": ("visit", "visit", "cx")}[name]
        paired = [_paired(one, y, yy, xy) for one in ("control", group)]
        pair = list(adjusted_moments(*paired)) if how == ["cuped(history)"] else [_plain(one) for one in paired]
    return pair[0], pair[1], compare_means(pair[0], pair[1], 0.05)


def _order_value(group: str) -> Moments:
    sums = GROUPS[group]
    n, y, k = sums["n"], sums["s"], sums["conv"]
    centred = [np.array(float(a)) for a in (sums["ss"] - y * y / n, k - k * k / n, sums["cs"] - y * k / n)]
    return ratio_moments(np.array(float(n)), np.array(float(y / n)), np.array(float(k / n)), *centred)


@pytest.mark.parametrize("name", [name for name in MEANS["tea_tasting"] if "prop" not in name])
def test_reference_values_of_tea_tasting(name: str) -> None:
    expected = MEANS["tea_tasting"][name]
    group, metric = name.split(" ", 1)
    control, variant, found = _compared(group, metric)
    ours = {
        "control": control.mean,
        "treatment": variant.mean,
        "effect_size": found.difference,
        "effect_size_ci_lower": found.ci_lower,
        "effect_size_ci_upper": found.ci_upper,
        "rel_effect_size": found.lift,
        "rel_effect_size_ci_lower": found.lift_ci_lower,
        "rel_effect_size_ci_upper": found.lift_ci_upper,
        "pvalue": found.p_value,
        "statistic": found.difference / found.standard_error,
    }
    assert {key: float(value) for key, value in ours.items()} == pytest.approx(expected, rel=MEANS["tolerance"])


@pytest.mark.parametrize("name", [name for name in MEANS["gbstats"] if name.endswith("absolute")])
def test_reference_values_of_gbstats(name: str) -> None:
    expected = MEANS["gbstats"][name]
    group, metric, _ = name.split()
    control, variant, found = _compared(group, metric.replace("_cuped", " cuped(history)"))
    assert float(found.difference) == pytest.approx(expected["expected"], rel=1e-9)
    if metric == "conv":  # gbstats divides by n, not n - 1.
        return
    assert [float(found.ci_lower), float(found.ci_upper)] == pytest.approx(expected["ci"], rel=1e-6)
    assert float(found.p_value) == pytest.approx(expected["p"], rel=1e-6)
    z, n = found.difference / found.standard_error, control.n + variant.n
    width = found.standard_error * always_valid_half_width(n, 42_000, 0.05)
    assert float(always_valid_p_value(z, n, 42_000, 0.05)) == pytest.approx(expected["seq_p"], rel=1e-9)
    bounds = [float(found.difference - width), float(found.difference + width)]
    assert bounds == pytest.approx(expected["seq_ci"], rel=1e-9)


def test_what_cuped_saves() -> None:
    plain, adjusted = _compared("womens", "rpu")[2], _compared("womens", "rpu cuped(history)")[2]
    assert float(1 - (adjusted.standard_error / plain.standard_error) ** 2) == pytest.approx(0.000378, abs=5e-7)


@pytest.mark.parametrize("row", VECTORS["cap_cookie_cats"]["rows"])
def test_one_player_of_cookie_cats_hides_the_rest_without_a_cap(row: dict[str, Any]) -> None:
    pair = [moments(n, total / n, squares - total * total / n) for n, total, squares in cookie_cats(row["cap"])]
    found = compare_means(pair[0], pair[1], 0.05)
    assert [float(one.mean) for one in pair] == pytest.approx([row["control_mean"], row["variant_mean"]], rel=1e-12)
    assert float(found.difference) == pytest.approx(row["difference"], rel=1e-9)
    assert float(found.difference / found.standard_error) == pytest.approx(row["t"], rel=1e-9)
    assert float(found.p_value) == pytest.approx(row["p_value"], rel=1e-9)


def _values(values: list[float]) -> Moments:
    n, total = len(values), sum(values)
    return moments(n, total / n if n else np.nan, sum((value - total / n) ** 2 for value in values) if n else 0)


@pytest.mark.parametrize(
    ("control", "variant", "difference", "lift"),
    [
        ([], [1.0, 2.0], None, None),
        ([1.0], [1.0, 2.0], 0.5, 0.5),
        ([2.0, 2.0], [3.0, 3.0], 1.0, 0.5),
        ([0.0, 0.0], [0.0, 0.0], 0.0, None),
    ],
)
def test_what_cannot_be_said_is_nan(
    control: list[float], variant: list[float], difference: float | None, lift: float | None
) -> None:
    found = compare_means(_values(control), _values(variant), 0.05)
    for name in ("standard_error", "p_value", "ci_lower", "ci_upper", "lift_ci_lower", "lift_ci_upper"):
        assert np.isnan(getattr(found, name))
    np.testing.assert_equal(float(found.difference), np.nan if difference is None else difference)
    np.testing.assert_allclose(float(found.lift), np.nan if lift is None else lift)


def test_a_lift_needs_two_positive_means() -> None:
    found = compare_means(_values([-1.0, 0.5]), _values([1.0, 3.0]), 0.05)
    assert np.isfinite(found.p_value)
    assert np.isnan([found.lift, found.lift_ci_lower, found.lift_ci_upper]).all()


def test_orders_of_one_price_have_a_value_without_variance() -> None:
    n, k, kk = np.array(1000.0), 37, 41
    centred = kk - k * k / n
    one_price = ratio_moments(n, np.array(19.99 * k / n), np.array(k / n), 19.99**2 * centred, centred, 19.99 * centred)
    assert float(one_price.mean) == pytest.approx(19.99)
    assert float(one_price.variance) == 0


def test_a_covariate_that_is_the_value_itself_leaves_no_variance_and_one_without_variance_explains_nothing() -> None:
    values = np.array([0.0, 3.0, 5.0, 0.1])
    n, mean, yy = np.array(4.0), values.mean(), np.array(((values - values.mean()) ** 2).sum())
    same = Paired(n, mean, mean, yy, yy, yy)
    assert [float(one.variance) for one in adjusted_moments(same, same)] == [0, 0]
    nothing = Paired(n, mean, np.array(0.0), yy, np.array(0.0), np.array(0.0))
    assert [float(one.variance) for one in adjusted_moments(nothing, nothing)] == [pytest.approx(float(yy) / 3)] * 2
