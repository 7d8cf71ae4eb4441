"""`trackai web`: the web application, until Ctrl-C or SIGTERM."""

from typing import Annotated

import typer

from trackai_pipelines.service.serving import DEFAULT_HOST, DEFAULT_WEB_PORT, require_free_port
from trackai_pipelines.terminal.output import remark
from trackai_pipelines.terminal.workspace import workspace

# For requests that are under way at the end.
_GRACE_SECONDS = 10
# Beyond so many at once, clients are answered 503 by the server itself.
_MOST_REQUESTS = 256


def web(
    host: Annotated[
        str, typer.Option(help="The address it listens on. Beyond this machine, put access control in front.")
    ] = DEFAULT_HOST,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Its port.")] = DEFAULT_WEB_PORT,
) -> None:
    """Serve health, version, metrics and the domains' routes until Ctrl-C. The log is JSON, on stderr.

    It starts while the database is away, and answers 503 until it is back.
    """
    import uvicorn

    from trackai_pipelines.database.server import event_database_url, libpq_url
    from trackai_pipelines.settings import Settings
    from trackai_pipelines.web.app import build_app
    from trackai_pipelines.web.logs import log_to_stderr

    settings = Settings()
    require_free_port(host, port)
    if settings.database_url is None:
        url = event_database_url(settings)
    else:
        url = libpq_url("TRACKAI_DATABASE_URL", settings.database_url)
    log_to_stderr()
    remark(f"The web application is on http://{host}:{port}; Ctrl-C ends it.", style="green")
    server = uvicorn.Server(
        uvicorn.Config(
            build_app(workspace().domains, url),
            host=host,
            port=port,
            log_config=None,
            # Guard writes one, without personal data.
            access_log=False,
            server_header=False,
            # No proxy is trusted to say who asks: nothing here depends on it.
            proxy_headers=False,
            limit_concurrency=_MOST_REQUESTS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
    )
    server.run()
    if not server.started:
        raise typer.Exit(1)
