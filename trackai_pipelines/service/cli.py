"""`trackai up` runs everything in the foreground; `trackai stop` ends the server that other commands left running."""

from typing import Annotated

import typer

from trackai_pipelines.service.environment import environment
from trackai_pipelines.service.serving import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    DEFAULT_WEB_PORT,
    only_one,
    require_free_ports,
    serve,
)
from trackai_pipelines.terminal.output import remark, step
from trackai_pipelines.terminal.stopping import interruptible
from trackai_pipelines.terminal.workspace import bring_up_to_date


def up(
    port: Annotated[int, typer.Option(min=1, max=65535, help="The UI's port.")] = DEFAULT_PORT,
    web_port: Annotated[
        int, typer.Option(min=1, max=65535, help="The port of the web application.")
    ] = DEFAULT_WEB_PORT,
    host: Annotated[str, typer.Option(help="The address that both listen on.")] = DEFAULT_HOST,
) -> None:
    """Run database, migrations, Dagster's webserver and daemon, and the web application; Ctrl-C stops all of it.

    Migrates the database of TRACKAI_DATABASE_URL, too, when that is set. Logs are in TRACKAI_HOME/logs.
    """
    from trackai_pipelines.database.server import event_database_url, stop_embedded
    from trackai_pipelines.settings import Settings

    settings = Settings()
    require_free_ports(host, port, web_port)
    with only_one(settings.home), interruptible():
        try:
            with step("Database"):
                bring_up_to_date(event_database_url(settings))
                variables = environment(settings)
            remark(f"Starting Dagster; logs are in {settings.home / 'logs'}")
            serve(settings, variables, host=host, port=port, web_port=web_port, ready=_ready)
        finally:
            stop_embedded(settings)
    remark("Stopped.")


def stop() -> None:
    """Stop the embedded server that commands such as `ingest` leave running; the next one starts it again."""
    from trackai_pipelines.database.server import stop_embedded
    from trackai_pipelines.settings import Settings

    settings = Settings()
    if stop_embedded(settings):
        remark("Stopped the embedded server.")
    else:
        remark(f"Nothing was stopped: no server runs in {settings.home}, or other processes use it.")


def _ready(url: str, web_url: str) -> None:
    remark(f"Dagster's UI is on {url}; Ctrl-C stops everything.", style="green")
    remark(f"The web application is on {web_url}: /healthz, /metrics.", style="green")
