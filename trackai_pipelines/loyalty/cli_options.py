"""Options that the commands of loyalty share, and how they open the database.

What belongs here: what several commands have in common. What does not: the commands.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trackai_pipelines.terminal.failures import usage
from trackai_pipelines.terminal.workspace import ready_database

if TYPE_CHECKING:
    from psycopg import Connection

Tenant = Annotated[str, typer.Argument(metavar="TENANT", help="Whose program: slug or id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


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
