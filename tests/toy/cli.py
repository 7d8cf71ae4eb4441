"""`trackai toy`: look at calls."""

import typer
from toy.calls import calls_and_seconds

from trackai_pipelines.terminal.output import results, table
from trackai_pipelines.terminal.workspace import ready_database

app = typer.Typer(no_args_is_help=True)


@app.callback()
def toy() -> None:
    """Look at calls."""


@app.command()
def count() -> None:
    """Count the calls."""
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.settings import Settings

    with connect(ready_database(Settings()), name="trackai toy") as connection:
        results().print(table(("calls", "seconds"), [calls_and_seconds(connection)]))
