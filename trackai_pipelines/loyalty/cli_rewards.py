"""`trackai loyalty reward set` and `mission set`: what creators can get, and what they can do for it.

What belongs here: options. What does not: what is refused (rewards.py).
"""

import json
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import typer

from trackai_pipelines.loyalty import cli_options as shared
from trackai_pipelines.terminal.days import DAY_FORMAT
from trackai_pipelines.terminal.failures import usage
from trackai_pipelines.terminal.output import results

reward = typer.Typer(help="What creators can claim.", no_args_is_help=True)
mission = typer.Typer(help="What creators can do for a reward, and raffles.", no_args_is_help=True)

_Order = Annotated[int | None, typer.Option("--order", help="Its place on the page, low first.")]
_Preview = Annotated[str | None, typer.Option("--preview-from", metavar="TIER", help="Lowest tier that sees it.")]
_Description = Annotated[str | None, typer.Option(help="More about it.")]


def _value(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise usage(f"{text!r} is no JSON object")
    return value


@reward.command("set")
def set_reward(
    tenant: shared.Tenant,
    reward_id: Annotated[str, typer.Argument(metavar="REWARD", help="What commands and the app call it.")],
    kind: Annotated[
        Literal["gift_card", "commission_boost", "spark_ads", "discount", "physical_gift", "experience"] | None,
        typer.Option("--type", help="What it is."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="What creators read.", show_default="its id")] = None,
    description: _Description = None,
    value: Annotated[
        dict[str, Any] | None,
        typer.Option(parser=_value, metavar="JSON", help='What it is worth, e.g. \'{"boost_rate": "5.00"}\'.'),
    ] = None,
    source: Annotated[
        Literal["vip_tier", "mission"] | None, typer.Option(help="What it is got for.", show_default="vip_tier")
    ] = None,
    for_tier: Annotated[str | None, typer.Option(metavar="TIER", help="The tier that gets it, exactly.")] = None,
    preview_from: _Preview = None,
    enabled: Annotated[bool | None, typer.Option(help="Whether it is on offer at all.")] = None,
    frequency: Annotated[
        Literal["one-time", "checkpoint", "monthly", "weekly", "unlimited"] | None,
        typer.Option(help="How often it can be claimed.", show_default="one-time"),
    ] = None,
    quantity: Annotated[int | None, typer.Option(min=1, max=10, help="Claims each time; 1 at first.")] = None,
    takes_effect: Annotated[
        Literal["instant", "scheduled"] | None, typer.Option(help="At once, or on a day that the creator chooses.")
    ] = None,
    creation: Annotated[
        Literal["lazy", "eager"] | None, typer.Option(help="When rows appear: with claims, or with the tier.")
    ] = None,
    stock: Annotated[int | None, typer.Option(min=0, help="How many there are; all if not given.")] = None,
    expires_days: Annotated[int | None, typer.Option(min=1, help="Days after which an offer lapses.")] = None,
    starts: Annotated[
        datetime | None, typer.Option(formats=DAY_FORMAT, metavar="DAY", help="First local day on offer.")
    ] = None,
    ends: Annotated[
        datetime | None, typer.Option(formats=DAY_FORMAT, metavar="DAY", help="First local day without it.")
    ] = None,
    order: _Order = None,
) -> None:
    """Set a reward; what is not given stays as it was."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.loyalty.chosen import tenant_of
    from trackai_pipelines.loyalty.rewards import set_reward as write

    said = shared.given(
        type=kind,
        name=name,
        description=description,
        value_data=value,
        reward_source=source,
        tier_eligibility=for_tier,
        preview_from_tier=preview_from,
        enabled=enabled,
        redemption_frequency=frequency,
        redemption_quantity=quantity,
        redemption_type=takes_effect,
        creation=creation,
        stock_total=stock,
        expires_days=expires_days,
        starts_on=shared.day_of(starts),
        ends_on=shared.day_of(ends),
        display_order=order,
    )
    with shared.opened() as connection:
        write(connection, tenant_of(connection, tenant), reward_id, said, utc_now())
    results().print(f"{tenant}: {reward_id} set", markup=False)


@mission.command("set")
def set_mission(
    tenant: shared.Tenant,
    mission_id: Annotated[str, typer.Argument(metavar="MISSION", help="What commands and the app call it.")],
    kind: Annotated[
        Literal["sales_dollars", "sales_units", "videos", "raffle"] | None,
        typer.Option("--type", help="What is counted; a raffle is entered."),
    ] = None,
    title: Annotated[str | None, typer.Option(help="What managers read.", show_default="its id")] = None,
    display_name: Annotated[str | None, typer.Option(help="What creators read.", show_default="its title")] = None,
    description: _Description = None,
    target: Annotated[
        Decimal | None, typer.Option(parser=shared.amount_of, metavar="AMOUNT", help="What completes it.")
    ] = None,
    reward_id: Annotated[str | None, typer.Option("--reward", metavar="REWARD", help="What it is for.")] = None,
    for_tier: Annotated[
        str | None, typer.Option(metavar="TIER", help="The tier that it is for, exactly, or all.", show_default="all")
    ] = None,
    preview_from: _Preview = None,
    ends: Annotated[
        datetime | None, typer.Option(formats=DAY_FORMAT, metavar="DAY", help="First local day without entries.")
    ] = None,
    winners: Annotated[int | None, typer.Option(min=1, help="How many a raffle draws.")] = None,
    enabled: Annotated[bool | None, typer.Option(help="Whether it runs.")] = None,
    order: _Order = None,
) -> None:
    """Set a mission or a raffle; what is not given stays as it was. A raffle takes entries once it is opened."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.loyalty.chosen import tenant_of
    from trackai_pipelines.loyalty.rewards import set_mission as write

    said = shared.given(
        title=title,
        display_name=display_name,
        description=description,
        mission_type=kind,
        target_value=target,
        reward_id=reward_id,
        tier_eligibility=for_tier,
        preview_from_tier=preview_from,
        raffle_end_date=shared.day_of(ends),
        winners=winners,
        enabled=enabled,
        display_order=order,
    )
    with shared.opened() as connection:
        write(connection, tenant_of(connection, tenant), mission_id, said, utc_now())
    results().print(f"{tenant}: {mission_id} set", markup=False)
