"""`trackai loyalty standing`, `override` and `corrections`: why a creator has a tier, and what changes it.

What belongs here: options, and sentences. What does not: the figures (standing.py, correcting.py), and
what is refused (overriding.py).
"""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from trackai_pipelines.loyalty import cli_options as shared
from trackai_pipelines.loyalty.cli_evaluate import From, To
from trackai_pipelines.terminal.authors import By, login
from trackai_pipelines.terminal.days import DAY_FORMAT
from trackai_pipelines.terminal.output import remark, results, table

if TYPE_CHECKING:
    from trackai_pipelines.loyalty.rules import Program
    from trackai_pipelines.loyalty.standing import Standing, TierEvent

_EVENTS = 5


def standing(
    tenant: shared.Tenant,
    user: Annotated[str, typer.Argument(metavar="USER", help="The creator's id.")],
    on: Annotated[
        datetime | None,
        typer.Option(formats=DAY_FORMAT, metavar="DAY", help="After this day.", show_default="the last evaluated one"),
    ] = None,
    as_json: shared.AsJson = False,
) -> None:
    """Show where a creator stands, why, and what is missing to keep the tier or to climb."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.loyalty.chosen import tenant_of
    from trackai_pipelines.loyalty.standing import standing as stand

    with shared.opened() as connection:
        found = stand(connection, tenant_of(connection, tenant), user, utc_now(), on.date() if on else None)
    if as_json:
        shared.echo(asdict(found))
        return
    for line in lines(found):
        results().print(line, markup=False, highlight=False)


def override(
    tenant: shared.Tenant,
    user: Annotated[str, typer.Argument(metavar="USER", help="The creator's id.")],
    tier: Annotated[str, typer.Option(metavar="TIER", help="The tier's id.")],
    on: Annotated[
        datetime, typer.Option(formats=DAY_FORMAT, metavar="DAY", help="The local day from which; not evaluated yet.")
    ],
    reason: Annotated[str, typer.Option(help="Why.")],
    by: By = "",
) -> None:
    """Set a creator's tier by hand from a day on. A window begins with it, as with any other change."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.loyalty.chosen import tenant_of
    from trackai_pipelines.loyalty.overriding import TierByHand
    from trackai_pipelines.loyalty.overriding import override as set_tier

    set_by_hand = TierByHand(user_id=user, tier_id=tier, day=on.date(), reason=reason, by=by or login())
    with shared.opened() as connection:
        set_tier(connection, tenant_of(connection, tenant), set_by_hand, utc_now())
    remark(f"{user} is in {tier} once {on.date()} is evaluated.")


def corrections(
    tenant: shared.Tenant, from_day: From = None, to_day: To = None, as_json: shared.AsJson = False
) -> None:
    """List creators with entries that came after their window was closed, and the tier they come to with them.

    The days are UTC days on which the entries were posted. Nothing is written.
    """
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.loyalty.chosen import tenant_of
    from trackai_pipelines.loyalty.correcting import corrections as correct

    first = from_day.date() if from_day else date(1970, 1, 1)
    last = to_day.date() if to_day else utc_now().astimezone(UTC).date()
    with shared.opened() as connection:
        found = correct(connection, tenant_of(connection, tenant), first, last, utc_now())
    if as_json:
        shared.echo({"creators": [asdict(one) for one in found]})
        return
    columns = ("creator", "late entries", "dated from", "to", "tier", "with them", "corrected on")
    rows = [tuple(asdict(one).values()) for one in found]
    results().print(table(columns, rows))


def lines(found: "Standing") -> Iterator[str]:
    """Yield what a creator's standing is, in a few lines."""
    program = found.program
    moves = [event for event in found.events if event.tier_before != event.tier_after]
    since = f" since {moves[0].checkpoint_date}" if moves else ""
    before = f"; before: {moves[0].tier_before}" if moves and moves[0].tier_before else ""
    if before and len(moves) > 1:
        before += f" from {moves[1].checkpoint_date}"
    yield f"{found.user_id}: {found.tier.tier_name} ({found.tier.tier_id}){since}{before}"
    for event in found.events[:_EVENTS]:
        yield f"  {_event(event, program)}"
    if found.in_grace:
        yield f"  in grace: the window that began on {found.window_start} goes on until {found.checkpoint_on}"
    said = [
        "the tier is kept for good" if found.checkpoint_on is None else f"next checkpoint {found.checkpoint_on}",
        f"{_amount(found.kept, program)} since {found.window_start}",
    ]
    if found.missing_to_keep:
        said.append(
            f"to keep {found.tier.tier_name} {_amount(found.missing_to_keep, program)} more, "
            f"or it is {found.projected.tier_name}"
        )
    if found.next_tier is not None and found.missing_to_climb is not None:
        said.append(f"to {found.next_tier.tier_name} {_amount(found.missing_to_climb, program)} more")
    yield f"  {'; '.join(said)}"


def _event(event: "TierEvent", program: "Program") -> str:
    if event.period_start_date is None:
        return f"{event.checkpoint_date}: {event.status}"
    by_units = program.vip_metric == "units"
    kept = event.units_in_period if by_units else event.sales_in_period
    needed = event.units_required if by_units else event.sales_required
    kept, needed = Decimal(kept or 0), Decimal(needed or 0)
    said = f"checkpoint {event.checkpoint_date}: {_amount(kept, program)} of {_amount(needed, program)}"
    said += f" in [{event.period_start_date}, {event.period_end_date or event.checkpoint_date})"
    if kept < needed:
        said += f", {_amount(needed - kept, program)} short"
    if event.climbed_in_period is not None:
        said += f"; {_amount(event.climbed_in_period, program)} towards the next tier"
    return f"{said}: {event.status}   ({event.entries:,} entries, postings up to {event.ledger_upto})"


def _amount(amount: Decimal, program: "Program") -> str:
    if program.vip_metric == "units":
        return f"{amount:,.0f} units"
    shown = f"{amount:,.4f}"
    return f"{shown[:-2] if shown.endswith('00') else shown} {program.currency}"
