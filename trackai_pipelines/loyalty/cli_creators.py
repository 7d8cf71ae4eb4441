"""`trackai loyalty creator link` and `adjust`: single creators.

What belongs here: options. What does not: what is refused (creators.py).
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

import typer

from trackai_pipelines.loyalty import cli_options as shared
from trackai_pipelines.terminal.authors import By, login
from trackai_pipelines.terminal.days import DAY_FORMAT
from trackai_pipelines.terminal.output import remark, results

creator = typer.Typer(help="Creators and their aliases.", no_args_is_help=True)


@creator.command()
def link(
    tenant: shared.Tenant,
    user: shared.Creator,
    alias: Annotated[str, typer.Argument(metavar="ALIAS", help="The link code, or the handle.")],
    valid_from: shared.SinceDay,
    kind: Annotated[Literal["link", "tiktok"], typer.Option(help="What the alias is.")] = "link",
    enrol: Annotated[bool, typer.Option(help="Make the creator a member from that day on.")] = True,
) -> None:
    """Say whose a link code or TikTok handle is from a day on; the next posting moves its sales."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.loyalty import creators
    from trackai_pipelines.loyalty.chosen import tenant_of

    now, day = utc_now(), valid_from.date()
    with shared.opened() as connection:
        tenant_id = tenant_of(connection, tenant)
        creators.link(connection, tenant_id, user, kind, alias, day, now)
        since = creators.enrol(connection, tenant_id, user, day, now) if enrol else None
    said = f", a member since {since}" if since else ""
    results().print(f"{creators.alias_of(kind, alias)} is {user} from {day} on{said}", markup=False)


def adjust(
    tenant: shared.Tenant,
    user: shared.Creator,
    reason: Annotated[str, typer.Option(help="Why.")],
    amount: Annotated[
        Decimal, typer.Option(parser=shared.amount_of, metavar="AMOUNT", help="Signed.", show_default="0")
    ] = "0",  # type: ignore[assignment]
    units: Annotated[int, typer.Option(help="Signed.")] = 0,
    currency: Annotated[str | None, typer.Option(metavar="CODE", show_default="the program's")] = None,
    kind: Annotated[
        Literal["manual_sale", "refund", "bonus", "correction"], typer.Option("--type", help="What it is.")
    ] = "correction",
    on: Annotated[
        datetime | None,
        typer.Option(formats=DAY_FORMAT, metavar="DAY", help="Local day on which it counts.", show_default="today"),
    ] = None,
    external_id: Annotated[
        str | None, typer.Option("--id", help="Your own id: repeating the command changes nothing.")
    ] = None,
    by: By = "",
) -> None:
    """Add sales to a creator by hand, or take some away; the next posting makes them an entry."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.loyalty import creators
    from trackai_pipelines.loyalty.chosen import tenant_of

    with shared.opened() as connection:
        number = creators.adjust(
            connection,
            tenant_of(connection, tenant),
            user,
            amount=amount,
            units=units,
            currency=currency,
            reason=reason,
            adjustment_type=kind,
            effective_on=shared.day_of(on),
            external_id=external_id,
            by=by or login(),
            now=utc_now(),
        )
    if number is None:
        remark(f"There is an adjustment {external_id} already; nothing was changed.")
    else:
        results().print(f"adjustment {number} of {user}; `trackai loyalty post {tenant}` posts it", markup=False)
