"""The one rule that decides a test, once: on the first day on which it can, or not yet.

What belongs here: which day decides, and what comes out. What does not: the figures (comparing.py), sentences
(wording.py), and what late data do to a decision that was written (results.py).

A tenth of alpha pays for stopping early, whenever that is; the rest is for the horizon, a day that depends on counts of
users alone. So looking every day changes nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from functools import cached_property
from typing import Any, Literal

import numpy as np

from trackai_pipelines.experiments.comparing import (
    FEWEST_CONVERTED,
    MATURE,
    POPULATIONS,
    SO_FAR,
    Results,
    Totals,
    add_decision,
    compare,
    needed_users,
)
from trackai_pipelines.experiments.designs import HEALTHY, Design, Guardrail
from trackai_pipelines.experiments.forecasting import Forecast, final_day, forecast
from trackai_pipelines.experiments.statistics.arrays import Array
from trackai_pipelines.experiments.wording import said, waiting_said

EARLIEST_DAY = 7
"""The day of a test, counted from 1, from which it may end early: a week has every weekday."""

Kind = Literal["early", "horizon", "final"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Decided:
    """What was decided: a row of `ab_test_decisions`; the comments of its columns describe the fields."""

    decision_day: date
    horizon_day: date | None
    kind: Kind
    outcome: str
    winner_variant: str | None
    reason: str
    inputs: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Undecided:
    """Why there is no decision yet, and when there will be one."""

    day: date | None
    """The last day with totals; None: there is none."""
    forecast: Forecast
    reason: str


@dataclass(frozen=True)
class Course:
    """A test from its first day on: what the rule reads."""

    design: Design
    days: Sequence[date]
    """UTC days, in order and without gaps."""
    totals: Totals
    """Of shape (days, populations, variants)."""
    health: Mapping[str, Array]
    """Columns of `ab_test_daily_health` with p-values, each of shape (days)."""

    @cached_property
    def primary(self) -> Results:
        """The results of the metric and estimator that decide."""
        design = self.design
        return compare(self.totals, design.primary_metric, design.estimator, design.alpha, needed_users(design))

    def place(self, day: date) -> int | None:
        """Return the place of a day; None where it has no totals."""
        return (day - self.days[0]).days if self.days and self.days[0] <= day <= self.days[-1] else None


def decide(course: Course) -> Decided | Undecided:
    """Return the decision of the first day on which the rule can decide, or what it waits for."""
    design, days = course.design, course.days
    reached, horizon = reached_at(course), horizon_at(course)
    final = None if reached is not None or (end := final_day(design)) is None else course.place(end)
    results = primary_results(course, horizon)
    earliest = first_day(design) + timedelta(days=EARLIEST_DAY - 1)
    # Without a significant p-value no outcome can stop a test early.
    significant = np.nanmin(results["p_value_adjusted"][:, SO_FAR], axis=-1, initial=1.0) < design.alpha
    for at, day in enumerate(days):
        if at == horizon:
            return _judge(course, results, at, "horizon", reached)
        if at == final:
            return _judge(course, results, at, "final", reached)
        if significant[at] and day >= earliest:
            decision = _judge(course, results, at, "early", reached)
            if decision.outcome in ("winner", "control_better"):
                return decision
    expected = forecast(design, days, course.totals, reached)
    reason = waiting_said(design, expected)
    return Undecided(day=days[-1] if days else None, forecast=expected, reason=reason)


def decide_again(course: Course, kind: Kind, day: date) -> Decided:
    """Return what a decision of that kind on that day would be now. Raises ValueError where the day has no totals."""
    at = course.days.index(day)
    results = primary_results(course, at if kind == "horizon" else None)
    return _judge(course, results, at, kind, reached_at(course))


def primary_results(course: Course, horizon: int | None) -> Results:
    """Return the results of the metric and estimator that decide, with the p-values that the rule reads."""
    return add_decision(course.primary, horizon)


def first_day(design: Design) -> date:
    """Return the UTC day on which users could first be assigned."""
    return max(design.start_date, design.started_at or design.start_date).astimezone(UTC).date()


def reached_at(course: Course) -> int | None:
    """Return the place of the first day on which every variant has the users that it needs."""
    needed = needed_users(course.design)
    if needed is None:
        return None
    enough = (course.totals["users_count"][:, SO_FAR] >= np.array(needed)).all(axis=-1)
    return int(np.argmax(enough)) if enough.any() else None


def horizon_at(course: Course) -> int | None:
    """Return the place of the day on which the last of those users are mature; None while it is not over."""
    reached = reached_at(course)
    return None if reached is None else course.place(course.days[reached] + timedelta(days=course.design.window_days))


def _judge(course: Course, results: Results, at: int, kind: Kind, reached: int | None) -> Decided:
    """Return the decision of a day, whether or not it is the day to decide."""
    design = course.design
    inputs = _inputs(course, results, at, SO_FAR if kind == "early" else MATURE)
    outcome, winner = _outcome(design, inputs, complete=kind != "final" or reached is not None)
    return Decided(
        decision_day=course.days[at],
        horizon_day=None if reached is None else course.days[reached],
        kind=kind,
        outcome=outcome,
        winner_variant=winner,
        reason=said(design, outcome, winner, inputs),
        inputs=inputs,
    )


def _outcome(design: Design, inputs: Mapping[str, Any], *, complete: bool) -> tuple[str, str | None]:
    """Return the outcome, the first that fits, and the variant to keep."""
    health, variants = inputs["health"], inputs["variants"]
    better, worse = ([one for one in variants if one["direction"] == side] for side in ("better", "worse"))
    broken = {rail["variant"] for rail in inputs["guardrails"] if rail["broken"]}
    holding = [one for one in better if one["variant"] not in broken]
    if design.configuration_changed:
        return "configuration_changed", None
    if design.sample_size is None:
        return "no_plan", None
    if _is_fault(health["srm_p_value"]) or _is_fault(health["srm_p_value_before_exclusions"]):
        return "sample_ratio_mismatch", None
    if _is_fault(health["linkage_p_value"]):
        return "linkage_differs", None
    if design.outcome_scope == "attributed" and _is_fault(health["tracking_p_value"]):
        return "tracking_differs", None
    if not complete:
        return "sample_size_not_reached", None
    if min(one["converted_users"] for one in variants) < FEWEST_CONVERTED:
        return "too_few_conversions", None
    if not better and not worse:
        return "not_significant", None
    if better and not holding:
        return "guardrail_broken", None
    if len(worse) == len(variants) - 1:
        return "control_better", design.control
    if holding:
        # Equal in both: the first of a, b, c.
        return "winner", max(holding, key=lambda one: (one["estimate"], -one["p_value_decision"]))["variant"]
    return "mixed", None


def _is_fault(p: float | None) -> bool:
    return p is not None and p < HEALTHY


def _inputs(course: Course, results: Results, at: int, population: int) -> dict[str, Any]:
    """Return what the decision of a day reads, as plain data: None for what cannot be said."""
    design, totals = course.design, course.totals
    needed = needed_users(design)
    variants = []
    for place, name in enumerate(design.variants):
        counts = {
            "users": totals["users_count"][at, population, place],
            "converted_users": totals["converted_users"][at, population, place],
            "users_so_far": totals["users_count"][at, SO_FAR, place],
            "converted_users_so_far": totals["converted_users"][at, SO_FAR, place],
            "unlinked_users": totals["unlinked_users"][at, SO_FAR, place],
            "attributed_users": totals["attributed_users"][at, SO_FAR, place],
        }
        figures = {column: _known(values[at, population, place]) for column, values in results.items()}
        variants.append(
            {"variant": name, "needed": None if needed is None else needed[place]}
            | {column: int(count) for column, count in counts.items()}
            | figures
            | {"direction": _direction(figures, design.alpha)}
        )
    return {
        "day": course.days[at].isoformat(),
        "population": POPULATIONS[population],
        "alpha": design.alpha,
        "variants": variants,
        "health": {name: _known(values[at]) for name, values in course.health.items()},
        "guardrails": [row for rail in design.guardrails for row in _guardrail(course, rail, at, population)],
    }


def _direction(figures: Mapping[str, float | None], alpha: float) -> str | None:
    p, difference = figures["p_value_adjusted"], figures["difference"]
    if p is None or difference is None or p >= alpha or difference == 0:
        return None
    return "better" if difference > 0 else "worse"


def _guardrail(course: Course, rail: Guardrail, at: int, population: int) -> Iterator[dict[str, Any]]:
    """Yield whether each variant breaks a guardrail, by the interval of its lift at confidence 1 - 2 alpha."""
    design = course.design
    of_day = {name: sums[at, population] for name, sums in course.totals.items()}
    results = compare(of_day, rail.metric, "plain", 2 * design.alpha, None)
    for place, name in enumerate(design.variants[1:], start=1):
        lower, upper = (_known(results[column][place]) for column in ("lift_ci_lower", "lift_ci_upper"))
        if rail.rule == "proven":
            broken = lower is None or lower <= -rail.margin
        else:
            broken = upper is not None and upper < -rail.margin
        yield {
            "metric": rail.metric,
            "rule": rail.rule,
            "margin": rail.margin,
            "variant": name,
            "lift_ci_lower": lower,
            "lift_ci_upper": upper,
            "broken": broken,
        }


def _known(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
