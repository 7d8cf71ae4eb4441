"""Connections that are treated badly: held without an answer, or reset.

What belongs here: what an application cannot reach through ASGI. What does not: when it is done (`app`).
"""

import asyncio
import socket
import struct
from typing import Any

from starlette.types import Receive, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

# To linger for no time closes with a reset instead of an orderly end.
_NO_LINGER = struct.pack("ii", 1, 0)


class Connection(H11Protocol):
    """A connection that shows its transport to the application, as `transport` of the request's state."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Note the transport; the event loop calls this."""
        super().connection_made(transport)
        self.app_state: dict[str, Any] = {**self.app_state, "transport": transport}


async def hang_up(scope: Scope, receive: Receive) -> None:
    """Reset the connection."""
    transport: asyncio.Transport = scope["state"]["transport"]
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()
    await _gone(receive)


async def hold(scope: Scope, receive: Receive) -> None:
    """Keep the client waiting until it gives up, or the server ends."""
    held: set[asyncio.Transport] = scope["app"].state.held
    transport = scope["state"]["transport"]
    held.add(transport)
    try:
        await _gone(receive)
    finally:
        held.discard(transport)


async def _gone(receive: Receive) -> None:
    """Return when the connection is closed; only then may an application end without an answer."""
    while (await receive())["type"] != "http.disconnect":
        pass
