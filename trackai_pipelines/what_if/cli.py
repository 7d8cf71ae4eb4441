"""`trackai what-if`: match rates of past days, as they were or with another value of a gate that matching reads."""

import json
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from trackai_pipelines.terminal.days import DAY_FORMAT, days_of
from trackai_pipelines.terminal.failures import usage
from trackai_pipelines.terminal.output import percent, remark, results, table
from trackai_pipelines.terminal.workspace import ready_database

if TYPE_CHECKING:
    from trackai_pipelines.what_if.rates import Rates

_COUNTS = ("conversions", "fbc", "fbp", "email", "unmatched", "pending")


def what_if(
    from_day: Annotated[
        datetime, typer.Option("--from", formats=DAY_FORMAT, metavar="DAY", help="First UTC day of sale.")
    ],
    to_day: Annotated[
        datetime, typer.Option("--to", formats=DAY_FORMAT, metavar="DAY", help="Last UTC day, included.")
    ],
    lookback_days: Annotated[
        int | None,
        typer.Option(
            help="Match again with this window instead of reading what was matched: --flag lookback_days=N.",
            min=0,
            max=3650,
        ),
    ] = None,
    flag: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Match again with another value of a gate, email_matching or lookback_days; may be given for each.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print tenants, gateways and currencies as JSON.")] = False,
) -> None:
    """Match rates of past days from archives and database, as they were or with another value of a gate.

    A gate that is not given keeps the value that it has for each sale. Nothing is written: `trackai aggregate`
    recomputes the rates that count.
    """
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.lifecycle.archive.store import open_store
    from trackai_pipelines.settings import Settings
    from trackai_pipelines.what_if.asked import asked_values
    from trackai_pipelines.what_if.rates import recompute

    window = [] if lookback_days is None else [f"lookback_days={lookback_days}"]
    try:
        asked = asked_values([*window, *(flag or [])])
    except ValueError as error:
        raise usage(str(error)) from error
    first, last = days_of(from_day, to_day)
    settings = Settings()
    url = ready_database(settings)
    with connect(url, name="trackai what-if") as connection:
        rates = recompute(connection, url, open_store(settings.archive_url), first, last, **asked)
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rates], default=_plain))
        return
    if not rates:
        remark(f"No sale happened from {first} to {last}.")
        return
    results().print(table(("day", *_COUNTS, "rate"), _by_day(rates)))


def _plain(value: object) -> str:
    if isinstance(value, (Decimal, date)):
        return str(value)
    raise TypeError(f"{type(value)} has no plain form")


def _by_day(rates: "list[Rates]") -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for day in sorted({row.day for row in rates}):
        counts = {name: sum(getattr(row, name) for row in rates if row.day == day) for name in _COUNTS}
        matched = counts["fbc"] + counts["fbp"] + counts["email"]
        decided = matched + counts["unmatched"]
        rows.append((str(day), *counts.values(), percent(matched / decided if decided else None)))
    return rows
