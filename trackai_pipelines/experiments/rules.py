"""What a test may be: a draft with every setting, and why one is refused.

What belongs here: the rules that commands and files share. What does not: writing (creating.py), transitions (life.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import isfinite

from trackai_pipelines.experiments.designs import Design, Guardrail
from trackai_pipelines.experiments.refusals import ExperimentRefusedError
from trackai_pipelines.money import is_currency

METRICS = ("conversion_rate", "orders_per_user", "revenue_per_user", "avg_order_value")
METRICS_OF_REVENUE = ("revenue_per_user", "avg_order_value")
ESTIMATORS = ("plain", "cuped")
SCOPES = ("all", "attributed")
ASSIGNERS = ("trackai", "outside")
RULES = ("not_worse", "proven")

_LONGEST = 100
_MOST_DAYS = 60
# Conversions lose the hashes that link them to users after so many days.
_DAYS_WITH_HASHES = 90


@dataclass(frozen=True, kw_only=True, slots=True)
class NewTest:
    """A draft; its fields are those of `Design`."""

    test_key: str
    name: str
    variants: tuple[str, ...]
    """The control first, then a, b and c."""
    start_date: datetime
    description: str | None = None
    hypothesis: str | None = None
    campaign_id: str | None = None
    end_date: datetime | None = None
    sample_size: int | None = None
    confidence_level: float = 95.0
    min_statistical_power: float = 80.0
    weights: tuple[float, ...] | None = None
    """None: equal."""
    traffic_percent: float = 100.0
    hash_seed: str | None = None
    """None: the key."""
    assigned_by: str = "trackai"
    window_days: int = 14
    pre_days: int = 28
    primary_metric: str = "conversion_rate"
    estimator: str = "plain"
    outcome_event: str = "Purchase"
    outcome_scope: str = "all"
    currency: str | None = None
    revenue_cap: Decimal | None = None
    planned_lift: float | None = None
    planned_baseline: float | None = None
    guardrails: tuple[Guardrail, ...] = ()


def check_new(new: NewTest) -> None:
    """Raise ExperimentRefusedError for a draft that is not allowed."""
    for fault in _faults(new):
        raise ExperimentRefusedError(fault)


def check_currency(code: str) -> None:
    """Raise ExperimentRefusedError for what is no currency."""
    if not is_currency(code):
        raise ExperimentRefusedError(f"{code!r} is no currency: give a code of ISO 4217, e.g. BRL.")


def check_cap(cap: Decimal) -> None:
    """Raise ExperimentRefusedError for what is no cap of a user's revenue."""
    if not cap.is_finite() or not Decimal("0.0001") <= cap < Decimal(10) ** 14:
        raise ExperimentRefusedError("The revenue cap is an amount above 0, e.g. 500.")


def check_outcome(tried: Design) -> None:
    """Raise ExperimentRefusedError where a test could not count conversions in this way."""
    for fault in _faults_of_outcome(tried):
        raise ExperimentRefusedError(fault)


