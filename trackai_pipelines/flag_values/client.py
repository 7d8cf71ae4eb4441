"""Flags in a process: what a flag is for a tenant and a user, from memory, and counted.

    with open_flags() as flags:
        flags.is_on("dark_mode", tenant="acme", user="user-1", plan="premium")
        flags.evaluate("theme", "blue", tenant="acme", user="user-1").value
        flags.evaluate("email_matching", False, tenant="acme", at=sale, known_at=then).value

What belongs here: asking, with the caller's default where there is no answer, and counting. What does not: how a value
is decided (`evaluation`), how flags get into memory (`feed`), and how counts get out of it (`writer`).
"""

import atexit
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

import msgspec
import psycopg
from psycopg import Connection

from trackai_pipelines.clock import Clock
from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.server import event_database_url, libpq_url
from trackai_pipelines.errors import ExpectedError
from trackai_pipelines.flag_values.buffer import Buffer
from trackai_pipelines.flag_values.evaluation import TARGETING_KEY, Evaluation, evaluate, unit_text
from trackai_pipelines.flag_values.fallback import file_of, kept
from trackai_pipelines.flag_values.feed import LOOK_SECONDS, Feed, Listener
from trackai_pipelines.flag_values.members import Asked, Lookup
from trackai_pipelines.flag_values.source import TIMED_BY_SALE, Snapshot
from trackai_pipelines.flag_values.writer import Writer
from trackai_pipelines.settings import FlagSettings, Settings

AppType = Literal["mobile", "admin", "web", "pipeline"]

# A database that does not answer is not waited for any longer at first.
_FIRST_READ_SECONDS = 15.0
# What utc_now does, in half of its time: every check asks.
_NOW: Clock = partial(datetime.now, UTC)
_NOT_READY = Evaluation(None, None, "ERROR", "PROVIDER_NOT_READY")
_INVALID = Evaluation(None, None, "ERROR", "INVALID_CONTEXT")
_GENERAL = Evaluation(None, None, "ERROR", "GENERAL")

_OPEN: "set[Flags]" = set()
"""The flags that this process, or the one that it was forked from, has open."""


