"""Plans of tests from what a tenant's users bought lately: how many users, how long, and which lift.

What belongs here: a plan from a lift or from days. What does not: formulas (planning.py), and reading users (past.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any, TypedDict

from psycopg import Connection

from trackai_pipelines.experiments.past import Lately, baseline_of, explained_before, read_past
from trackai_pipelines.experiments.planning import Baseline, detectable_lift, sample_size
from trackai_pipelines.experiments.refusals import ExperimentRefusedError


class _Terms(TypedDict):
    confidence_level: float
    power: float


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedTest:
    """What a test would need, or find."""

    baseline: Baseline
    explained: float | None
    """The share of the variance that cuped takes out, of which `baseline` is free; None: plain."""
    users_a_day: float
    """In the share of traffic that takes part."""
    lift: float | None
    """What is found as often as `power` says; None: nothing is, in so few days."""
    sample_size: int
    """Users of all variants together."""
    days: int | None
    """Of assigning users; the decision is `window_days` later. None: no users come."""


def plan(
    connection: Connection[Any],
    tenant_id: str,
    lately: Lately,
    *,
    metric: str,
    estimator: str,
    weights: Sequence[float],
    confidence_level: float,
    power: float,
    traffic_percent: float = 100.0,
    lift: float | None = None,
    days: int | None = None,
    mean: float | None = None,
    users_a_day: float | None = None,
) -> PlannedTest:
    """Return what finding a lift takes, or what so many days find; one of both is given. Confidence and power: percent.

    `mean` replaces what users of the last `window_days` bought on average, `users_a_day` the users who were created in
    them. Raises ExperimentRefusedError where no test can find the lift, e.g. because nobody bought anything.
    """
    past = read_past(connection, tenant_id, lately)
    baseline = baseline_of(past, metric, estimator)
    if mean is not None:
        baseline = replace(baseline, mean=mean)
    daily = traffic_percent / 100 * (past.new / lately.window_days if users_a_day is None else users_a_day)
    terms: _Terms = {"confidence_level": confidence_level, "power": power}
    if lift is not None:
        try:
            users = sample_size(baseline, lift, weights, **terms)
        except ValueError as error:
            raise ExperimentRefusedError(f"{str(error).capitalize()}. Give --baseline, or another --lift.") from error
        found: float | None = lift
        days = ceil(users / daily) if daily else None
    else:
        assert days is not None
        users = int(daily * days)
        found = detectable_lift(baseline, [users * weight for weight in weights], **terms)
    return PlannedTest(
        baseline=baseline,
        explained=explained_before(past, metric) if estimator == "cuped" else None,
        users_a_day=daily,
        lift=found,
        sample_size=users,
        days=days,
    )
