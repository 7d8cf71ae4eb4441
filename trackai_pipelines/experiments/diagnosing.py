"""Whether a test measures what it says: p-values of each day.

What belongs here: which counts are compared. What does not: the tests (statistics), and what follows (deciding.py).
"""

from typing import Any

import numpy as np

from trackai_pipelines.experiments.comparing import MATURE, SO_FAR, Totals, centred
from trackai_pipelines.experiments.designs import Design
from trackai_pipelines.experiments.statistics.arrays import Array, quietly
from trackai_pipelines.experiments.statistics.health import fit_p_value, independence_p_value, novelty

Health = dict[str, Array]
"""Columns of `ab_test_daily_health` with p-values, each of shape (days)."""


def health_of_days(design: Design, totals: Totals, excluded: Array) -> Health:
    """Return the p-values of each day.

    `totals` are of shape (days, populations, variants); `excluded`, (days, variants), are users who are not analysed.
    """
    users, unlinked, converted, attributed = (
        totals[name][:, SO_FAR].astype(np.float64)
        for name in ("users_count", "unlinked_users", "converted_users", "attributed_users")
    )
    return {
        "srm_p_value": fit_p_value(users, design.weights),
        "srm_p_value_before_exclusions": fit_p_value(users + excluded, design.weights),
        "linkage_p_value": independence_p_value(np.stack([users - unlinked, unlinked], axis=-2)),
        "tracking_p_value": independence_p_value(np.stack([attributed, converted - attributed], axis=-2)),
    }


@quietly
def novelty_of_days(design: Design, totals: Totals) -> list[dict[str, dict[str, Any]]]:
    """Return for each day, by variant, how its lift changed in the second half of the window, and the p-value.

    `change` is a difference of logarithms: -0.1 is a lift of about 10 % that ended. Days without it have no entry.
    """
    mature = {name: sums[:, MATURE] for name, sums in totals.items()}
    early, late = "early_conversions", "late_conversions"
    n = mature["users_count"].astype(np.float64)
    change, p = novelty(
        n,
        mature[early].astype(np.float64) / n,
        mature[late].astype(np.float64) / n,
        centred(mature, "early_conversion_squares", early, early),
        centred(mature, "late_conversion_squares", late, late),
        centred(mature, "early_late_products", early, late),
    )
    return [
        {
            variant: {"change": float(change[day, place]), "p_value": float(p[day, place])}
            for place, variant in enumerate(design.variants[1:])
            if np.isfinite(p[day, place])
        }
        for day in range(len(n))
    ]