def shown(at: datetime) -> str:
    """Return a moment as people read it."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _faults(new: NewTest) -> Iterator[str]:
    if not 1 <= len(new.test_key) <= _LONGEST:
        yield f"A test's key has 1 to {_LONGEST} characters."
    if not new.name:
        yield "The name is empty: give one that people understand."
    yield from _faults_of_variants(new)
    if new.end_date is not None and new.end_date <= new.start_date:
        yield f"The test would end at {shown(new.end_date)}, before it begins."
    yield from _faults_of_plan(new)
    yield from _faults_of_outcome(new)
    if new.assigned_by not in ASSIGNERS:
        yield f"Users are assigned by {_or(ASSIGNERS)}, not by {new.assigned_by!r}."
    if new.hash_seed == "":
        yield "The hash seed is empty: leave it out, or give a text."
    if new.currency is not None and not is_currency(new.currency):
        yield f"{new.currency!r} is no currency: give a code of ISO 4217, e.g. BRL."
    if new.revenue_cap is not None:
        check_cap(new.revenue_cap)
    yield from _faults_of_guardrails(new)


def _faults_of_variants(new: NewTest) -> Iterator[str]:
    if not 1 <= len(new.variants) <= 4:
        yield "A test has a control and up to three variants."
    for name in new.variants:
        if not 1 <= len(name) <= _LONGEST:
            yield f"A variant's name has 1 to {_LONGEST} characters."
    if len(set(new.variants)) < len(new.variants):
        yield f"Two variants have one name: {', '.join(new.variants)}. Results are told apart by it."
    weights = new.weights
    if weights is not None:
        if len(weights) != len(new.variants):
            yield f"{len(new.variants)} variants need as many weights; {len(weights)} were given, the control's first."
        if not all(isfinite(weight) and weight > 0 for weight in weights) or abs(sum(weights) - 1) > 1e-9:
            yield "Weights are shares above 0 whose sum is 1, e.g. 0.5,0.25,0.25."
    if not 0 < new.traffic_percent <= 100:
        yield "The traffic is above 0 and at most 100 per cent."


def _faults_of_plan(new: NewTest) -> Iterator[str]:
    if new.sample_size is not None and not 0 < new.sample_size < 2**63:
        yield "The sample size is a number of users above 0, in all variants together."
    for value, what in ((new.confidence_level, "confidence level"), (new.min_statistical_power, "statistical power")):
        if not 50 < value < 100:
            yield f"The {what} is above 50 and below 100 per cent, e.g. 95."
    if new.planned_lift is not None and not (isfinite(new.planned_lift) and new.planned_lift > -1 and new.planned_lift):
        yield "The planned lift is a share above -1 and not 0, e.g. 0.2 for 20 %."
    if new.planned_baseline is not None and not (isfinite(new.planned_baseline) and new.planned_baseline > 0):
        yield "The planned baseline is the control's value of the metric, above 0."


def _faults_of_outcome(new: NewTest | Design) -> Iterator[str]:
    if not 1 <= new.window_days <= _MOST_DAYS or not 0 <= new.pre_days <= _MOST_DAYS:
        yield f"The window is 1 to {_MOST_DAYS} days, and the days before it are 0 to {_MOST_DAYS}."
    if new.window_days + new.pre_days >= _DAYS_WITH_HASHES:
        yield (
            f"The window and the days before it are {new.window_days + new.pre_days} days together. They have to stay "
            f"below {_DAYS_WITH_HASHES}: then conversions lose what links them to users."
        )
    if new.primary_metric not in METRICS:
        yield f"{new.primary_metric!r} is no metric: give {_or(METRICS)}."
    if new.estimator not in ESTIMATORS:
        yield f"{new.estimator!r} is no estimator: give {_or(ESTIMATORS)}."
    if new.estimator == "cuped" and new.primary_metric == "avg_order_value":
        yield "The estimator cuped needs a mean over users, and avg_order_value is a ratio: use plain."
    if not new.outcome_event:
        yield "The event that counts is empty: give the event_name of conversions, e.g. Purchase."
    if new.outcome_scope not in SCOPES:
        yield f"{new.outcome_scope!r} is no scope: give {_or(SCOPES)}."


def _faults_of_guardrails(new: NewTest) -> Iterator[str]:
    for one in new.guardrails:
        if one.metric not in METRICS:
            yield f"{one.metric!r} is no metric: a guardrail is one of {_or(METRICS)}."
        if not 0 <= one.margin < 1:
            yield f"The margin of {one.metric} is a share from 0 to below 1, e.g. 0.05 for 5 %."
        if one.rule not in RULES:
            yield f"{one.rule!r} is no rule of a guardrail: give {_or(RULES)}."
    if len({one.metric for one in new.guardrails}) < len(new.guardrails):
        yield "A metric can be a guardrail once."


def _or(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