class Flags:
    """The flags of a process. Checks may come from any thread; none of them waits for the database.

    Only a user in a segment that is too large for memory is looked up by a statement.
    """

    def __init__(
        self, feed: Feed, buffer: Buffer, writer: Writer, lookup: Lookup, app_type: AppType, clock: Clock
    ) -> None:
        """Use `open_flags`."""
        self._feed = feed
        self._buffer = buffer
        self._writer = writer
        self._lookup = lookup
        self._app_type = app_type
        self._clock = clock
        self._closed = False

    def __enter__(self) -> "Flags":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def snapshot(self) -> Snapshot | None:
        """What is known of flags now; None: nothing yet."""
        return self._feed.snapshot

    @property
    def stale(self) -> bool:
        """Whether flags could not be looked at for five minutes, or never."""
        return self._feed.fresh_until <= self._clock()

    def is_on(self, key: str, *, tenant: str, user: str | int | None = None, **attributes: Any) -> bool:
        """Return whether a boolean flag is on; off where there is no answer."""
        return self.evaluate(key, False, tenant=tenant, user=user, **attributes).value is True

    def evaluate(
        self,
        key: str,
        default: Any = None,
        *,
        tenant: str,
        user: str | int | None = None,
        at: datetime | None = None,
        known_at: datetime | None = None,
        context: Mapping[str, Any] | None = None,
        app_type: AppType | None = None,
        request_id: str | None = None,
        visible_only: bool = False,
        **attributes: Any,
    ) -> Evaluation:
        """Return what a flag is for a tenant (slug or id) and a user; `default` is its value where there is no answer.

        The context has the user as `targetingKey`, and the attributes, by name or in `context`. The type of `default`,
        unless it is None, is the type that is asked for. `at` and `known_at` ask for the value of another moment, from
        what was recorded until another one; such checks are not counted. `visible_only`: flags that clients may not see
        are not found. Never raises for what is asked.
        """
        began = time.time_ns()
        snapshot = self._feed.snapshot
        if snapshot is None:
            return _served(_NOT_READY, default)
        owner = snapshot.tenants.get(tenant)
        if owner is None:
            return _served(_INVALID, default)
        given = {**context, **attributes} if context else attributes
        if user is not None:
            given[TARGETING_KEY] = user
        given["tenant"] = owner.slug
        now = self._clock()
        asked = Asked(snapshot.members, self._lookup, owner) if snapshot.members.asks else None
        try:
            # By position, which is quicker than by name.
            found = evaluate(
                snapshot.ruleset,
                key,
                owner.slug,
                given,
                at or now,
                known_at,
                snapshot.members.kept if asked is None else asked,
                visible_only,
            )
        except psycopg.Error:
            found = _GENERAL
        if default is not None and type(found.value) is not type(default):
            found = _served(found, default)
        if at is not None or known_at is not None:
            return found
        if key not in TIMED_BY_SALE:
            unit = given.get(TARGETING_KEY)
            self._buffer.add(
                (
                    owner.id,
                    snapshot.flag_ids.get(key, 0),
                    found.flag_version,
                    found.override_version,
                    unit if type(unit) is str and unit else unit_text(unit) or None,
                    app_type or self._app_type,
                    found.variant,
                    found.segment,
                    found.reason,
                    found.error_code,
                    found.value_used,
                ),
                began,
                asked is None or not asked.statements,
                found.bucket,
                given.get("device"),
                request_id,
            )
        if self._feed.fresh_until <= now:
            return msgspec.structs.replace(found, reason="STALE", stale_reason=found.reason)
        return found

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Have a function told when flags are ready, change or are stale, on another thread; return what ends that."""
        return self._feed.subscribe(listener)

    def flush(self) -> None:
        """Write down what was checked so far. Raises psycopg.Error; then it stays for the next time."""
        self._writer.flush()

    def close(self) -> None:
        """Write down what was checked, and end."""
        if not self._closed:
            self._closed = True
            _OPEN.discard(self)
            self._feed.close()
            self._writer.close()
            self._lookup.close()

    def start(self) -> None:
        """Begin to read and to write."""
        _OPEN.add(self)
        _flush_at_the_end()
        self._feed.start()
        self._writer.start()

    def restart(self) -> None:
        """Begin again in a forked child: with what is known, and with nothing that the parent has to write."""
        self._lookup.forget()
        self._feed.restart()
        self._writer.restart()


def open_flags(
    url: str | None = None,
    *,
    app_type: AppType = "pipeline",
    home: Path | None = None,
    look_seconds: float = LOOK_SECONDS,
    clock: Clock = _NOW,
) -> Flags:
    """Return the flags of the event database, kept up to date until they are closed. Open them once a process.

    Without `url` and `home`, they are those of the environment. Returns when flags are read, or when the database does
    not answer: then those in TRACKAI_HOME/flags-ruleset.json are served, as STALE, and the database is tried on.
    Raises DatabaseSetupError for a URL that is none.
    """
    settings, usage = Settings(), FlagSettings()
    url_of, identity = _place(url, settings)
    # The writer comes somewhat later each time: a row that ended just before it comes would be followed by another one.
    buffer = Buffer(fold_seconds=2 * usage.flush_seconds, keys=usage.buffer_keys)
    feed = Feed(url_of, file=file_of(home or settings.home, identity), clock=clock, look_seconds=look_seconds)

    def connected() -> Connection[Any]:
        return connect(url_of(), name="trackai flags")

    def country_of(tenant_id: str) -> str | None:
        tenant = feed.snapshot.tenants.get(tenant_id) if feed.snapshot else None
        return tenant.default_country if tenant else None

    writer = Writer(connected, buffer, seconds=usage.flush_seconds, country_of=country_of)
    flags = Flags(feed, buffer, writer, Lookup(connected), app_type, clock)
    flags.start()
    feed.wait(_FIRST_READ_SECONDS)
    return flags


def kept_flags(settings: Settings) -> Snapshot | None:
    """Return the flags that processes of this environment keep in a file for times without a database, if any."""
    return kept(file_of(settings.home, _place(None, settings)[1]))


def _place(url: str | None, settings: Settings) -> tuple[Callable[[], str], str]:
    """Return what returns the database's URL, and what tells the database from others."""
    given = url or settings.database_url
    if given is None:
        # The file of a home is that of its embedded server, whose URL is known once it runs.
        return (lambda: event_database_url(settings)), "dbname=embedded"
    plain = libpq_url("the URL of the event database" if url else "TRACKAI_DATABASE_URL", given)
    return (lambda: plain), plain


def _served(found: Evaluation, default: Any) -> Evaluation:
    """Return the answer with the caller's default where there is none, or where it is of another type."""
    value = found.value
    if found.error_code is not None:
        return msgspec.structs.replace(found, value=default)
    if default is None:
        return found
    if isinstance(default, float) and type(value) is int:
        return msgspec.structs.replace(found, value=float(value))
    # True is an int to Python, and a flag's number is none.
    if isinstance(default, type(value)) and not isinstance(default, bool):
        return found
    if isinstance(value, dict) and isinstance(default, Mapping | list):
        return found
    return msgspec.structs.replace(
        found, value=default, variant=None, reason="ERROR", error_code="TYPE_MISMATCH", bucket=None, value_used=None
    )


# The end of a process, and its children -------------------------------------------------------------------------------

_end: threading.Thread | None = None


def _flush_at_the_end() -> None:
    """Have usage written when the main thread ends: workers of multiprocessing end without what atexit registers."""
    global _end
    if _end is None:
        _end = threading.Thread(target=_flush_after_main, name="flags at the end")
        _end.start()


def _flush_after_main() -> None:
    threading.main_thread().join()
    for flags in tuple(_OPEN):
        with suppress(psycopg.Error, ExpectedError):
            flags.flush()


@atexit.register
def _close_all() -> None:
    for flags in tuple(_OPEN):
        flags.close()


def _restart_all() -> None:
    """Go on in a forked child, which has none of its parent's threads."""
    global _end
    _end = None
    for flags in tuple(_OPEN):
        _flush_at_the_end()
        flags.restart()


os.register_at_fork(after_in_child=_restart_all)
