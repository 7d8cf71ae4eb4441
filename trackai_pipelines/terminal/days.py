"""Ranges of UTC days as options of a command."""

from datetime import date, datetime
from typing import Annotated

import typer

from trackai_pipelines.terminal.failures import usage

DAY_FORMAT = ["%Y-%m-%d"]
FromDay = Annotated[
    datetime, typer.Option("--from", formats=DAY_FORMAT, metavar="DAY", help="First UTC day, YYYY-MM-DD.")
]
ToDay = Annotated[datetime, typer.Option("--to", formats=DAY_FORMAT, metavar="DAY", help="Last UTC day, included.")]


def days_of(from_day: datetime, to_day: datetime) -> tuple[date, date]:
    """Return the first and the last day; an empty range is bad usage."""
    if to_day < from_day:
        raise usage(f"the range of days is empty: {from_day:%Y-%m-%d} is after {to_day:%Y-%m-%d}; swap them")
    return from_day.date(), to_day.date()
