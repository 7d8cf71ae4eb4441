"""The clients' keys in a server's memory: which client a key is, whether it may ask now, and when it was last used.

What belongs here: what is asked at each request, without a statement. What does not: changing clients (clients.py).
"""

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg import Connection

from trackai_pipelines.flags.clients import FlagClient, all_clients, key_hash, note_used

_log = logging.getLogger(__name__)

# A key that was added or revoked is known after this long. The table is small, and one statement reads it.
_LOOK_SECONDS = 1.0


@dataclass(slots=True)
class Allowance:
    """What is left of a client's requests: `per_second` at most at once, and as many again each second."""

    left: float
    at: float


class Keyring:
    """The keys that this server knows; a thread keeps them up to date, and notes which were used."""

    def __init__(
        self, connection: Callable[[], AbstractContextManager[Connection[Any]]], clock: Callable[[], datetime]
    ) -> None:
        """`connection` opens one for the time of a block."""
        self._connection = connection
        self._clock = clock
        self._by_hash: dict[str, FlagClient] = {}
        self._by_prefix: dict[str, FlagClient] = {}
        self._origins: frozenset[str] = frozenset()
        self._allowances: dict[str, Allowance] = {}
        self._used: dict[tuple[str, int], date] = {}
        self._noted: dict[tuple[str, int], date] = {}
        self._failing = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flag clients", daemon=True)
        self.known = False
        """Whether the clients could be read since this server started."""

    def start(self) -> None:
        """Read the clients, if the database answers, and go on reading them."""
        self.look()
        self._thread.start()

    def close(self) -> None:
        """End, noting what was used last."""
        self._closing.set()
        self._thread.join()
        self.look()

    def find(self, key: str) -> FlagClient | None:
        """Return the client of a key, revoked ones included."""
        return self._by_hash.get(key_hash(key))

    def by_prefix(self, digits: str) -> FlagClient | None:
        """Return the client whose key's hash begins so (tokens.py)."""
        return self._by_prefix.get(digits)

    def is_origin(self, origin: str) -> bool:
        """Whether any client that is not revoked may be used by pages of this origin."""
        return origin in self._origins

    def wait_of(self, client: FlagClient, now: float) -> float:
        """Count a request, `now` in seconds; return 0 where it may be answered, else how many seconds to wait."""
        # A day's first use is noted; a race between two threads writes the same.
        today = self._clock().date()
        me = (client.tenant_id, client.id)
        if self._noted.get(me) != today:
            self._used[me] = today
        if client.per_second is None:
            return 0
        most = float(client.per_second)
        allowance = self._allowances.setdefault(client.key_sha256, Allowance(most, now))
        allowance.left = min(most, allowance.left + (now - allowance.at) * most)
        allowance.at = now
        if allowance.left < 1:
            return (1 - allowance.left) / most
        allowance.left -= 1
        return 0

    def look(self) -> None:
        """Read the clients again and note which were used; a database that is away leaves what is known."""
        try:
            with self._connection() as connection:
                self._take(all_clients(connection))
                # A copy: requests go on meanwhile.
                used = dict(self._used)
                if used:
                    note_used(connection, used)
                    self._noted.update(used)
                for me in used:
                    del self._used[me]
        except psycopg.Error as error:
            if not self._failing:
                _log.warning("the keys of flags' clients cannot be read: %s", type(error).__name__)
            self._failing = True
        else:
            self._failing = False

    def _take(self, clients: list[FlagClient]) -> None:
        self._by_hash = {client.key_sha256: client for client in clients}
        self._by_prefix = {client.key_sha256[:16]: client for client in clients}
        self._origins = frozenset(
            origin for client in clients if client.revoked_at is None for origin in client.allowed_origins
        )
        self.known = True

    def _run(self) -> None:
        while not self._closing.wait(_LOOK_SECONDS):
            self.look()
