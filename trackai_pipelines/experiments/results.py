"""Results and decisions: from the daily totals of a test to what people read.

What belongs here: reading and writing, and what late data do to a decision. What does not: the figures (comparing.py),
health (diagnosing.py) and the rule (deciding.py).
"""

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from psycopg import Connection, sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from trackai_pipelines.database.statements import statement
from trackai_pipelines.experiments.comparing import (
    MATURE,
    POPULATIONS,
    SO_FAR,
    Results,
    add_decision,
    compare,
    computed,
    needed_users,
)
from trackai_pipelines.experiments.deciding import Course, Decided, Undecided, decide, decide_again, horizon_at
from trackai_pipelines.experiments.designs import UNSOUND, Design
from trackai_pipelines.experiments.diagnosing import health_of_days, novelty_of_days
from trackai_pipelines.experiments.wording import changed_said

FIGURES = (
    *("estimate", "difference", "ci_lower", "ci_upper", "lift", "lift_ci_lower", "lift_ci_upper", "standard_error"),
    *("p_value", "p_value_always_valid", "always_ci_lower", "always_ci_upper", "p_value_decision", "p_value_adjusted"),
    *("probability_to_beat_control", "variance_reduction"),
)
"""The figures of a row of `ab_test_daily_results`."""
_KEY = ("tenant_id", "test_id", "day", "population", "variant_name", "metric", "estimator")


def write_results(connection: Connection[Any], design: Design, from_day: date, now: datetime) -> Decided | Undecided:
    """Write what follows from the totals of a test, and return where it stands. Needs a transaction.

    Results and health are written for the UTC days from `from_day` on, whose totals may have changed. The decision is
    written once; a later one only where late data, or a changed configuration, give another outcome for that day.
    """
    course = read_course(connection, design)
    before = decision_in_force(connection, design)
    standing = standing_with(course, before)
    if isinstance(standing, Decided) and standing is not before:
        _insert_decision(connection, design, standing, now)
    if course.days:
        _write_days(connection, course, from_day, horizon_with(course, standing))
        _write_health(connection, course, from_day, now)
        _write_variants(connection, course, standing, now)
    return standing


def standing_of(connection: Connection[Any], design: Design) -> Decided | Undecided:
    """Return the decision in force, or what a test waits for by the totals that there are."""
    return decision_in_force(connection, design) or decide(read_course(connection, design))


def decision_in_force(
    connection: Connection[Any], design: Design, known_at: datetime | str = "infinity"
) -> Decided | None:
    """Return the newest decision of a test, or the one that was the newest at a moment."""
    of_test = {"tenant_id": design.tenant_id, "test_id": design.id, "known_at": known_at}
    with connection.cursor(row_factory=class_row(Decided)) as cursor:
        return cursor.execute(statement("experiments/decision_in_force"), of_test).fetchone()


def read_course(connection: Connection[Any], design: Design) -> Course:
    """Return the totals of all days of a test, with their health."""
    of_test = {"tenant_id": design.tenant_id, "test_id": design.id, "variants": list(design.variants)}
    with connection.cursor() as cursor:
        rows = cursor.execute(statement("experiments/totals_of_test"), of_test).fetchall()
        columns = [column.name for column in cursor.description or ()][3:]
    first, last = (min(row[0] for row in rows), max(row[0] for row in rows)) if rows else (date.min, date.min)
    days = [first + timedelta(days=back) for back in range((last - first).days + 1)] if rows else []
    sums = np.zeros((len(days), len(POPULATIONS), len(design.variants), len(columns)), dtype=object)
    for day, population, variant, *values in rows:
        sums[(day - first).days, population, variant] = values
    totals = {name: sums[..., place] for place, name in enumerate(columns)}
    excluded = np.zeros((len(days), len(design.variants)))
    for day, variant, users in connection.execute(statement("experiments/excluded_of_test"), of_test):
        if days and first <= day <= last:
            excluded[(day - first).days, variant] = users
    return Course(design, days, totals, health_of_days(design, totals, excluded))


def standing_with(course: Course, before: Decided | None) -> Decided | Undecided:
    """Return the decision in force, `before` itself where it stands, or what the test waits for.

    What the rule says of that day or an earlier one, now that more is known of it, takes the place of a decision; what
    it says of a later day does not.
    """
    now = decide(course)
    if before is None:
        return now
    if not isinstance(now, Decided) or now.decision_day > before.decision_day:
        if course.place(before.decision_day) is None:
            return before
        now = decide_again(course, before.kind, before.decision_day)
    if (now.outcome, now.winner_variant) == (before.outcome, before.winner_variant):
        return before
    was = (before.outcome, before.winner_variant, before.decision_day)
    return replace(now, reason=changed_said(now.outcome, now.reason, *was))


