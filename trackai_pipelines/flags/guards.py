"""What a guarded step waits for: a measure of the tenants that a flag reaches. No evidence is no permission.

What belongs here: reading guards, and measuring. What does not: what follows from it (ramps.py).
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement
from trackai_pipelines.flag_values.decisions import FlagDecision
from trackai_pipelines.flag_values.evaluation import evaluate
from trackai_pipelines.flag_values.source import Snapshot
from trackai_pipelines.flags.rules import FlagRefusedError

_MOST_DAYS = 30
_GUARD = re.compile(r"\s*(\w+)\s*(>=|<=|>|<)\s*([0-9.]+)\s+over\s+(\d+)\s*d\s*")
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
MEASURES: Mapping[str, str] = {
    "match_rate": "matched / (matched + unmatched) of the last complete UTC days",
    "dispatch_failures": "events that failed for good / (sent + failed)",
    "flag_errors": "checks of the flag that failed / all of them",
}


@dataclass(frozen=True, slots=True)
class StepGuard:
    """A condition on a measure."""

    measure: str
    comparison: str
    threshold: float
    days: int

    def holds(self, value: float | None) -> bool:
        """Return whether the measure permits the step; one of nothing does not."""
        return value is not None and _COMPARISONS[self.comparison](value, self.threshold)

    @property
    def said(self) -> str:
        """The guard as it is written."""
        return f"{self.measure}{self.comparison}{self.threshold:g} over {self.days}d"

    def plain(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured: a share and what it is of."""

    part: int
    whole: int
    tenants: int

    @property
    def value(self) -> float | None:
        """The share; None where there is nothing to measure."""
        return self.part / self.whole if self.whole else None

    @property
    def said(self) -> str:
        """The share in words."""
        of = f"of {self.whole:,} at {self.tenants} tenants"
        return f"nothing to measure ({of})" if self.value is None else f"{self.value:.4f} ({self.part:,} {of})"

    def plain(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return asdict(self) | {"value": self.value}


def read_guard(text: str) -> StepGuard:
    """Return the guard that a text says, e.g. `match_rate>=0.7 over 2d`. Raises FlagRefusedError."""
    found = _GUARD.fullmatch(text)
    if found is None or found[1] not in MEASURES:
        raise FlagRefusedError(
            f"{text!r} is not a guard. Write one as 'match_rate>=0.7 over 2d'; measures: {', '.join(MEASURES)}."
        )
    try:
        threshold = float(found[3])
    except ValueError:
        raise FlagRefusedError(f"{found[3]!r} is not a number.") from None
    days = int(found[4])
    if not 0 <= threshold <= 1:
        raise FlagRefusedError(f"A guard compares a share from 0 to 1, not {threshold:g}.")
    if not 1 <= days <= _MOST_DAYS:
        raise FlagRefusedError(f"A guard looks at 1 to {_MOST_DAYS} days, not {days}.")
    return StepGuard(found[1], found[2], threshold, days)


def measure(
    connection: Connection[Any], guard: StepGuard, flag_id: int, tenants: Sequence[str], now: datetime
) -> Measured:
    """Return what the guard asks for, over tenants (ids)."""
    given = {
        "tenants": list(tenants),
        "flag_id": flag_id,
        "since": now - timedelta(days=guard.days),
        "first": now.date() - timedelta(days=guard.days),
        "before": now.date(),
    }
    asked = {
        "match_rate": statement("flags/measure_match_rate"),
        "dispatch_failures": statement("flags/measure_dispatch_failures"),
        "flag_errors": statement("flags/measure_flag_errors"),
    }
    found = connection.execute(asked[guard.measure], given).fetchone()
    assert found is not None
    return Measured(int(found[0]), int(found[1]), len(tenants))


def reached(snapshot: Snapshot, key: str, tenant_id: str | None, at: datetime) -> list[str]:
    """Return the ids of the tenants that a flag serves anything but its off value, as far as that can be said.

    Where the tenant is the unit, those that are in; else those where it is on for some. One tenant's ramp asks that
    tenant alone.
    """
    tenants = {tenant.id: tenant.slug for tenant in snapshot.tenants.values()}
    if tenant_id is not None:
        return [tenant_id]
    return sorted(one for one, slug in tenants.items() if _serves(snapshot, key, slug, at))


def _serves(snapshot: Snapshot, key: str, slug: str, at: datetime) -> bool:
    decision: FlagDecision = snapshot.ruleset.decision(key, slug, at)
    if decision.always is not None:
        return bool(decision.always.value_used)
    if decision.bucket_by == "tenant" and not any(group.segment for group in decision.groups):
        return bool(evaluate(snapshot.ruleset, key, tenant=slug, context={}, at=at).value_used)
    return True
