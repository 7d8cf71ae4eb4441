"""Flags over HTTP: OFREP 0.3.0 with its event streams, and the payload for GrowthBook's SDKs.

What belongs here: routes, and who may ask. What does not: the forms of answers (answers.py), and values (flag_values).

Only 200, 400, 404 and 500 have a body: clients of OFREP read no other.
"""

import math
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.flags import answers
from trackai_pipelines.flags.clients import FlagClient
from trackai_pipelines.flags.growthbook import payload
from trackai_pipelines.flags.server import FlagServer, flag_server, healthz, readyz
from trackai_pipelines.flags.streams import OPENING, RENEW, event
from trackai_pipelines.flags.tokens import Token, read_token, token_for
from trackai_pipelines.web.app import build_app

_MOST_BYTES = 64 * 1024
_JSON = "application/json"
_EVENT_STREAM = "text/event-stream"
_EVENTS = "/ofrep/v1/events"
# The others of the server's connections are for evaluations.
_MOST_STREAMS = 3_000
_STREAMS_RETRY_SECONDS = 30
_EXPOSED = "ETag, Retry-After"
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-None-Match, X-API-Key, X-Request-Id",
    "Access-Control-Max-Age": "7200",
}

_KeyOf = Callable[[Request], str]
_Answer = Callable[[Request, FlagServer, FlagClient], Awaitable[Response]]


def routes() -> Sequence[BaseRoute]:
    """Return the routes."""
    post, get = ["POST", "OPTIONS"], ["GET", "OPTIONS"]
    return [
        # A key has no slash, but a client may send one, and reads an answer of this form alone.
        Route("/ofrep/v1/evaluate/flags/{key:path}", _opened(_key_in_headers, _evaluate), methods=post),
        Route("/ofrep/v1/evaluate/flags", _opened(_key_in_headers, _evaluate_all), methods=post),
        Route("/api/features/{client_key}", _opened(_key_in_path, _features), methods=get),
        Route(_EVENTS, _events, methods=get),
    ]


def flags_app(database_url: str, *, clock: Clock = utc_now) -> Starlette:
    """Return an application with the routes of flags alone, for a process of its own."""
    own = (Route("/healthz", healthz), Route("/readyz", readyz), *routes())
    return build_app((), database_url, clock=clock, own=own)


def _opened(key_of: _KeyOf, answer: _Answer) -> Callable[[Request], Awaitable[Response]]:
    """Return a route that answers the clients whose key opens it."""

    async def endpoint(request: Request) -> Response:
        server = await flag_server(request.app)
        if request.method == "OPTIONS":
            return _preflight(request, server)
        client = server.keyring.find(key_of(request))
        response = _refusal(request, server, client)
        if response is None:
            assert client is not None
            response = await answer(request, server, client)
        return _for_pages(response, request, server, client)

    return endpoint


def _key_in_headers(request: Request) -> str:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")


def _key_in_path(request: Request) -> str:
    return str(request.path_params["client_key"])


def _refusal(request: Request, server: FlagServer, client: FlagClient | None) -> Response | None:
    """Return the answer to a request that is not served, if it is one of those."""
    if not server.knows:
        return _json(500, answers.failure(*answers.NOT_READY, request.path_params.get("key")))
    if client is None:
        return Response(status_code=401, headers={"WWW-Authenticate": 'Bearer realm="flags", error="invalid_token"'})
    if client.revoked_at is not None:
        return Response(status_code=403)
    wait = server.keyring.wait_of(client, time.monotonic())
    return _too_many(wait) if wait else None


def _too_many(seconds: float) -> Response:
    return Response(status_code=429, headers={"Retry-After": str(math.ceil(seconds))})


async def _evaluate(request: Request, server: FlagServer, client: FlagClient) -> Response:
    key = request.path_params["key"]
    context = await _context(request, client)
    if isinstance(context, Response):
        return context
    (answer,) = await _answers(request, server, client, [key], context)
    return _json(answers.status_of(answer), answer)


