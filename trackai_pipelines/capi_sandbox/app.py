"""The server's addresses: Meta's `POST /{version}/{pixel_id}/events`, our own below `/_sandbox`, and a page.

What belongs here: HTTP, tokens, pixels, and doing what a misbehaviour says. What does not: the rules of events.
"""

import asyncio
import hashlib
import re
import secrets
from collections.abc import Collection
from functools import cache
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from trackai_pipelines.capi_sandbox import refusals
from trackai_pipelines.capi_sandbox.connections import hang_up, hold
from trackai_pipelines.capi_sandbox.misbehaviour import Misbehaviour, Script
from trackai_pipelines.capi_sandbox.received_page import page
from trackai_pipelines.capi_sandbox.record import Pixel, Record, Request, fingerprint
from trackai_pipelines.capi_sandbox.refusals import Refusal
from trackai_pipelines.capi_sandbox.rules import Events, events_of, fields_of, names_of
from trackai_pipelines.clock import Clock

_VERSION = re.compile(r"v[0-9]+\.[0-9]+").fullmatch
_NUMERIC = re.compile(r"[0-9]+").fullmatch
_NO_JSON = refusals.parameter("param data is required; send it as application/json")
_GARBAGE = (
    b"<!DOCTYPE html>\n<html><head><title>Error</title></head><body><h1>Sorry, something went wrong.</h1></body></html>"
)


class Overview(msgspec.Struct):
    """All pixels, and what is still going to happen."""

    pixels: list[Pixel]
    misbehaviours: list[Misbehaviour]


class _Unanswered(Response):
    """No answer: either hung up at once, or only when the client or the server goes away."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__()
        self._reset = reset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (hang_up if self._reset else hold)(scope, receive)


class Api:
    """The Conversions API and its record; used by one event loop only."""

    def __init__(
        self,
        *,
        clock: Clock,
        tokens: Collection[str] | None,
        pixels: Collection[str] | None,
        latency_ms: int,
        keep_events: int,
        seed: int,
    ) -> None:
        self.record = Record(keep_events)
        self.script = Script(seed)
        self._clock = clock
        self._accepted_tokens = None if tokens is None else {_digest(token) for token in tokens}
        self._pixels = None if pixels is None else frozenset(pixels)
        self._latency = latency_ms / 1000

    async def post_events(self, request: HttpRequest) -> Response:
        """Meta's address."""
        pixel = request.path_params["pixel_id"]
        body = await request.body()
        now = self._clock()
        noted = Request(pixel=pixel, at=now, bytes=len(body), did="accepted")
        # Chosen before any waiting: a script follows the order in which requests arrive.
        misbehaviour = self.script.next_for(pixel, cache(lambda: names_of(body)))
        if misbehaviour is None or misbehaviour.accept or misbehaviour.do == "slow":
            outcome = self._judged(request, body, noted)
            if isinstance(outcome, Events):
                self.record.accept(pixel, outcome, now)
                noted.accepted = len(outcome.decoded)
            answer = _answer(outcome, noted)
        else:
            noted.token = _noted_token(request)
            answer = Response()
        if misbehaviour is not None:
            if misbehaviour.do != "slow" or noted.did == "accepted":
                noted.did = misbehaviour.do
            answer = _misbehaved(misbehaviour, answer, noted)
        self.record.note(noted)
        await asyncio.sleep(self._latency + (misbehaviour.ms / 1000 if misbehaviour else 0))
        return answer

    async def get_overview(self, request: HttpRequest) -> Response:
        """Return all pixels' totals, and the misbehaviours in force."""
        return _json(Overview(list(self.record.pixels.values()), self.script.in_force()))

    async def get_requests(self, request: HttpRequest) -> Response:
        """Return the last requests, oldest first; `?pixel=` selects one pixel's."""
        pixel = request.query_params.get("pixel")
        return _json([one for one in self.record.requests if pixel in (None, one.pixel)])

    async def get_events(self, request: HttpRequest) -> Response:
        """Return accepted events by name and id; `?pixel=` and `?event_id=` select some of them."""
        asked = request.query_params
        return _json(self.record.events(asked.get("pixel"), asked.get("event_id")))

    async def get_payloads(self, request: HttpRequest) -> Response:
        """Return the last accepted events as they were sent, oldest first; `?pixel=` selects one pixel's."""
        pixel = request.query_params.get("pixel")
        return _json([event for name, event in self.record.payloads if pixel in (None, name)])

    async def post_misbehave(self, request: HttpRequest) -> Response:
        """Put a misbehaviour in force, or each of a list."""
        try:
            asked = msgspec.json.decode(await request.body(), type=list[Misbehaviour] | Misbehaviour)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return _json({"problem": f"This is not a misbehaviour: {error}. See docs/sandbox.md."}, 400)
        for one in asked if isinstance(asked, list) else [asked]:
            self.script.add(one)
        return _json(self.script.in_force())

    async def post_behave(self, request: HttpRequest) -> Response:
        """Remove all misbehaviours."""
        self.script.clear()
        return _json([])

    async def post_forget(self, request: HttpRequest) -> Response:
        """Forget what was received."""
        self.record.forget()
        return _json({})

    async def get_page(self, request: HttpRequest) -> Response:
        """Return the page for people."""
        return HTMLResponse(page(self.record, self.script))

    def _judged(self, request: HttpRequest, body: bytes, noted: Request) -> Events | Refusal:
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        fields = fields_of(body) if content_type == "application/json" else _NO_JSON
        token = _token(request)
        if token is None and isinstance(fields, dict):
            token = _text(fields, "access_token")
        if token is None:
            return refusals.wrong_token("there is no access token")
        noted.token = fingerprint(token)
        if self._accepted_tokens is not None and _digest(token) not in self._accepted_tokens:
            return refusals.wrong_token("the access token is not accepted")
        if not _VERSION(request.path_params["version"]):
            return refusals.unknown_path(request.url.path)
        pixel = noted.pixel
        if not _NUMERIC(pixel) or (self._pixels is not None and pixel not in self._pixels):
            return refusals.unknown_object(pixel)
        if isinstance(fields, Refusal):
            return fields
        noted.test_event_code = _text(fields, "test_event_code")
        return events_of(fields, noted.at)


