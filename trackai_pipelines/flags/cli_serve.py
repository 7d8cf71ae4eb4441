"""`trackai flags serve`: flags over HTTP as a process of its own, because other people's pages call it.

What belongs here: the command, and what it answers besides the domain's routes. What does not: those (web.py).
"""

from typing import Annotated

import typer

from trackai_pipelines.service.serving import DEFAULT_HOST

_PORT = 8016
# Most of them are event streams, which take a few kilobytes each.
_MOST_CONNECTIONS = 4_096
# Evaluations take milliseconds, and streams are opened again elsewhere.
_GRACE_SECONDS = 2


def serve(
    host: Annotated[
        str, typer.Option(help="The address it listens on. Beyond this machine, put a proxy with TLS in front.")
    ] = DEFAULT_HOST,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Its port.")] = _PORT,
) -> None:
    """Serve flags to apps until Ctrl-C: OFREP with event streams, and GrowthBook's payload. The log is JSON, on stderr.

    It starts while the database is away, and answers by what it knew last.
    """
    from trackai_pipelines.flags.web import flags_app
    from trackai_pipelines.web.process import serve as run

    run(
        flags_app,
        host,
        port,
        says="Flags are served; OFREP",
        most_requests=_MOST_CONNECTIONS,
        grace_seconds=_GRACE_SECONDS,
    )
