"""Tests in the report: each in a line, how its variants compare by day, how sound it is, and where its sales went."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Period, Section
from trackai_pipelines.experiments.designs import Design, read_design
from trackai_pipelines.experiments.notation import (
    CLASSES,
    METRICS,
    estimate_in_words,
    interval_in_words,
    lift_in_words,
    money_in_words,
    probability_in_words,
)
from trackai_pipelines.experiments.shown import Shown, ShownVariant, shown_test

if TYPE_CHECKING:
    from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class ComparedVariant:
    """A variant in words, as far as everybody bought and as far as windows are over."""

    variant: str
    so_far: Sequence[str]
    """Users, the metric, its lift, and the interval of that."""
    mature: Sequence[str]
    significance: str
    beats_control: str


@dataclass(frozen=True, slots=True)
class ReportedTest:
    """A test of the period, as of its last day."""

    slug: str
    tenant: str
    key: str
    name: str
    status: str
    metric: str
    line: str
    reason: str | None
    health: str
    novelty: str
    day: date
    """Of which the variants are compared: that of the decision, before there is one the last."""
    compared: Sequence[ComparedVariant]
    chart: "tuple[list[str], Markup] | None"
    """The names of its colours, and the chart; None before anything can be compared."""
    variants: Sequence[str]
    account: Sequence[tuple[str, Sequence[int], int, str]]
    """By class: conversions of each variant, of all, and what they are worth."""


def section() -> Section:
    """Return the section."""
    return Section(title="Experiments", template=Path(__file__).with_name("section.html"), data=data)


def data(connection: Connection[Any], period: Period) -> Mapping[str, Any]:
    """Return what the template shows: tests with figures of the period, as they were at its end."""
    asked = {"first": period.first, "last": period.last, "tenant": period.tenant}
    found = connection.execute(statement("experiments/section_tests"), asked).fetchall()
    tests = []
    for slug, tenant, tenant_id, key in found:
        design = read_design(connection, tenant_id, key)
        tests.append(_reported(connection, slug, tenant, shown_test(connection, design, period.last), period.last))
    return {"tests": tests}


def _reported(connection: Connection[Any], slug: str, tenant: str, shown: Shown, last: date) -> ReportedTest:
    design, known = shown.design, shown.known
    assert known is not None
    return ReportedTest(
        slug=slug,
        tenant=tenant,
        key=design.test_key,
        name=design.name,
        status=known.status,
        metric=METRICS[design.primary_metric][1],
        line=known.decided or shown.waiting or "",
        reason=known.reason,
        health=shown.health,
        novelty=shown.novelty,
        day=known.decision_day or known.day,
        compared=_compared(shown),
        chart=_chart(connection, design, last),
        variants=design.variants,
        account=_account(connection, design, known.day),
    )


def _compared(shown: Shown) -> list[ComparedVariant]:
    def figures(one: ShownVariant) -> Sequence[str]:
        return (
            f"{one.users:,}",
            estimate_in_words(shown.design.primary_metric, one.estimate),
            lift_in_words(one.lift),
            interval_in_words(one.lift_ci_lower, one.lift_ci_upper),
        )

    mature = {one.variant: one for one in shown.of("mature")}
    decides = {one.variant: one for one in shown.variants}
    return [
        ComparedVariant(
            variant=one.variant,
            so_far=figures(one),
            mature=figures(mature[one.variant]) if one.variant in mature else ("",) * 4,
            significance="" if (p := decides[one.variant].significance) is None else f"{p:.2f} %",
            beats_control=probability_in_words(decides[one.variant].probability_to_beat_control),
        )
        for one in shown.of("so_far")
        if one.variant in decides
    ]


def _account(connection: Connection[Any], design: Design, day: date) -> list[tuple[str, Sequence[int], int, str]]:
    about = {"tenant_id": design.tenant_id, "test_id": design.id, "day": day}
    conversions: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    value: dict[str, Decimal] = defaultdict(Decimal)
    for of_class, variant, count, worth in connection.execute(statement("experiments/shown_account"), about):
        conversions[of_class][variant] += count
        value[of_class] += worth or 0
    return [
        (
            words,
            [conversions[of_class][variant] for variant in design.variants],
            sum(conversions[of_class].values()),
            money_in_words(value[of_class], None),
        )
        for of_class, words in CLASSES.items()
        if of_class in conversions
    ]


def _chart(connection: Connection[Any], design: Design, last: date) -> "tuple[list[str], Markup] | None":
    """Each variant's lift by day, in the band that holds on all days at once."""
    from trackai_pipelines.report.charts import Point, banded_lines

    given = {
        "tenant_id": design.tenant_id,
        "test_id": design.id,
        "last": last,
        "metric": design.primary_metric,
        "estimator": design.estimator,
    }
    rows = connection.execute(statement("experiments/section_lifts"), given).fetchall()
    if not rows:
        return None
    first = min(day for day, *_ in rows)
    days = [date.fromordinal(first.toordinal() + n) for n in range((max(day for day, *_ in rows) - first).days + 1)]
    lines: dict[str, list[Point]] = defaultdict(list)
    for day, variant, lift, lower, upper in rows:
        bounds = f", bounds {interval_in_words(lower, upper)}" if lower is not None else ""
        title = f"{day}: {variant} {lift_in_words(lift)}{bounds}"
        lines[variant].append(Point((day - first).days, lift, lower, upper, title))
    name = f"{design.test_key}: lift of {METRICS[design.primary_metric][1]} over {design.control} by day"
    return [*lines], banded_lines(name, [f"{day:%d %b}" for day in days], lines)
