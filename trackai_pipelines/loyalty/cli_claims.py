"""`trackai loyalty claim`, `redemption`, `boost` and `gift`: claims, and what becomes of them.

What belongs here: options. What does not: what is refused (claims.py, redemptions.py, boosts.py).
"""

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from trackai_pipelines.loyalty import cli_options as shared
from trackai_pipelines.terminal.authors import By, login
from trackai_pipelines.terminal.days import DAY_FORMAT
from trackai_pipelines.terminal.failures import usage
from trackai_pipelines.terminal.output import results

if TYPE_CHECKING:
    from datetime import date

redemption = typer.Typer(help="What becomes of a claim.", no_args_is_help=True)
boost = typer.Typer(help="Payouts of boosts of the commission.", no_args_is_help=True)
gift = typer.Typer(help="Gifts that are sent.", no_args_is_help=True)

_Redemption = Annotated[int, typer.Argument(metavar="REDEMPTION", help="Its number.")]
_Boost = Annotated[int, typer.Argument(metavar="BOOST", help="Its number.")]
_Notes = Annotated[str | None, typer.Option(help="What is to be remembered.")]
_Why = Annotated[str, typer.Option("--reason", help="Why.")]


def claim(
    tenant: shared.Tenant,
    creator: shared.Creator,
    reward: Annotated[str | None, typer.Option(metavar="REWARD", help="The reward of the creator's tier.")] = None,
    mission: Annotated[str | None, typer.Option(metavar="MISSION", help="A mission that is completed.")] = None,
    key: Annotated[
        str | None, typer.Option(help="The claim's name: repeated, it is the same claim.", show_default="a new one")
    ] = None,
    on: Annotated[
        datetime | None, typer.Option(formats=DAY_FORMAT, metavar="DAY", help="The local day that it takes effect on.")
    ] = None,
    size: Annotated[str | None, typer.Option(help="Of a gift.")] = None,
    as_json: shared.AsJson = False,
) -> None:
    """Claim a reward for a creator, as the app does. A refusal ends with exit code 2 and its name."""
    from uuid import uuid4

    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.loyalty import claims
    from trackai_pipelines.loyalty.chosen import tenant_of

    day: date | None = shared.day_of(on)
    with shared.opened() as connection:
        wanted = claims.RewardClaim(
            tenant_id=tenant_of(connection, tenant), user_id=creator, reward_id=reward, mission_id=mission,
            claim_key=key or str(uuid4()), scheduled_on=day, size=size,
        )  # fmt: skip
        try:
            made = claims.claim(connection, wanted, utc_now())
        except claims.ClaimRefusedError as error:
            raise usage(f"{error.refusal}: {error}") from error
        except claims.UnfitClaimError as error:
            raise usage(str(error)) from error
    if as_json:
        shared.echo(asdict(made))
    else:
        results().print(f"{made.user_id}: {made.reward_id} is {made.status}, redemption {made.id}", markup=False)


@redemption.command()
def fulfil(
    tenant: shared.Tenant,
    number: _Redemption,
    transaction: Annotated[str | None, typer.Option(help="Id of the payment or voucher elsewhere.")] = None,
    notes: _Notes = None,
    by: By = "",
) -> None:
    """Note that a claimed reward was handed over."""
    _change(tenant, number, "fulfilled", by, notes, transaction)


@redemption.command()
def conclude(tenant: shared.Tenant, number: _Redemption, by: By = "") -> None:
    """Note that nothing is left to do."""
    _change(tenant, number, "concluded", by)


@redemption.command()
def reject(tenant: shared.Tenant, number: _Redemption, reason: _Why, by: By = "") -> None:
    """Reject a claim: its stock is given back, and it may be made again."""
    _change(tenant, number, "rejected", by, reason)


def _change(
    tenant: str,
    number: int,
    to_status: Literal["fulfilled", "concluded", "rejected"],
    by: str,
    notes: str | None = None,
    transaction: str | None = None,
) -> None:
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.loyalty.chosen import tenant_of
    from trackai_pipelines.loyalty.redemptions import change_redemption

    with shared.opened() as connection:
        change_redemption(
            connection, tenant_of(connection, tenant), number, to_status,
            by=by or login(), now=utc_now(), notes=notes, transaction=transaction,
        )  # fmt: skip
    results().print(f"redemption {number}: {to_status}", markup=False)


@boost.command()
def account(
    tenant: shared.Tenant,
    number: _Boost,
    ref: Annotated[str, typer.Option(help="The app's id of the account, never the address itself.")],
    method: Annotated[str, typer.Option(help="How it is paid, as the app calls it.")],
    by: By = "",
) -> None:
    """Note to which account of the app a boost is paid."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.loyalty.boosts import set_account
    from trackai_pipelines.loyalty.chosen import tenant_of

    if "@" in ref:
        raise usage(f"{ref} looks like an address: give the app's id of the account")
    with shared.opened() as connection:
        tenant_id = tenant_of(connection, tenant)
        set_account(connection, tenant_id, number, account=ref, method=method, by=by or login(), now=utc_now())
    results().print(f"boost {number}: pending_payout", markup=False)


@boost.command()
def pay(
    tenant: shared.Tenant,
    number: _Boost,
    amount: Annotated[
        Decimal | None,
        typer.Option(parser=shared.amount_of, metavar="AMOUNT", help="If not what was calculated."),
    ] = None,
    notes: _Notes = None,
    by: By = "",
) -> None:
    """Note that a boost was paid; from then on its amount stays."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.loyalty import boosts
    from trackai_pipelines.loyalty.chosen import tenant_of

    with shared.opened() as connection:
        paid = boosts.pay(
            connection, tenant_of(connection, tenant), number,
            by=by or login(), now=utc_now(), amount=amount, notes=notes,
        )  # fmt: skip
    results().print(f"boost {number}: {paid.amount:,.2f} {paid.currency} paid to {paid.user_id}", markup=False)


@boost.command()
def cancel(tenant: shared.Tenant, number: _Boost, reason: _Why, by: By = "") -> None:
    """Cancel a boost that has not begun: it may be claimed again."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.loyalty import boosts
    from trackai_pipelines.loyalty.chosen import tenant_of

    with shared.opened() as connection:
        tenant_id = tenant_of(connection, tenant)
        boosts.cancel(connection, tenant_id, number, by=by or login(), now=utc_now(), reason=reason)
    results().print(f"boost {number}: cancelled", markup=False)


@gift.command("set")
def set_gift(
    tenant: shared.Tenant,
    number: _Redemption,
    size: Annotated[str | None, typer.Option(help="The size that the creator wants.")] = None,
    address: Annotated[str | None, typer.Option(help="The app's id of the address, never the address itself.")] = None,
    carrier: Annotated[str | None, typer.Option(help="Who carries the parcel.")] = None,
    tracking: Annotated[str | None, typer.Option(help="The carrier's number.")] = None,
    shipped: Annotated[bool, typer.Option("--shipped", help="It is on its way.")] = False,
    delivered: Annotated[bool, typer.Option("--delivered", help="It has arrived.")] = False,
) -> None:
    """Note what is known of a gift by now; what is not given stays."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.loyalty.chosen import tenant_of
    from trackai_pipelines.loyalty.redemptions import GiftNews, change_gift

    news = GiftNews(
        size=size, shipping_ref=address, carrier=carrier, tracking=tracking, shipped=shipped, delivered=delivered
    )
    with shared.opened() as connection:
        missing = change_gift(connection, tenant_of(connection, tenant), number, news, utc_now())
    said = f"{' and '.join(missing)} missing" if missing else "noted"
    results().print(f"redemption {number}: {said}", markup=False)
