"""What a test compares and how it is judged: a row of `ab_tests` with its variants and guardrails.

What belongs here: reading tests, and the digest of what starting one freezes. What does not: changing them (life.py).
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.experiments.refusals import UnknownTestError

COMPUTED = ("running", "paused", "completed")
"""The statuses of tests whose results are brought up to date every night."""
HEALTHY = 0.001
"""A p-value of a test's health below this is a fault: looking on 28 days finds one by chance in 0.9 % of tests."""
UNSOUND = ("configuration_changed", "no_plan", "sample_ratio_mismatch", "linkage_differs", "tracking_differs")
"""The outcomes of tests whose figures say nothing about their variants: nobody should act on them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Guardrail:
    """A metric that a winner must not make worse."""

    metric: str
    margin: float
    """How much lower is tolerated, 0.05 for 5 %."""
    rule: str
    """`not_worse` or `proven`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Design:
    """A test: the columns of `ab_tests` that computing and deciding read."""

    tenant_id: str
    id: int
    test_key: str
    name: str
    status: str
    assigned_by: str
    traffic_percent: float
    hash_seed: str
    """The key where the row has none."""
    variants: tuple[str, ...]
    """The control first, then a, b and c."""
    weights: tuple[float, ...]
    """The share of each variant; equal where the row has none."""
    sample_size: int | None
    """Users in all variants together; None: there is no plan."""
    confidence_level: float
    """In percent."""
    min_statistical_power: float
    """In percent."""
    window_days: int
    pre_days: int
    primary_metric: str
    estimator: str
    outcome_event: str
    outcome_scope: str
    currency: str | None
    revenue_cap: Decimal | None
    planned_lift: float | None
    planned_baseline: float | None
    start_date: datetime
    end_date: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    guardrails: tuple[Guardrail, ...]
    """By metric."""
    config_digest: str | None
    """What starting froze; None for a draft."""

    def __post_init__(self) -> None:
        """Take what a row holds: arrays, and guardrails as JSON."""
        object.__setattr__(self, "variants", tuple(self.variants))
        object.__setattr__(self, "weights", tuple(self.weights))
        object.__setattr__(self, "guardrails", tuple(map(_guardrail, self.guardrails)))

    @property
    def control(self) -> str:
        """Return the name of the control."""
        return self.variants[0]

    @property
    def alpha(self) -> float:
        """Return how often a test without an effect may be decided, as a share of 1."""
        return (100 - self.confidence_level) / 100

    @property
    def configuration_changed(self) -> bool:
        """Return whether something that starting froze is different now."""
        return self.started_at is not None and self.config_digest != config_digest(self)


def read_design(connection: Connection[Any], tenant_id: str, test_key: str) -> Design:
    """Return the test of a tenant with a key. Raises UnknownTestError."""
    found = _designs(connection, tenant_id=tenant_id, test_key=test_key)
    if not found:
        raise UnknownTestError(f"There is no test {test_key}. `trackai experiments list` shows those that there are.")
    return found[0]


def design_of(connection: Connection[Any], tenant_id: str, test_id: int) -> Design:
    """Return the test of a tenant with a number. Raises UnknownTestError."""
    found = _designs(connection, tenant_id=tenant_id, test_id=test_id)
    if not found:
        raise UnknownTestError(f"There is no test with the number {test_id}.")
    return found[0]


def designs_to_compute(connection: Connection[Any], tenant_id: str | None = None) -> list[Design]:
    """Return the tests that were started and are not archived, by tenant and number; of all tenants or of one."""
    return _designs(connection, tenant_id=tenant_id, statuses=COMPUTED)


def frozen(design: Design) -> dict[str, Any]:
    """Return what starting freezes, as plain data."""
    return {
        "variants": list(design.variants),
        "weights": list(design.weights),
        "traffic_percent": design.traffic_percent,
        "hash_seed": design.hash_seed,
        "window_days": design.window_days,
        "pre_days": design.pre_days,
        "primary_metric": design.primary_metric,
        "estimator": design.estimator,
        "outcome_event": design.outcome_event,
        "outcome_scope": design.outcome_scope,
        "currency": design.currency,
        "revenue_cap": None if design.revenue_cap is None else f"{design.revenue_cap:.4f}",
        "sample_size": design.sample_size,
        "planned_lift": design.planned_lift,
        "planned_baseline": design.planned_baseline,
        "guardrails": [[one.metric, one.margin, one.rule] for one in design.guardrails],
        "confidence_level": design.confidence_level,
        "min_statistical_power": design.min_statistical_power,
    }


def config_digest(design: Design) -> str:
    """Return the SHA-256 of what starting freezes: of JSON with sorted keys and no spaces, in UTF-8; 64 hex digits."""
    canonical = json.dumps(frozen(design), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _guardrail(row: Guardrail | Sequence[Any]) -> Guardrail:
    return row if isinstance(row, Guardrail) else Guardrail(metric=row[0], margin=float(row[1]), rule=row[2])


def _designs(
    connection: Connection[Any],
    *,
    tenant_id: str | None = None,
    test_id: int | None = None,
    test_key: str | None = None,
    statuses: Sequence[str] | None = None,
) -> list[Design]:
    given = {
        "tenant_id": tenant_id,
        "test_id": test_id,
        "test_key": test_key,
        "statuses": None if statuses is None else list(statuses),
    }
    with connection.cursor(row_factory=class_row(Design)) as cursor:
        return cursor.execute(statement("experiments/designs"), given).fetchall()