def horizon_with(course: Course, standing: Decided | Undecided) -> int | None:
    """Return the place of the day on which all of alpha may be used: a decision at the horizon fixed it."""
    if isinstance(standing, Decided) and standing.kind == "horizon":
        return course.place(standing.decision_day)
    return horizon_at(course)


def _insert_decision(connection: Connection[Any], design: Design, decided: Decided, now: datetime) -> None:
    columns = {field.name: getattr(decided, field.name) for field in fields(decided)} | {
        "tenant_id": design.tenant_id,
        "test_id": design.id,
        "decided_at": now,
        "inputs": Jsonb(decided.inputs),
    }
    connection.execute(statement("experiments/insert_decision"), columns)


def _write_days(connection: Connection[Any], course: Course, from_day: date, horizon: int | None) -> None:
    """Write the results of the days from `from_day` on, in place of those that there are."""
    design = course.design
    of_days = {"tenant_id": design.tenant_id, "test_id": design.id, "from_day": from_day}
    connection.execute(statement("experiments/delete_results"), of_days)
    columns = sql.SQL(", ").join(map(sql.Identifier, (*_KEY, *FIGURES)))
    copy = sql.SQL("COPY trackai.ab_test_daily_results ({}) FROM STDIN").format(columns)
    with connection.cursor() as cursor, cursor.copy(copy) as rows:
        for row in result_rows(course, from_day, horizon):
            rows.write_row(row)


def result_rows(course: Course, from_day: date, horizon: int | None) -> Iterator[tuple[Any, ...]]:
    """Yield rows of `ab_test_daily_results` for the days from `from_day` on."""
    design = course.design
    skipped = sum(day < from_day for day in course.days)
    days = course.days[skipped:]
    totals = {name: sums[skipped:] for name, sums in course.totals.items()}
    place = None if horizon is None or horizon < skipped else horizon - skipped
    for metric, estimator in computed(design):
        if (metric, estimator) == (design.primary_metric, design.estimator):
            results: Results = {name: values[skipped:] for name, values in course.primary.items()}
        else:
            results = compare(totals, metric, estimator, design.alpha, needed_users(design))
        decided = add_decision(results, place)
        figures = np.stack([decided[name] for name in FIGURES], axis=-1)
        # What cannot be said is NULL; a sum beyond float64 cannot be said either.
        values = figures.astype(object)
        values[~np.isfinite(figures)] = None
        for day, of_day in zip(days, values.tolist(), strict=True):
            for population, of_population in zip(POPULATIONS, of_day, strict=True):
                for variant, row in zip(design.variants, of_population, strict=True):
                    yield (design.tenant_id, design.id, day, population, variant, metric, estimator, *row)


def _write_health(connection: Connection[Any], course: Course, from_day: date, now: datetime) -> None:
    """Write the p-values of the days from `from_day` on, beside what else their rows say."""
    design = course.design
    novelty = novelty_of_days(design, course.totals)
    chosen = [at for at, day in enumerate(course.days) if day >= from_day]
    connection.execute(
        statement("experiments/write_health"),
        {
            "tenant_id": design.tenant_id,
            "test_id": design.id,
            "days": [course.days[at] for at in chosen],
            "novelty": [Jsonb(novelty[at]) for at in chosen],
            "now": now,
            **{name: [_known(values[at]) for at in chosen] for name, values in course.health.items()},
        },
    )


def _write_variants(connection: Connection[Any], course: Course, standing: Decided | Undecided, now: datetime) -> None:
    """Write the figures of each variant as decided, before that those of the newest day."""
    design = course.design
    decided = standing if isinstance(standing, Decided) else None
    connection.execute(
        statement("experiments/write_variants"),
        {
            "tenant_id": design.tenant_id,
            "test_id": design.id,
            "day": decided.decision_day if decided else course.days[-1],
            "population": POPULATIONS[MATURE if decided and decided.kind != "early" else SO_FAR],
            "metric": design.primary_metric,
            "estimator": design.estimator,
            "winner": decided.winner_variant if decided else None,
            "safe_to_act": decided is not None and decided.outcome not in UNSOUND,
            "now": now,
        },
    )


def _known(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
