"""Leases: which residents are alive, as the event database knows it.

A run's status outlives its process, so it says nothing about liveness; a lease expires by itself unless it is renewed.
All times are the server's, because processes compare leases. What does not belong here: the work of a resident.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg import Connection, OperationalError

from trackai_pipelines.database import locks
from trackai_pipelines.database.statements import statement

HEARTBEAT_SECONDS = 1.0
EXPIRES_SECONDS = 4.0
"""A resident without a heartbeat for this long counts as dead. With the sensor loop's 5 s and a run's start of 3-5 s
another one is at work within 15 s."""

FIRST_BACK_OFF_SECONDS, LONGEST_BACK_OFF_SECONDS = 10, 600
"""How long the next start waits after a failed one: twice as long after each further failure, to ten minutes."""

HAND_OVER_SECONDS = 30
"""How long before a resident's end its successor is requested; starting one takes 6-10 s."""

Connect = Callable[[], Connection]
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Terms:
    """How many residents of a name there should be, and how long each stays."""

    name: str
    wanted: int
    life_seconds: float
    start_seconds: float = 30
    """How long a promise lasts. It is kept as often as its run is seen on its way, however long the start takes."""

    @property
    def hand_over_seconds(self) -> float:
        """How long before its end the successor is requested: a short life has a short hand-over."""
        return min(HAND_OVER_SECONDS, self.life_seconds / 3)

    @property
    def longest_seconds(self) -> float:
        """How long a resident stays at most, if its successor never comes."""
        return 2 * self.life_seconds


def promise_missing(connection: Connection, terms: Terms) -> list[str]:
    """Promise as many residents as are missing; return the holder of each, to be started now.

    A resident is not missing if its lease lasts longer than a hand-over, or its promise was made or kept within
    `start_seconds`. After a failed start there is none until the next one is due, and then one at a time.
    """
    with _alone(connection):
        rows = connection.execute(
            statement("residents/promise_missing"),
            {
                "name": terms.name,
                "wanted": terms.wanted,
                "hand_over": terms.hand_over_seconds,
                "start": terms.start_seconds,
                "life": terms.life_seconds,
            },
        ).fetchall()
    return [holder for (holder,) in rows]


def promised(connection: Connection, terms: Terms) -> dict[str, float]:
    """Return the promised residents that have not started yet, and the seconds since each was promised or kept."""
    found = connection.execute(
        statement("residents/promised"), {"name": terms.name, "start": terms.start_seconds}
    ).fetchall()
    return dict(found)


def keep(connection: Connection, terms: Terms, promises: Sequence[str]) -> None:
    """Keep promises whose residents are being started."""
    connection.execute(
        statement("residents/keep_promises"),
        {"name": terms.name, "holders": list(promises), "start": terms.start_seconds, "life": terms.life_seconds},
    )


def note_failed_starts(connection: Connection, name: str, promises: Sequence[str]) -> None:
    """Withdraw promises whose starts failed, and put the next start off."""
    with _alone(connection):
        connection.execute(
            statement("residents/note_failed_start"),
            {
                "name": name,
                "holders": list(promises),
                "first": FIRST_BACK_OFF_SECONDS,
                "longest": LONGEST_BACK_OFF_SECONDS,
            },
        )


def next_start(connection: Connection, name: str) -> tuple[int, float]:
    """Return how many starts have failed since one succeeded, and the seconds until the next one is due."""
    row: tuple[int, float] | None = connection.execute(statement("residents/next_start"), {"name": name}).fetchone()
    return row or (0, 0.0)


def withdraw(connection: Connection, name: str, promises: Sequence[str]) -> None:
    """Withdraw promises that will not be kept."""
    connection.execute(statement("residents/withdraw"), {"name": name, "holders": list(promises)})


def holders(connection: Connection, name: str) -> list[str]:
    """Return the residents of a name that are alive, the eldest first; without those that are being started."""
    return [holder for (holder,) in connection.execute(statement("residents/holders"), {"name": name}).fetchall()]


class Lease:
    """A resident's lease. Its heartbeat sets the attributes; the resident reads them between two steps."""

    def __init__(self, terms: Terms, holder: str) -> None:
        self.terms = terms
        self.holder = holder
        self.eldest = False
        """Whether this is the eldest resident, which reports for all."""
        self.over = threading.Event()
        """Set when the resident must end: its life is over and its successor is at work, or its lease was lost."""
        self.why = ""

    def beat(self, connection: Connection) -> None:
        """Renew the lease, and update the attributes."""
        row = connection.execute(
            statement("residents/beat"),
            {
                "name": self.terms.name,
                "holder": self.holder,
                "expires": EXPIRES_SECONDS,
                "hand_over": self.terms.hand_over_seconds,
            },
        ).fetchone()
        if row is None:
            self._end("its lease expired, and another resident was started in its place")
            return
        due, overdue, lasting, self.eldest = row
        if overdue:
            self._end("its life is over, and no successor came")
        elif due and lasting >= self.terms.wanted:
            self._end("its life is over, and its successor is at work")

    def _end(self, why: str) -> None:
        self.why = why
        self.over.set()


@contextmanager
def held_lease(connect: Connect, terms: Terms, *, promised: str, holder: str) -> Iterator[Lease | None]:
    """Within the block, hold a lease with its own heartbeat; None if there are enough residents without this one.

    `promised` is what `promise_missing` returned, `holder` the name that holds the lease from now on, e.g. the run's
    id. A server that is unreachable for a while ends the lease only if another resident took its place.
    """
    lease = Lease(terms, holder)
    if not _take(connect, lease, promised):
        yield None
        return
    done = threading.Event()
    heart = threading.Thread(target=_keep_beating, args=(connect, lease, done), name="heartbeat", daemon=True)
    heart.start()
    try:
        yield lease
    finally:
        done.set()
        heart.join()
        _leave(connect, lease)


def _take(connect: Connect, lease: Lease, promised: str) -> bool:
    terms = lease.terms
    with connect() as connection:
        with _alone(connection):
            taken = connection.execute(
                statement("residents/take_lease"),
                {
                    "name": terms.name,
                    "promised": promised,
                    "holder": lease.holder,
                    "wanted": terms.wanted,
                    "hand_over": terms.hand_over_seconds,
                    "expires": EXPIRES_SECONDS,
                    "life": terms.life_seconds,
                },
            ).rowcount
        if taken:
            lease.beat(connection)
    return bool(taken)


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Hold a transaction in which no other process counts or makes leases."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (locks.LEASES,))
        yield


def _keep_beating(connect: Connect, lease: Lease, done: threading.Event) -> None:
    while not done.is_set():
        try:
            with connect() as connection:
                while not done.wait(HEARTBEAT_SECONDS):
                    lease.beat(connection)
        except OperationalError as error:
            _log.warning("the heartbeat of %s lost its connection and reconnects: %s", lease.terms.name, error)
            done.wait(HEARTBEAT_SECONDS)


def _leave(connect: Connect, lease: Lease) -> None:
    try:
        with connect() as connection:
            connection.execute(statement("residents/leave"), {"name": lease.terms.name, "holder": lease.holder})
    except OperationalError as error:
        _log.warning("the lease of %s was not released and expires by itself: %s", lease.terms.name, error)
