"""`trackai experiments plan`: how many users a test needs, or which lift it finds.

What belongs here: options, and what is shown. What does not: the plan (plans.py).
"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trackai_pipelines.experiments import cli_options as shared
from trackai_pipelines.terminal.authors import By, login
from trackai_pipelines.terminal.failures import usage
from trackai_pipelines.terminal.output import remark, results

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg import Connection

    from trackai_pipelines.experiments.designs import Design
    from trackai_pipelines.experiments.past import Lately
    from trackai_pipelines.experiments.plans import PlannedTest


def plan(
    key: shared.Key,
    tenant: shared.Tenant,
    lift: Annotated[
        float | None, typer.Option(help="The smallest lift that would be worth it, 0.2 for 20 %.", show_default=False)
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, help="Instead: which lift so many days find.", show_default=False)
    ] = None,
    baseline: Annotated[
        float | None,
        typer.Option(help="The control's value of the metric, e.g. 0.03.", show_default="that of the window before"),
    ] = None,
    users_a_day: Annotated[
        float | None,
        typer.Option(min=0, help="Users who come.", show_default="those who were created in the window before"),
    ] = None,
    currency: Annotated[
        str | None, typer.Option(help="Of revenue.", show_default="the one currency of the sales before")
    ] = None,
    as_json: shared.AsJson = False,
    by: By = "",
) -> None:
    """Plan a test from what users bought in as many days before today as its window has.

    With --lift: how many users find it, as often as the test's power says. A draft keeps that as its sample size.
    With --days: the smallest lift that the users of so many days find.
    """
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.experiments.chosen import tenant_of
    from trackai_pipelines.experiments.creating import ChangedBy, set_plan
    from trackai_pipelines.experiments.designs import read_design
    from trackai_pipelines.experiments.plans import plan as plan_test

    if (lift is None) == (days is None):
        raise usage("give one of --lift and --days")
    if baseline is not None and not baseline > 0:
        raise usage("the baseline is above 0")
    now = utc_now()
    with shared.opened() as connection:
        tenant_id = tenant_of(connection, tenant)
        design = read_design(connection, tenant_id, key)
        if len(design.variants) < 2:
            raise usage(f"{key} has a control and nothing to compare it with: give it a variant")
        planned = plan_test(
            connection,
            tenant_id,
            _lately(connection, design, currency, now),
            metric=design.primary_metric,
            estimator=design.estimator,
            weights=design.weights,
            confidence_level=design.confidence_level,
            power=design.min_statistical_power,
            traffic_percent=design.traffic_percent,
            lift=lift,
            days=days,
            mean=baseline,
            users_a_day=users_a_day,
        )
        kept = lift is not None and design.status == "draft"
        if lift is not None and kept:
            author = ChangedBy(by or login())
            set_plan(connection, design, planned.sample_size, lift, planned.baseline.mean, author, now)
    if as_json:
        shared.echo({"test": key, "kept": kept, **asdict(planned)})
        return
    for line in _lines(design, planned, days):
        results().print(line, markup=False, highlight=False)
    if kept:
        remark(f"{key} keeps it: {planned.sample_size:,} users in all variants together.")


def _lately(connection: "Connection[Any]", design: "Design", currency: str | None, now: "datetime") -> "Lately":
    """Return which sales tell what users of a test will bring: those that it would count."""
    from trackai_pipelines.experiments.currencies import currency_of_sales, proposed_cap
    from trackai_pipelines.experiments.past import Lately
    from trackai_pipelines.experiments.rules import METRICS_OF_REVENUE

    currency = design.currency or currency
    if currency is None and design.primary_metric in METRICS_OF_REVENUE:
        currency = currency_of_sales(connection, design, now)
    cap = design.revenue_cap
    if cap is None and currency is not None and design.status == "draft":
        cap = proposed_cap(connection, design, currency, now).cap
    return Lately(
        until=now,
        window_days=design.window_days,
        pre_days=design.pre_days,
        outcome_event=design.outcome_event,
        outcome_scope=design.outcome_scope,
        currency=currency,
        revenue_cap=cap,
    )


def _lines(design: "Design", planned: "PlannedTest", days: int | None) -> list[str]:
    from trackai_pipelines.experiments.notation import estimate_in_words

    mean = estimate_in_words(design.primary_metric, planned.baseline.mean)
    sure = f"with {design.min_statistical_power:g} % power at {design.confidence_level:g} % confidence"
    if planned.lift is None:
        found = "no lift"
    else:
        found = f"a lift {'of' if days is None else 'from'} {100 * planned.lift:.1f} %"
    head = f"{planned.sample_size:,} users find {found} on {design.primary_metric} {mean}, {sure}"
    if planned.days is None:
        coming = "nobody was created lately, so how long it takes is not known: give --users-a-day"
    else:
        until = f"{planned.days:,} days, and {design.window_days} more until the last window is over"
        coming = f"{planned.users_a_day:,.0f} users a day take part: {until}"
    lines = [f"{design.test_key}   {head}", f"  {coming}"]
    if planned.explained is not None:
        lines.append(f"  cuped takes out {planned.explained:.0%} of the variance")
    return lines
