"""What a server process keeps of flags between requests: values, keys, and who listens.

What belongs here: opening it with the first request and closing it with the application, and whether it is ready. What
does not: routes (web.py).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from trackai_pipelines.clock import Clock
from trackai_pipelines.flag_values.client import Flags, open_flags
from trackai_pipelines.flag_values.evaluation import Evaluation
from trackai_pipelines.flag_values.ruleset import Ruleset
from trackai_pipelines.flags.clients import FlagClient
from trackai_pipelines.flags.keyring import Keyring
from trackai_pipelines.flags.streams import Streams


@dataclass(frozen=True, slots=True)
class FlagServer:
    """What routes ask."""

    flags: Flags
    keyring: Keyring
    streams: Streams
    clock: Clock

    @property
    def knows(self) -> bool:
        """Whether flags and clients could be read since the process started."""
        return self.flags.snapshot is not None and self.keyring.known

    @property
    def ruleset(self) -> Ruleset:
        """The newest ruleset; only while `knows`."""
        assert self.flags.snapshot is not None
        return self.flags.snapshot.ruleset

    @property
    def may_wait(self) -> bool:
        """Whether an evaluation may need a statement."""
        return self.flags.snapshot is not None and self.flags.snapshot.members.asks

    def check(self, client: FlagClient, key: str, context: Mapping[str, Any], request_id: str) -> Evaluation:
        """Evaluate a flag for a client's tenant, and count the check as its app's."""
        return self.flags.evaluate(
            key,
            tenant=client.slug,
            context=context,
            app_type=client.app_type,
            request_id=request_id,
            visible_only=not client.sees_all,
        )


async def flag_server(app: Starlette) -> FlagServer:
    """Return the application's; the first request opens it."""
    opening: asyncio.Future[FlagServer] | None = getattr(app.state, "flag_server", None)
    if opening is None:
        opening = app.state.flag_server = asyncio.ensure_future(_opened(app))
    # A request that is given up must not end the opening that others wait for.
    return opening.result() if opening.done() else await asyncio.shield(opening)


async def _opened(app: Starlette) -> FlagServer:
    state = app.state
    flags = await run_in_threadpool(open_flags, state.database_url, app_type="web", clock=state.clock)
    state.kept.callback(flags.close)
    keyring = Keyring(state.pool.connection, state.clock)
    await run_in_threadpool(keyring.start)
    state.kept.callback(keyring.close)
    server = FlagServer(flags, keyring, Streams(lambda: server.ruleset, state.clock), state.clock)
    watching = asyncio.create_task(_watch(server))
    state.kept.callback(watching.cancel)
    return server


async def _watch(server: FlagServer) -> None:
    while not server.knows:
        await asyncio.sleep(1)
    await server.streams.watch()


async def healthz(request: Request) -> Response:
    """Answer 200: the process serves, whatever the database does."""
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> Response:
    """Answer 200 when flags and clients are known and up to date, else 503."""
    server = await flag_server(request.app)
    status = "unknown" if not server.knows else "stale" if server.flags.stale else "ok"
    return JSONResponse({"status": status}, 200 if status == "ok" else 503)
