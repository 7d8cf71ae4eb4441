"""Totals become results: each variant compared with the control, for all days and populations at once.

What belongs here: which sums make which metric, and the p-value that the rule reads. What does not: formulas
(statistics), which day decides (deciding.py), and reading and writing (results.py).
"""

from collections.abc import Iterator, Mapping
from decimal import localcontext
from math import ceil
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from trackai_pipelines.experiments.designs import Design
from trackai_pipelines.experiments.rules import METRICS, METRICS_OF_REVENUE
from trackai_pipelines.experiments.statistics.arrays import Array, known, quietly
from trackai_pipelines.experiments.statistics.looks import always_valid_half_width, always_valid_p_value, holm
from trackai_pipelines.experiments.statistics.means import (
    Effect,
    Moments,
    Paired,
    adjusted_moments,
    compare_means,
    moments,
    ratio_moments,
)
from trackai_pipelines.experiments.statistics.proportions import (
    difference_interval,
    lift_interval,
    probability_to_beat,
    score_test,
)

Totals = Mapping[str, NDArray[Any]]
"""Columns of `ab_test_daily_totals`, each of shape (..., variants), the control first. Exact numbers (int, Decimal) as
objects stay exact until differences are taken; float64 does as well."""
Results = dict[str, Array]
"""Columns of `ab_test_daily_results`, each of the shape of the totals; NaN for what cannot be said."""

POPULATIONS = ("so_far", "mature")
"""In the order of the axis before the variants."""
SO_FAR, MATURE = range(2)
FEWEST_CONVERTED = 10
"""Below this many converted users of a variant, the normal distribution is far."""
EARLY_SHARE = 0.1
"""The part of alpha that pays for stopping early; the rest is for the horizon."""


class _Sums(NamedTuple):
    """The columns with the sums of a metric's value y per user and of the same before assignment, x."""

    y: str
    yy: str
    x: str
    xx: str
    xy: str


_SUMS = {
    "conversion_rate": _Sums(
        *("converted_users", "converted_users", "pre_converted_users", "pre_converted_users", "both_converted_users")
    ),
    "orders_per_user": _Sums(
        *("conversions", "conversion_squares", "pre_conversions", "pre_conversion_squares", "conversion_products")
    ),
    "revenue_per_user": _Sums(
        *("capped_revenue", "revenue_squares", "pre_revenue", "pre_revenue_squares", "revenue_products")
    ),
}


def needed_users(design: Design) -> tuple[int, ...] | None:
    """Return the users that each variant needs before its test is decided; None without a plan."""
    if design.sample_size is None:
        return None
    # The weights are floats: three tenths of ten users are three.
    return tuple(ceil(design.sample_size * weight - 1e-9) for weight in design.weights)


def computed(design: Design) -> Iterator[tuple[str, str]]:
    """Yield each metric and estimator that a test has results of: without a currency, none of revenue."""
    for metric in METRICS:
        if metric not in METRICS_OF_REVENUE or design.currency is not None:
            yield metric, "plain"
            if metric in _SUMS:
                yield metric, "cuped"


@quietly
def compare(totals: Totals, metric: str, estimator: str, alpha: float, needed: tuple[int, ...] | None) -> Results:
    """Return how each variant compares with the control in a metric, at confidence 1 - alpha.

    The control has an estimate alone. With `cuped` that is its estimate beside the first variant: what is taken out
    depends on both.
    """
    control, variant = ({name: sums[..., part] for name, sums in totals.items()} for part in (np.s_[:1], np.s_[1:]))
    pair = moments_of(control, variant, metric, estimator)
    found = compare_means(*pair, alpha)
    if (metric, estimator) == ("conversion_rate", "plain"):
        found, probability = _compare_rates(control, variant, found, alpha)
    else:
        probability = ndtr(found.difference / found.standard_error)
    columns = {name: getattr(found, name) for name in found.__slots__} | {"probability_to_beat_control": probability}
    columns |= _always_valid(control, variant, found, alpha, needed)
    if estimator == "cuped":
        plain = compare_means(*moments_of(control, variant, metric, "plain"), alpha)
        columns["variance_reduction"] = 1 - (found.standard_error / plain.standard_error) ** 2
    else:
        columns["variance_reduction"] = np.full_like(found.difference, np.nan)
    nothing = np.full_like(found.difference[..., :1], np.nan)
    results = {name: np.concatenate([nothing, values], axis=-1) for name, values in columns.items()}
    return {"estimate": np.concatenate([pair[0].mean[..., :1], pair[1].mean], axis=-1)} | results


