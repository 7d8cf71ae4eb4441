"""`trackai experiments what-if`: a test with other windows, caps, lookbacks or estimators, which decides nothing.

What belongs here: options, and the layout. What does not: the figures (what_if.py), and how they are written
(notation.py).
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from trackai_pipelines.experiments import cli_options as shared
from trackai_pipelines.experiments.cli_create import Amount
from trackai_pipelines.terminal.failures import usage
from trackai_pipelines.terminal.output import results, table

if TYPE_CHECKING:
    from trackai_pipelines.experiments.designs import Design
    from trackai_pipelines.experiments.what_if import Tried

EXPLORING = "exploring: nothing is stored and no choice wins, because whoever tries many finds an effect by chance"


def what_if(
    key: shared.Key,
    tenant: shared.Tenant,
    window_days: Annotated[
        str | None, typer.Option(metavar="DAYS", help="Windows to try, e.g. 7,14,28.", show_default="the test's")
    ] = None,
    cap: Amount = None,
    lookback_days: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=3650,
            help="Days before a sale in which its click may lie; only of tests with the scope attributed.",
        ),
    ] = None,
    estimator: Annotated[
        Literal["plain", "cuped"] | None,
        typer.Option(help="cuped: adjusted by what users did before.", show_default="the test's"),
    ] = None,
    as_json: shared.AsJson = False,
) -> None:
    """Show how a test would look with another window, cap, lookback or estimator, beside what it is.

    Only users whose window is over are compared, so that all had the same time. Nothing is written or decided.
    """
    from dataclasses import asdict

    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.experiments.chosen import tenant_of
    from trackai_pipelines.experiments.designs import read_design
    from trackai_pipelines.experiments.what_if import Choices
    from trackai_pipelines.experiments.what_if import what_if as explore

    asked = Choices(window_days=_days(window_days), cap=cap, lookback_days=lookback_days, estimator=estimator)
    if asked == Choices():
        raise usage("give what to try: --window-days, --cap, --lookback-days or --estimator")
    with shared.opened() as connection:
        design = read_design(connection, tenant_of(connection, tenant), key)
        found = explore(connection, design, asked, utc_now())
    if as_json:
        choices = [asdict(one) for one in found]
        shared.echo({"test": key, "metric": design.primary_metric, "exploring": True, "choices": choices})
        return
    results().print(f"{key}   {EXPLORING}", markup=False, highlight=False)
    columns, rows = _table(design, found)
    results().print(table(columns, rows))


def _days(text: str | None) -> tuple[int, ...]:
    if text is None:
        return ()
    days = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() for part in days):
        raise usage(f"{text!r} is no list of days; expected e.g. 7,14,28")
    return tuple(int(part) for part in days)


def _table(design: "Design", found: "Sequence[Tried]") -> tuple[Sequence[str], list[Sequence[object]]]:
    """Return a row for each choice and variant, beside the control's users and value."""
    from trackai_pipelines.experiments.notation import METRICS

    value = METRICS[design.primary_metric][1]
    asked = ("", "window", "cap", "lookback", "estimator")
    compared = ("users", value, "variant", "its users", f"its {value}", "lift", "interval", "p")
    return (*asked, *compared), [row for one in found for row in _rows(design, one)]


def _rows(design: "Design", one: "Tried") -> Iterator[Sequence[object]]:
    from trackai_pipelines.experiments import notation

    metric = design.primary_metric
    control, *variants = one.variants
    choice = (
        "as it is" if one.as_it_is else "tried",
        f"{one.window_days} days",
        "none" if one.cap is None else f"{one.cap:,.2f}",
        "as matched" if one.lookback_days is None else f"{one.lookback_days} days",
        one.estimator,
    )
    for variant in variants:
        yield (
            *choice,
            control.users,
            notation.estimate_in_words(metric, control.estimate),
            variant.variant,
            variant.users,
            notation.estimate_in_words(metric, variant.estimate),
            notation.lift_in_words(variant.lift),
            notation.interval_in_words(variant.lift_ci_lower, variant.lift_ci_upper),
            notation.p_in_words(variant.p_value),
        )
