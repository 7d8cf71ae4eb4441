"""Running the sandbox: a socket, an event loop in a thread, and their shutdown.

What belongs here: the server's life. What does not: what it answers (`app`).
"""

import asyncio
import socket
import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

import uvicorn

from trackai_pipelines.capi_sandbox import KEPT_EVENTS
from trackai_pipelines.capi_sandbox.app import Api, api_app
from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.capi_sandbox.connections import Connection
from trackai_pipelines.capi_sandbox.misbehaviour import Misbehaviour
from trackai_pipelines.clock import Clock, utc_now

_HOST = "127.0.0.1"
# Clients that connect at the same moment.
_BACKLOG = 1024
# How long slow answers may take when the server shuts down.
_GRACE_SECONDS = 3
# Longer than clients keep connections: the server must not be the side that closes an idle one.
_KEEP_ALIVE_SECONDS = 120


@contextmanager
def sandbox(
    *,
    port: int = 0,
    clock: Clock = utc_now,
    tokens: Collection[str] | None = None,
    pixels: Collection[str] | None = None,
    latency_ms: int = 0,
    misbehaviours: Iterable[Misbehaviour] = (),
    seed: int = 0,
    keep_events: int = KEPT_EVENTS,
) -> Iterator[Sandbox]:
    """Run a sandbox in a thread of this process for the time of the block.

    Port 0 means a free one. `tokens` None accepts any, `pixels` None knows any number. `latency_ms` is added to each
    answer. `seed` fixes what happens by chance. `keep_events` accepted events are remembered one by one.
    Raises OSError if the port is not available.
    """
    api = Api(clock=clock, tokens=tokens, pixels=pixels, latency_ms=latency_ms, keep_events=keep_events, seed=seed)
    for one in misbehaviours:
        api.script.add(one)
    with _listener(port) as listener:
        server = _Server(api)
        thread = threading.Thread(target=server.run, args=([listener],), name="CAPI sandbox", daemon=True)
        # The socket is listening: a client that connects before the loop runs waits.
        thread.start()
        try:
            with Sandbox(f"http://{_HOST}:{listener.getsockname()[1]}") as box:
                yield box
        finally:
            server.should_exit = True
            thread.join()


def _listener(port: int) -> socket.socket:
    # The event loop sends small answers at once only over sockets that name their protocol.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_HOST, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


class _Server(uvicorn.Server):
    def __init__(self, api: Api) -> None:
        app = api_app(api)
        self._held: set[asyncio.Transport] = set()
        app.state.held = self._held
        super().__init__(
            uvicorn.Config(
                app,
                http=Connection,
                loop="asyncio",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Release clients that are held without an answer, then shut down; the server's own loop calls this."""
        for transport in list(self._held):
            transport.abort()
        await super().shutdown(sockets)
