"""The record: what the server received, in bounded memory.

What belongs here: counting and keeping. What does not: judging (`rules`) and showing (`app`, `received_page`).
"""

import hashlib
from collections import deque
from datetime import datetime, timedelta
from typing import Any

import msgspec

from trackai_pipelines.capi_sandbox.rules import Events

# Meta counts events of one name and id within this time once.
DEDUPLICATION = timedelta(hours=48)
KEPT_REQUESTS = 10_000
KEPT_PAYLOADS = 100


class Request(msgspec.Struct, kw_only=True):
    """One request and its outcome; `did` is accepted, refused or the name of a misbehaviour."""

    pixel: str
    at: datetime
    bytes: int
    # The first digits of the token's SHA-256; None without a token.
    token: str | None = None
    test_event_code: str | None = None
    did: str
    # Events that were accepted, whatever the answer was.
    accepted: int = 0
    # None: there was no answer.
    status: int | None = None
    code: int | None = None
    subcode: int | None = None
    reason: str | None = None


class Event(msgspec.Struct, kw_only=True, gc=False):
    """How often the events of one name and id were accepted, and how often Meta would have counted them."""

    pixel: str
    event_name: str
    event_id: str
    accepted: int
    counted: int
    # The hash of the bytes that came first.
    sha256: str
    # Whether a later one had other bytes.
    changed: bool
    counted_at: datetime


class Pixel(msgspec.Struct, kw_only=True):
    """All that a pixel received."""

    pixel: str
    requests: int = 0
    refused: int = 0
    misbehaved: int = 0
    bytes: int = 0
    accepted: int = 0
    # Accepted, less what is deduplicated by name and id.
    counted: int = 0
    without_event_id: int = 0
    # Accepted, but too many to be remembered one by one; each counted as a new one.
    not_kept: int = 0
    tokens: list[str] = []
    # Refusals by "code/subcode".
    refusals: dict[str, int] = {}
    last_at: datetime | None = None


class Record:
    """What was received since the start, or since `forget` was last called."""

    def __init__(self, keep_events: int) -> None:
        self._keep_events = keep_events
        self.forget()

    def forget(self) -> None:
        """Start with an empty record."""
        self.pixels: dict[str, Pixel] = {}
        self.requests: deque[Request] = deque(maxlen=KEPT_REQUESTS)
        self.payloads: deque[tuple[str, dict[str, Any]]] = deque(maxlen=KEPT_PAYLOADS)
        self._events: dict[tuple[str, str, str], Event] = {}

    def events(self, pixel: str | None, event_id: str | None) -> list[Event]:
        """Return the events of one pixel or all, with one id or any."""
        return [
            event
            for event in self._events.values()
            if pixel in (None, event.pixel) and event_id in (None, event.event_id)
        ]

    def accept(self, name: str, events: Events, at: datetime) -> None:
        """Record the events of one request as accepted."""
        pixel = self._pixel(name)
        pixel.accepted += len(events.decoded)
        self.payloads.extend((name, event) for event in events.decoded[-KEPT_PAYLOADS:])
        for event, raw in zip(events.decoded, events.raw, strict=True):
            event_id = event.get("event_id")
            if event_id is None:
                pixel.without_event_id += 1
                pixel.counted += 1
            else:
                pixel.counted += self._counts(pixel, event["event_name"], event_id, raw, at)

    def note(self, request: Request) -> None:
        """Record a request and its outcome."""
        self.requests.append(request)
        pixel = self._pixel(request.pixel)
        pixel.requests += 1
        pixel.bytes += request.bytes
        pixel.last_at = request.at
        if request.token is not None and request.token not in pixel.tokens:
            pixel.tokens.append(request.token)
        if request.did == "refused":
            pixel.refused += 1
            code = str(request.code) if request.subcode is None else f"{request.code}/{request.subcode}"
            pixel.refusals[code] = pixel.refusals.get(code, 0) + 1
        elif request.did != "accepted":
            pixel.misbehaved += 1

    def _pixel(self, name: str) -> Pixel:
        if name not in self.pixels:
            self.pixels[name] = Pixel(pixel=name, tokens=[], refusals={})
        return self.pixels[name]

    def _counts(self, pixel: Pixel, event_name: str, event_id: str, raw: bytes | memoryview, at: datetime) -> bool:
        key = (pixel.pixel, event_name, event_id)
        known = self._events.get(key)
        if known is None:
            if len(self._events) >= self._keep_events:
                pixel.not_kept += 1
                return True
            self._events[key] = Event(
                pixel=pixel.pixel,
                event_name=event_name,
                event_id=event_id,
                accepted=1,
                counted=1,
                sha256=hashlib.sha256(raw).hexdigest(),
                changed=False,
                counted_at=at,
            )
            return True
        known.accepted += 1
        known.changed = known.changed or known.sha256 != hashlib.sha256(raw).hexdigest()
        if at - known.counted_at < DEDUPLICATION:
            return False
        known.counted += 1
        known.counted_at = at
        return True


def fingerprint(token: str) -> str:
    """Return what identifies a token in the record without revealing it."""
    return hashlib.sha256(token.encode()).hexdigest()[:12]
