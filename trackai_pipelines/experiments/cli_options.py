"""Options that the commands of experiments share, and how they open the database.

What belongs here: what several commands have in common. What does not: the commands.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trackai_pipelines.terminal.failures import usage
from trackai_pipelines.terminal.workspace import ready_database

if TYPE_CHECKING:
    from psycopg import Connection

Key = Annotated[str, typer.Argument(metavar="TEST", help="The test's key.")]
Tenant = Annotated[str, typer.Option(metavar="TENANT", help="Whose test: slug or id.")]
AnyTenant = Annotated[
    str | None, typer.Option("--tenant", metavar="TENANT", help="Slug or id; every tenant if not given.")
]
Reason = Annotated[str | None, typer.Option(help="Why.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@contextmanager
def opened() -> "Iterator[Connection[Any]]":
    """Open the database; what is refused within the block is bad usage."""
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.experiments.refusals import ExperimentRefusedError
    from trackai_pipelines.settings import Settings

    with connect(ready_database(Settings()), name="trackai experiments") as connection:
        try:
            yield connection
        except ExperimentRefusedError as error:
            raise usage(str(error)) from error


def echo(plain: Mapping[str, Any]) -> None:
    """Print plain data as one JSON object; times and amounts become text."""
    typer.echo(json.dumps(plain, default=str, ensure_ascii=False))
