"""A test as people see it: what was decided or what it waits for, its variants, and how sound it is.

What belongs here: reading what was computed, as of a UTC day. What does not: computing it, and how it is laid out
(cli_show.py, section.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.experiments.deciding import Course, Undecided, decide
from trackai_pipelines.experiments.designs import HEALTHY, Design
from trackai_pipelines.experiments.notation import decided_in_words, health_in_words, novelty_in_words, p_in_words
from trackai_pipelines.experiments.results import read_course


@dataclass(frozen=True, slots=True)
class ShownVariant:
    """A variant's sums, and how it compares in the primary metric; the control has only an estimate."""

    variant: str
    users: int
    unlinked: int
    mature: int
    converted: int
    conversions: int
    revenue: Decimal
    revenue_conversions: int
    estimate: float | None
    lift: float | None
    lift_ci_lower: float | None
    lift_ci_upper: float | None
    p_value: float | None
    p_value_always_valid: float | None
    p_value_adjusted: float | None
    probability_to_beat_control: float | None

    def counted(self, metric: str) -> str:
        """Return what the metric counts, as people write it."""
        if metric == "conversion_rate":
            return f"{self.converted:,}"
        return f"{self.conversions:,}" if metric == "orders_per_user" else f"{self.revenue:,.2f}"

    @property
    def significance(self) -> float | None:
        """Return 100 x (1 - the adjusted p-value), in percent."""
        return None if self.p_value_adjusted is None else 100 * (1 - self.p_value_adjusted)


@dataclass(frozen=True, slots=True)
class KnownDay:
    """What was known of a test at the end of a UTC day."""

    first_day: date
    day: date
    status: str
    decided_at: datetime | None
    """None, as what follows: it waits."""
    decision_day: date | None
    kind: str | None
    outcome: str | None
    winner_variant: str | None
    reason: str | None
    srm_p_value: float | None
    srm_p_value_before_exclusions: float | None
    linkage_p_value: float | None
    tracking_p_value: float | None
    excluded_users: Mapping[str, Mapping[str, int]]
    """By reason and variant."""
    shared_users: Sequence[Mapping[str, Any]]
    """Of each other test with many of the same users `test`, `users` and `p_value`; of the newest day only."""
    novelty: Mapping[str, Any]

    @property
    def number(self) -> int:
        """Return the day's number, the first being 1."""
        return (self.day - self.first_day).days + 1

    @property
    def decided(self) -> str | None:
        """Return e.g. `decided at the horizon, day 2026-03-29: winner mens`, or None while it waits."""
        if self.outcome is None or self.kind is None:
            return None
        return decided_in_words(self.kind, self.decision_day, self.outcome, self.winner_variant)

    @property
    def uneven(self) -> list[str]:
        """Return what is not as it should be between variants, in words."""
        p_values = {
            "users are not split as planned": _least(self.srm_p_value, self.srm_p_value_before_exclusions),
            "variants are linked differently": self.linkage_p_value,
            "variants are tracked differently": self.tracking_p_value,
        }
        p_values |= {f"variants go together with those of {one['test']}": one["p_value"] for one in self.shared_users}
        return [f"{what} (p {p_in_words(p)})" for what, p in p_values.items() if p is not None and p < HEALTHY]


@dataclass(frozen=True, slots=True)
class Shown:
    """A test as of a UTC day."""

    design: Design
    known: KnownDay | None
    """None: nothing was computed by then."""
    population: str = "so_far"
    variants: Sequence[ShownVariant] = ()
    """Of the day of the decision, before there is one of the newest."""
    beside: Sequence[ShownVariant] = ()
    """The other population of the same day."""
    waiting: str | None = None
    """What a test that is not decided waits for."""
    health: str = ""

    @property
    def novelty(self) -> str:
        """Return how the effect changed within the window, in words; empty where nothing can be said."""
        return novelty_in_words(self.known.novelty) if self.known else ""

    def of(self, population: str) -> Sequence[ShownVariant]:
        """Return the variants of a population."""
        return self.variants if population == self.population else self.beside


def _least(*p_values: float | None) -> float | None:
    return min((p for p in p_values if p is not None), default=None)


def shown_test(connection: Connection[Any], design: Design, day: date | None = None) -> Shown:
    """Return a test as it was known of a UTC day, or as it is now."""
    about = {"tenant_id": design.tenant_id, "test_id": design.id}
    with connection.cursor(row_factory=class_row(KnownDay)) as cursor:
        known = cursor.execute(statement("experiments/shown_test"), {**about, "day": day}).fetchone()
    if known is None:
        return Shown(design, None)
    population = "mature" if known.kind in ("horizon", "final") else "so_far"
    day = known.decision_day or known.day
    so_far, mature = (_variants(connection, design, day, name) for name in ("so_far", "mature"))
    return Shown(
        design,
        known,
        population,
        *((so_far, mature) if population == "so_far" else (mature, so_far)),
        None if known.kind else _waiting(connection, design, known),
        _health(connection, design, known, so_far if day == known.day else None),
    )


def _waiting(connection: Connection[Any], design: Design, known: KnownDay) -> str:
    """Return what a test waited for at the end of the day."""
    if known.status not in ("completed", "archived"):
        design = replace(design, completed_at=None)
    course = read_course(connection, design)
    until = (known.day - known.first_day).days + 1
    totals = {name: sums[:until] for name, sums in course.totals.items()}
    health = {name: p_values[:until] for name, p_values in course.health.items()}
    standing = decide(Course(design, course.days[:until], totals, health))
    return standing.reason if isinstance(standing, Undecided) else "waiting: its next computation decides"


def _variants(connection: Connection[Any], design: Design, day: date, population: str) -> list[ShownVariant]:
    given = {
        "tenant_id": design.tenant_id,
        "test_id": design.id,
        "day": day,
        "population": population,
        "metric": design.primary_metric,
        "estimator": design.estimator,
    }
    with connection.cursor(row_factory=class_row(ShownVariant)) as cursor:
        return cursor.execute(statement("experiments/shown_variants"), given).fetchall()


def _health(connection: Connection[Any], design: Design, known: KnownDay, so_far: Sequence[ShownVariant] | None) -> str:
    """Return the health of a day in words; `so_far` are its variants, where they were read."""
    so_far = _variants(connection, design, known.day, "so_far") if so_far is None else so_far
    about = {"tenant_id": design.tenant_id, "test_id": design.id, "day": known.day}
    excluded = {reason: sum(counts.values()) for reason, counts in known.excluded_users.items()}
    by_reason = connection.execute(statement("experiments/excluded_by_reason"), about).fetchall()
    return health_in_words(
        users=sum(one.users for one in so_far) + sum(excluded.values()),
        variants=len(design.variants),
        conflicting=excluded.get("conflicting_variants", 0),
        outside=excluded.get("outside_test_period", 0),
        excluded=dict(by_reason),
        unlinked=sum(one.unlinked for one in so_far),
        other_currencies=connection.execute(statement("experiments/other_currencies"), about).fetchall(),
        uneven=known.uneven,
        shared=[(one["test"], one["users"]) for one in known.shared_users],
    )
