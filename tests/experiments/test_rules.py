"""What a draft may be: each rule refuses with its sentence."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from trackai_pipelines.experiments.designs import Guardrail
from trackai_pipelines.experiments.refusals import ExperimentRefusedError
from trackai_pipelines.experiments.rules import NewTest, check_new

_START = datetime(2026, 3, 1, tzinfo=UTC)
_TEST = NewTest(test_key="checkout", name="Checkout", variants=("control", "a", "b"), start_date=_START)
_NAN = float("nan")


def _guardrail(metric: str = "orders_per_user", margin: float = 0.0, rule: str = "not_worse") -> Guardrail:
    return Guardrail(metric=metric, margin=margin, rule=rule)


def test_what_is_allowed() -> None:
    check_new(_TEST)
    check_new(replace(_TEST, variants=("control",)))
    check_new(replace(_TEST, variants=("control", "a", "b", "c"), weights=(0.1, 0.2, 0.3, 0.4)))
    check_new(replace(_TEST, weights=(0.5, 0.25, 0.25 + 9e-10), traffic_percent=100, window_days=60, pre_days=29))
    check_new(replace(_TEST, primary_metric="avg_order_value", currency="BRL", revenue_cap=Decimal("0.0001")))
    check_new(replace(_TEST, guardrails=(_guardrail(margin=0.99), _guardrail("avg_order_value", rule="proven"))))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"test_key": ""}, "1 to 100 characters"),
        ({"test_key": "k" * 101}, "1 to 100 characters"),
        ({"name": ""}, "name is empty"),
        ({"variants": ()}, "up to three variants"),
        ({"variants": ("control", "a", "b", "c", "d")}, "up to three variants"),
        ({"variants": ("control", "")}, "A variant's name"),
        ({"variants": ("control", "a", "a")}, "Two variants have one name"),
        ({"weights": (0.5, 0.5)}, "3 variants need as many weights"),
        ({"weights": (0.5, 0.3, 0.3)}, "whose sum is 1"),
        ({"weights": (0.5, 0.5 + 2e-9, 1e-12)}, "whose sum is 1"),
        ({"weights": (1.0, 0.5, -0.5)}, "above 0"),
        ({"weights": (_NAN, 0.5, 0.5)}, "above 0"),
        ({"traffic_percent": 0}, "traffic"),
        ({"traffic_percent": 100.1}, "traffic"),
        ({"traffic_percent": _NAN}, "traffic"),
        ({"end_date": _START}, "before it begins"),
        ({"sample_size": 0}, "sample size"),
        ({"confidence_level": 100}, "confidence level"),
        ({"min_statistical_power": 50}, "statistical power"),
        ({"planned_lift": 0.0}, "planned lift"),
        ({"planned_lift": -1.0}, "planned lift"),
        ({"planned_baseline": float("inf")}, "planned baseline"),
        ({"window_days": 0}, "1 to 60 days"),
        ({"pre_days": 61}, "0 to 60"),
        ({"window_days": 60, "pre_days": 30}, "90 days together"),
        ({"primary_metric": "clicks"}, "no metric"),
        ({"estimator": "bayes"}, "no estimator"),
        ({"estimator": "cuped", "primary_metric": "avg_order_value"}, "is a ratio"),
        ({"outcome_event": ""}, "event that counts"),
        ({"outcome_scope": "some"}, "no scope"),
        ({"assigned_by": "app"}, "assigned by trackai or outside"),
        ({"hash_seed": ""}, "hash seed"),
        ({"currency": "XXX"}, "no currency"),
        ({"revenue_cap": Decimal(0)}, "amount above 0"),
        ({"revenue_cap": Decimal("NaN")}, "amount above 0"),
        ({"guardrails": (_guardrail("clicks"),)}, "no metric"),
        ({"guardrails": (_guardrail(margin=1.0),)}, "margin"),
        ({"guardrails": (_guardrail(margin=_NAN),)}, "margin"),
        ({"guardrails": (_guardrail(rule="better"),)}, "no rule"),
        ({"guardrails": (_guardrail(), _guardrail(margin=0.1))}, "once"),
    ],
)
def test_what_is_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(ExperimentRefusedError, match=said):
        check_new(replace(_TEST, **change))  # type: ignore[arg-type]
