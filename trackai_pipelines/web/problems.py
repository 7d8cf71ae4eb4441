"""What is answered when something goes wrong: a page for browsers, problem+json (RFC 9457) for everyone else.

What belongs here: which answer an error has, and its two forms. What does not: any text of the error itself, which may
hold rows, addresses or secrets. It goes to no client and to no log.
"""

from http import HTTPStatus

import msgspec
import psycopg
from psycopg_pool import PoolTimeout, TooManyRequests
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Scope

from trackai_pipelines.web.pages import render

# What to do next, where the status itself does not say it.
_DETAILS = {
    404: "There is nothing at this address. The start page / lists what there is.",
    405: "This address does not take requests of this method.",
    413: "The body of the request is larger than this server takes.",
    500: "The error is logged with the id of this request.",
    503: "The database does not answer, or too many requests wait for it. Try again in a moment.",
    504: "The request took longer than this server allows.",
}
_RETRY_SECONDS = "5"


def problem(scope: Scope, status: int, detail: str = "", headers: dict[str, str] | None = None) -> Response:
    """Return the answer of an error to the client of this scope; `detail` replaces the usual sentence."""
    title = HTTPStatus(status).phrase
    detail = detail if detail not in ("", title) else _DETAILS.get(status, "")
    request_id = scope["state"]["request_id"]
    headers = dict(headers or {})
    if status == 503:
        headers["Retry-After"] = _RETRY_SECONDS
    if _is_browser(scope):
        page = render("problem.html", status=status, title=title, detail=detail, request_id=request_id)
        return HTMLResponse(page, status, headers)
    # The type is about:blank: the status says all that a program can act on.
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, "request_id": request_id}
    return Response(msgspec.json.encode(body), status, headers, "application/problem+json")


def status_of(error: Exception) -> int:
    """Return the status that an error which no route handled is answered with."""
    match error:
        case ClientDisconnect():
            # No fault of ours, and nobody reads the answer.
            return 400
        case TimeoutError() | psycopg.errors.QueryCanceled():
            return 504
        case PoolTimeout() | TooManyRequests() | psycopg.OperationalError():
            return 503
        case _:
            return 500


async def http_problem(request: Request, error: Exception) -> Response:
    """Answer an HTTPException, Starlette's own and those of routes."""
    assert isinstance(error, HTTPException)
    return problem(request.scope, error.status_code, error.detail, dict(error.headers or {}))


def _is_browser(scope: Scope) -> bool:
    return "text/html" in Headers(scope=scope).get("accept", "")
