"""`trackai experiments show`: what was decided or what is waited for, the variants, and how sound it is.

What belongs here: options, and the layout. What does not: the figures (shown.py), and how they are written
(notation.py).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trackai_pipelines.experiments import cli_options as shared
from trackai_pipelines.terminal.output import results

if TYPE_CHECKING:
    from trackai_pipelines.experiments.shown import Shown, ShownVariant

# What belongs to the decision is in the columns after these.
_PLAIN_COLUMNS = 7


def show(
    key: shared.Key,
    tenant: shared.Tenant,
    day: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="DAY", help="As it was known of this UTC day.", show_default="now"),
    ] = None,
    as_json: shared.AsJson = False,
) -> None:
    """Show a test: the decision and its reason, or what it waits for, and how its variants compare."""
    from trackai_pipelines.experiments.chosen import tenant_of
    from trackai_pipelines.experiments.designs import read_design
    from trackai_pipelines.experiments.shown import shown_test

    with shared.opened() as connection:
        design = read_design(connection, tenant_of(connection, tenant), key)
        shown = shown_test(connection, design, day.date() if day else None)
    if as_json:
        shared.echo(plain(shown))
        return
    for line in lines(shown):
        results().print(line, markup=False, highlight=False)


def lines(shown: "Shown") -> list[str]:
    """Return what is printed."""
    from trackai_pipelines.experiments.notation import BEATS_CONTROL

    design, known = shown.design, shown.known
    if known is None:
        return [f"{design.test_key}   {design.status}   no day is computed yet"]
    if known.decided:
        head = f"{design.test_key}   {known.status}   {known.decided}"
    else:
        head = f"{design.test_key}   {known.status}, day {known.number}   {shown.waiting}"
    reason = [f'  "{known.reason}"'] if known.reason else []
    more = [f"  {said}" for said in (shown.health, shown.novelty) if said]
    note = f"  {BEATS_CONTROL}"
    return [head, *reason, *more, *_table(shown, shown.variants), *_beside(shown), note]


def plain(shown: "Shown") -> dict[str, Any]:
    """Return the same as plain data."""
    from dataclasses import asdict

    design = shown.design
    return {
        "test": design.test_key,
        "metric": design.primary_metric,
        "estimator": design.estimator,
        "known": asdict(shown.known) if shown.known else None,
        "waiting": shown.waiting,
        "health": shown.health,
        "novelty": shown.novelty,
        "population": shown.population,
        "variants": [asdict(one) | {"significance": one.significance} for one in shown.variants],
        "beside": [asdict(one) | {"significance": one.significance} for one in shown.beside],
    }


def _beside(shown: "Shown") -> list[str]:
    """Return the other population, which does not decide."""
    if shown.population == "mature":
        return ["  so far, users with an open window included:", *_table(shown, shown.beside, _PLAIN_COLUMNS)]
    if not any(one.users for one in shown.beside):
        return ["  mature: nobody's window is over"]
    return ["  mature, only users whose window is over:", *_table(shown, shown.beside, _PLAIN_COLUMNS)]


def _table(shown: "Shown", variants: "Sequence[ShownVariant]", columns: int | None = None) -> list[str]:
    """Return the variants in columns that are as wide as what is in them; all of them, or the first few."""
    from trackai_pipelines.experiments.notation import METRICS

    design = shown.design
    counted, compared = METRICS[design.primary_metric]
    cuped = " (cuped)" if design.estimator == "cuped" else ""
    interval = f"{design.confidence_level:g} % interval"
    names = ("variant", "users", counted, f"{compared}{cuped}", "lift", interval, "p", "adjusted", "significance")
    rows = [(*names, "beats control", "safe to act"), *(_row(shown, one) for one in variants)]
    rows = [row[:columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _row(shown: "Shown", one: "ShownVariant") -> Sequence[str]:
    from trackai_pipelines.experiments import notation

    metric, known = shown.design.primary_metric, shown.known
    start = (one.variant, f"{one.users:,}", one.counted(metric), notation.estimate_in_words(metric, one.estimate))
    if one.variant == shown.design.control or known is None:
        return (*start, *[""] * 7)
    return (
        *start,
        notation.lift_in_words(one.lift),
        notation.interval_in_words(one.lift_ci_lower, one.lift_ci_upper),
        notation.p_in_words(one.p_value),
        notation.p_in_words(one.p_value_adjusted),
        "" if one.significance is None else f"{one.significance:.2f} %",
        notation.probability_in_words(one.probability_to_beat_control),
        "yes" if known.decided else "no",
    )
