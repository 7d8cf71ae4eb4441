"""`trackai campaigns aggregate` and `report`: compute days, and show what campaigns cost and sold.

What belongs here: options, and what is shown. What does not: the figures (days.py, report.py).
"""

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trackai_pipelines.terminal.days import FromDay, ToDay, days_of
from trackai_pipelines.terminal.output import fail, remarks, results, table
from trackai_pipelines.terminal.workspace import ready_database

if TYPE_CHECKING:
    from rich.text import Text

    from trackai_pipelines.campaigns.report import CampaignReport, ReportLine


def aggregate(from_day: FromDay, to_day: ToDay) -> None:
    """Compute the campaigns of those days: journeys, credit, costs and figures. Repeating it changes nothing."""
    from rich.progress import track

    from trackai_pipelines.campaigns.days import compute_days
    from trackai_pipelines.campaigns.totals import day_totals
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.settings import Settings

    first, last = days_of(from_day, to_day)
    days = [first + timedelta(days=place) for place in range((last - first).days + 1)]
    with connect(ready_database(Settings()), name="trackai campaigns aggregate") as connection:
        computing = compute_days(connection, days)
        computed = list(track(computing, "computing", total=len(days), console=remarks(), transient=True))
        rows = [(one, day_totals(connection, one.day)) for one in computed]
    columns = ("day", "conversions", "new customers", "touches", "shared keys", "revenue", "spend", "")
    results().print(
        table(
            columns,
            [
                (
                    str(one.day),
                    totals.conversions,
                    totals.new_customers,
                    totals.touches,
                    totals.shared_keys,
                    _amounts(totals.revenue),
                    _amounts(totals.spend),
                    "final: only costs were renewed" if one.final else "",
                )
                for one, totals in rows
            ],
        )
    )


def report(
    tenant: Annotated[str, typer.Argument(help="Slug or id.")],
    from_day: FromDay,
    to_day: ToDay,
    model: Annotated[
        str, typer.Option(help="Who gets the credit: matched, last_touch, first_touch, linear, ... .")
    ] = "matched",
    by: Annotated[str, typer.Option(help="A line for each campaign, or channel.")] = "campaign",
    click_day: Annotated[
        bool, typer.Option("--click-day", help="Count credit on the day of the click instead of that of the sale.")
    ] = False,
    time_zone: Annotated[
        str | None, typer.Option(help="Days of this IANA zone, from hourly rows: costs by whole days are left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the lines as JSON.")] = False,
) -> None:
    """Show what each campaign of a tenant cost, sold and claimed over some days; unknown figures are a dash."""
    from trackai_pipelines.campaigns.report import NoReportError, report_on
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.settings import Settings

    first, last = days_of(from_day, to_day)
    with connect(ready_database(Settings()), name="trackai campaigns report") as connection:
        try:
            made = report_on(
                connection, tenant, first, last, model=model, by=by, click_day=click_day, time_zone=time_zone
            )
        except NoReportError as error:
            fail(str(error))
    if as_json:
        typer.echo(json.dumps(made.plain(), default=_plain))
        return
    lines = [*made.lines, made.total]
    results().print(table(_columns(made), [_row(made, line) for line in lines]))
    results().print(made.agreement(), markup=False)


def _columns(made: "CampaignReport") -> tuple[str, ...]:
    currency = f" {made.currency}" if made.currency else ""
    costs = ("impressions", "ad clicks", "arrived") if made.has_costs else ()
    claims = ("claimed", "sent") if made.has_claims else ()
    spend = (f"spend{currency}",) if made.has_costs else ()
    return made.by, *spend, *costs, "sales", f"revenue{currency}", *(("ROAS",) if made.has_costs else ()), *claims


def _row(made: "CampaignReport", line: "ReportLine") -> tuple[object, ...]:
    arrived = _figure("-" if line.arrived is None else f"{line.arrived:.0%}")
    spend = (_money(line.spend),) if made.has_costs else ()
    costs = (line.impressions, line.ad_clicks, arrived) if made.has_costs else ()
    roas = (_money(line.roas),) if made.has_costs else ()
    claims = (_short(line.claimed), line.sent) if made.has_claims else ()
    return line.name, *spend, *costs, _short(line.sales), _money(line.revenue), *roas, *claims


def _money(amount: Decimal | None) -> "Text":
    return _figure("-" if amount is None else f"{amount:,.2f}")


def _short(count: Decimal | None) -> "Text":
    return _figure("-" if count is None else f"{count:,.3f}".rstrip("0").rstrip("."))


def _figure(shown: str) -> "Text":
    from rich.text import Text

    return Text(shown, justify="right")


def _amounts(by_currency: Any) -> str:
    return ", ".join(f"{amount:,.2f} {currency}" for currency, amount in sorted(by_currency.items())) or "-"


def _plain(value: object) -> str:
    if isinstance(value, (Decimal, date)):
        return str(value)
    raise TypeError(f"{type(value)} has no plain form")
