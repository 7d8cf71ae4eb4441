"""Other libraries' opinions of the same data: tea-tasting of means, statsmodels of rates and of several variants."""

import numpy as np
import pytest
from numpy.typing import NDArray
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import (
    confint_proportions_2indep,
    samplesize_proportions_2indep_onetail,
    score_test_proportions_2indep,
)
from tea_tasting import Mean, RatioOfMeans
from tea_tasting.aggr import Aggregates

from trackai_pipelines.experiments.statistics.looks import holm
from trackai_pipelines.experiments.statistics.means import (
    Effect,
    Moments,
    Paired,
    adjusted_moments,
    compare_means,
    moments,
    ratio_moments,
)
from trackai_pipelines.experiments.statistics.proportions import lift_interval, score_test
from trackai_pipelines.experiments.statistics.sample_size import control_users_for_rates

WORLDS = range(25)


def _users(random: np.random.Generator) -> dict[str, NDArray[np.float64]]:
    """Return orders, revenue and revenue before of some users, most of whom buy nothing."""
    n = int(random.integers(30, 3_000))
    orders = random.poisson(random.uniform(0.2, 1), n).astype(float)
    before = random.poisson(0.5, n) * random.lognormal(3, 1, n)
    return {"orders": orders, "revenue": orders * random.lognormal(3, 1, n) + 0.4 * before, "before": before}


def _aggregates(users: dict[str, NDArray[np.float64]]) -> Aggregates:
    covariances = np.cov(list(users.values()))
    return Aggregates(
        count_=len(users["orders"]),
        mean_={name: float(values.mean()) for name, values in users.items()},
        var_={name: float(values.var(ddof=1)) for name, values in users.items()},
        cov_={(a, b): float(covariances[i, j]) for i, a in enumerate(users) for j, b in enumerate(users) if i < j},
    )


def _centred(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array(((a - a.mean()) * (b - b.mean())).sum())


def _moments(users: dict[str, NDArray[np.float64]]) -> tuple[Moments, Moments, Paired]:
    y, k, x = users["revenue"], users["orders"], users["before"]
    n, (mean_y, mean_k, mean_x) = np.array(float(len(y))), (np.array(values.mean()) for values in (y, k, x))
    ratio = ratio_moments(n, mean_y, mean_k, _centred(y, y), _centred(k, k), _centred(y, k))
    paired = Paired(n, mean_y, mean_x, _centred(y, y), _centred(x, x), _centred(y, x))
    return moments(n, mean_y, _centred(y, y)), ratio, paired


@pytest.mark.parametrize("seed", WORLDS)
def test_means_ratios_and_cuped_by_tea_tasting(seed: int) -> None:
    random = np.random.default_rng(seed)
    users = _users(random), _users(random)
    control, variant = map(_aggregates, users)
    (plain_c, ratio_c, paired_c), (plain_v, ratio_v, paired_v) = map(_moments, users)
    for metric, ours in (
        (Mean("revenue"), compare_means(plain_c, plain_v, 0.05)),
        (RatioOfMeans("revenue", "orders"), compare_means(ratio_c, ratio_v, 0.05)),
        (Mean("revenue", "before"), compare_means(*adjusted_moments(paired_c, paired_v), 0.05)),
    ):
        theirs = metric.analyze_aggregates(control, variant)
        assert _told(ours) == pytest.approx(
            [
                theirs.effect_size,
                theirs.pvalue,
                *(theirs.effect_size_ci_lower, theirs.effect_size_ci_upper),
                *(theirs.rel_effect_size, theirs.rel_effect_size_ci_lower, theirs.rel_effect_size_ci_upper),
            ],
            rel=1e-8,
        )


def _told(ours: Effect) -> list[float]:
    fields = ("difference", "p_value", "ci_lower", "ci_upper", "lift", "lift_ci_lower", "lift_ci_upper")
    return [float(getattr(ours, field)) for field in fields]


@pytest.mark.parametrize("seed", WORLDS)
def test_the_score_test_and_the_interval_of_the_ratio_by_statsmodels(seed: int) -> None:
    random = np.random.default_rng(seed)
    n_c, n_v = (int(n) for n in random.integers(50, 5_000, 2))
    x_c, x_v = (int(random.integers(1, n // 4)) for n in (n_c, n_v))
    theirs = score_test_proportions_2indep(x_v, n_v, x_c, n_c, compare="diff", correction=True, return_results=False)
    assert [float(one) for one in score_test(x_c, n_c, x_v, n_v)] == pytest.approx(list(theirs), rel=1e-9)
    bounds = confint_proportions_2indep(x_v, n_v, x_c, n_c, method="score", compare="ratio", correction=True)
    assert [1 + float(bound) for bound in lift_interval(x_c, n_c, x_v, n_v, 0.05)] == pytest.approx(
        list(bounds), rel=1e-6
    )


def test_holm_by_statsmodels() -> None:
    for p in np.random.default_rng(1).uniform(0, 0.2, (2, 3)):
        np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1], rtol=1e-12)


def test_a_plan_by_statsmodels() -> None:
    users = samplesize_proportions_2indep_onetail(0.006, 0.03, power=0.8, ratio=1, alpha=0.05)
    assert float(control_users_for_rates(0.03, 0.036, 1, 0.05, 0.8)) == pytest.approx(users, rel=1e-6)
