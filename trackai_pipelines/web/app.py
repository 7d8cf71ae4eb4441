"""The application: its own routes, those of the domains, and what every request goes through.

What belongs here: how the application is put together, health and version. What does not: running it (`cli.py`), and
what happens to a request before and after its route (`guard.py`).
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import ExitStack, asynccontextmanager
from importlib import metadata
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.domain import Domain
from trackai_pipelines.web.documentation import page
from trackai_pipelines.web.guard import Guard, Limits
from trackai_pipelines.web.metrics import Metrics
from trackai_pipelines.web.pages import DISTRIBUTION, index
from trackai_pipelines.web.pool import connection_pool
from trackai_pipelines.web.problems import http_problem

if TYPE_CHECKING:
    from psycopg_pool import ConnectionPool

_DEFAULT_LIMITS = Limits()


def build_app(
    domains: Iterable[Domain],
    database_url: str,
    *,
    limits: Limits = _DEFAULT_LIMITS,
    clock: Clock = utc_now,
    own: Sequence[BaseRoute] | None = None,
) -> Starlette:
    """Return the application with the routes of these domains; `own` replaces those of the application itself.

    The pool of connections opens with the application and connects when a request needs it, so the application starts
    while the database is away. A route gets a connection with `request.app.state.pool.connection()`. One that is a
    plain function runs in a thread, where it may wait for the database. What routes keep open between requests is
    closed with the application: `request.app.state.kept.enter_context(...)`.
    """
    domains = tuple(domains)
    pool = connection_pool(database_url, seconds=limits.seconds)
    metrics = Metrics(domains, pool, clock)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        pool.open()
        with ExitStack() as kept:
            kept.callback(pool.close)
            app.state.kept = kept
            yield

    usual = (
        Route("/", index),
        Route("/healthz", healthz),
        Route("/version", version),
        Route("/metrics", metrics.answer),
        Route("/docs/{name}", page),
    )
    app = Starlette(
        routes=[
            *(usual if own is None else own),
            *(route for domain in domains if domain.routes for route in domain.routes()),
        ],
        middleware=[Middleware(Guard, limits=limits, observe=metrics.observe)],
        exception_handlers={HTTPException: http_problem},
        lifespan=lifespan,
    )
    # A path with a slash too many is not found, rather than redirected to another address.
    app.router.redirect_slashes = False
    app.state.pool = pool
    app.state.database_url = database_url
    app.state.clock = clock
    return app


def healthz(request: Request) -> Response:
    """Answer 200 when the process and its database do; a database that is away is a 503 (`problems.py`)."""
    pool: ConnectionPool = request.app.state.pool
    with pool.connection() as connection:
        connection.execute("SELECT 1")
    return JSONResponse({"status": "ok", "database": "ok"})


def version(request: Request) -> Response:
    """Answer with the version of this package."""
    return JSONResponse({"name": DISTRIBUTION, "version": metadata.version(DISTRIBUTION)})
