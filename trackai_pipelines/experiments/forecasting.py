"""When a test that is not decided yet will be, and what it could find today.

What belongs here: the forecast. What does not: the rule (deciding.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from math import ceil, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trackai_pipelines.experiments.comparing import SO_FAR, Totals, moments_of, needed_users
from trackai_pipelines.experiments.designs import Design
from trackai_pipelines.experiments.planning import Baseline, detectable_lift

RATE_DAYS = 7
"""So many of the last days tell how many users come: every weekday is among them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """What a test has and waits for."""

    users: tuple[int, ...]
    """Analysed so far, by variant."""
    needed: tuple[int, ...] | None
    """By variant; None without a plan."""
    complete: bool
    """Whether every variant had its users."""
    decision_day: date | None
    """The horizon: known once the test is complete, before that at the rate of the last seven days. None: at that rate
    never, or there is no plan."""
    detectable_lift: float | None
    """The smallest lift that the users of now would find with the power asked for; None: none."""


def forecast(design: Design, days: Sequence[date], totals: Totals, reached: int | None) -> Forecast:
    """Return what a test has and waits for; `reached` is the place of the day on which it had its users."""
    needed = needed_users(design)
    users = totals["users_count"][:, SO_FAR]
    if reached is not None:
        last: date | None = days[reached]
    elif needed is not None and days:
        last = _reached_about(users, needed, days[-1])
    else:
        last = None
    return Forecast(
        users=tuple(int(n) for n in users[-1]) if days else (0,) * len(design.variants),
        needed=needed,
        complete=reached is not None,
        decision_day=None if last is None else last + timedelta(days=design.window_days),
        detectable_lift=_detectable(design, totals) if days else None,
    )


def final_day(design: Design) -> date | None:
    """Return the first UTC day on which every user of a completed test is mature; None while it is not completed."""
    if design.completed_at is None:
        return None
    end = min(design.completed_at, design.end_date or design.completed_at)
    last = (end - timedelta(microseconds=1)).astimezone(UTC).date()
    return last + timedelta(days=design.window_days)


def _reached_about(users: NDArray[Any], needed: Sequence[int], today: date) -> date | None:
    since = users[-1 - RATE_DAYS] if len(users) > RATE_DAYS else np.zeros_like(users[0])
    rates = (users[-1] - since) / min(len(users), RATE_DAYS)
    missing = [(more, float(rate)) for more, rate in zip(np.array(needed) - users[-1], rates, strict=True) if more > 0]
    if not all(rate > 0 for _, rate in missing):
        return None
    # Beyond the last date that there is, nobody waits.
    days = max(ceil(more / rate) for more, rate in missing)
    return today + timedelta(days=days) if days < 36_500 else None


def _detectable(design: Design, totals: Totals) -> float | None:
    """Return the lift that the users of the last day find, from what the control's did so far."""
    metric, estimator = design.primary_metric, design.estimator
    last = {name: sums[-1, SO_FAR] for name, sums in totals.items()}
    control, variants = ({name: sums[part] for name, sums in last.items()} for part in (np.s_[:1], np.s_[1:]))
    moments = moments_of(control, variants, metric, estimator)[0]
    mean, variance = float(moments.mean[0]), float(moments.variance[0])
    if not (isfinite(mean) and isfinite(variance)):
        return None
    rate = (metric, estimator) == ("conversion_rate", "plain")
    return detectable_lift(
        Baseline(mean=mean, variance=None if rate else variance),
        [float(n) for n in last["users_count"]],
        confidence_level=design.confidence_level,
        power=design.min_statistical_power,
    )
