"""`trackai loyalty what-if`: the last months under other rules, which changes nothing.

What belongs here: options, and the layout. What does not: the courses (what_if.py).
"""

from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal

import typer

from trackai_pipelines.loyalty import cli_options as shared
from trackai_pipelines.terminal.failures import usage
from trackai_pipelines.terminal.output import results, table


def what_if(
    tenant: shared.Tenant,
    months: Annotated[int, typer.Option(min=1, max=60, help="How many months up to the last evaluated day.")] = 6,
    threshold: Annotated[
        list[str] | None,
        typer.Option(metavar="TIER=AMOUNT", help="Another threshold, e.g. tier_3=4500; repeat it for more."),
    ] = None,
    checkpoint_months: Annotated[int | None, typer.Option(min=1, max=24, help="Other windows.")] = None,
    grace_days: Annotated[int | None, typer.Option(min=0, max=60, help="Another grace.")] = None,
    demote_to: Annotated[Literal["earned", "one_step"] | None, typer.Option(help="Another way down.")] = None,
    as_json: shared.AsJson = False,
) -> None:
    """Show who would have moved under other rules in the last months, beside who did, by the sales as known now.

    Nothing is written.
    """
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.loyalty.chosen import tenant_of
    from trackai_pipelines.loyalty.what_if import OtherRules
    from trackai_pipelines.loyalty.what_if import what_if as explore

    choices = OtherRules(
        thresholds=dict(map(_threshold, threshold or ())),
        checkpoint_months=checkpoint_months,
        grace_days=grace_days,
        demote_to=demote_to,
    )
    if choices == OtherRules(thresholds={}):
        raise usage("give what to try: --threshold, --checkpoint-months, --grace-days or --demote-to")
    with shared.opened() as connection:
        found = explore(connection, tenant_of(connection, tenant), months, choices, utc_now())
    if as_json:
        shared.echo(asdict(found))
        return
    results().print(f"{found.from_day} to {found.to_day}", markup=False, highlight=False)
    rows = [
        (name, before.get(name, 0), after.get(name, 0), after.get(name, 0) - before.get(name, 0))
        for before, after in ((found.as_is.moves, found.as_if.moves), (found.as_is.creators, found.as_if.creators))
        for name in sorted({*before, *after})
    ]
    results().print(table(("events, and creators by tier at the end", "as it is", "as if", "difference"), rows))
    for what, before, after in (
        ("commission at the tiers' rates", found.as_is.commission, found.as_if.commission),
        ("boosts claimed in these months", found.as_is.boosts, found.as_if.boosts),
    ):
        said = f"{what}: {before:,.2f} {found.currency}, and {after:,.2f} as if ({after - before:+,.2f})"
        results().print(said, markup=False, highlight=False)


def _threshold(text: str) -> tuple[str, Decimal]:
    tier, _, amount = text.partition("=")
    try:
        value = Decimal(amount)
    except InvalidOperation as error:
        raise usage(f"{text} is no threshold: write TIER=AMOUNT, e.g. tier_3=4500") from error
    if not tier or not value.is_finite() or value < 0:
        raise usage(f"{text} is no threshold: write TIER=AMOUNT, e.g. tier_3=4500")
    return tier, value