def _compare_rates(control: Totals, variant: Totals, means: Effect, alpha: float) -> tuple[Effect, Array]:
    """Return the comparison by the score test, and the probability to beat the control."""
    x_c, n_c, x_v, n_v = (
        one[name].astype(np.float64) for one in (control, variant) for name in ("converted_users", "users_count")
    )
    counts = (x_c, n_c, x_v, n_v)
    p_c, p_v = x_c / n_c, x_v / n_v
    square = p_c * (1 - p_c) / n_c + p_v * (1 - p_v) / n_v
    ci, lift_ci = difference_interval(*counts, alpha), lift_interval(*counts, alpha)
    found = Effect(
        difference=means.difference,
        standard_error=np.sqrt(known(square > 0, square)),
        p_value=score_test(*counts)[1],
        ci_lower=ci[0],
        ci_upper=ci[1],
        lift=known(p_c > 0, p_v / p_c - 1),
        lift_ci_lower=lift_ci[0],
        lift_ci_upper=lift_ci[1],
    )
    return found, probability_to_beat(*counts)


def _always_valid(
    control: Totals, variant: Totals, found: Effect, alpha: float, needed: tuple[int, ...] | None
) -> Results:
    n = (control["users_count"] + variant["users_count"]).astype(np.float64)
    planned = np.nan if needed is None else np.array(needed[1:]) + needed[0]
    fewest = np.minimum(control["converted_users"], variant["converted_users"])
    enough = fewest >= FEWEST_CONVERTED
    error = known(enough, found.standard_error)
    width = error * always_valid_half_width(n, planned, alpha)
    return {
        "p_value_always_valid": always_valid_p_value(found.difference / error, n, planned, alpha),
        "always_ci_lower": found.difference - width,
        "always_ci_upper": found.difference + width,
    }


@quietly
def moments_of(control: Totals, variant: Totals, metric: str, estimator: str) -> tuple[Moments, Moments]:
    """Return what is known of a metric in the control and in the variants, the same shape or broadcast."""
    if metric == "avg_order_value":
        return _order_value(control), _order_value(variant)
    if estimator == "plain":
        return _plain(control, metric), _plain(variant, metric)
    return adjusted_moments(_paired(control, metric), _paired(variant, metric))


def _plain(totals: Totals, metric: str) -> Moments:
    of = _SUMS[metric]
    return moments(_n(totals), _mean(totals, of.y), centred(totals, of.yy, of.y, of.y))


def _paired(totals: Totals, metric: str) -> Paired:
    of = _SUMS[metric]
    return Paired(
        n=_n(totals),
        y=_mean(totals, of.y),
        x=_mean(totals, of.x),
        yy=centred(totals, of.yy, of.y, of.y),
        xx=centred(totals, of.xx, of.x, of.x),
        xy=centred(totals, of.xy, of.x, of.y),
    )


def _order_value(totals: Totals) -> Moments:
    y, k = "capped_revenue", "revenue_conversions"
    return ratio_moments(
        _n(totals),
        _mean(totals, y),
        _mean(totals, k),
        centred(totals, "revenue_squares", y, y),
        centred(totals, "revenue_conversion_squares", k, k),
        centred(totals, "revenue_conversion_products", y, k),
    )


def _n(totals: Totals) -> Array:
    return totals["users_count"].astype(np.float64)


def _mean(totals: Totals, column: str) -> Array:
    return totals[column].astype(np.float64) / _n(totals)


@quietly
def centred(totals: Totals, products: str, a: str, b: str) -> Array:
    """Return the sum of products around the means, from the columns of raw sums."""
    # Equal values leave exactly nothing. 28 digits would not hold the square of a sum of numeric(18, 4).
    with localcontext(prec=80):
        scaled = totals["users_count"] * totals[products] - totals[a] * totals[b]
    around: Array = scaled.astype(np.float64) / _n(totals)
    return around


@quietly
def add_decision(results: Results, horizon: int | None) -> Results:
    """Return the results (days, populations, variants) with the p-values that the rule reads of each day.

    `horizon` is the place of the day on which the rule may use all of alpha.
    """
    p = results["p_value_always_valid"][:, SO_FAR] / EARLY_SHARE
    if horizon is not None:
        p[horizon] = np.fmin(p[horizon], results["p_value"][horizon, MATURE] / (1 - EARLY_SHARE))
    p = np.minimum(p, 1)
    adjusted = np.concatenate([p[..., :1], holm(p[..., 1:])], axis=-1)
    both = {"p_value_decision": p, "p_value_adjusted": adjusted}
    return results | {name: np.stack([values] * len(POPULATIONS), axis=1) for name, values in both.items()}
