"""Event streams: each tells one client that its flags changed, so that it asks again.

What belongs here: what a client's configuration is, when it changes, and the stream's text. What does not: HTTP
(web.py).
Source: OFREP's service/adrs/0008-sse-for-bulk-evaluation-changes.md; https://html.spec.whatwg.org/#server-sent-events.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import msgspec

from trackai_pipelines.clock import Clock
from trackai_pipelines.flag_values.decisions import ABSENT
from trackai_pipelines.flag_values.ruleset import END, Ruleset
from trackai_pipelines.flags.clients import FlagClient

RENEW = "renew"
"""In the place of an etag: the client's token has expired, and the next answer has to bring a new one."""
OPENING = "retry: 1000\n\n"
"""The beginning of each stream: after how many milliseconds without a connection the client opens it again."""

# Between two looks at the ruleset, each of which is a comparison while nothing changes.
_LOOK_SECONDS = 0.05
# Proxies close connections that are silent for longer.
_COMMENT_SECONDS = 15.0
# How long a request waits for a change that another server process had first.
_CATCH_UP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a tenant's clients can see of the flags at a moment: where two are equal, every answer is."""

    keys: tuple[str, ...]
    """The flags, in order."""
    etag: str
    """The newest version in it, a hyphen, and a hash: equal in every server process."""
    until: datetime
    """The first moment at which a planned version may change it."""


def configuration(ruleset: Ruleset, slug: str, at: datetime, *, sees_all: bool) -> Configuration:
    """Return the configuration of a tenant at a moment; without `sees_all` of the flags that clients may see."""
    decisions = {key: flag.decision(slug, at) for key, flag in sorted(ruleset.flags.items())}
    keys = tuple(key for key, one in decisions.items() if one is not ABSENT and (sees_all or one.client_visible))
    # What a flag requires decides with it, whether clients may see that or not.
    seen = required = set(keys)
    while required:
        required = {one for key in required for one in decisions[key].requires if one in decisions} - seen
        seen |= required
    versions = {key: (decisions[key].flag_version, decisions[key].override_version) for key in sorted(seen)}
    digest = sha256(msgspec.json.encode(versions)).hexdigest()[:16]
    planned = (
        version.effective_from
        for flag in ruleset.flags.values()
        for version in (*flag.everyone, *flag.tenants.get(slug, ()))
        if version.effective_from is not None and version.effective_from > at
    )
    newest = max((version for pair in versions.values() for version in pair), default=0)
    return Configuration(keys, f"{newest}-{digest}", min(planned, default=END))


class Streams:
    """The event streams of a server process. One task looks at the ruleset for all of them."""

    def __init__(self, ruleset: Callable[[], Ruleset], clock: Clock) -> None:
        """`ruleset` returns the newest."""
        self._ruleset = ruleset
        self._clock = clock
        self._of: Ruleset | None = None
        self._known: dict[tuple[str, bool], Configuration] = {}
        self._changed = asyncio.Event()
        self.open = 0
        """How many streams are open."""

    def now(self, client: FlagClient) -> Configuration:
        """Return what a client can see at present."""
        ruleset, at = self._ruleset(), self._clock()
        if ruleset is not self._of:
            self._of, self._known = ruleset, {}
        who = (client.slug, client.sees_all)
        known = self._known.get(who)
        if known is None or at >= known.until:
            known = self._known[who] = configuration(ruleset, client.slug, at, sees_all=client.sees_all)
        return known

    async def watch(self) -> None:
        """Wake the streams whenever their answers may have changed, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            at = self._clock()
            current = {who: known for who, known in self._known.items() if at < known.until}
            if self._ruleset() is not self._of or len(current) < len(self._known):
                self._known = current
                self._changed.set()
                self._changed = asyncio.Event()

    async def events(self, client: FlagClient, seen: str, *, valid: Callable[[], bool]) -> AsyncIterator[str]:
        """Yield the text of a stream, until `valid` returns False: an event for each configuration but `seen`."""
        self.open += 1
        try:
            yield OPENING
            while valid():
                changed, now = self._changed, self.now(client).etag
                if now != seen:
                    seen = now
                    yield event(now, self._clock())
                try:
                    await asyncio.wait_for(changed.wait(), _COMMENT_SECONDS)
                except TimeoutError:
                    yield ": nothing changed\n\n"
        finally:
            self.open -= 1

    async def catch_up(self, etag: str) -> None:
        """Wait for the newest version in a configuration that another server process has had, for a second at most."""
        newest = etag.partition("-")[0]
        if not (newest.isascii() and newest.isdecimal()):
            return
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _CATCH_UP_SECONDS
        while self._ruleset().mark < int(newest) and loop.time() < deadline:
            await asyncio.sleep(_LOOK_SECONDS)


def event(etag: str, at: datetime) -> str:
    """Return the event that makes a client ask again; reconnecting, it says which one it had last."""
    data = {"type": "refetchEvaluation", "etag": etag, "lastModified": int(at.timestamp())}
    return f"id: {etag}\ndata: {msgspec.json.encode(data).decode()}\n\n"