async def _evaluate_all(request: Request, server: FlagServer, client: FlagClient) -> Response:
    context = await _context(request, client)
    if isinstance(context, Response):
        return context
    # What a client was told by an event stream, and sends once.
    told = request.query_params.get("flagConfigEtag", "")
    await server.streams.catch_up(told)
    seen = server.streams.now(client)
    found = await _answers(request, server, client, seen.keys, context)
    token = token_for(client, seen.etag, server.clock().timestamp())
    # One that was archived a moment ago is not among them any more.
    found = [one for one in found if one.get("errorCode") != "FLAG_NOT_FOUND"]
    body, etag = answers.bulk(found, client.slug, f"{_EVENTS}?token={token}")
    # 304 would leave the client with the token that has expired.
    if told != RENEW and answers.matches(etag, request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers={"ETag": etag})
    return Response(body, headers={"ETag": etag}, media_type=_JSON)


async def _features(request: Request, server: FlagServer, client: FlagClient) -> Response:
    found = payload(server.ruleset, client.slug, server.clock(), visible_only=not client.sees_all)
    body = answers.encoded({"status": 200, "features": found})
    etag = answers.etag_of(body)
    if answers.matches(etag, request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers={"ETag": etag})
    return Response(body, headers={"ETag": etag}, media_type=_JSON)


async def _events(request: Request) -> Response:
    server = await flag_server(request.app)
    if request.method == "OPTIONS":
        return _preflight(request, server)
    token = read_token(request.query_params.get("token", ""), server.keyring.by_prefix, server.clock().timestamp())
    client = token.client if token else None
    response = _refusal(request, server, client)
    if response is None:
        assert token is not None
        response = _stream(server, token, last=request.headers.get("last-event-id", ""))
    return _for_pages(response, request, server, client)


def _stream(server: FlagServer, token: Token, *, last: str) -> Response:
    """Return the stream of a token's client; `last` is the event that it had last, where it had one."""
    prefix = token.client.key_sha256[:16]

    def valid() -> bool:
        found = server.keyring.by_prefix(prefix)
        return found is not None and found.revoked_at is None

    if token.expired and last == RENEW:
        return Response(status_code=401)
    if token.expired:
        # This event makes the client fetch an answer, which has a new token. It then comes back to this address once
        # more, and goes on to the new one when it is refused.
        return Response(OPENING + event(RENEW, server.clock()), media_type=_EVENT_STREAM)
    if server.streams.open >= _MOST_STREAMS:
        return _too_many(_STREAMS_RETRY_SECONDS)
    events = server.streams.events(token.client, last or token.seen, valid=valid)
    return StreamingResponse(events, media_type=_EVENT_STREAM)


async def _context(request: Request, client: FlagClient) -> dict[str, Any] | Response:
    """Return the context of a request, with the tenant whose key it is, or the answer to one that has none."""
    key = request.path_params.get("key")
    body = await request.body()
    if len(body) > _MOST_BYTES:
        return Response(status_code=413)
    try:
        given = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return _json(400, answers.failure(*answers.NO_JSON, key))
    context = given.get("context") if isinstance(given, dict) else None
    if not isinstance(context, dict):
        return _json(400, answers.failure(*answers.NO_CONTEXT, key))
    context["tenant"] = client.slug
    return context


async def _answers(
    request: Request, server: FlagServer, client: FlagClient, keys: Sequence[str], context: dict[str, Any]
) -> list[dict[str, Any]]:
    def evaluated() -> list[dict[str, Any]]:
        return [answers.answer_of(key, server.check(client, key, context, request.state.request_id)) for key in keys]

    # Members of large segments are looked up in the database, which must not keep other requests waiting.
    return await run_in_threadpool(evaluated) if server.may_wait else evaluated()


def _json(status: int, content: object) -> Response:
    return Response(answers.encoded(content), status, media_type=_JSON)


def _preflight(request: Request, server: FlagServer) -> Response:
    """Answer what browsers ask before a request, which does not say whose key it will have."""
    return _for_pages(Response(status_code=204, headers=_PREFLIGHT), request, server, None)


def _for_pages(response: Response, request: Request, server: FlagServer, client: FlagClient | None) -> Response:
    """Let a page read the response where the client's origins allow it; of an unknown client, those of all do."""
    response.headers["Vary"] = "Origin"
    origin = request.headers.get("origin")
    if origin and (origin in client.allowed_origins if client else server.keyring.is_origin(origin)):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = _EXPOSED
    return response
