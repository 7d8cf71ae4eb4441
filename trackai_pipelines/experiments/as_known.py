"""A past day of a test, computed from what had arrived by a moment, beside what is stored of it now.

What belongs here: the day as it was known, the day as it is stored, and what arrived in between. What does not: how
that is laid out (cli_replay.py).

A load that was under way at the moment counts as arrived: rows are stamped with the start of their transaction. Hashes
that were replaced since are not known any more, so of such a user only is certain that there were some.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.experiments.comparing import POPULATIONS
from trackai_pipelines.experiments.deciding import Course, Decided, Undecided
from trackai_pipelines.experiments.designs import Design
from trackai_pipelines.experiments.outcomes import MANY, count_users, plans, read_outcomes
from trackai_pipelines.experiments.periods import first_day, last_day, midnight_after, outcomes_from
from trackai_pipelines.experiments.recomputing import course_of, refuse_what_has_left
from trackai_pipelines.experiments.refusals import ExperimentRefusedError
from trackai_pipelines.experiments.results import (
    FIGURES,
    decision_in_force,
    horizon_with,
    result_rows,
    standing_with,
)
from trackai_pipelines.experiments.rules import shown
from trackai_pipelines.experiments.totals import SCALES, UserCount, excluded_users

MOST_NAMED = 100
"""So many of each kind that arrived are named at most."""

Sums = Mapping[str, int | Decimal]
"""Columns of `ab_test_daily_totals`."""
Figures = Mapping[str, float | None]
"""Columns of `ab_test_daily_results`."""


@dataclass(frozen=True, slots=True)
class DayFigures:
    """What a UTC day of a test came to."""

    totals: Mapping[tuple[str, str], Sums]
    """By population and variant."""
    results: Mapping[tuple[str, str, str, str], Figures]
    """By population, variant, metric and estimator."""
    health: Mapping[str, Any]
    """The p-values of `ab_test_daily_health`, and `excluded_users` by reason and variant."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """What of a kind arrived since."""

    kind: str
    """`sales`; `links` and `matches` of sales that were there; `assignments`, `reassignments`, `exclusions`, `users`;
    and `replaced`: users whose hashes were replaced."""
    rows: int
    examples: Sequence[str]
    """Those that arrived first, in words."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A day of a test as it was known at a moment, and what is known of it now."""

    design: Design
    day: date
    known_at: datetime
    standing: Decided | Undecided
    then: DayFigures
    now: DayFigures | None
    """What is stored; None: nothing is."""
    since: Sequence[Arrived]
    unknown: Arrived | None
    """The users whose hashes were replaced since; None: there are none."""


def replay(connection: Connection[Any], design: Design, day: date, known_at: datetime, now: datetime) -> Replayed:
    """Return a UTC day of a test as it was known at a moment. Writes nothing. Raises ExperimentRefusedError."""
    _check(design, day, known_at, now)
    if design.completed_at is not None and design.completed_at > known_at:
        design = replace(design, completed_at=None)
    with connection.transaction():
        refuse_what_has_left(connection, design, day)
        stored = stored_day(connection, design, day)
        with plans(connection, MANY):
            sales = read_outcomes(connection, [design], {design.id: day}, known_at)[design.id]
            counts = count_users(connection, [design], known_at)[design.id]
        course = course_of(design, day, sales, counts)
        standing = standing_with(course, decision_in_force(connection, design, known_at))
        arrived = _arrived(connection, design, day, known_at)
    return Replayed(
        design,
        day,
        known_at,
        standing,
        _as_known(course, counts, horizon_with(course, standing)),
        stored,
        [one for one in arrived if one.kind != "replaced"],
        next((one for one in arrived if one.kind == "replaced"), None),
    )


def stored_day(connection: Connection[Any], design: Design, day: date) -> DayFigures | None:
    """Return what is stored of a UTC day of a test; None where nothing is."""
    given = {"tenant_id": design.tenant_id, "test_id": design.id, "day": day}
    totals = connection.execute(_of_columns("experiments/totals_of_day", "t", tuple(SCALES)), given).fetchall()
    if not totals:
        return None
    results = connection.execute(_of_columns("experiments/results_of_day", "r", FIGURES), given).fetchall()
    with connection.cursor() as cursor:
        health = cursor.execute(statement("experiments/health_of_day"), given).fetchone() or (*[None] * 4, {})
        names = [column.name for column in cursor.description or ()]
    return DayFigures(
        {(row[0], row[1]): dict(zip(SCALES, row[2:], strict=True)) for row in totals},
        {(row[0], row[1], row[2], row[3]): dict(zip(FIGURES, row[4:], strict=True)) for row in results},
        dict(zip(names, health, strict=True)),
    )


def _check(design: Design, day: date, known_at: datetime, now: datetime) -> None:
    """Raise ExperimentRefusedError for a day of which nothing was known."""
    key = design.test_key
    if known_at > now:
        raise ExperimentRefusedError(f"{shown(known_at)} is in the future: nobody knows yet what will have arrived.")
    if design.started_at is None or design.started_at > known_at:
        raise ExperimentRefusedError(f"{key} had not started by {shown(known_at)}.")
    last = last_day(design, known_at.astimezone(UTC).date())
    if not first_day(design) <= day:
        raise ExperimentRefusedError(f"{key} has no day {day}: its first one is {first_day(design)}.")
    if day > last:
        raise ExperimentRefusedError(
            f"Of {key}, the last day that was over at {shown(known_at)} is {last}: give --day {last}, or a later "
            "--known-at."
        )


def _as_known(course: Course, counts: Sequence[UserCount], horizon: int | None) -> DayFigures:
    """Return the last day of a course."""
    design, day = course.design, course.days[-1]
    places = [
        (which, place, (population, variant))
        for which, population in enumerate(POPULATIONS)
        for place, variant in enumerate(design.variants)
    ]
    totals = {of: {name: course.totals[name][-1, which, place] for name in SCALES} for which, place, of in places}
    results = {
        (population, variant, metric, estimator): dict(zip(FIGURES, figures, strict=True))
        for _, _, _, population, variant, metric, estimator, *figures in result_rows(course, day, horizon)
    }
    health = {name: None if p[-1] != p[-1] else float(p[-1]) for name, p in course.health.items()}
    return DayFigures(totals, results, {**health, "excluded_users": excluded_users(counts, day)})


def _arrived(connection: Connection[Any], design: Design, day: date, known_at: datetime) -> list[Arrived]:
    given = {
        "tenant_id": design.tenant_id,
        "test_id": design.id,
        "known_at": known_at,
        "outcomes_from": outcomes_from(design),
        "day_end": midnight_after(day),
        "most": MOST_NAMED,
    }
    with connection.cursor(row_factory=class_row(Arrived)) as cursor:
        found = cursor.execute(statement("experiments/arrived_since"), given).fetchall()
    order = ("sales", "links", "matches", "assignments", "reassignments", "exclusions", "users", "replaced")
    return sorted(found, key=lambda one: order.index(one.kind))


def _of_columns(name: Any, table: str, columns: Sequence[str]) -> sql.Composed:
    listed = sql.SQL(", ").join(sql.Identifier(table, column) for column in columns)
    return sql.SQL(statement(name)).format(columns=listed)