def api_app(api: Api) -> Starlette:
    """Return the application that serves it."""
    return Starlette(
        routes=[
            Route("/", api.get_page),
            Route("/_sandbox", api.get_overview),
            Route("/_sandbox/requests", api.get_requests),
            Route("/_sandbox/events", api.get_events),
            Route("/_sandbox/payloads", api.get_payloads),
            Route("/_sandbox/misbehave", api.post_misbehave, methods=["POST"]),
            Route("/_sandbox/behave", api.post_behave, methods=["POST"]),
            Route("/_sandbox/forget", api.post_forget, methods=["POST"]),
            Route("/{version}/{pixel_id}/events", api.post_events, methods=["POST"]),
        ],
        exception_handlers={HTTPException: _unknown},
    )


async def _unknown(request: HttpRequest, error: Exception) -> Response:
    return _json(refusals.unknown_path(request.url.path).body(_trace()), 400)


def _answer(outcome: Events | Refusal, noted: Request) -> Response:
    if isinstance(outcome, Events):
        noted.status = 200
        received = {"events_received": len(outcome.decoded), "messages": outcome.messages, "fbtrace_id": _trace()}
        return _json(received)
    noted.did = "refused"
    return _refused(outcome, noted)


def _refused(refusal: Refusal, noted: Request) -> Response:
    noted.status, noted.code, noted.subcode = refusal.status, refusal.code, refusal.subcode
    noted.reason = refusal.reason
    return _json(refusal.body(_trace()), refusal.status)


def _misbehaved(asked: Misbehaviour, answer: Response, noted: Request) -> Response:
    """Return what the client gets instead of `answer`."""
    if asked.do == "slow":
        return answer
    if asked.do in ("timeout", "reset"):
        noted.status = noted.code = noted.subcode = None
        return _Unanswered(reset=asked.do == "reset")
    if asked.do == "error":
        refusal = refusals.requested_refusal(asked.code, asked.subcode, asked.status, asked.message)
        answer = _refused(refusal, noted)
        answer.headers.update(_usage(asked, noted.pixel) | asked.headers)
        return answer
    noted.status, noted.code, noted.subcode = asked.status or 200, None, None
    if asked.do == "html":
        return Response(_GARBAGE, noted.status, asked.headers, "text/html")
    whole = msgspec.json.encode({"events_received": noted.accepted, "messages": [], "fbtrace_id": _trace()})
    return Response(whole[: len(whole) // 2] if asked.do == "truncated" else b"", noted.status, asked.headers, _JSON)


def _usage(asked: Misbehaviour, pixel: str) -> dict[str, str]:
    """Return the headers of a throttling error: minutes for business limits, seconds for an ad account's."""
    used: dict[str, Any] = {"call_count": 100, "total_cputime": 100, "total_time": 100}
    if asked.code in refusals.BUSINESS_LIMITS:
        minutes = -(-asked.wait_seconds // 60)
        usage = {"type": "ads_management", **used, "estimated_time_to_regain_access": minutes}
        return {"X-Business-Use-Case-Usage": msgspec.json.encode({pixel: [usage]}).decode()}
    if asked.code in refusals.ACCOUNT_LIMITS:
        account = {"acc_id_util_pct": 100, "reset_time_duration": asked.wait_seconds}
        return {"X-Ad-Account-Usage": msgspec.json.encode(account).decode()}
    return {"X-App-Usage": msgspec.json.encode(used).decode()} if asked.code == 4 else {}


_JSON = "application/json; charset=UTF-8"


def _json(content: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type=_JSON)


def _token(request: HttpRequest) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return request.query_params.get("access_token") or None


def _noted_token(request: HttpRequest) -> str | None:
    token = _token(request)
    return None if token is None else fingerprint(token)


def _text(fields: dict[str, msgspec.Raw], name: str) -> str | None:
    """Return a top-level field if it is text that is not empty."""
    try:
        return msgspec.json.decode(fields.get(name, b'""'), type=str) or None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _trace() -> str:
    return "A" + secrets.token_urlsafe(16)
