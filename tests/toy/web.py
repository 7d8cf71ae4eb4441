"""Calls over HTTP."""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from toy.calls import calls_and_seconds


def _calls(request: Request) -> JSONResponse:
    with request.app.state.pool.connection() as connection:
        calls, seconds = calls_and_seconds(connection, request.path_params["slug"])
    return JSONResponse({"calls": calls, "seconds": seconds})


ROUTES = (Route("/toy/{slug}/calls", _calls),)
