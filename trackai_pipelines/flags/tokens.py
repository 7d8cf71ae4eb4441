"""Tokens of event streams: a browser's EventSource sends no headers, and a key does not belong into an address.

What belongs here: making and reading them. What does not: the streams (streams.py).

A token opens the events of one client until it expires, and is signed with the hash of the client's key, so that every
server process accepts it and none stores it.
"""

import base64
import hmac
from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

from trackai_pipelines.flags.clients import FlagClient

_HOUR = 3_600
_SIGNATURE_BYTES = 16


class Token(NamedTuple):
    """What a genuine token says."""

    client: FlagClient
    seen: str
    """The configuration (`streams.Configuration.etag`) that its client had when it was made."""
    expired: bool


def token_for(client: FlagClient, seen: str, now: float) -> str:
    """Return a token that is good for one to two hours from `now`, in seconds since 1970.

    It stays the same for up to an hour, so that clients that compare addresses keep their streams.
    """
    expires = (int(now) // _HOUR + 2) * _HOUR
    said = f"{client.key_sha256[:16]}.{expires}.{seen}"
    return f"{said}.{_signature(client, said)}"


def read_token(token: str, client_of: Callable[[str], FlagClient | None], now: float) -> Token | None:
    """Return what a token says, or None where it is not genuine.

    `client_of` finds a client by the first 16 digits of its key's hash.
    """
    said, _, signature = token.rpartition(".")
    parts = said.split(".")
    client = client_of(parts[0])
    if len(parts) != 3 or client is None or not parts[1].isdecimal() or not parts[1].isascii():
        return None
    if not hmac.compare_digest(signature.encode("utf-8", "replace"), _signature(client, said).encode()):
        return None
    return Token(client, parts[2], expired=int(parts[1]) <= now)


def _signature(client: FlagClient, said: str) -> str:
    made = hmac.digest(client.key_sha256.encode(), said.encode("utf-8", "replace"), sha256)[:_SIGNATURE_BYTES]
    return base64.urlsafe_b64encode(made).decode().rstrip("=")
