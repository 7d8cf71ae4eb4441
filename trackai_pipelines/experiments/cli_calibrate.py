"""`trackai experiments aa`: whether p-values are right on a tenant's own sales.

What belongs here: options, and what is shown. What does not: the splits (calibration.py).
"""

from typing import TYPE_CHECKING, Annotated

import typer

from trackai_pipelines.experiments.cli_create import Amount
from trackai_pipelines.experiments.cli_options import Tenant, opened
from trackai_pipelines.terminal.output import results, table

if TYPE_CHECKING:
    from trackai_pipelines.experiments.calibration import Calibrated


def aa(
    tenant: Tenant,
    runs: Annotated[int, typer.Option(help="So many splits.", min=20, max=10_000)] = 500,
    cap: Amount = None,
) -> None:
    """Split users by chance again and again, and count how often the functions that judge tests find a difference.

    Nothing distinguishes the halves, so a p-value is below 0.05 in one of twenty splits if it is right. The halves are
    compared by what users bought in the last 14 UTC days, their revenue capped as starting a test proposes it. Nothing
    is written. Exits with 1 where a p-value is below 0.05 too often.
    """
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.experiments.calibration import calibrate
    from trackai_pipelines.experiments.chosen import tenant_of

    with opened() as connection:
        found = calibrate(connection, tenant_of(connection, tenant), utc_now(), runs=runs, cap=cap)
    lately = found.lately
    money = f"{lately.currency}, {f'capped at {lately.revenue_cap:,.2f}' if lately.revenue_cap else 'not capped'}"
    when = f"from {lately.since.date()} until {lately.until.date()}"
    results().print(
        f"{runs:,} splits of {found.users:,} users; {found.converted:,} of them bought {when} (revenue in {money})"
    )
    results().print(table(("", "p < 0.05", "expected", ""), [_row(one) for one in found.judged]))
    if not found.holds:
        raise typer.Exit(1)


def _row(one: "Calibrated") -> tuple[str, ...]:
    says = f"{one.verdict}: {one.reason}" if one.reason else one.verdict
    return one.name, f"{one.below:,} ({one.share:.1%})", f"{one.least:,} to {one.most:,}", says
