"""What every request goes through: its id, its limits, its headers, its line in the log, and its errors.

What belongs here: the one middleware. What does not: what errors look like (`problems.py`).
"""

import asyncio
import logging
import re
import time
import traceback
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trackai_pipelines.web.problems import problem, status_of

ACCESS = logging.getLogger("trackai.web.access")
ERRORS = logging.getLogger("trackai.web.errors")

# What proxies and clients make up: UUIDs, ULIDs, hexadecimal traces. Anything else might be a person's data.
_SANE_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    # No page of ours loads anything from elsewhere; a route that needs more says so itself.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
}

Observe = Callable[[str, str, int, float], None]
"""Called after each answer with method, route, status and seconds."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may take: seconds until its answer begins, and bytes of its body."""

    seconds: float = 30.0
    body_bytes: int = 1024**2


class Guard:
    """The middleware, around everything but Starlette's own."""

    def __init__(self, app: ASGIApp, *, limits: Limits, observe: Observe) -> None:
        self._app = app
        self._limits = limits
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; other kinds of scopes pass."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.monotonic()
        request_id = scope.setdefault("state", {})["request_id"] = _request_id(scope)
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        async def answer_in_time(message: Message) -> None:
            # An answer that has begun, such as a stream of events, may go on for longer.
            deadline.reschedule(None)
            await answer(message)

        deadline = asyncio.timeout(self._limits.seconds)
        try:
            async with deadline:
                await self._app(scope, _bounded(scope, receive, self._limits.body_bytes), answer_in_time)
        except Exception as error:
            failed = status_of(error)
            if failed >= 500:
                _log_error(request_id, error)
            if status:
                # Half an answer has gone out. Closing the connection is all that is left to show that it is not whole.
                raise
            await problem(scope, failed)(scope, receive, answer)
        finally:
            seconds = time.monotonic() - begun
            route = getattr(scope.get("route"), "path", "unmatched")
            self._observe(scope["method"], route, status, seconds)
            # The route instead of the path, and no query, address or user agent: they may identify a person.
            ACCESS.info(
                "request",
                extra={
                    "request_id": request_id,
                    "method": scope["method"],
                    "route": route,
                    "status": status,
                    "ms": round(seconds * 1000, 1),
                },
            )


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get("x-request-id", "")
    return given if _SANE_ID.fullmatch(given) else uuid.uuid4().hex


def _bounded(scope: Scope, receive: Receive, most: int) -> Receive:
    """Return a `receive` that refuses a body of more bytes than `most`, whatever its length was said to be."""
    length = Headers(scope=scope).get("content-length", "")
    said = int(length) if length.isdigit() else 0
    read = 0

    async def bounded() -> Message:
        nonlocal read
        if said > most:
            raise HTTPException(413)
        message = await receive()
        read += len(message.get("body", b""))
        if read > most:
            raise HTTPException(413)
        return message

    return bounded


def _log_error(request_id: str, error: Exception) -> None:
    """Log where an error was raised, without its text: that may quote a row."""
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    ERRORS.error(
        "error",
        extra={"request_id": request_id, "error": f"{type(error).__module__}.{type(error).__qualname__}", "at": places},
    )
