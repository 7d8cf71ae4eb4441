"""A test with another window, cap, lookback or estimator: exploring, which decides nothing.

What belongs here: which choices there are, and what each comes to. What does not: which sales count (outcomes.py), and
how it is laid out (cli_what_if.py).

Nothing is stored, and no choice has a winner: whoever tries many finds an effect by chance. What was frozen decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
from psycopg import Connection

from trackai_pipelines.experiments.comparing import MATURE, compare, needed_users
from trackai_pipelines.experiments.designs import Design
from trackai_pipelines.experiments.outcomes import MANY, count_users, explored_outcomes, plans
from trackai_pipelines.experiments.periods import first_day, last_day
from trackai_pipelines.experiments.recomputing import course_of, refuse_what_has_left
from trackai_pipelines.experiments.refusals import ExperimentRefusedError
from trackai_pipelines.experiments.rules import check_cap, check_outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """What to try. None, and no window: as the test has it."""

    window_days: Sequence[int] = ()
    cap: Decimal | None = None
    lookback_days: int | None = None
    estimator: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TriedVariant:
    """A variant under a choice, in the primary metric; the control has only an estimate."""

    variant: str
    users: int
    converted: int
    estimate: float | None
    lift: float | None
    lift_ci_lower: float | None
    lift_ci_upper: float | None
    p_value: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """What users whose window is over came to under a choice."""

    window_days: int
    cap: Decimal | None
    lookback_days: int | None
    """None: as sales are matched."""
    estimator: str
    as_it_is: bool
    """Whether the test has these settings."""
    day: date
    """The last UTC day that is read."""
    variants: Sequence[TriedVariant]
    """The control first."""


def what_if(connection: Connection[Any], design: Design, asked: Choices, now: datetime) -> list[Tried]:
    """Return a test as it is, and with each of the choices. Writes nothing. Raises ExperimentRefusedError."""
    designs = _designs(design, asked)
    today = now.astimezone(UTC).date()
    if design.started_at is None or first_day(design) >= today:
        raise ExperimentRefusedError(f"{design.test_key} has no day that is over: there is nothing to explore yet.")
    choices: list[tuple[Design, int | None]] = [(design, None)]
    choices += [(one, asked.lookback_days) for one in designs if (one, asked.lookback_days) != choices[0]]
    with connection.transaction(), plans(connection, MANY):
        refuse_what_has_left(connection, design, last_day(design, today))
        counts = count_users(connection, [design])[design.id]
        found: list[Tried] = []
        for tried, lookback_days in choices:
            day = last_day(tried, today)
            sales = explored_outcomes(connection, tried, day, lookback_days)
            found.append(
                Tried(
                    window_days=tried.window_days,
                    cap=tried.revenue_cap,
                    lookback_days=lookback_days,
                    estimator=tried.estimator,
                    as_it_is=not found,
                    day=day,
                    variants=_variants(course_of(tried, day, sales, counts).totals, tried),
                )
            )
    return found


def _designs(design: Design, asked: Choices) -> list[Design]:
    """Return the test with each of the windows. Raises ExperimentRefusedError for what no test may have."""
    key = design.test_key
    if asked.cap is not None:
        check_cap(asked.cap)
        if design.currency is None:
            raise ExperimentRefusedError(f"{key} has no currency, so no revenue that could be capped.")
    if asked.lookback_days is not None and design.outcome_scope != "attributed":
        raise ExperimentRefusedError(
            f"{key} counts sales with and without a click, so a lookback changes nothing: it is for tests with the "
            "scope attributed."
        )
    designs = []
    for window_days in dict.fromkeys(asked.window_days or (design.window_days,)):
        tried = replace(
            design,
            window_days=window_days,
            revenue_cap=design.revenue_cap if asked.cap is None else asked.cap,
            estimator=asked.estimator or design.estimator,
        )
        check_outcome(tried)
        designs.append(tried)
    return designs


def _variants(totals: Any, tried: Design) -> list[TriedVariant]:
    last = {name: sums[-1, MATURE] for name, sums in totals.items()}
    results = compare(last, tried.primary_metric, tried.estimator, tried.alpha, needed_users(tried))
    names = ("estimate", "lift", "lift_ci_lower", "lift_ci_upper", "p_value")
    return [
        TriedVariant(
            variant=variant,
            users=int(last["users_count"][place]),
            converted=int(last["converted_users"][place]),
            **{name: float(results[name][place]) if np.isfinite(results[name][place]) else None for name in names},
        )
        for place, variant in enumerate(tried.variants)
    ]
