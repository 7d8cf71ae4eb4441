"""How many users a test needs to find a lift, and which lift it finds with those that it has.

What belongs here: sample sizes and detectable lifts of a test with several variants. What does not: formulas
(statistics), and what a tenant's users did before (baselines.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isfinite

import numpy as np

from trackai_pipelines.experiments.comparing import EARLY_SHARE
from trackai_pipelines.experiments.statistics.arrays import Array
from trackai_pipelines.experiments.statistics.sample_size import (
    control_users_for_means,
    control_users_for_rates,
    detectable_difference,
    detectable_rate,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Baseline:
    """What a user brings without the change."""

    mean: float
    variance: float | None
    """Of one user, less what cuped explains; None: of a rate, which its mean tells."""


def sample_size(
    baseline: Baseline, lift: float, weights: Sequence[float], *, confidence_level: float, power: float
) -> int:
    """Return the users of all variants together with which a lift is found as often as `power` says, in percent.

    At the horizon, in any single variant, beside as many others as there are. Raises ValueError where the lift cannot
    be: without a baseline above 0, of 0, or of a rate beyond 100 %.
    """
    mean, expected = baseline.mean, baseline.mean * (1 + lift)
    if not mean > 0 or lift == 0 or expected < 0 or (baseline.variance is None and expected > 1):
        raise ValueError(f"no test can find a lift of {lift:.1%} on a baseline of {mean:g}")
    alpha, k = _alpha(confidence_level, len(weights)), _per_control(weights)
    if baseline.variance is None:
        users = control_users_for_rates(mean, expected, k, alpha, power / 100)
    else:
        users = control_users_for_means(baseline.variance, mean * lift, k, alpha, power / 100)
    return ceil(float(users.max()) / weights[0])


def detectable_lift(
    baseline: Baseline, users: Sequence[float], *, confidence_level: float, power: float
) -> float | None:
    """Return the smallest lift that so many users of each variant find, the control's first; None: none."""
    if min(users) <= 0 or baseline.mean <= 0:
        return None
    alpha, k = _alpha(confidence_level, len(users)), _per_control(users)
    if baseline.variance is None:
        difference = detectable_rate(baseline.mean, users[0], k, alpha, power / 100) - baseline.mean
    else:
        difference = detectable_difference(baseline.variance, users[0], k, alpha, power / 100)
    # The variant with the fewest users needs the largest.
    lift = float(difference.max()) / baseline.mean
    return lift if isfinite(lift) else None


def _alpha(confidence_level: float, variants: int) -> float:
    """Return the alpha of one comparison with the control at the horizon, as Bonferroni divides it."""
    return (1 - EARLY_SHARE) * (100 - confidence_level) / 100 / (variants - 1)


def _per_control(users: Sequence[float]) -> Array:
    return np.array(users[1:], dtype=np.float64) / users[0]
