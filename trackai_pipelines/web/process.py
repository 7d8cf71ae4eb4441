"""A process that serves an application, until Ctrl-C or SIGTERM.

What belongs here: the server and its limits. What does not: what it serves.
"""

from collections.abc import Callable

import typer
import uvicorn
from starlette.applications import Starlette

from trackai_pipelines.service.serving import require_free_port
from trackai_pipelines.terminal.output import remark
from trackai_pipelines.web.logs import log_to_stderr

# For requests that are under way at the end.
_GRACE_SECONDS = 10
# Beyond so many at once, clients are answered 503 by the server itself.
_MOST_REQUESTS = 256


def serve(
    build: Callable[[str], Starlette],
    host: str,
    port: int,
    *,
    says: str,
    most_requests: int = _MOST_REQUESTS,
    grace_seconds: int = _GRACE_SECONDS,
) -> None:
    """Serve what `build` makes of the event database's URL; `says` names it to people.

    The database may be away. Ends the command with exit code 1 when the port is in use or the server does not start.
    """
    from trackai_pipelines.database.server import event_database_url, libpq_url
    from trackai_pipelines.settings import Settings

    settings = Settings()
    require_free_port(host, port)
    if settings.database_url is None:
        url = event_database_url(settings)
    else:
        url = libpq_url("TRACKAI_DATABASE_URL", settings.database_url)
    log_to_stderr()
    remark(f"{says} is on http://{host}:{port}; Ctrl-C ends it.", style="green")
    server = uvicorn.Server(
        uvicorn.Config(
            build(url),
            host=host,
            port=port,
            log_config=None,
            # Guard writes one, without personal data.
            access_log=False,
            server_header=False,
            # No proxy is trusted to say who asks: nothing here depends on it.
            proxy_headers=False,
            limit_concurrency=most_requests,
            timeout_graceful_shutdown=grace_seconds,
        )
    )
    server.run()
    if not server.started:
        raise typer.Exit(1)
