"""`trackai campaigns unjoined`, `alias`, `account` and `restatements`: costs, and which campaigns they are joined to.

What belongs here: options, and what is shown. What does not: how costs are joined and read.
"""

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trackai_pipelines.terminal.days import DAY_FORMAT, days_of
from trackai_pipelines.terminal.failures import usage
from trackai_pipelines.terminal.output import fail, remark, results, table
from trackai_pipelines.terminal.workspace import ready_database

if TYPE_CHECKING:
    from psycopg import Connection

    from trackai_pipelines.ingest.context import Owner
    from trackai_pipelines.ingest.kinds import Kind

_SHOWN = 20
Tenant = Annotated[str, typer.Argument(help="Slug or id.")]


def alias(
    tenant: Tenant,
    name: Annotated[
        str, typer.Argument(metavar="ALIAS", help="What clicks name in utm_campaign, or the platform's campaign id.")
    ],
    campaign: Annotated[str, typer.Argument(help="The campaign that is meant.")],
    source: Annotated[
        str, typer.Option(help="Only for clicks with this utm_source and costs of this platform.", show_default="any")
    ] = "",
) -> None:
    """Let clicks and costs of another name count for a campaign; the night computes the days that it touches."""
    from trackai_pipelines.campaigns.listed import CAMPAIGN_ALIASES

    values = {"alias": name, "campaign_id": campaign, "source": source}
    changed = _correct(tenant, CAMPAIGN_ALIASES, values)
    results().print(f"{name} {'counts now' if changed else 'counted already'} for {campaign}", markup=False)


def account(
    tenant: Tenant,
    source: Annotated[str, typer.Argument(help="The ad platform, e.g. meta.")],
    account_id: Annotated[str, typer.Argument(metavar="ID", help="The platform's id of the account.")],
    currency: Annotated[str | None, typer.Option(help="What rows without a currency are in, e.g. BRL.")] = None,
    time_zone: Annotated[
        str | None, typer.Option(help="IANA time zone of its days and hours, e.g. America/Sao_Paulo.")
    ] = None,
) -> None:
    """Say which currency and time zone an ad account has; the night computes the days whose hours it moves."""
    from trackai_pipelines.campaigns.listed import AD_ACCOUNTS

    if not currency and not time_zone:
        raise usage("nothing to change was given; see `trackai campaigns account --help`")
    values = {"source": source, "account_id": account_id, "currency": currency, "time_zone": time_zone}
    changed = _correct(tenant, AD_ACCOUNTS, values)
    results().print(
        f"{'changed' if changed else 'nothing to change of'} account {account_id} of {source}", markup=False
    )


def unjoined(
    tenant: Tenant,
    days: Annotated[int, typer.Option(min=1, max=366, help="How many UTC days to look at, up to today.")] = 28,
) -> None:
    """Show spend without clicks, clicks without spend, the nearest names, and the alias that would join them."""
    from trackai_pipelines.campaigns.unjoined import clicks_without_spend, nearest, spend_without_clicks
    from trackai_pipelines.clock import utc_now

    last = utc_now().date()
    first = last - timedelta(days=days - 1)
    with _asked(tenant) as (connection, owner):
        spend = spend_without_clicks(connection, owner.id, first, last)
        clicks = clicks_without_spend(connection, owner.id, first, last)
    if not spend and not clicks:
        remark(f"From {first} to {last} all spend has clicks, and all campaigns of clicks have spend.")
        return
    if spend:
        columns = ("spend without clicks", "platform", "id", "names", "currency", "spend", "last")
        rows = [
            (s.campaign_id, s.source, s.platform_campaign_id, ", ".join(s.names) or None, s.currency, f"{s.spend:,.2f}",
             str(s.last_day))
            for s in spend[:_SHOWN]
        ]  # fmt: skip
        results().print(table(columns, rows))
    if clicks:
        rows_of_clicks = [(c.campaign_id, c.clicks, str(c.last_day)) for c in clicks[:_SHOWN]]
        results().print(table(("clicks without spend", "clicks", "last"), rows_of_clicks))
    for s in spend[:_SHOWN]:
        for campaign in nearest(s, clicks):
            words = (
                "trackai",
                "campaigns",
                "alias",
                owner.slug,
                s.platform_campaign_id,
                campaign,
                "--source",
                s.source,
            )
            results().print(shlex.join(words), markup=False)
    if len(spend) > _SHOWN or len(clicks) > _SHOWN:
        remark(f"The first {_SHOWN} are shown of {len(spend):,} with spend and {len(clicks):,} with clicks.")


def restatements(
    tenant: Tenant,
    from_day: Annotated[
        datetime, typer.Option("--from", formats=DAY_FORMAT, metavar="DAY", help="First day of the account.")
    ],
    to_day: Annotated[
        datetime, typer.Option("--to", formats=DAY_FORMAT, metavar="DAY", help="Last day of the account, included.")
    ],
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=DAY_FORMAT, metavar="DAY", help="Compare with what was believed when this UTC day ended."),
    ] = None,
) -> None:
    """Show whose spend was restated: what was said first, what is said now, and when that came."""
    from trackai_pipelines.campaigns.restatements import restatements as read

    first, last = days_of(from_day, to_day)
    end = None if as_of is None else datetime.combine(as_of.date() + timedelta(days=1), time(), UTC)
    with _asked(tenant) as (connection, owner):
        found = read(connection, owner.id, first, last, as_of=end)
    if not found:
        remark(f"No spend from {first} to {last} was restated.")
        return
    then = "first said" if as_of is None else f"said by {as_of:%Y-%m-%d}"
    rows = [
        (
            *(str(r.day), r.source, r.campaign_id, r.currency),
            *(None if r.then_said is None else f"{r.then_said:,.2f}", f"{r.now_said:,.2f}"),
            *(None if r.change is None else f"{r.change:+.1%}", r.changed_at),
        )
        for r in found
    ]
    results().print(table(("day", "platform", "campaign", "currency", then, "now", "change", "when"), rows))


def _correct(tenant: str, kind: "Kind", values: "Mapping[str, str | None]") -> bool:
    from psycopg import DataError

    from trackai_pipelines.campaigns.corrections import correct
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.ingest.outcomes import Refused

    with _asked(tenant) as (connection, owner):
        try:
            return correct(connection, kind, owner, values, utc_now())
        except Refused as refusal:
            fail(f"Nothing was changed: {refusal}.")
        except DataError as error:
            fail(f"Nothing was changed, because the database refused it: {error.diag.message_primary}.")


@contextmanager
def _asked(tenant: str) -> "Iterator[tuple[Connection[Any], Owner]]":
    """Open the database and find the tenant; one that does not exist ends the command."""
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.ingest.load import owners_of
    from trackai_pipelines.settings import Settings

    with connect(ready_database(Settings()), name="trackai campaigns") as connection:
        owner = owners_of(connection).get(tenant)
        if owner is None:
            fail(f"There is no tenant {tenant}; `trackai tenant list` shows them.")
        yield connection, owner
