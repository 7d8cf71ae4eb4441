"""Tests as totals by day, made by formula: no database.

What belongs here: designs and their courses. What does not: random ones (simulated.py).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trackai_pipelines.experiments.deciding import Course
from trackai_pipelines.experiments.designs import Design, Guardrail, config_digest
from trackai_pipelines.experiments.diagnosing import health_of_days

START = datetime(2026, 3, 1, tzinfo=UTC)
COLUMNS = (
    *("users_count", "unlinked_users", "converted_users", "attributed_users", "conversions", "conversion_squares"),
    *("capped_revenue", "revenue_squares", "revenue_conversions", "revenue_conversion_squares"),
    *("revenue_conversion_products", "pre_converted_users", "both_converted_users", "pre_conversions"),
    *("pre_conversion_squares", "conversion_products", "pre_revenue", "pre_revenue_squares", "revenue_products"),
    *("early_conversions", "early_conversion_squares", "late_conversions", "late_conversion_squares"),
    "early_late_products",
)


def design(**changes: Any) -> Design:
    """Return a started test of a control and a variant, 1,000 users each; weights are equal unless given."""
    variants = changes.get("variants", ("control", "a"))
    settings = {
        "tenant_id": "acme",
        "id": 1,
        "test_key": "checkout",
        "name": "Checkout",
        "status": "running",
        "assigned_by": "trackai",
        "traffic_percent": 100.0,
        "hash_seed": "checkout",
        "variants": variants,
        "weights": (1 / len(variants),) * len(variants),
        "sample_size": 1_000 * len(variants),
        "confidence_level": 95.0,
        "min_statistical_power": 80.0,
        "window_days": 14,
        "pre_days": 28,
        "primary_metric": "conversion_rate",
        "estimator": "plain",
        "outcome_event": "Purchase",
        "outcome_scope": "all",
        "currency": "BRL",
        "revenue_cap": None,
        "planned_lift": None,
        "planned_baseline": None,
        "start_date": START,
        "end_date": None,
        "started_at": START,
        "completed_at": None,
        "guardrails": (),
        "config_digest": None,
        **changes,
    }
    if "config_digest" not in changes:
        settings["config_digest"] = config_digest(Design(**settings))
    return Design(**settings)


def guardrail(metric: str, margin: float = 0.0, rule: str = "not_worse") -> Guardrail:
    """Return a guardrail."""
    return Guardrail(metric=metric, margin=margin, rule=rule)


def totals(
    test: Design,
    days: int,
    *,
    users: Sequence[int],
    rates: Sequence[float],
    prices: Sequence[float] | None = None,
    assigned_days: int = 1_000,
    shares: Mapping[str, Sequence[float]] | None = None,
) -> dict[str, NDArray[Any]]:
    """Return the totals of a test to which each variant gets so many users a day.

    A share of each day's users converts at once, with one order of about the variant's price. `shares` are other
    columns as a share of users, or for `attributed_users` of converted users.
    """
    passed = np.arange(1, days + 1)
    counted = np.clip(np.stack([passed, passed - test.window_days], axis=1), 0, assigned_days)
    n = counted[..., None] * np.array(users)
    converted = np.round(n * np.array(rates)).astype(int)
    price = np.array(prices if prices is not None else [50.0] * len(users))
    columns = {name: np.zeros_like(n, dtype=float) for name in COLUMNS}
    columns |= {name: converted.astype(float) for name in ("converted_users", "conversions", "conversion_squares")}
    columns |= {name: converted.astype(float) for name in ("revenue_conversions", "revenue_conversion_squares")}
    columns |= {
        "users_count": n.astype(float),
        "capped_revenue": converted * price,
        "revenue_conversion_products": converted * price,
        # A standard deviation of half the price.
        "revenue_squares": converted * price**2 * 1.25,
        "early_conversions": np.floor(converted / 2),
        "early_conversion_squares": np.floor(converted / 2),
        "late_conversions": np.ceil(converted / 2),
        "late_conversion_squares": np.ceil(converted / 2),
    }
    for name, share in (shares or {}).items():
        columns[name] = np.round((converted if name == "attributed_users" else n) * np.array(share))
    return columns


def course(
    test: Design,
    of_days: Mapping[str, NDArray[Any]],
    *,
    excluded: Sequence[float] | None = None,
) -> Course:
    """Return the course of a test with these totals; `excluded` are users not analysed, by variant, on all days."""
    days = [START.date() + timedelta(days=back) for back in range(len(of_days["users_count"]))]
    left_out = np.tile(np.array(excluded if excluded is not None else [0.0] * len(test.variants)), (len(days), 1))
    return Course(test, days, of_days, health_of_days(test, of_days, left_out))
