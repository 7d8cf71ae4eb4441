"""`trackai web`: the web application, until Ctrl-C or SIGTERM."""

from typing import Annotated

import typer

from trackai_pipelines.service.serving import DEFAULT_HOST, DEFAULT_WEB_PORT
from trackai_pipelines.terminal.workspace import workspace


def web(
    host: Annotated[
        str, typer.Option(help="The address it listens on. Beyond this machine, put access control in front.")
    ] = DEFAULT_HOST,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Its port.")] = DEFAULT_WEB_PORT,
) -> None:
    """Serve health, version, metrics and the domains' routes until Ctrl-C. The log is JSON, on stderr.

    It starts while the database is away, and answers 503 until it is back.
    """
    from trackai_pipelines.web.app import build_app
    from trackai_pipelines.web.process import serve

    serve(lambda url: build_app(workspace().domains, url), host, port, says="The web application")
