"""Options that the commands of loyalty share, and how they open the database.

What belongs here: what several commands have in common. What does not: the commands.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trackai_pipelines.terminal.days import DAY_FORMAT
from trackai_pipelines.terminal.failures import usage
from trackai_pipelines.terminal.workspace import ready_database

if TYPE_CHECKING:
    from psycopg import Connection

Tenant = Annotated[str, typer.Argument(metavar="TENANT", help="Whose program: slug or id.")]
Creator = Annotated[str, typer.Argument(metavar="CREATOR", help="The app's own id of the creator.")]
SinceDay = Annotated[
    datetime,
    typer.Option("--from", formats=DAY_FORMAT, metavar="DAY", help="The local day from which it holds, YYYY-MM-DD."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def amount_of(text: str) -> Decimal:
    """Return an amount of an option."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise usage(f"{text!r} is no amount; expected e.g. 499.90")
    return amount


def day_of(moment: datetime | None) -> date | None:
    """Return the day of an option."""
    return None if moment is None else moment.date()


def given(**options: Any) -> dict[str, Any]:
    """Return the options that were given."""
    return {name: value for name, value in options.items() if value is not None}


@contextmanager
def opened() -> "Iterator[Connection[Any]]":
    """Open the database; what is refused within the block is bad usage."""
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.loyalty.refusals import LoyaltyRefusedError
    from trackai_pipelines.settings import Settings

    with connect(ready_database(Settings()), name="trackai loyalty") as connection:
        try:
            yield connection
        except LoyaltyRefusedError as error:
            raise usage(str(error)) from error


def echo(plain: Any) -> None:
    """Print plain data as one JSON object; days and amounts become text."""
    typer.echo(json.dumps(plain, default=str, ensure_ascii=False))
