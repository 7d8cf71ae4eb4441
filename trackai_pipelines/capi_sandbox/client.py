"""A running sandbox as its users see it: where it is, how to control it, and what it received.

What belongs here: the control API from the caller's side. What does not: starting a server (`server`).
"""

from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import msgspec

from trackai_pipelines.capi_sandbox.app import Overview
from trackai_pipelines.capi_sandbox.misbehaviour import Misbehaviour
from trackai_pipelines.capi_sandbox.record import Event, Pixel, Request

_T = TypeVar("_T")


class Sandbox:
    """The sandbox at `base_url`; close it, or use it in a `with` block."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        # A proxy in the environment does not know this machine.
        self._client = httpx.Client(base_url=self.base_url, trust_env=False, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the control connection; the server goes on."""
        self._client.close()

    def misbehave(self, **fields: Any) -> None:
        """Put a misbehaviour in force: `misbehave(do="timeout", accept=True, pixel="1001", times=3)`.

        The fields are those of `Misbehaviour`. Raises ValueError if they are invalid.
        """
        answer = self._client.post("/_sandbox/misbehave", content=msgspec.json.encode(fields))
        if answer.status_code == httpx.codes.BAD_REQUEST:
            raise ValueError(answer.json()["problem"])
        answer.raise_for_status()

    def behave(self) -> None:
        """Remove all misbehaviours."""
        self._client.post("/_sandbox/behave").raise_for_status()

    def forget(self) -> None:
        """Forget what was received."""
        self._client.post("/_sandbox/forget").raise_for_status()

    def pixels(self) -> dict[str, Pixel]:
        """Return the totals of each pixel that received anything."""
        return {pixel.pixel: pixel for pixel in self._overview().pixels}

    def pixel(self, pixel: str) -> Pixel:
        """Return the totals of one pixel; zeros if it received nothing."""
        return self.pixels().get(pixel) or Pixel(pixel=pixel)

    def misbehaviours(self) -> list[Misbehaviour]:
        """Return the misbehaviours that are still in force."""
        return self._overview().misbehaviours

    def requests(self, pixel: str | None = None) -> list[Request]:
        """Return the last requests, oldest first."""
        return self._get("/_sandbox/requests", list[Request], pixel=pixel)

    def events(self, pixel: str | None = None, event_id: str | None = None) -> list[Event]:
        """Return accepted events by name and id, in the order of their first arrival."""
        return self._get("/_sandbox/events", list[Event], pixel=pixel, event_id=event_id)

    def payloads(self, pixel: str | None = None) -> list[dict[str, Any]]:
        """Return the last accepted events as they were sent, oldest first."""
        return self._get("/_sandbox/payloads", list[dict[str, Any]], pixel=pixel)

    def _overview(self) -> Overview:
        return self._get("/_sandbox", Overview)

    def _get(self, path: str, shape: type[_T], **asked: str | None) -> _T:
        answer = self._client.get(path, params={name: value for name, value in asked.items() if value is not None})
        return msgspec.json.decode(answer.raise_for_status().content, type=shape)
