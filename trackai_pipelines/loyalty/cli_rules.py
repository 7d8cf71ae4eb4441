"""`trackai loyalty program set` and `tier set`: rules from a day on.

What belongs here: options. What does not: what is refused (programs.py).
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

import typer

from trackai_pipelines.loyalty import cli_options as shared
from trackai_pipelines.terminal.authors import By, login
from trackai_pipelines.terminal.days import DAY_FORMAT
from trackai_pipelines.terminal.output import results

program = typer.Typer(help="The rules of a program.", no_args_is_help=True)
tier = typer.Typer(help="The tiers of a program.", no_args_is_help=True)


@program.command("set")
def set_program(
    tenant: shared.Tenant,
    valid_from: shared.SinceDay,
    currency: Annotated[str | None, typer.Option(metavar="CODE", help="ISO 4217 code of thresholds.")] = None,
    time_zone: Annotated[str | None, typer.Option(metavar="ZONE", help="Of the program's days; UTC at first.")] = None,
    vip_metric: Annotated[Literal["sales", "units"] | None, typer.Option(help="What tiers are reached by.")] = None,
    checkpoint_months: Annotated[
        int | None, typer.Option(min=0, max=24, help="Months in which a tier is earned again; 0: it is kept for good.")
    ] = None,
    grace_days: Annotated[int | None, typer.Option(min=0, max=60, help="Days that a missed window goes on.")] = None,
    demote_to: Annotated[Literal["earned", "one_step"] | None, typer.Option(help="Where a demotion leads.")] = None,
    corrections: Annotated[
        Literal["none", "up", "both"] | None, typer.Option(help="What late entries of closed windows may do.")
    ] = None,
    settle_days: Annotated[int | None, typer.Option(min=0, max=14, help="Days before a day is evaluated.")] = None,
    refund_dating: Annotated[
        Literal["refund", "sale"] | None, typer.Option(help="The day on which a refund counts.")
    ] = None,
    credit_field: Annotated[
        Literal["utm_content", "utm_term", "utm_source", "utm_campaign", "buyer"] | None,
        typer.Option(help="Where a click has the creator's code; buyer: who buys earns."),
    ] = None,
    excluded_gateway: Annotated[
        list[str] | None, typer.Option(help="A gateway whose sales a sync reports as well; may be repeated.")
    ] = None,
    report_source: Annotated[
        list[str] | None, typer.Option(help="A sync whose reports count; may be repeated.")
    ] = None,
    auto_enrol: Annotated[bool | None, typer.Option(help="Whether an unknown handle becomes a member.")] = None,
    sales_from: Annotated[
        datetime | None,
        typer.Option(formats=DAY_FORMAT, metavar="DAY", help="Videos posted since then count with their first figure."),
    ] = None,
    status: Annotated[
        Literal["draft", "active", "paused", "closed"] | None, typer.Option(help="draft at first.")
    ] = None,
    by: By = "",
) -> None:
    """Set rules of a program from a day on; what is not given stays as it was. A day that is evaluated is refused."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.loyalty import programs
    from trackai_pipelines.loyalty.chosen import tenant_of

    rules = shared.given(
        currency=currency,
        time_zone=time_zone,
        vip_metric=vip_metric,
        grace_days=grace_days,
        demote_to=demote_to,
        corrections=corrections,
        settle_days=settle_days,
        refund_dating=refund_dating,
        credit_field=credit_field,
        excluded_gateways=excluded_gateway,
        report_sources=report_source,
        auto_enrol=auto_enrol,
        sales_from=shared.day_of(sales_from),
        status=status,
    )
    if checkpoint_months is not None:
        rules["checkpoint_months"] = checkpoint_months or None
    day = valid_from.date()
    with shared.opened() as connection:
        programs.set_program(connection, tenant_of(connection, tenant), day, rules, by or login(), utc_now())
    results().print(f"{tenant}: rules set from {day} on", markup=False)


@tier.command("set")
def set_tier(
    tenant: shared.Tenant,
    tier_id: Annotated[str, typer.Argument(metavar="TIER", help="What files and commands call it.")],
    valid_from: shared.SinceDay,
    order: Annotated[int | None, typer.Option(min=1, help="Its place, 1 the lowest.")] = None,
    name: Annotated[str | None, typer.Option(help="What creators read.", show_default="its id")] = None,
    color: Annotated[str | None, typer.Option(metavar="#RRGGBB")] = None,
    sales: Annotated[
        Decimal | None, typer.Option(parser=shared.amount_of, metavar="AMOUNT", help="The sales that reach it.")
    ] = None,
    units: Annotated[int | None, typer.Option(min=0, help="The units that reach it.")] = None,
    commission: Annotated[
        Decimal | None, typer.Option(parser=shared.amount_of, metavar="PERCENT", help="The creator's commission.")
    ] = None,
    exempt: Annotated[bool | None, typer.Option(help="Whether it is kept without earning it again.")] = None,
) -> None:
    """Set a tier from a day on; what is not given stays as it was. A day that is evaluated is refused."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.loyalty import programs
    from trackai_pipelines.loyalty.chosen import tenant_of

    values = shared.given(
        tier_order=order,
        tier_name=name,
        tier_color=color.lower() if color else None,
        sales_threshold=sales,
        units_threshold=units,
        commission_rate=commission,
        checkpoint_exempt=exempt,
    )
    day = valid_from.date()
    with shared.opened() as connection:
        programs.set_tier(connection, tenant_of(connection, tenant), tier_id, day, values, utc_now())
    results().print(f"{tenant}: {tier_id} set from {day} on", markup=False)
