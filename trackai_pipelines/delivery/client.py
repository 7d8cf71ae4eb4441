"""One request to the Conversions API and what came back.

Here: the address, the token's header, the time limit. Not here: what a request holds (`events`), what an answer means
(`answers`). A token goes into the header and nowhere else: not into the address, which is logged, nor into an error.
"""

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote

from pydantic import SecretStr

from trackai_pipelines.delivery.answers import Answer
from trackai_pipelines.settings import CapiSettings

if TYPE_CHECKING:
    import httpx

# Meta's answers are a few hundred bytes; a server that answers with more is not Meta's.
LARGEST_ANSWER = 64 * 1024
HEADERS = {"Content-Type": "application/json", "User-Agent": "trackai-pipelines"}
"""The headers of every request; the token is added to them."""


def events_url(base: str, settings: CapiSettings, pixel_id: str) -> str:
    """Return the address at `base`, Meta's or the sandbox's, that a pixel's events are sent to."""
    return f"{base.rstrip('/')}/{settings.capi_version}/{quote(pixel_id, safe='')}/events"


def http_client(settings: CapiSettings, connections: int) -> "httpx.AsyncClient":
    """Return a client whose tenants never wait for each other's connections; it keeps so many idle ones open."""
    import httpx

    return httpx.AsyncClient(
        timeout=settings.capi_timeout_seconds,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=connections),
        headers=HEADERS,
    )


async def post(client: "httpx.AsyncClient", url: str, body: bytes, *, token: SecretStr, seconds: float) -> Answer:
    """Send a body and return the answer, whatever it is; a failure of the network or the server is an answer, too."""
    import httpx

    headers = {"Authorization": f"Bearer {token.get_secret_value()}"}
    try:
        # The client's own limit applies to each step: a server that sends a byte now and then would never exceed it.
        async with asyncio.timeout(seconds), client.stream("POST", url, content=body, headers=headers) as response:
            text = b""
            async for part in response.aiter_bytes():
                text += part
                if len(text) > LARGEST_ANSWER:
                    break
            return Answer(response.status_code, text[:LARGEST_ANSWER], dict(response.headers), None)
    except TimeoutError:
        return Answer(None, b"", {}, "timeout")
    except (httpx.TransportError, httpx.DecodingError):
        return Answer(None, b"", {}, "connection")
