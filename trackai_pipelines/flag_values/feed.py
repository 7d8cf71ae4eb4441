"""The flags of a process, brought up to date by a thread: within milliseconds of a commit.

What belongs here: listening, looking, reconnecting, the file, and who is told. What does not: reading a snapshot
(`source`), and evaluating (`client`).

The thread listens on a connection of its own. Where notifications do not arrive, as behind a pooler of transactions, a
look every few seconds sees the change. The last known flags stay in use for as long as the database is away.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from multiprocessing.connection import wait
from typing import Any

import psycopg
from psycopg import Connection, sql

from trackai_pipelines.clock import Clock
from trackai_pipelines.database.connection import connect, is_pooled
from trackai_pipelines.errors import ExpectedError
from trackai_pipelines.flag_values.fallback import File, keep, kept
from trackai_pipelines.flag_values.source import Snapshot, look, read_snapshot

_log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
STALE_AFTER = timedelta(minutes=5)
"""Flags that could not be looked at for longer are stale; they are used on."""
MEMBERS_AFTER_SECONDS = 300.0
"""Members of segments are read again at latest after this, for rows that plain SQL wrote."""
CHANGED, MEMBERS_CHANGED = "trackai_flags", "trackai_flag_members"
"""The channels of notifications: a version was recorded, and members of a segment were changed."""

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 5.0
_PATIENCE_SECONDS = 2.0
_NEVER = datetime.min.replace(tzinfo=UTC)


class FlagEvent(StrEnum):
    """What a process is told of its flags."""

    READY = "ready"
    """They are up to date, for the first time or after they were not."""
    CHANGED = "changed"
    """Some of them, or tenants or members of segments, have changed."""
    STALE = "stale"
    """They could not be looked at for too long."""


Listener = Callable[[FlagEvent, frozenset[str]], None]
"""Takes what happened, and the keys of the flags that changed; called on the thread of the feed."""


class Feed:
    """Keeps a process's flags up to date."""

    def __init__(
        self, url_of: Callable[[], str], *, file: File | None, clock: Clock, look_seconds: float = LOOK_SECONDS
    ) -> None:
        """`url_of` returns the database's URL; where it is away, it may raise ExpectedError or psycopg.Error."""
        self._url_of = url_of
        self._file = file
        self._clock = clock
        self._look_seconds = look_seconds
        self._listeners: list[Listener] = []
        self.snapshot: Snapshot | None = None
        """None: nothing is known yet."""
        self.fresh_until = _NEVER
        """From this moment on the snapshot is stale, unless it is looked at before."""
        self._begin()

    def _begin(self) -> None:
        self._closing = False
        self._tried = threading.Event()
        self._woken, self._wake = os.pipe()
        self._failures = 0
        self._told_stale = False
        self._thread = threading.Thread(target=self._run, name="flags", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def restart(self) -> None:
        """Begin again in a forked child, with what the parent knew and a connection of its own."""
        self._close_pipe()
        self._begin()
        self.start()

    def wait(self, seconds: float) -> bool:
        """Wait until the database was read or could not be; return whether flags are known."""
        self._tried.wait(seconds)
        return self.snapshot is not None

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Have a function told of what happens; return what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def close(self) -> None:
        """End the thread and its connection; one that is just connecting ends when it notices."""
        self._closing = True
        os.write(self._wake, b"\0")
        self._thread.join(_PATIENCE_SECONDS)
        # Not by the thread, which may end before it is woken. One that is still connecting keeps its pipe.
        if not self._thread.is_alive():
            self._close_pipe()

    def _close_pipe(self) -> None:
        os.close(self._woken)
        os.close(self._wake)

    def _run(self) -> None:
        if self.snapshot is None and self._file is not None:
            self.snapshot = kept(self._file)
        while not self._closing:
            try:
                with connect(self._url_of(), name="trackai flags") as connection:
                    self._follow(connection)
            except Exception as error:  # noqa: BLE001 - whatever it is, the last known flags are better than none
                self._failed(error)

    def _follow(self, connection: Connection[Any]) -> None:
        """Read everything, then what changes, until the feed is closed. Raises psycopg.Error."""
        # Through a pooler nobody would be woken; there the look every few seconds sees a change.
        for channel in () if is_pooled(connection) else (CHANGED, MEMBERS_CHANGED):
            connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        # After LISTEN, so that no change is missed; everything, since changes may have been while nobody listened.
        self._publish(read_snapshot(connection))
        members_at = looked_at = time.monotonic()
        while not self._closing:
            # The loop over notifications has to end before a statement: with psycopg 3.3 one inside it hangs.
            channels = {notice.channel for notice in connection.notifies(timeout=0)}
            now = time.monotonic()
            members_too = MEMBERS_CHANGED in channels or now > members_at + MEMBERS_AFTER_SECONDS
            if channels or members_too or now >= looked_at + self._look_seconds:
                self._refresh(connection, members_too=members_too)
                looked_at = now
                members_at = now if members_too else members_at
            else:
                wait([connection.fileno(), self._woken], looked_at + self._look_seconds - now)

    def _refresh(self, connection: Connection[Any], *, members_too: bool) -> None:
        last = self.snapshot
        if last and not members_too and look(connection) == last.mark:
            self._looked()
        else:
            self._publish(read_snapshot(connection, last, members_too=members_too))

    def _publish(self, snapshot: Snapshot) -> None:
        last, self.snapshot = self.snapshot, snapshot
        self._looked()
        self._tried.set()
        if last is None or last.mark != snapshot.mark:
            self._keep(snapshot)
        if last is not None and (last.mark, last.members) != (snapshot.mark, snapshot.members):
            self._tell(FlagEvent.CHANGED, _changed(last, snapshot))

    def _looked(self) -> None:
        late = self.fresh_until <= self._clock()
        self.fresh_until = self._clock() + STALE_AFTER
        self._failures = 0
        self._told_stale = False
        if late:
            self._tell(FlagEvent.READY, frozenset())

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        if self._failures == 1:
            expected = isinstance(error, psycopg.Error | ExpectedError)
            _log.warning("flags cannot be read, the last known are used: %s", error, exc_info=not expected)
        self._tried.set()
        if self.snapshot is not None and not self._told_stale and self.fresh_until <= self._clock():
            self._told_stale = True
            self._tell(FlagEvent.STALE, frozenset())
        pause = min(_FIRST_PAUSE_SECONDS * 2 ** min(self._failures - 1, 10), _LONGEST_PAUSE_SECONDS)
        wait([self._woken], pause)

    def _keep(self, snapshot: Snapshot) -> None:
        if self._file is None:
            return
        try:
            keep(self._file, snapshot)
        except OSError as error:
            _log.warning("flags are not kept in %s for times without a database: %s", self._file.path, error)
            self._file = None

    def _tell(self, event: FlagEvent, keys: frozenset[str]) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(event, keys)
            except Exception:  # noqa: BLE001 - what others' functions do wrong must not keep flags from being read
                _log.exception("a listener of flags failed")


def _changed(last: Snapshot, snapshot: Snapshot) -> frozenset[str]:
    """Return the keys of flags that have other versions, or whose segments may have other members."""
    if last.tenants != snapshot.tenants or last.members != snapshot.members:
        return frozenset(snapshot.ruleset.flags)
    known = {version.id for version in last.versions}
    return frozenset(version.flag_key for version in snapshot.versions if version.id not in known)
